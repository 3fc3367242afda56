"""Commands that correct: correct, retract, correct-document. Each shows before and after, then asks."""

from __future__ import annotations

import re
import shutil
import sys
import textwrap
from datetime import UTC, date, datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from timeline.cli.frame import epilog
from timeline.cli.output import Printed, say, words, write, write_lines
from timeline.cli.records import counted, tell
from timeline.cli.session import BasisToken, On, Output, form_of, opened
from timeline.errors import Place, Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from timeline.changing import Asked, Effect, Preview, Restated
    from timeline.corrections import Correction
    from timeline.difference import Change, Fields

app = typer.Typer()

NAMED = 3
"""Facts that are named of those with the same difference; all of them are counted."""

SHOWN = 12
"""Rows of a view that are shown; all of them are counted, and printed in every form but the table."""

WIDEST = 100
"""Columns that before and after take at most."""

Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why: it stays with the event.")]
SinceKnown = Annotated[
    str | None, typer.Option("--known", metavar="DATE", help="The source changed its story, and said so then.")
]
Misread = Annotated[bool, typer.Option("--misread", help="We misread the source: it said so all along.")]
NewSource = Annotated[
    str | None, typer.Option(metavar="DOC[#QUOTE]", help="The document that says so; its publication is --known.")
]
Expect = Annotated[
    str | None, typer.Option(metavar="EVENT", help="End with 5 unless this event is the version in force.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Record it without asking.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only show it.")]


@app.command(epilog=epilog('timeline correct s400-plan-1 --set quantity=4 --misread --reason "misread"', 2, 3, 4, 5))
def correct(  # noqa: PLR0913  each is an option of the command line
    ctx: typer.Context,
    fact: Annotated[str | None, typer.Argument(help="The fact's identity, as answers print it.")] = None,
    *,
    reason: Reason,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="PATH=VALUE", help="A field of data, or of the line; null: none."),
    ] = None,
    valid: Annotated[str | None, typer.Option(metavar="TIME", help="When it holds.")] = None,
    known: SinceKnown = None,
    misread: Misread = False,
    source: NewSource = None,
    expect: Expect = None,
    file: Annotated[
        str | None, typer.Option(metavar="FILE.jsonl", help="Many corrections: fact, set, valid, known … a line.")
    ] = None,
    on: On = None,
    basis: BasisToken = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    output: Output = None,
) -> None:
    """State a fact anew: show what would change and record it."""
    from timeline.corrections import Correction, assignments  # noqa: PLC0415

    ask = _Ask(ctx, output, yes=yes, dry_run=dry_run)
    usual: dict[str, Any] = {"known": _instant(known), "misread": misread, "reason": reason}
    if (fact is None) is (file is None):
        raise Refused("one fact or one file of corrections", remedy="timeline correct FACT …, or --file FILE.jsonl")
    if fact is None:
        if given := [
            name for name, value in (("set", set_), ("valid", valid), ("source", source), ("expect", expect)) if value
        ]:
            remedy = "Say it in the lines of the file"
            raise Refused("this is about one fact", remedy=remedy, place=Place(field=f"--{given[0]}"))
        ask(_of_file(str(file), usual), on=on, basis=basis)
        return
    about: dict[str, Any] = {
        "set": assignments(set_ or ()),
        "valid": _time(valid, "--valid"),
        "source": _source(source),
    }
    ask([Correction(fact=fact, expect=expect, **about, **usual)], on=on, basis=basis)


@app.command(epilog=epilog('timeline retract s400-plan-1 --known 2026-02-01 --reason "withdrawn"', 2, 3, 4, 5))
def retract(  # noqa: PLR0913
    ctx: typer.Context,
    fact: Annotated[str, typer.Argument(help="The fact's identity, as answers print it.")],
    *,
    reason: Reason,
    known: SinceKnown = None,
    misread: Misread = False,
    source: NewSource = None,
    expect: Expect = None,
    on: On = None,
    basis: BasisToken = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    output: Output = None,
) -> None:
    """Take a fact back: show what would change and record it. A later correction reinstates it."""
    from timeline.corrections import Correction  # noqa: PLC0415

    about: dict[str, Any] = {"known": _instant(known), "misread": misread, "source": _source(source), "expect": expect}
    asked = Correction(fact=fact, retract=True, reason=reason, **about)
    _Ask(ctx, output, yes=yes, dry_run=dry_run)([asked], on=on, basis=basis)


