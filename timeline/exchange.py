"""Reading of facts and documents from files, folders and standard input.

Hides where things lie and every way in which a file can be broken. What a reading yields is either sound in form (a
document, or the fields of a fact with the place they stand at) or a refusal that names file, line and remedy; nothing
is silently mended. Memory is bounded by the longest line and the longest document, however many there are.
"""

from __future__ import annotations

import json
import os
import sys
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from timeline.errors import Place, Refused
from timeline.texts import LONGEST, TEXTS, read_document, refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from timeline.events import Document

FACTS = (".jsonl", ".ndjson", ".json")
STANDARD_INPUT = "-"
DEEPEST = 100
"""Levels of lists and objects within each other that a line may have."""

_BOM = b"\xef\xbb\xbf"
_TOO_DEEP = f"lists and objects lie more than {DEEPEST} deep"


@dataclass(frozen=True, slots=True)
class Line:
    """The fields of one fact line, as parsed but not yet checked, and where it stands."""

    place: Place
    fields: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """What given files and folders hold: first every document, then the fact lines in order.

    A part that cannot be read is yielded as `Refused` in its place, so that the caller decides whether to go on without
    it. A text that a fact line names by its path is yielded just before that line, if it was not among the documents.
    Each iteration reads the files afresh.
    """

    texts: tuple[Path, ...]
    facts: tuple[Path, ...]
    refusals: tuple[Refused, ...] = ()

    def __iter__(self) -> Iterator[Document | Line | Refused]:
        """Yield documents, then lines; refusals where they occur."""
        yield from self.refusals
        known: dict[Path, str] = {}
        for path in self.texts:
            yield from _documents(path, known)
        for path in self.facts:
            for line in _lines(path):
                yield from _resolved(line, path, known) if isinstance(line, Line) else (line,)


def read(*paths: str | os.PathLike[str]) -> Reading:
    """Return the reading of files and folders; `-` stands for fact lines on standard input.

    Folders are read with all that is in them, in order of name, but for hidden files and those that are neither facts
    nor texts. A file that is named must be one of the two. What is not there is refused at once, all else when reached.
    """
    found = _Found()
    for path in paths:
        if os.fspath(path) == STANDARD_INPUT:
            found.facts.append(Path(STANDARD_INPUT))
        else:
            found.take(Path(path))
    if not (found.texts or found.facts or found.refusals):
        places = ", ".join(os.fspath(path) for path in paths) or "nothing"
        raise Refused(f"no facts and no documents in {places}", remedy=f"Name files that end in {_suffixes()}")
    return Reading(_once(found.texts), _once(found.facts), tuple(found.refusals))


@dataclass(slots=True)
class _Found:
    """What has been found so far while walking over what was named."""

    texts: list[Path] = field(default_factory=list)
    facts: list[Path] = field(default_factory=list)
    refusals: list[Refused] = field(default_factory=list)

    def take(self, path: Path) -> None:
        """Take a file or folder that was named: it must be there and be of use."""
        try:
            self._take(path)
        except OSError as error:
            message = f"the file cannot be reached ({error.strerror})"
            raise refused(path, message, "Check the name and your rights") from error

    def _take(self, path: Path) -> None:
        if path.is_dir():
            self._take_folder(path)
        elif not path.exists():
            raise refused(path, "there is no such file", "Check the name")
        elif path.suffix == ".toml" and path.with_suffix("").name:
            self._take_text_of(path)
        elif not self._take_file(path):
            remedy = f"Name files that end in {_suffixes()}; a table needs --map FILE.toml"
            raise refused(path, "this is neither a file of facts nor a text", remedy)

    def _take_folder(self, folder: Path) -> None:
        try:
            inside = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
            folders = {path for path in inside if path.is_dir()}
        except OSError as error:
            message = f"the folder cannot be read ({error.strerror})"
            self.refusals.append(refused(folder, message, "Check your rights"))
            return
        for path in inside:
            if path in folders:
                self._take_folder(path)
            elif path.suffix == ".toml":
                self._take_lone(path)
            else:
                self._take_file(path)

    def _take_file(self, path: Path) -> bool:
        wanted = self.facts if path.suffix in FACTS else self.texts if path.suffix in TEXTS else None
        if wanted is not None:
            wanted.append(path)
        return wanted is not None

    def _take_text_of(self, card: Path) -> None:
        """Take the text that a TOML file describes."""
        text = next((card.with_suffix(suffix) for suffix in TEXTS if card.with_suffix(suffix).is_file()), None)
        if text is None:
            self._take_lone(card)
        else:
            self.texts.append(text)

    def _take_lone(self, card: Path) -> None:
        if not any(card.with_suffix(suffix).exists() for suffix in TEXTS):
            remedy = f"Put {card.with_suffix(TEXTS[0]).name} beside it, or take it away"
            self.refusals.append(refused(card, "this describes a text that is not there", remedy))


def _suffixes() -> str:
    return ", ".join((*FACTS, *TEXTS))


def _once(paths: Iterable[Path]) -> tuple[Path, ...]:
    """Return paths without those that name a file a second time."""
    return tuple({path.resolve() if path.name != STANDARD_INPUT else path: path for path in paths}.values())


def _documents(path: Path, known: dict[Path, str]) -> Iterator[Document | Refused]:
    """Yield the document of a path unless this reading had it already."""
    at = path.resolve()
    if at in known:
        return
    try:
        document = read_document(path)
    except Refused as refusal:
        yield refusal
    else:
        known[at] = document.id
        yield document


