"""Reading of files: what is sound passes unchanged, and what is broken is refused with its place and a remedy."""

from __future__ import annotations

import io
import os
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from timeline import exchange, exporting, texts
from timeline.errors import Place, Refused
from timeline.events import Document
from timeline.exchange import Line, read

if TYPE_CHECKING:
    from pathlib import Path

TALKS = "Talks were held in Delhi.\r\nBoth sides signed.\n"


def refusals(*paths: Path) -> list[Refused]:
    """Return what a reading refuses."""
    return [item for item in read(*paths) if isinstance(item, Refused)]


def lines(*paths: Path | str) -> list[dict[str, Any]]:
    """Return the fields of the fact lines of a reading."""
    return [item.fields for item in read(*paths) if isinstance(item, Line)]


def facts(folder: Path, content: bytes, name: str = "facts.jsonl") -> Path:
    """Return a file of facts with this content."""
    path = folder / name
    path.write_bytes(content)
    return path


def test_lines_are_read_with_their_places(tmp_path: Path) -> None:
    """Blank lines are passed over but counted, whatever ends a line."""
    path = facts(tmp_path, b'\xef\xbb\xbf{"fact": "a"}\r\n\n  \n{"fact": "b"}')
    assert list(read(path)) == [
        Line(Place(str(path), 1), {"fact": "a"}),
        Line(Place(str(path), 4), {"fact": "b"}),
    ]


def test_documents_come_before_facts(tmp_path: Path) -> None:
    """The order of files does not matter: a fact may quote a document that stands after it."""
    facts(tmp_path, b'{"fact": "a"}\n', "a.jsonl")
    (tmp_path / "later").mkdir()
    (tmp_path / "later" / "z.txt").write_bytes(TALKS.encode())
    document, line = read(tmp_path)
    assert isinstance(document, Document)
    assert document.text == TALKS
    assert isinstance(line, Line)


def test_folders_are_read_in_order_of_name_without_what_is_hidden(tmp_path: Path) -> None:
    """Hidden files and files of other kinds are no part of a folder's reading."""
    for name in ("b.ndjson", "a.jsonl", "c.json", ".hidden.jsonl"):
        facts(tmp_path, f'{{"fact": "{name}"}}\n'.encode(), name)
    (tmp_path / "notes.csv").write_text("left alone")
    assert lines(tmp_path) == [{"fact": "a.jsonl"}, {"fact": "b.ndjson"}, {"fact": "c.json"}]


def test_a_file_named_twice_is_read_once(tmp_path: Path) -> None:
    """A folder and a file in it may be named together."""
    path = facts(tmp_path, b'{"fact": "a"}\n')
    assert lines(tmp_path, path) == [{"fact": "a"}]


@pytest.mark.parametrize(
    "content, line, message",
    [
        (b"", 0, "the file is empty"),
        (b" \n\n", 0, "the file is empty"),
        (b'{"fact": "a"}\n{"fact": "b', 2, "the file ends in the middle of a line"),
        (b'{"fact": "a"}\n{"fact"', 2, "the file ends in the middle of a line"),
        (b'{"fact": "a",}\n', 1, "not JSON"),
        (b"[1]\n", 1, "a fact is an object, not a list"),
        (b"null\n", 1, "a fact is an object, not null"),
        (b'"text"\n', 1, "a fact is an object, not a text"),
        (b"7\n", 1, "a fact is an object, not a number"),
        (b'{"fact": NaN}\n', 1, "NaN is not a JSON number"),
        (b'{"fact": -Infinity}\n', 1, "-Infinity is not a JSON number"),
        (b'{"fact": 1, "fact": 2}\n', 1, "the name 'fact' stands twice in one object"),
        (b'{"fact": "a"}\n{"fact": "\xe9"}\n', 2, "byte 11 of the line is not UTF-8"),
        ('{"fact": "a"}'.encode("utf-16"), 1, "byte 1 of the line is not UTF-8"),
        (b'{"fact": "a\0"}\n', 1, "not JSON: invalid control character"),
        (b'{"a":' * 101 + b"1" + b"}" * 101 + b"\n", 1, "more than 100 deep"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}\n", 1, "more than 100 deep"),
        (b'{"fact": ' + b"1" * 5000 + b"}\n", 1, "digits"),
    ],
)
def test_a_bad_line_is_refused_with_its_place(tmp_path: Path, content: bytes, line: int, message: str) -> None:
    """Each refusal says file, line, what is wrong and what to do."""
    path = facts(tmp_path, content)
    (refusal,) = refusals(path)
    assert message in refusal.message
    assert (refusal.place.file, refusal.place.line) == (str(path), line)
    assert refusal.remedy


