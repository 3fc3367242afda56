"""The view `sanctions`: measures in force, and the rounds in which they came.

| key                                  | row                                                        |
|--------------------------------------|------------------------------------------------------------|
| `russia/import_restriction/diamonds` | a measure: target, measure, and object (or else programme) |
| `russia/round/12`                    | a round, with its act and its dates                        |
| `russia/rounds`                      | how many rounds there were, and the latest one known       |
| `russia`                             | what concerns the target as a whole                        |

A measure is in force from the day it is imposed until the day it is lifted, for each authority on its own; imposed
again, it is in force again. Rounds only ever grow in number: a later, higher count is no contradiction. Dates and
acts of different rounds or by different authorities are different questions.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from timeline.fold import Projection
from timeline.views import claims
from timeline.views.sayings import amount, grows

if TYPE_CHECKING:
    from datetime import date

    from timeline.events import Event
    from timeline.fold import State
    from timeline.views.claims import Claim, Saying

_IMPOSED, _ROUND, _COUNTED, _AMENDED, _LIFTED = (
    f"sanction.{what}" for what in ("imposed", "round_adopted", "rounds_counted", "amended", "lifted")
)
_DATES = ("proposed", "announced", "adopted", "published", "effective", "listed")
_TEXTS = (
    "target",
    "measure",
    "object",
    "affected",
    "authority",
    "coordinated_with",
    "program",
    "round",
    "act",
    "amends",
)
_READERS = {"authority": claims.word, "round": claims.word, "rounds": claims.number}


def _keys(event: Event) -> list[str]:
    targets = event.data["target"]
    rows = _rows(event)
    named = dict.fromkeys(map(claims.slug, [targets] if isinstance(targets, str) else targets))
    return ["/".join([target, *row]) for target in named for row in rows]


def _rows(event: Event) -> list[list[str]]:
    """Return what follows the target in the keys of a fact."""
    data = event.data
    if event.kind == _COUNTED:
        return [["rounds"]]
    if event.kind == _ROUND:
        return [["round", str(data["round"])], ["rounds"]]
    if "measure" not in data:
        return [["round", str(data["round"])]] if event.kind == _AMENDED and "round" in data else [[]]
    object_ = data.get("object") or data.get("program")
    return [[data["measure"], *([claims.slug(object_)] if object_ else [])]]


def _present(state: State, _on: date) -> State:
    held = claims.unrevoked(claims.newest(state), _READERS)
    first = claims.leading(held)
    about = _about(first)
    fields = {
        "status": _status(state, first),
        "rounds": _greatest(_rounds(first)),
        **{name: claims.said(claims.readings(about, claims.word, name)) for name in (*_TEXTS, *_DATES)},
        **_foreseen(held, about),
        **_authorities(state, first),
        "changes": [item["data"]["change"] for item in reversed(first) if "change" in item["data"]] or None,
        "modality": first[0]["modality"],
    }
    return claims.stated(state, fields, _disputes(held))


def _about(first: list[Claim]) -> list[Claim]:
    """Return the claims whose fields are shown: what imposed the measure, all of one round, the latest of rounds."""
    made = [item for item in first if item["kind"] in {_IMPOSED, _ROUND, _COUNTED}] or first
    rounds = [item["data"]["round"] for item in made if "round" in item["data"]]
    if not rounds:
        return made
    shown = max(rounds) if any(item["kind"] == _ROUND for item in made) else rounds[0]
    return [item for item in made if item["data"].get("round", shown) == shown]


def _foreseen(held: list[Claim], about: list[Claim]) -> dict[str, Any]:
    """Return when the round shown was proposed and announced; claims that only expect it may know that too."""
    rounds = {item["data"].get("round") for item in about}
    told = [item for item in held if claims.standing(item) in {claims.FACT, claims.PLAN}]
    same = [item for item in told if item["data"].get("round") in rounds]
    return {name: claims.said(claims.readings(same, claims.word, name)) for name in ("proposed", "announced")}


def _status(state: State, first: list[Claim]) -> str | None:
    unmet = {claims.PLAN: "planned", claims.OPINION: "opinion", claims.DENIAL: "denied"}
    if claims.standing(first[0]) != claims.FACT:
        return unmet[claims.standing(first[0])]
    decided = _decided(state, first)
    if decided:
        return "in_force" if any(decided.values()) else "lifted"
    return "adopted" if any(item["kind"] == _ROUND for item in first) else None


def _decided(state: State, first: list[Claim]) -> dict[str, bool]:
    """Return for each authority whether its measure is in force: what began last decides."""
    counted = {id(item) for item in first if item["kind"] in {_IMPOSED, _AMENDED, _LIFTED}}
    acts = [item for item in state["claims"] if id(item) in counted]
    decided: dict[str, bool] = {}
    for item in acts:
        named = item["data"].get("authority")
        decided |= dict.fromkeys(named or decided or [""], item["kind"] != _LIFTED)
    return decided


def _authorities(state: State, first: list[Claim]) -> dict[str, Any]:
    decided = _decided(state, first)
    in_force, lifted = ([name for name, held in decided.items() if held is wanted] for wanted in (True, False))
    return {"authority": in_force or lifted, "lifted_by": lifted or None} if any(decided) else {}


def _rounds(held: list[Claim]) -> list[Saying]:
    """Return how many rounds there were: as counted, and at least as many as the number of one that was adopted."""
    adopted = [amount(item, item["data"]["round"], None, "at_least") for item in held if item["kind"] == _ROUND]
    return [*claims.current(claims.readings(held, claims.number, "rounds", _COUNTED)), *adopted]


def _greatest(rounds: list[Saying]) -> dict[str, Any] | None:
    """Return the greatest count; none where there is but one round and nobody has counted."""
    shown = [saying.value for saying in rounds]
    if all(item.get("comparator") == "at_least" for item in shown) and len({item["value"] for item in shown}) <= 1:
        return None
    greatest: dict[str, Any] = max(shown, key=lambda item: (item["value"], "comparator" not in item))
    return greatest


def _disputes(held: list[Claim]) -> dict[str, list[dict[str, Any]]]:
    return claims.disputes(
        status=claims.clash(_acts(held), _denied_later),
        rounds=claims.clash(_rounds(held), lambda one, other: _apart(one, other) or grows(one, other)),
        **{name: _dated(held, name) for name in _DATES},
    )


def _acts(held: list[Claim]) -> list[Saying]:
    words = {_IMPOSED: "in_force", _ROUND: "adopted", _LIFTED: "lifted"}
    acts = [(item, words[item["kind"]]) for item in held if item["kind"] in words]
    return [replace(claims.spoken(item, value), denied=claims.denies(item)) for item, value in acts]


def _denied_later(one: Saying, other: Saying) -> bool:
    """Return whether two acts can both be: always, but for a denial of the same act that the act has not overtaken."""
    rounds = {one.claim["data"].get("round"), other.claim["data"].get("round")} - {None}
    return len(rounds) > 1 or _apart(one, other) or one.denied == other.denied or grows(one, other)


def _dated(held: list[Claim], name: str) -> list[dict[str, Any]]:
    """Return the claims that give contrary dates of the same act of the same round."""
    acts: dict[tuple[str, int | None], list[Claim]] = {}
    for item in held:
        if not claims.denies(item):
            acts.setdefault((item["kind"], item["data"].get("round")), []).append(item)
    sides = (
        claims.clash(claims.current(claims.readings(act, claims.moment, name)), _same_day) for act in acts.values()
    )
    return [side for found in sides for side in found]


def _same_day(one: Saying, other: Saying) -> bool:
    return _apart(one, other) or claims.compatible(one, other)


def _apart(one: Saying, other: Saying) -> bool:
    """Return whether two claims are of different authorities."""
    first, second = (
        {claims.slug(name) for name in saying.claim["data"].get("authority", [])} for saying in (one, other)
    )
    return bool(first and second) and not first & second


SANCTIONS = Projection(
    name="sanctions",
    version=1,
    about="Measures in force by target, measure and object, and the rounds in which they came.",
    kinds=frozenset({_IMPOSED, _ROUND, _COUNTED, _AMENDED, _LIFTED}),
    keys=_keys,
    fold=claims.fold,
    present=_present,
)
