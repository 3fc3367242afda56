"""The lines of a text file, whatever its encoding, block by block; what cannot be read is refused with its line.

Hides bytes, byte order marks and characters that no text may have. Blocks, since to look at every line by itself would
take as long as to read the table that it is part of.
"""

from __future__ import annotations

import codecs
from contextlib import suppress
from typing import IO, TYPE_CHECKING

from timeline.errors import Place, Refused
from timeline.texts import LONGEST

if TYPE_CHECKING:
    from collections.abc import Iterator

_BLOCK = 1 << 17
_BOM = "\ufeff"


def unfit(text: str) -> int:
    r"""Return where a text has a character that it may not have: U+0000, or half of a surrogate pair; else -1.

    >>> unfit("A\0B"), unfit("é\ud800"), unfit("AB")
    (1, 1, -1)
    """
    at = text.find("\0")
    head = text if at < 0 else text[:at]
    if not head.isascii():
        try:
            head.encode()
        except UnicodeEncodeError as error:
            return error.start
    return at


def named(character: str) -> str:
    r"""Return the number of a character that cannot be shown.

    >>> named("\0")
    'U+0000'
    """
    return f"U+{ord(character):04X}"


def check_encoding(name: str) -> None:
    """Refuse the name of an encoding that does not exist, or in which no lines can be written."""
    with suppress(LookupError, ValueError):
        if codecs.getincrementaldecoder(name)().decode("a\n".encode(name)) == "a\n":
            return
    remedy = "Write utf-8, latin-1, cp1252, utf-16 …"
    raise Refused(f"there is no encoding {name!r}", remedy=remedy, place=Place(field="encoding"))


def blocks(file: IO[bytes], encoding: str) -> Iterator[str]:
    """Yield a file as texts of whole lines; what stands before something unreadable is given before it is refused."""
    decoder = codecs.getincrementaldecoder(encoding)()
    rest, line, problem, raw = "", 1, "", file.read(_BLOCK)
    remedy = "Fetch the file again, or say in the map how it is encoded"
    if not raw:
        raise Refused("the file is empty", remedy="Fetch it again: nothing at all is no table")
    while not problem:
        text, problem = _decoded(decoder, raw, encoding)
        if line == 1 and not rest:
            text = text.removeprefix(_BOM)
        whole, end, begun = text.rpartition("\n")
        if end:
            yield f"{rest}{whole}\n"
            line, rest = line + whole.count("\n") + 1, ""
        rest += begun
        if len(rest) > LONGEST:
            problem, remedy = f"the line is longer than {LONGEST >> 20} MiB", "Put one row on a line"
        elif not raw and not problem:
            if rest:
                yield rest
            return
        raw = file.read(_BLOCK)
    raise Refused(problem, remedy=remedy, place=Place(line=line))


def _decoded(decoder: codecs.IncrementalDecoder, raw: bytes, encoding: str) -> tuple[str, str]:
    """Return a block as text, as far as it can be read, and what is wrong with the rest."""
    text, problem = "", ""
    try:
        text = decoder.decode(raw, final=not raw)
    except UnicodeDecodeError as error:
        problem = f"byte 0x{error.object[error.start]:02x} is not {encoding}"
        sound = len(raw) - len(error.object) + error.start  # the object begins with what was left of the last block
        with suppress(UnicodeError):
            text = decoder.decode(raw[: max(sound, 0)])
    except UnicodeError:
        problem = f"the text is not {encoding}, or lacks its byte order mark"
    if (at := unfit(text)) >= 0:
        return text[:at], f"a character is {named(text[at])}"
    return text, problem
