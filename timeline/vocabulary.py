"""The vocabulary: the kinds of facts and the views that can be asked for, built in and added by plug-ins.

A plug-in is a module whose attributes are `Kind` or `Projection` values: a package that names it in the entry point
group `timeline.plugins`, or a file named by `plugins` in `timeline.toml`. No name is ever defined twice.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from difflib import get_close_matches
from importlib.metadata import entry_points
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from timeline.errors import NotFound, Place, Refused
from timeline.fold import Projection
from timeline.kinds import BUILTIN as BUILTIN_KINDS
from timeline.kinds import Kind
from timeline.reading import Reading
from timeline.views import BUILTIN as BUILTIN_VIEWS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from types import ModuleType

    from timeline.events import Entry

GROUP = "timeline.plugins"
LONGEST_VIEW = 55
"""Bytes of the name of a view: its function in SQL has one of at most 63, and `facts` is taken there."""

NEWEST = 999_999_999
"""The greatest version of a view: what the token of a basis can say."""

_Named = TypeVar("_Named", Kind, Projection)


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """Kinds and views by name."""

    kinds: Mapping[str, Kind]
    views: Mapping[str, Projection]

    @classmethod
    def of(cls, kinds: Iterable[Kind], views: Iterable[Projection]) -> Vocabulary:
        """Return the vocabulary of these kinds and views; refuse two of one name, and a view that cannot be asked for.

        >>> Vocabulary.of(BUILTIN_KINDS, BUILTIN_VIEWS).view("sanctions").name
        'sanctions'
        """
        words = cls(_by_name(kinds), _by_name(views))
        for name in words.views:
            if name == "facts" or not 0 < len(name.encode()) <= LONGEST_VIEW or not {"/", "=", "\0"}.isdisjoint(name):
                message = f"no view can be named {name[:LONGEST_VIEW]!r}"
                raise Refused(message, remedy=f"Choose another name, of at most {LONGEST_VIEW} bytes, without / and =")
        for view in words.views.values():
            if not 1 <= view.version <= NEWEST:
                message = f"the view {view.name} cannot have the version {view.version}"
                raise Refused(message, remedy=f"Count versions from 1 to {NEWEST:,}")
            for name in sorted(view.kinds):
                words.kind(name, place=Place(f"view {view.name}", field="kinds"))
        return words

    def kind(self, name: str, *, place: Place | None = None) -> Kind:
        """Return the kind of this name; refuse an unknown one and name the nearest."""
        if name in self.kinds:
            return self.kinds[name]
        raise Refused(f"there is no kind {name!r}", remedy=_nearest(name, self.kinds), place=place)

    def current(self, entry: Entry) -> Entry:
        """Return an event with its data in the present version of its kind; what the log holds stays as it is."""
        kind = self.kinds.get(entry.kind)
        if kind is None or entry.schema == kind.version:
            return entry
        return replace(entry, data=kind.upcast(entry.data, entry.schema), schema=kind.version)

    def reading(self, view: Projection) -> Reading:
        """Return what reads a log for a view, and brings its events up to date: any other is nothing to it."""
        return Reading.of(view, lambda entry: self.current(entry) if entry.kind in view.kinds else entry)

    def view(self, name: str) -> Projection:
        """Return the view of this name, or say which is nearest."""
        if name in self.views:
            return self.views[name]
        raise NotFound(f"there is no view {name!r}", remedy=_nearest(name, self.views))


def load(plugins: Iterable[str] = ()) -> Vocabulary:
    """Return the built-in vocabulary with that of installed plug-ins and of the given files."""
    modules = [*_installed(), *(_from_file(Path(file)) for file in plugins)]
    kinds = [value for module in modules for value in _values(module, Kind)]
    views = [value for module in modules for value in _values(module, Projection)]
    return Vocabulary.of([*BUILTIN_KINDS, *kinds], [*BUILTIN_VIEWS, *views])


def projection(name: str, file: Path) -> Projection:
    """Return the projection that a Python file gives to a view, be it another version of a built-in one."""
    try:
        found = _by_name(_values(_from_file(file), Projection))
    except Refused as error:
        raise Refused(error.message, remedy="Correct the file", place=error.place) from error
    if name in found:
        return found[name]
    remedy = (
        f"It gives {', '.join(sorted(found))}: name it {name!r}" if found else f"Write Projection(name={name!r}, …)"
    )
    raise NotFound(f"this file has no projection named {name!r}", remedy=remedy, place=Place(str(file)))


def _installed() -> Iterator[ModuleType]:
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        try:
            yield point.load()
        except Exception as error:
            raise _broken(f"plug-in {point.name} ({point.value})", error) from error


def _from_file(path: Path) -> ModuleType:
    spec = spec_from_file_location(f"timeline_plugin_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise Refused("a plug-in is a Python file, named *.py", remedy="Correct `plugins`", place=Place(str(path)))
    module = module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise _broken(str(path), error) from error
    return module


def _broken(name: str, error: Exception) -> Refused:
    """Return the refusal of a plug-in that cannot be loaded: its code may raise anything at all."""
    message = f"the plug-in cannot be loaded ({type(error).__name__}: {error})"
    return Refused(message, remedy="Correct it or take it out of `plugins`", place=Place(name))


def _values(module: ModuleType, wanted: type[_Named]) -> Iterator[_Named]:
    """Yield what a plug-in adds; what it only imported from the built-in vocabulary is no addition."""
    builtin = {*map(id, BUILTIN_KINDS), *map(id, BUILTIN_VIEWS)}
    seen: set[int] = set()
    for value in vars(module).values():
        if isinstance(value, wanted) and id(value) not in builtin | seen:
            seen.add(id(value))
            yield value


def _by_name(values: Iterable[_Named]) -> dict[str, _Named]:
    named: dict[str, _Named] = {}
    for value in values:
        if value.name in named and named[value.name] is not value:
            raise Refused(f"{value.name!r} is defined twice", remedy="Rename the one that the plug-in adds")
        named[value.name] = value
    return named


def _nearest(name: str, known: Iterable[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"Did you mean {near[0]}?" if near else f"There are: {', '.join(sorted(known))}"
