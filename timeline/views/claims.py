"""Claims: what views keep of each fact, what is shown first, and where sources contradict one another.

A folded state is the list of all effective claims about its key, in the order of folding: nothing is dropped. What a
row shows is computed from that list. Facts go before plans, plans before opinions, opinions before denials; among
equals the later known goes first, and of claims known at the same instant the one folded last. Who claims something
else later has changed their story: the earlier claim stays in the list and no longer counts. Disputes are between
different voices only.

A view of one's own needs little more than its fields:

>>> shown = presenting(text=("place",), numbers=("casualties",))
>>> shown({"claims": []}, date(2024, 1, 1))
{'claims': []}
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from timeline.temporal import OPEN_FUTURE, Valid, format_instant
from timeline.views.sayings import (
    Claim,
    Saying,
    amount,
    compatible,
    denies,
    moment,
    mood,
    number,
    number_or_word,
    spoken,
    term,
    voice,
    word,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from timeline.events import Entry
    from timeline.fold import State

    Reader = Callable[[Claim, str], Saying | None]

__all__ = [
    "DENIAL",
    "FACT",
    "OPINION",
    "PLAN",
    "Claim",
    "Saying",
    "amount",
    "claim",
    "clash",
    "compatible",
    "current",
    "day_after",
    "denies",
    "disputes",
    "fold",
    "leading",
    "moment",
    "mood",
    "newest",
    "number",
    "number_or_word",
    "presenting",
    "readings",
    "said",
    "slug",
    "spoken",
    "standing",
    "stated",
    "term",
    "told",
    "unrevoked",
    "voice",
    "word",
]

_DAY = timedelta(days=1)
FACT, PLAN, OPINION, DENIAL = range(4)
_RANKS = {"asserted": FACT, "reported": FACT, "expected": PLAN, "opinion": OPINION}


def fold(state: State | None, entry: Entry) -> State:
    """Return the state with the claim of one more fact. The fold of every view that keeps its claims."""
    return {"claims": [*(state["claims"] if state else ()), claim(entry)]}


def claim(entry: Entry) -> Claim:
    """Return what views keep of a fact. `began` (its first day, at the earliest and latest) is not shown."""
    valid = entry.valid or Valid.parse("unknown")
    return {
        "fact": entry.fact,
        "kind": entry.kind,
        "said_by": list(entry.said_by) or [entry.voice] * bool(entry.voice),
        "known": format_instant(entry.known),
        "valid": valid.text,
        "began": [valid.first_lo.isoformat(), valid.first_hi.isoformat()],
        "modality": entry.modality,
        "polarity": entry.polarity,
        "data": dict(entry.data),
    }


def newest(state: State) -> list[Claim]:
    """Return the claims, latest known first; of those known at the same instant the one folded last."""
    return sorted(state["claims"], key=lambda item: item["known"].removesuffix("Z"))[::-1]


def standing(item: Claim) -> int:
    """Return the rank of a claim: FACT, PLAN, OPINION or DENIAL."""
    return DENIAL if denies(item) else _RANKS[item["modality"]]


def leading(held: Iterable[Claim]) -> list[Claim]:
    """Return the claims of the best rank there is, in the order given: facts, plans, opinions or denials."""
    held = list(held)
    best = min(map(standing, held), default=0)
    return [item for item in held if standing(item) == best]


def readings(held: Iterable[Claim], read: Reader, name: str, *kinds: str) -> list[Saying]:
    """Return what claims, of these kinds if any are named, say of a field."""
    found = (read(item, name) for item in held if not kinds or item["kind"] in kinds)
    return [saying for saying in found if saying is not None]


def current(sayings: Iterable[Saying]) -> list[Saying]:
    """Return the sayings, given latest known first, that their own voice has not taken back or replaced since."""
    kept: dict[tuple[object, str], list[Saying]] = {}
    sayings = list(sayings)
    for saying in sayings:
        own = kept.setdefault((saying.voice, saying.mood), [])
        if not any(_replaces(later, saying) for later in own):
            own.append(saying)
    remaining = {id(saying) for own in kept.values() for saying in own}
    return [saying for saying in sayings if id(saying) in remaining]


def _replaces(later: Saying, earlier: Saying) -> bool:
    repeated = later.denied == earlier.denied and later.value == earlier.value
    return not repeated and (not later.denied or not compatible(later, earlier))


def said(sayings: Iterable[Saying]) -> Any:  # noqa: ANN401  any JSON value
    """Return the value to show of sayings given latest known first: the first of the best rank, None if all deny."""
    ranked = sorted(current(sayings), key=lambda saying: standing(saying.claim))
    return ranked[0].value if ranked and not ranked[0].denied else None


def clash(sayings: Iterable[Saying], agree: Callable[[Saying, Saying], bool] = compatible) -> list[dict[str, Any]]:
    """Return the sayings that another voice's contradicts, each with its fact and speakers; empty without a dispute."""
    held = [(saying.voice, saying) for saying in sayings]
    if len({heard for heard, _ in held}) == 1:
        return []
    return [_side(one) for mine, one in held if any(mine != heard and not agree(one, other) for heard, other in held)]


