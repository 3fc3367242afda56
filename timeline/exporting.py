"""Writing of an export: a folder that reads back as the same log and the same documents, byte for byte."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from timeline.texts import document_files, refused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from timeline.events import Document

FACTS_FILE = "facts.jsonl"
DOCUMENTS_FOLDER = "documents"


def write(folder: str | os.PathLike[str], lines: Iterable[bytes], documents: Iterable[Document]) -> int:
    """Write an export into a new or empty folder and return the number of its events.

    All of it is written beside the folder first and put in its place in one step: there is never half an export.
    """
    target = Path(os.path.abspath(folder))  # noqa: PTH100  Path.resolve would replace a link by what it points at
    if target.is_dir() and any(target.iterdir()):
        raise refused(folder, "the folder is not empty", "Name a new folder: nothing is ever overwritten")
    if target.exists() and not target.is_dir():
        raise refused(folder, "there is a file of this name", "Name a new folder")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        message = f"the folder cannot be made ({error.strerror})"
        raise refused(folder, message, "Check the name and your rights") from error
    try:
        written = _fill(beside, lines, documents)
        beside.chmod(0o755)
        with suppress(FileNotFoundError):
            target.rmdir()
        beside.rename(target)
    except OSError as error:
        message = f"the export cannot be written ({error.strerror})"
        raise refused(folder, message, "Make room or check your rights") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return written


def _fill(folder: Path, lines: Iterable[bytes], documents: Iterable[Document]) -> int:
    """Write all files of an export and return the number of events; without events there is no file of facts.

    Documents come last, so that those of the events are among them even while others go on recording.
    """
    written = 0
    with (folder / FACTS_FILE).open("wb") as file:
        for line in lines:
            file.write(line + b"\n")
            written += 1
    if not written:
        (folder / FACTS_FILE).unlink()
    (folder / DOCUMENTS_FOLDER).mkdir()
    for document in documents:
        for name, content in document_files(document).items():
            (folder / DOCUMENTS_FOLDER / name).write_bytes(content)
    return written
