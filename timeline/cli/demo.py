"""The command demo: the samples recorded as a newsroom would have come to them, and three questions about them."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from timeline.cli.frame import epilog
from timeline.cli.output import Printed, say, write
from timeline.cli.records import make_ready, tell
from timeline.cli.session import Output, form_of, opened
from timeline.errors import Conflict, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterator

    from timeline.app import Timeline

app = typer.Typer()

STEPS = {
    "article": "an article of 26 December 2023, as it was first read",
    "second-reading": "a second reading of the same article, which corrects what was misread",
    "follow-ups": "what other sources had said before and said later",
}
"""The folders of the samples in the order in which they are recorded."""


@dataclass(frozen=True, slots=True)
class _Question:
    """A question about the samples: in words, and as the view, key and flags of `ask`."""

    words: str
    view: str
    key: str
    flags: dict[str, str] = field(default_factory=dict)

    def command(self) -> str:
        """Return the command that asks it."""
        flags = "".join(f" --{name} {value}" for name, value in self.flags.items())
        return f"timeline ask {self.view} {self.key}{flags}"


@app.command(epilog=epilog("timeline demo", 2, 4, 5))
def demo(ctx: typer.Context, *, output: Output = None) -> None:
    """Record the sample documents in three steps, and answer three questions about them."""
    shape = form_of(ctx, output)
    make_ready(ctx)
    with opened(ctx) as line:
        _record(line)
        answers = [_answer(line, question) for question in _questions(_before_second_reading(line))]
    _print(answers, shape)
    say("\nGo on with:")
    for command in ("timeline facts --as-of 2023-12-26", "timeline log s-400-india", "timeline export news/"):
        say(f"  {command}")


def seeds() -> Path:
    """Return the folder of the samples: beside the package in a checkout, inside it where it is installed."""
    package = Path(__file__).parent.parent
    for folder in (package / "seeds", package.parent / "seeds"):
        if folder.is_dir():
            return folder
    raise NotFound("the samples are not installed", remedy="Install timeline again, from its wheel or its repository")


def _record(line: Timeline) -> None:
    """Record the samples step by step, but not among facts of other origin: they could not be taken out again."""
    from timeline.exchange import read  # noqa: PLC0415

    article = next(iter(read(seeds() / "article")))
    if line.stats()["events"] and all(document != article for document in line.documents()):
        message = f"the timeline {line.name!r} holds facts of its own, and nothing is ever taken out again"
        raise Conflict(message, remedy="Keep the samples apart: timeline --timeline demo demo")
    for number, (step, about) in enumerate(STEPS.items(), start=1):
        if (seeds() / step).is_dir():
            say(f"{number}. {about}")
            tell(line.record(read(seeds() / step)))


def _before_second_reading(line: Timeline) -> int:
    """Return the position before the first correction, where the second reading of the article begins."""
    last = 0
    for entry in line.log():
        if entry.action == "correct":
            break
        last = entry.position
    return last


def _questions(first_reading: int) -> Iterator[_Question]:
    day = "2024-06-01"
    yield _Question("How did India's S-400 order stand on 1 June 2024?", "deliveries", "s-400-india", {"on": day})
    words = "How did it stand on that day, from what was public by the end of 2023?"
    yield _Question(words, "deliveries", "s-400-india", {"on": day, "known": "2023-12-31"})
    words = "Who was cut off from SWIFT, as this store answered before the article was read a second time?"
    flags = {"on": "2023-12-26", "recorded": str(first_reading)}
    yield _Question(words, "sanctions", "russia/financial_restriction/swift", flags)


def _answer(line: Timeline, question: _Question) -> dict[str, Any]:
    flags: dict[str, Any] = question.flags
    answer = line.ask(question.view, question.key, **flags)
    return {"question": question.words, "command": question.command(), **answer.to_dict()}


def _print(answers: list[dict[str, Any]], shape: str) -> None:
    """Print answers: as rows; for people each below its question, without the claims behind the state."""
    if shape != "table":
        write(Printed(name="answers", rows=answers), shape)
        return
    for answer in answers:
        basis = answer["basis"]
        say(f"\n{answer['question']}\n$ {answer['command']}")
        sys.stderr.flush()
        states = ({name: value for name, value in row["state"].items() if name != "claims"} for row in answer["rows"])
        rows = ({**row, "state": state} for row, state in zip(answer["rows"], states, strict=True))
        write(Printed(name="rows", rows=rows), shape)
        sys.stdout.flush()
        say(f"as of {basis['on']}, known {basis['known']}, recorded {basis['recorded']}")