@app.command(
    "correct-document",
    epilog=epilog('timeline correct-document news/port.txt --published 2024-02-03 --reason "misdated"', 2, 3, 4, 5),
)
def correct_document(  # noqa: PLR0913
    ctx: typer.Context,
    document: Annotated[str, typer.Argument(help="Its identity, or its text.")],
    *,
    reason: Reason,
    published: Annotated[str | None, typer.Option(metavar="TIME", help="When it was published.")] = None,
    published_how: Annotated[str | None, typer.Option(metavar="TEXT", help="How that is known.")] = None,
    publisher: Annotated[str | None, typer.Option(metavar="NAME", help="Who published it.")] = None,
    title: Annotated[str | None, typer.Option(metavar="TEXT", help="Its title.")] = None,
    language: Annotated[str | None, typer.Option(metavar="TAG", help="Its language, such as en.")] = None,
    url: Annotated[str | None, typer.Option(metavar="URL", help="Where it was published.")] = None,
    on: On = None,
    basis: BasisToken = None,
    yes: Yes = False,
    dry_run: DryRun = False,
    output: Output = None,
) -> None:
    """Correct what is known of a document; another day of publication moves what was known and reckoned by it."""
    from timeline.redating import Description  # noqa: PLC0415

    given = {"title": title, "publisher": publisher, "language": language, "url": url}
    given |= {"published": _time(published, "--published"), "published_how": published_how}
    particulars = {name: value for name, value in given.items() if value is not None}
    ask = _Ask(ctx, output, yes=yes, dry_run=dry_run)
    ask([Description(document=_identity(document), particulars=particulars, reason=reason)], on=on, basis=basis)


class _Ask:
    """Shows what is asked, and records it if that is what the person wants."""

    def __init__(self, ctx: typer.Context, output: str | None, *, yes: bool, dry_run: bool) -> None:
        """Refuse to begin where nobody can be asked."""
        self._ctx, self._yes, self._dry_run = ctx, yes, dry_run
        self._shape = form_of(ctx, output)
        if not (yes or dry_run or sys.stdin.isatty()):
            remedy = "Look at it with --dry-run, then record it with --yes"
            raise Refused("there is no terminal to ask whether it is meant so", remedy=remedy)

    def __call__(self, asked: Sequence[Asked], **question: str | None) -> None:
        """Preview, ask, record; what has been displaced between the two is a conflict."""
        with opened(self._ctx) as line:
            preview = line.preview(asked, **question)
            _print(preview, self._shape)
            if self._dry_run:
                say(f"{counted(len(preview.events), 'event')} would be recorded")
                return
            if not self._yes and not typer.confirm(f"Record {counted(len(preview.events), 'event')}?", err=True):
                say("nothing is recorded")
                raise typer.Exit(1)
            receipt = line.correct(asked, basis=preview.basis.token)
        tell(receipt)


def _of_file(path: str, usual: Mapping[str, Any]) -> list[Correction]:
    """Return the corrections of a file; the first bad line refuses all."""
    from timeline.corrections import correction  # noqa: PLC0415
    from timeline.exchange import Line, read  # noqa: PLC0415

    if not path or Path(path).is_dir():
        raise Refused(f"{path!r} is no file", remedy="Name one that ends in .jsonl", place=Place(field="--file"))
    found: list[Correction] = []
    given = {name: value for name, value in usual.items() if value}
    for item in read(path):
        if isinstance(item, Refused):
            raise item
        if not isinstance(item, Line):
            raise Refused("this is no file of corrections", remedy="Name one that ends in .jsonl", place=Place(path))
        found.append(correction(item.fields, item.place, **given))
    return found


def _today() -> date:
    return datetime.now(UTC).date()


def _time(text: str | None, flag: str) -> str | None:
    """Return a time that a person typed in EDTF."""
    from timeline import phrases  # noqa: PLC0415

    try:
        return None if text is None else phrases.read(text, today=_today()).edtf
    except Refused as error:
        error.place = Place(field=flag)
        raise


def _instant(text: str | None) -> str | None:
    """Return a day or an instant that a person typed as lines have it."""
    from timeline import phrases  # noqa: PLC0415

    try:
        plain = text is None or re.match(r"\d{4}-\d\d-\d\d", text.strip())
        return text if plain else phrases.day(str(text), today=_today()).isoformat()
    except Refused as error:
        error.place = Place(field="--known")
        raise


def _source(given: str | None) -> str | None:
    """Return `DOCUMENT#QUOTE` with the identity of the document."""
    if given is None:
        return None
    document, mark, quote = given.partition("#")
    return f"{_identity(document)}{mark}{quote}"


def _identity(given: str) -> str:
    """Return the identity of a document that is named by it, or by the path of its text."""
    if given.startswith("sha256:"):
        return given
    from timeline.texts import read_document  # noqa: PLC0415

    if not Path(given).exists():
        remedy = "Give its identity (sha256:…), as timeline show FACT prints it, or the path of its text"
        raise Refused("there is no such document", remedy=remedy, place=Place(given))
    return read_document(Path(given)).id


def _print(preview: Preview, shape: str) -> None:
    if shape == "table":
        write_lines(_told(preview))
    else:
        rows = [*map(_fact, preview.facts), *(row for effect in preview.effects for row in _changes(effect))]
        rows += [{"fact": entry.fact, "by_hand": True, "time": entry.time} for entry in preview.by_hand]
        write(Printed(name="changes", rows=rows, header={"basis": preview.basis.to_dict()}), shape)
    sys.stdout.flush()


def _fact(told: Restated) -> dict[str, Any]:
    from timeline.temporal import format_instant  # noqa: PLC0415

    built_on = told.before.event if told.before else None
    about = {"fact": told.after.fact, "change": told.after.action, "known": format_instant(told.after.known)}
    return about | {"event": told.after.event, "in_force": built_on, "fields": _pairs(told.fields)}