def _side(saying: Saying) -> dict[str, Any]:
    side = {"value": saying.value, "said_by": saying.claim["said_by"], "fact": saying.claim["fact"]}
    return side | ({"polarity": "negated"} if saying.denied else {})


def disputes(**fields: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Return the fields in dispute, with their sides, out of what `clash` found for each."""
    return {name: sides for name, sides in fields.items() if sides}


def told(state: State) -> list[Claim]:
    """Return the claims as rows show them, latest known first."""
    return [{name: value for name, value in item.items() if name != "began"} for item in newest(state)]


def stated(state: State, fields: Mapping[str, Any], contested: Mapping[str, Any]) -> State:
    """Return a presented state: the fields that have a value, the disputes if there are any, and every claim."""
    shown = {name: value for name, value in fields.items() if value is not None}
    return shown | ({"disputes": dict(contested)} if contested else {}) | {"claims": told(state)}


def presenting(
    *,
    text: Iterable[str] = (),
    words: Iterable[str] = (),
    numbers: Iterable[str] = (),
    dates: Iterable[str] = (),
    terms: Iterable[str] = (),
    status: Mapping[str, str] | None = None,
    agree: Callable[[Saying, Saying], bool] = compatible,
) -> Callable[[State, date], State]:
    """Return a `present` that shows these fields of `data`, each by the latest claim that states it.

    `words` are judged by equality (a closed list, a yes or no), `numbers` with `unit` and `comparator`, `dates` and
    `terms` as EDTF points and periods, by `agree`. `text` is shown and not judged: two wordings are no dispute.
    `status` names what each kind amounts to. What the fields rest on is said by `modality`, so that a plan or an
    opinion is never read as a fact; `polarity` is there where all that is left is a denial.
    """
    judged: dict[str, Reader] = {**dict.fromkeys(words, word), **dict.fromkeys(numbers, number_or_word)}
    judged |= {**dict.fromkeys(dates, moment), **dict.fromkeys(terms, term)}
    fields: dict[str, Reader] = {**dict.fromkeys(text, word), **judged}

    def present(state: State, _on: date) -> State:
        held = unrevoked(newest(state), fields)
        first = leading(held)
        shown = {name: next((s.value for s in readings(first, read, name)), None) for name, read in fields.items()}
        affirmed = [item for item in held if not denies(item)]
        contested = {name: clash(current(readings(affirmed, read, name)), agree) for name, read in judged.items()}
        named = {"status": (status or {}).get(first[0]["kind"])} if first else {}
        return stated(state, named | shown | _manner(first), disputes(**contested, polarity=_denied(held, fields)))

    return present


def _manner(first: list[Claim]) -> dict[str, Any]:
    if not first:
        return {}
    return {"modality": first[0]["modality"]} | ({"polarity": "negated"} if denies(first[0]) else {})


def unrevoked(held: Iterable[Claim], fields: Mapping[str, Reader]) -> list[Claim]:
    """Return the claims, latest known first, without those whose own voice said the opposite later."""
    kept: list[Claim] = []
    held = list(held)
    if not any(map(denies, held)):
        return held
    for item in held:
        if not any(voice(later) == voice(item) and _opposite(later, item, fields) for later in kept):
            kept.append(item)
    return kept


def _denied(held: list[Claim], fields: Mapping[str, Reader]) -> list[dict[str, Any]]:
    """Return the claims that another voice denies outright, and those denials."""
    if not any(map(denies, held)):
        return []
    contested = [one for one in held if any(voice(one) != voice(b) and _opposite(one, b, fields) for b in held)]
    return [_side(spoken(item, "negated" if denies(item) else "affirmed")) for item in contested]


def _opposite(one: Claim, other: Claim, fields: Mapping[str, Reader]) -> bool:
    """Return whether one claim denies what the other affirms, in every field that both state; opinions deny nothing."""
    if denies(one) == denies(other) or one["kind"] != other["kind"] or not mood(one) == mood(other) != "opinion":
        return False
    pairs = [(read(one, name), read(other, name)) for name, read in fields.items()]
    return all(not compatible(a, b) for a, b in pairs if a is not None and b is not None)


def day_after(text: str | None) -> date | None:
    """Return the first day that lies surely after an EDTF date; None where it has no last day or there is no date."""
    last = OPEN_FUTURE if text is None else Valid.parse(text).last_hi
    return None if last == OPEN_FUTURE else last + _DAY


def slug(text: str) -> str:
    """Return a text as part of a key: lower case, with `-` for all that is neither letter, digit, `_` nor `.`.

    >>> slug("United Arab Emirates"), slug("SWIFT")
    ('united-arab-emirates', 'swift')
    """
    return re.sub(r"[^\w.]+", "-", text.casefold()).strip("-.")
