"""The vocabulary: what plug-ins add, and what they may not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from timeline import vocabulary
from timeline.errors import NotFound, Refused

if TYPE_CHECKING:
    from pathlib import Path

PLUGIN = """
from timeline import Data, Kind, Projection
from timeline.kinds import BUILTIN

class Rain(Data):
    millimetres: int

RAIN = Kind(name="rain.measured", about="Rain that fell.", data=Rain)
VIEW = Projection(
    name="rain", version=1, about="Rain by place.", kinds=frozenset({"rain.measured"}),
    keys=lambda event: [event.subject], fold=lambda state, entry: dict(entry.data),
)
"""


def plugin(folder: Path, content: str) -> str:
    """Return the path of a plug-in with this content."""
    path = folder / "own.py"
    path.write_text(content)
    return str(path)


def test_a_plugin_adds_kinds_and_views(tmp_path: Path) -> None:
    """What is imported into it from elsewhere is no addition."""
    words = vocabulary.load([plugin(tmp_path, PLUGIN)])
    assert words.kind("rain.measured").about == "Rain that fell."
    assert words.view("rain").name == "rain"
    assert words.kind("sanction.imposed").lasting


def test_an_unknown_name_brings_the_nearest() -> None:
    """A kind is refused, since facts are made of it; a view is not found."""
    words = vocabulary.load()
    with pytest.raises(Refused, match=r"Did you mean sanction\.imposed\?"):
        words.kind("sanctions.imposed")
    with pytest.raises(NotFound, match=r"Did you mean sanctions\?"):
        words.view("sanction")
    with pytest.raises(NotFound, match="There are: "):
        words.view("zzz")


@pytest.mark.parametrize(
    "content, message",
    [
        (PLUGIN.replace("rain.measured", "visit.made"), "'visit.made' is defined twice"),
        (PLUGIN.replace('name="rain"', 'name="sanctions"'), "'sanctions' is defined twice"),
        (
            PLUGIN.replace('frozenset({"rain.measured"})', 'frozenset({"rain.mesured"})'),
            r"Did you mean rain\.measured\?",
        ),
        ("import nonsense_that_is_not_there", "ModuleNotFoundError"),
        ("def", "SyntaxError"),
    ],
)
def test_a_bad_plugin_is_refused(tmp_path: Path, content: str, message: str) -> None:
    """No name is defined twice, no view reads a kind that is not there, and broken code is named."""
    with pytest.raises(Refused, match=message):
        vocabulary.load([plugin(tmp_path, content)])


def test_a_plugin_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """The refusal names the file."""
    for name in ("none.py", "list.csv"):
        with pytest.raises(Refused) as caught:
            vocabulary.load([str(tmp_path / name)])
        assert name in str(caught.value)


@pytest.mark.parametrize(
    "given, other, message",
    [
        ('name="rain", ', 'name="a/b", ', "no view can be named 'a/b'"),
        ('name="rain", ', 'name="a=b", ', "no view can be named 'a=b'"),
        ("version=1", "version=0", "cannot have the version 0"),
        ("version=1", "version=1_000_000_000", "cannot have the version 1000000000"),
    ],
)
def test_a_view_that_no_token_can_name_is_refused(tmp_path: Path, given: str, other: str, message: str) -> None:
    """Its answers could not be asked for again."""
    with pytest.raises(Refused, match=message):
        vocabulary.load([plugin(tmp_path, PLUGIN.replace(given, other))])