def _changes(effect: Effect) -> Iterator[dict[str, Any]]:
    from timeline.temporal import format_instant  # noqa: PLC0415

    at = {"on": effect.on.isoformat(), "known": format_instant(effect.known)}
    for change in effect.changes:
        yield {"view": effect.view, "key": change.key, "change": change.change, **at, "fields": _pairs(change.fields)}


def _pairs(fields: Fields) -> dict[str, Any]:
    return {path: list(pair) for path, pair in fields.items()}


def _told(preview: Preview) -> Iterator[str]:
    """Yield lines for people: the facts, what a person has to look at, the rows of each view."""
    documents = [told for told in preview.facts if told.after.kind == "document.described"]
    for told in documents:
        yield f"document {told.after.data.get('title', told.after.subject)}"
        yield from _side_by_side(told.fields)
    yield from _facts([told for told in preview.facts if told not in documents])
    if preview.by_hand:
        yield f"{counted(len(preview.by_hand), 'fact')} to look at: what the days were reckoned from is not clear"
        for entry in preview.by_hand:
            wording = (entry.time or {}).get("text", "")
            yield f"  {entry.fact}  {entry.valid.text if entry.valid else ''}  {wording}".rstrip()
    for _, effects in groupby(preview.effects, lambda effect: (effect.view, [_changed(one) for one in effect.changes])):
        yield from _rows(list(effects), preview.now)
    if not preview.effects:
        yield f"no row of a view changes on {preview.basis.on}; --on DAY shows another day"


def _changed(change: Change) -> tuple[str, str, Fields]:
    return change.key, change.change, change.fields


def _facts(facts: Iterable[Restated]) -> Iterator[str]:
    """Yield what becomes of facts, those with the same differences together."""

    def alike(told: Restated) -> str:
        return repr((told.after.action, told.after.known, sorted(told.fields.items()) if told.after.valid else ()))

    for _, group in groupby(sorted(facts, key=alike), alike):
        held = list(group)
        first = held[0]
        names = ", ".join(told.after.fact for told in held[:NAMED])
        names += f" and {counted(len(held) - NAMED, 'other')}" if len(held) > NAMED else ""
        what = f"{'corrected' if first.after.valid else 'retracted'}, known since {_moment(first.after.known)}"
        instead = f", in place of event {first.before.event[:16]}" if first.before and len(held) == 1 else ""
        yield f"{names}: {what}{instead}"
        if first.after.valid:
            yield from _side_by_side({path: pair for path, pair in first.fields.items() if path != "known"})


def _rows(effects: Sequence[Effect], now: datetime) -> Iterator[str]:
    """Yield the rows of a view that change alike on some days, without the claims behind them."""
    first = effects[0]
    days = " and ".join(
        f"on {effect.on}, known {'now' if effect.known == now else _moment(effect.known)}" for effect in effects
    )
    shown = [(change, fields) for change in first.changes if (fields := _without_claims(change))]
    rest = len(first.changes) - len(shown)
    alike = f"{counted(rest, 'row')} with other claims and the same state"
    yield f"{first.view} {days}" + (f": {alike}" if rest and not shown else "")
    for change, fields in shown[:SHOWN]:
        yield f"  {change.key}{'' if change.change == 'changed' else f' {change.change}'}"
        whole = change.change == "changed"
        yield from _side_by_side({path: pair for path, pair in fields.items() if whole or path == "stuck"}, "    ")
    if len(shown) > SHOWN:
        yield f"  … and {counted(len(shown) - SHOWN, 'row')} more; -o json shows all of them"
    if rest and shown:
        yield f"  {alike}"


def _without_claims(change: Change) -> Fields:
    return {path: pair for path, pair in change.fields.items() if path.partition(".")[0] != "claims"}


def _moment(instant: datetime) -> str:
    """Return an instant to the second; a day's beginning as the day."""
    text = instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return text.removesuffix(" 00:00:00")


def _side_by_side(fields: Fields, indent: str = "  ") -> Iterator[str]:
    """Yield a line a field, what it said before and what it says then, folded where they are long."""
    cells = [(path, *(words(value) for value in pair)) for path, pair in fields.items()]
    name = max((len(path) for path, _, _ in cells), default=0)
    room = min(shutil.get_terminal_size().columns, WIDEST) - len(indent) - name - 5
    longest = max((len(line) for _, before, _ in cells for line in before.splitlines()), default=1)
    half = max(1, min(max(16, room // 2), longest))
    for path, before, after in cells:
        left, right = _folded(before, half), _folded(after, max(16, room - half))
        for number in range(max(len(left), len(right))):
            one, other = (part[number] if number < len(part) else "" for part in (left, right))
            arrow = "→" if number == 0 else " "
            yield f"{indent}{path if number == 0 else '':{name}}  {one:{half}} {arrow} {other}".rstrip()


def _folded(text: str, width: int) -> list[str]:
    lines = [part for line in text.splitlines() for part in textwrap.wrap(line, width) or [""]]
    return lines or [""]