def _resolved(line: Line, file: Path, known: dict[Path, str]) -> Iterator[Document | Line | Refused]:
    """Yield the line with the id of its document where it names a text by its path, and before it that document."""
    source = line.fields.get("source")
    name = source.get("document") if isinstance(source, dict) else None
    if not isinstance(source, dict) or not isinstance(name, str) or name.startswith("sha256:"):
        yield line
        return
    path = (file.parent if file.name != STANDARD_INPUT else Path()) / name
    place = Place(line.place.file, line.place.line, "source.document")
    if path.suffix not in TEXTS or not _there(path):
        remedy = f"Give its id (sha256:…) or its path from here, ending in {' or '.join(TEXTS)}"
        yield Refused(f"there is no document {name!r}", remedy=remedy, place=place)
        return
    for read_now in _documents(path, known):
        if isinstance(read_now, Refused):
            yield Refused(f"{read_now.place}: {read_now.message}", remedy=read_now.remedy, place=place)
            return
        yield read_now
    yield Line(line.place, {**line.fields, "source": {**source, "document": known[path.resolve()]}})


def _there(path: Path) -> bool:
    """Return whether there is a file, or something that cannot be looked at: reading it will say why."""
    try:
        return path.is_file()
    except OSError:
        return True


def _lines(path: Path) -> Iterator[Line | Refused]:
    """Yield the lines of a file of facts; a line that cannot be taken as the refusal that says why."""
    name = "standard input" if path.name == STANDARD_INPUT else str(path)
    empty = True
    try:
        with nullcontext(sys.stdin.buffer) if path.name == STANDARD_INPUT else path.open("rb") as file:
            for number, raw in _numbered(file):
                place = Place(name, number)
                if not raw.strip():
                    continue
                empty = False
                whole = len(raw) <= LONGEST or raw.endswith(b"\n")
                yield _line(place, raw) if whole else _long(place, file)
    except OSError as error:
        yield refused(name, f"the file cannot be read ({error.strerror})", "Check the name and your rights")
    else:
        if empty:
            yield refused(name, "the file is empty", "Give a file with one fact a line")


def _numbered(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    """Yield lines with their numbers, none of them longer than one byte over the longest that is allowed."""
    number = 1
    while raw := file.readline(LONGEST + 1):
        yield number, raw.removeprefix(_BOM) if number == 1 else raw
        number += 1


def _long(place: Place, file: IO[bytes]) -> Refused:
    """Return the refusal of a line that is too long, and pass over the rest of it."""
    while (rest := file.readline(LONGEST)) and not rest.endswith(b"\n"):
        pass
    return Refused(f"the line is longer than {LONGEST >> 20} MiB", remedy="Put one fact on a line", place=place)


def _line(place: Place, raw: bytes) -> Line | Refused:
    """Return the fields of a line, or why there are none."""
    try:
        return Line(place, _fields(raw))
    except UnicodeDecodeError as error:
        message = f"byte {error.start + 1} of the line is not UTF-8"
        return Refused(message, remedy="Save the file as UTF-8", place=place)
    except json.JSONDecodeError as error:
        return _broken(place, raw, error)
    except Refused as error:
        error.place = place
        return error
    except ValueError as error:
        return Refused(str(error), remedy='Write one fact a line, as {"action": …}', place=place)


def _fields(raw: bytes) -> dict[str, Any]:
    """Return the object that a line holds; ValueError where it is another value or nested beyond measure."""
    try:
        fields = _DECODER.decode(raw.decode())
    except RecursionError:
        raise ValueError(_TOO_DEEP) from None
    if not isinstance(fields, dict):
        raise ValueError(f"a fact is an object, not {_named(fields)}")  # noqa: TRY004  the value is wrong, not the call
    if _deep(raw, fields):
        raise ValueError(_TOO_DEEP)
    return fields


def _broken(place: Place, raw: bytes, error: json.JSONDecodeError) -> Refused:
    """Return what is wrong with a line that is not JSON: whether it breaks off or is mistyped."""
    breaks_off = error.msg.startswith("Unterminated") or error.pos >= len(raw.decode().rstrip())
    if breaks_off and not raw.endswith(b"\n"):
        remedy = "Fetch or write the file again: the rest is missing"
        return Refused("the file ends in the middle of a line", remedy=remedy, place=place)
    said = error.msg.removesuffix(" at").removesuffix(" starting")
    message = f"not JSON: {said[:1].lower()}{said[1:]} at column {error.pos + 1}"
    return Refused(message, remedy="Write one JSON object a line", place=place)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object, refusing a name given twice: which of the two was meant, nobody knows."""
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Refused(f"the name {twice!r} stands twice in one object", remedy="Leave the wrong one out")
    return fields


def _constant(name: str) -> object:
    raise Refused(f"{name} is not a JSON number", remedy="Write the number, or leave the field out")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)


def _deep(raw: bytes, value: object) -> bool:
    """Return whether a value has more levels than allowed; counts brackets first, since nearly every line has few."""
    if raw.count(b"{") + raw.count(b"[") <= DEEPEST:
        return False
    level = [value]
    for _ in range(DEEPEST):
        level = [inner for outer in level if isinstance(outer, (dict, list)) for inner in _inner(outer)]
    return any(isinstance(inner, (dict, list)) for inner in level)


def _inner(outer: dict[str, Any] | list[Any]) -> Iterable[Any]:
    return outer.values() if isinstance(outer, dict) else outer


def _named(value: object) -> str:
    return {list: "a list", str: "a text", bool: "true or false", type(None): "null"}.get(type(value), "a number")
