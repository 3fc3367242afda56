"""A document as files: the text, and beside it a TOML file of the same name that says where it comes from.

The text is taken byte for byte: its hash is the document's identity and its code points are what quotes are counted in.
"""

from __future__ import annotations

import json
import re
import tomllib
from datetime import date, datetime
from difflib import get_close_matches
from typing import TYPE_CHECKING

from timeline.errors import Place, Refused
from timeline.events import Document
from timeline.temporal import Valid

if TYPE_CHECKING:
    import os
    from pathlib import Path

TEXTS = (".txt", ".md")
LONGEST = 16 * 2**20
"""Bytes that a document or a line of facts may have at most."""

PARTICULARS = ("title", "publisher", "language", "url", "published", "published_how")


def refused(file: str | os.PathLike[str], message: str, remedy: str, field: str = "") -> Refused:
    """Return a refusal of a file as a whole, or of a field in it."""
    return Refused(message, remedy=remedy, place=Place(str(file), field=field))


def read_document(path: Path) -> Document:
    """Return the document of a text file and of the TOML file beside it, if there is one."""
    try:
        if path.stat().st_size > LONGEST:
            raise refused(path, f"the text is longer than {LONGEST >> 20} MiB", "Divide it into several documents")
        text = path.read_bytes().decode()
    except UnicodeDecodeError as error:
        raise refused(path, f"byte {error.start + 1} is not UTF-8", "Save the text as UTF-8") from error
    except OSError as error:
        raise refused(path, f"the text cannot be read ({error.strerror})", "Check the name and your rights") from error
    if not text.strip():
        raise refused(path, "the text is empty", "Put the text in or take the file away")
    if "\0" in text:
        raise refused(path, f"character {text.index(chr(0)) + 1} is U+0000", "Save it as plain text")
    return Document(text=text, **_particulars(path.with_suffix(".toml")))


def document_files(document: Document) -> dict[str, bytes]:
    """Return the names and contents of the files that `read_document` reads the document from.

    >>> list(document_files(Document(text="Talks.", title="Talks in Delhi")))
    ['talks-in-delhi-bf392b710d1c.txt', 'talks-in-delhi-bf392b710d1c.toml']
    """
    words = re.sub(r"[^a-z0-9]+", "-", (document.title or "").lower()).strip("-")[:60].rstrip("-")
    stem = "-".join(filter(None, (words, document.id.removeprefix("sha256:")[:12])))
    given = {name: value for name in PARTICULARS if (value := getattr(document, name)) is not None}
    card = "".join(f"{name} = {_quoted(value)}\n" for name, value in given.items())
    return {f"{stem}.txt": document.text.encode()} | ({f"{stem}.toml": card.encode()} if card else {})


def _particulars(path: Path) -> dict[str, str]:
    """Return what a TOML file says of its text; nothing where there is no such file."""
    try:
        given = tomllib.loads(path.read_bytes().decode())
    except FileNotFoundError:
        return {}
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise refused(path, f"not TOML ({error})", 'Write lines such as title = "…"') from error
    except OSError as error:
        raise refused(path, f"the file cannot be read ({error.strerror})", "Check your rights") from error
    return {name: _particular(path, name, value) for name, value in given.items()}


def _particular(path: Path, name: str, value: object) -> str:
    if name not in PARTICULARS:
        near = get_close_matches(name, PARTICULARS, n=1)
        remedy = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(PARTICULARS)}"
        raise refused(path, "a document has no particular of this name", remedy, name)
    if name == "published" and isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    if not isinstance(value, str) or "\0" in value:
        raise refused(path, f"{value!r} is not a text", f'Write {name} = "…"', name)
    if name == "published":
        _check_published(path, value)
    return value


def _check_published(path: Path, text: str) -> None:
    """Refuse a date of publication that cannot be read: once recorded it could not be mended."""
    try:
        Valid.parse(text)
    except Refused as error:
        error.place = Place(str(path), field="published")
        raise


def _quoted(value: str) -> str:
    """Return a TOML string; it is that of JSON, but for U+007F."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