def test_reading_goes_on_after_a_bad_line(tmp_path: Path) -> None:
    """What follows a refusal is read, so that the caller may skip it."""
    path = facts(tmp_path, b'{"fact": "a"}\nnonsense\n{"fact": "b"}\n')
    assert [type(item) for item in read(path)] == [Line, Refused, Line]


def test_a_line_beyond_measure_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line that is too long is refused without being kept in memory, and the next line keeps its number."""
    monkeypatch.setattr(exchange, "LONGEST", 64)
    fits = b'{"fact": "' + b"a" * 52 + b'"}'
    path = facts(tmp_path, fits + b"\n" + b'{"fact": "' + b"a" * 500 + b'"}\n{"fact": "b"}\n')
    first, refusal, last = read(path)
    assert isinstance(refusal, Refused)
    assert "longer than" in refusal.message
    assert [item.place.line for item in (first, refusal, last) if not isinstance(item, Document)] == [1, 2, 3]


def test_facts_are_read_from_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """A dash stands for lines on standard input."""
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(b'{"fact": "a"}\nx\n')))
    line, refusal = read("-")
    assert isinstance(line, Line)
    assert isinstance(refusal, Refused)
    assert refusal.place.file == "standard input"


def test_a_document_named_by_its_path_is_read_before_the_line(tmp_path: Path) -> None:
    """A path is taken from the file of facts, read once, and replaced by the document's identity."""
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "talks.txt").write_bytes(TALKS.encode())
    line = b'{"source": {"document": "texts/talks.txt", "quote": "Talks"}}\n'
    document, first, second = read(facts(tmp_path, line * 2))
    assert isinstance(document, Document)
    for item in (first, second):
        assert isinstance(item, Line)
        assert item.fields == {"source": {"document": document.id, "quote": "Talks"}}


@pytest.mark.parametrize("name", ["texts/none.txt", "/etc/passwd", "", "facts.jsonl"])
def test_a_path_to_no_text_is_refused(tmp_path: Path, name: str) -> None:
    """Only a text can be a document, and the field is named."""
    path = facts(tmp_path, f'{{"source": {{"document": "{name}"}}}}\n'.encode())
    (refusal,) = refusals(path)
    assert refusal.place.field == "source.document"


def test_a_document_takes_its_particulars_from_the_file_beside_it(tmp_path: Path) -> None:
    """A day may be written as TOML writes days; the text keeps its line breaks."""
    (tmp_path / "talks.txt").write_bytes(TALKS.encode())
    (tmp_path / "talks.toml").write_text('title = "Talks"\npublished = 2023-12-26\npublished_how = "dateline"\n')
    by_text, by_card = list(read(tmp_path / "talks.txt")), list(read(tmp_path / "talks.toml"))
    assert by_text == [Document(text=TALKS, title="Talks", published="2023-12-26", published_how="dateline")]
    assert by_card == by_text


@pytest.mark.parametrize(
    "card, field, message",
    [
        ('titel = "Talks"', "titel", "Did you mean title?"),
        ("title = 7", "title", "7 is not a text"),
        ("published = 2023-12-26T10:00:00Z", "published", "is not a text"),
        ('title = "a\\u0000b"', "title", "is not a text"),
        ("title", "", "not TOML"),
        ('title = "\xe9"', "", "not TOML"),
    ],
)
def test_bad_particulars_are_refused(tmp_path: Path, card: str, field: str, message: str) -> None:
    """The refusal names the file, the key and, where one is close, the key that was meant."""
    (tmp_path / "talks.txt").write_text("Talks.")
    (tmp_path / "talks.toml").write_bytes(card.encode("latin-1"))
    (refusal,) = refusals(tmp_path)
    assert refusal.place == Place(str(tmp_path / "talks.toml"), field=field)
    assert message in str(refusal)


