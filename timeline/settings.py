"""Settings: a flag, else an environment variable `TIMELINE_*`, else `timeline.toml`, else the default.

The file is looked for in the working directory and upwards. Each setting remembers where it came from, since the wrong
database is most often the right one of another folder. No settings library: the usual one alone takes as long to import
as `timeline --help` may take altogether.
"""

from __future__ import annotations

import os
import re
import tomllib
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from timeline.errors import Place, Refused

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

FILE = "timeline.toml"
FORMATS = ("table", "json", "jsonl", "csv", "md")
HOME_NAME = "timeline"
MAIN = "main"
"""The timeline where none is named."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Where the log is and how answers are printed."""

    database_url: str | None = field(default=None, repr=False)
    home: Path
    timeline: str = MAIN
    output: str | None = None
    plugins: tuple[str, ...] = ()
    server_binaries: Path | None = None
    server_user: str | None = None
    origins: Mapping[str, str] = field(default_factory=dict)

    def shown(self) -> list[dict[str, Any]]:
        """Return one row a setting: its name, its value without secrets, and where it came from."""
        from timeline.database import masked  # noqa: PLC0415  the driver takes long to import

        rows = []
        for name in SETTINGS:
            value = getattr(self, name)
            text = masked(value) if name == "database_url" and value else value
            rows.append({"setting": name, "value": _plain(text), "from": self.origins.get(name, "default")})
        return rows


def load(
    flags: Mapping[str, Any] | None = None, *, environment: Mapping[str, str] | None = None, folder: Path | None = None
) -> Settings:
    """Return the settings in force; `flags` holds those given by hand, `None` or absent meaning not given."""
    folder = folder or Path.cwd()
    found: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for origin, base, given in (
        *_from_file(folder),
        *_from_environment(os.environ if environment is None else environment, folder),
        *((f"--{name.replace('_', '-')}", folder, {name: value}) for name, value in (flags or {}).items()),
    ):
        for name, value in given.items():
            if value not in (None, "", ()):
                found[name] = SETTINGS[name](value, base, origin)
                origins[name] = origin
    found.setdefault("home", _default_home())
    return Settings(**found, origins=origins)


def _from_file(folder: Path) -> list[tuple[str, Path, Mapping[str, Any]]]:
    """Return the nearest `timeline.toml` of the folder and those above it, checked for names that mean nothing."""
    path = next((at / FILE for at in (folder, *folder.parents) if os.path.isfile(at / FILE)), None)  # noqa: PTH113  closed folders have none
    if path is None:
        return []
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        message = f"the settings cannot be read ({error})"
        raise Refused(message, remedy="Correct the file or move it away", place=Place(str(path))) from error
    for name in given:
        if name not in SETTINGS:
            near = get_close_matches(name, SETTINGS, n=1)
            remedy = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(SETTINGS)}"
            raise Refused("no setting has this name", remedy=remedy, place=Place(str(path), field=name))
    return [(str(path), path.parent, given)]


def _from_environment(environment: Mapping[str, str], folder: Path) -> list[tuple[str, Path, Mapping[str, Any]]]:
    """Return what the environment sets; several plug-ins are separated as in PATH."""
    rows: list[tuple[str, Path, Mapping[str, Any]]] = []
    for name in SETTINGS:
        variable = variable_of(name)
        text = environment.get(variable, "")
        value = [part for part in text.split(os.pathsep) if part] if name == "plugins" else text
        rows.append((variable, folder, {name: value or None}))
    return rows


def variable_of(name: str) -> str:
    """Return the environment variable of a setting.

    >>> variable_of("database_url")
    'TIMELINE_DATABASE_URL'
    """
    return f"TIMELINE_{name.upper()}"


def _default_home() -> Path:
    """Return the user's data folder; root's own is closed to the account that it must lend the server."""
    from platformdirs import user_data_path  # noqa: PLC0415  only needed where no home is set

    return Path("/var/lib") / HOME_NAME if os.geteuid() == 0 else user_data_path(HOME_NAME)


def _text(value: object, _base: Path, origin: str) -> str:
    if isinstance(value, str):
        return value
    raise Refused(f"{value!r} is not a text", remedy="Put it in quotation marks", place=Place(origin))


def _name(value: object, base: Path, origin: str) -> str:
    name = _text(value, base, origin)
    if _NAME.fullmatch(name):
        return name
    remedy = "Use small letters, digits, - and _, at most 63 of them"
    raise Refused(f"{name!r} is no name for a timeline", remedy=remedy, place=Place(origin))


def _path(value: object, base: Path, origin: str) -> Path:
    """Return a path, relative ones taken from where they were written down."""
    if isinstance(value, Path):
        return base / value
    return base / Path(_text(value, base, origin)).expanduser()


def _format(value: object, base: Path, origin: str) -> str:
    if value in FORMATS:
        return _text(value, base, origin)
    raise Refused(f"{value!r} is not a format", remedy=f"Choose one of {', '.join(FORMATS)}", place=Place(origin))


def _files(value: object, base: Path, origin: str) -> tuple[str, ...]:
    if isinstance(value, (list, tuple)):
        return tuple(str(_path(item, base, origin)) for item in value)
    raise Refused("plugins is not a list", remedy='Write plugins = ["file.py"]', place=Place(origin))


def _plain(value: object) -> object:
    return [str(item) for item in value] if isinstance(value, tuple) else value and str(value)


SETTINGS: Mapping[str, Callable[[Any, Path, str], Any]] = {
    "database_url": _text,
    "home": _path,
    "timeline": _name,
    "output": _format,
    "plugins": _files,
    "server_binaries": _path,
    "server_user": _text,
}
"""The settings by name, and how each is read from what was given (value, folder it is relative to, origin)."""