@pytest.mark.parametrize(
    "text, message",
    [(b"", "empty"), (b" \n", "empty"), (b"caf\xe9", "byte 4 is not UTF-8"), (b"a\0b", "character 2 is U+0000")],
)
def test_a_bad_text_is_refused(tmp_path: Path, text: bytes, message: str) -> None:
    """A text that the store could not keep as it is never becomes a document."""
    path = tmp_path / "talks.txt"
    path.write_bytes(text)
    (refusal,) = refusals(tmp_path)
    assert message in refusal.message


def test_a_text_beyond_measure_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The size is looked at before the text is read."""
    monkeypatch.setattr(texts, "LONGEST", 10)
    (tmp_path / "talks.txt").write_text("Talks in Delhi")
    (refusal,) = refusals(tmp_path)
    assert "longer than" in refusal.message


def test_a_description_without_its_text_is_refused(tmp_path: Path) -> None:
    """In a folder and by name."""
    card = tmp_path / "talks.toml"
    card.write_text('title = "Talks"')
    for path in (tmp_path, card):
        (refusal,) = refusals(path)
        assert "describes a text that is not there" in refusal.message


@pytest.mark.parametrize("name, message", [("none.jsonl", "no such file"), ("list.csv", "neither a file of facts")])
def test_what_cannot_be_read_is_refused_at_once(tmp_path: Path, name: str, message: str) -> None:
    """A file that is not there or of no use is a mistake in the command."""
    (tmp_path / "list.csv").write_text("a,b")
    with pytest.raises(Refused, match=message):
        read(tmp_path / name)


def test_a_folder_without_anything_is_refused(tmp_path: Path) -> None:
    """Nothing to read is never what was meant."""
    with pytest.raises(Refused, match="no facts and no documents"):
        read(tmp_path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_what_may_not_be_read_is_refused(tmp_path: Path) -> None:
    """Rights are the reader's business, and the refusal says so."""
    path = facts(tmp_path, b'{"fact": "a"}\n')
    path.chmod(0)
    (refusal,) = refusals(path)
    assert "Permission denied" in refusal.message


def test_an_export_reads_back_as_it_was(tmp_path: Path) -> None:
    """Documents keep their text byte for byte and their particulars, whatever characters they hold."""
    documents = [
        Document(text="\ufeff" + TALKS, title='A "title"\n\x7f\\ ünï', publisher="PTI", url="https://example.org/?a=1"),
        Document(text="Bare."),
    ]
    assert exporting.write(tmp_path / "out", [b'{"fact":"a"}'], documents) == 1
    read_back = list(read(tmp_path / "out"))
    assert sorted(read_back[:2], key=str) == sorted(documents, key=str)
    assert (tmp_path / "out" / "facts.jsonl").read_bytes() == b'{"fact":"a"}\n'


def test_an_export_never_overwrites(tmp_path: Path) -> None:
    """A folder that holds anything is refused; an empty one is filled."""
    (tmp_path / "empty").mkdir()
    assert exporting.write(tmp_path / "empty", [b"{}"], []) == 1
    for path in (tmp_path, facts(tmp_path, b"{}")):
        with pytest.raises(Refused, match="Name a new folder"):
            exporting.write(path, [b"{}"], [])


def test_an_export_that_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    """There is never half an export, nor the beginnings of one."""

    def breaking() -> Any:  # noqa: ANN401
        yield b"{}"
        raise OSError(28, "No space left on device")

    with pytest.raises(Refused, match="No space left"):
        exporting.write(tmp_path / "out", breaking(), [])
    assert list(tmp_path.iterdir()) == []
