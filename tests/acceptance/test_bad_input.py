"""Broken input, as people and feeds deliver it: one sentence that says where and what to do, and nothing recorded."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from acceptance.program import ROOT, Program, failure
from psycopg.conninfo import conninfo_to_dict

from timeline.database import migrations

if TYPE_CHECKING:
    from collections.abc import Iterator

TALKS = "Russia says five batteries will be delivered by early next year. Five is five."
PLAN = {"item": "S-400", "quantity": 5, "unit": "battery", "supplier": "Russia", "recipient": "India", "due": "2024"}
KEPT = {
    "fact": "kept",
    "kind": "delivery.scheduled",
    "subject": "s-400-india",
    "data": PLAN,
    "valid": "2023-12-26/..",
    "known": "2023-12-26",
}
MEASURED = "import resource, subprocess, sys; code = subprocess.call(sys.argv[1:]); \
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(code)"
MEBIBYTE = 2**20
CLOSED = "Permission denied"


def fact(name: str = "bad", **changed: object) -> bytes:
    """Return a line of facts that is sound but for what is changed."""
    return json.dumps({**KEPT, "fact": name, **changed}).encode() + b"\n"


def quoting(**source: object) -> bytes:
    """Return a line that quotes the document beside it."""
    return fact(source={"document": "talks.txt", **source})


@dataclass(frozen=True)
class Bad:
    """A bad line, the field that is to be named, words of the sentence and of its remedy, and the exit code."""

    line: bytes
    field: str
    said: str
    remedy: str
    code: int = 2


BAD = {
    "quote not at its offsets": Bad(
        quoting(quote="five batteries", start=13, end=27), "source.quote", "'ive batteries '", "code points"
    ),
    "quote beyond the end": Bad(
        quoting(quote="five batteries", start=900, end=914), "source.quote", "at 900-914", "code points"
    ),
    "quote nowhere": Bad(quoting(quote="six batteries"), "source.quote", "does not stand in", "exact words"),
    "quote twice": Bad(quoting(quote="ive"), "source.start", "more than once", "start and end"),
    "offsets alone": Bad(quoting(start=12, end=16), "source.quote", "without the text", "Give the quote"),
    "no such document": Bad(
        fact(source={"document": "talk.txt", "quote": "five"}), "source.document", "'talk.txt'", "its path"
    ),
    "unknown document": Bad(
        fact(source={"document": f"sha256:{'0' * 64}"}), "source.document", "not recorded", "Import its text first"
    ),
    "unknown kind": Bad(fact(kind="delivery.shceduled"), "kind", "delivery.shceduled", "delivery.scheduled"),
    "unknown field": Bad(fact(subjcet="India"), "subjcet", "", "subject"),
    "unknown data": Bad(fact(data=PLAN | {"recipent": "India"}), "data.recipent", "", "recipient"),
    "a text for a number": Bad(fact(data=PLAN | {"quantity": "five"}), "data.quantity", "number", ""),
    "true for a text": Bad(fact(data=PLAN | {"item": True}), "data.item", "text", ""),
    "no subject": Bad(fact(subject=None), "subject", "missing", "subject"),
    "a data that is a list": Bad(fact(data=[PLAN]), "data", "", ""),
    "naive time": Bad(fact(known="2023-12-26T10:00:00"), "known", "2023-12-26T10:00:00", "Z"),
    "no time at all": Bad(fact(known=None), "known", "missing", "date or an instant"),
    "inverted period": Bad(fact(valid="2024/2023"), "valid", "2024/2023", ""),
    "no such day": Bad(fact(valid="2023-02-30"), "valid", "2023-02-30", ""),
    "words for a day": Bad(fact(valid="early 2024"), "valid", "early 2024", ""),
    "correction of nothing": Bad(fact("none", action="correct"), "fact", "'none'", "Assert it first"),
    "retraction of nothing": Bad(
        b'{"action": "retract", "fact": "none", "known": "2024"}\n'.replace(b'"2024"', b'"2024-01-01"'),
        "fact",
        "'none'",
        "Assert it first",
    ),
    "conflict": Bad(fact("kept", valid="2023-12-27/.."), "fact", "'kept'", "--revise", 5),
    "not UTF-8": Bad(fact(subject="?").replace(b"?", b"\xe9"), "", "is not UTF-8", "Save the file as UTF-8"),
    "a NUL byte": Bad(fact(subject="?").replace(b"?", b"\0"), "", "control character", ""),
    "a NUL escaped": Bad(fact(subject="a\0b"), "subject", "U+0000", ""),
    "half a pair": Bad(fact(subject="a\ud800b"), "subject", "", ""),
    "NaN": Bad(fact(data=PLAN | {"quantity": float("nan")}), "", "NaN is not a JSON number", "Write the number"),
    "infinity": Bad(fact(data={"quantity": "?"}).replace(b'"?"', b"1e999"), "data", "", ""),
    "a number beyond measure": Bad(fact(data=PLAN | {"quantity": 10**30}), "data", "", ""),
    "a name twice": Bad(
        fact().replace(b"}\n", b', "fact": "b"}\n'), "", "'fact' stands twice", "Leave the wrong one out"
    ),
    "not JSON": Bad(b"S-400: 5\n", "", "not JSON", "one JSON object"),
    "a list": Bad(b"[1]\n", "", "not a list", "one fact a line"),
}
every_bad_line = pytest.mark.parametrize("bad", BAD.values(), ids=BAD)


@pytest.fixture(scope="module")
def program(shared_database_url: str) -> Program:
    """Return the program with one fact recorded."""
    program = Program(shared_database_url)
    program("import", "-", given=fact("kept").decode())
    return program


@pytest.fixture
def news(tmp_path: Path) -> Path:
    """Return a folder with a document."""
    (tmp_path / "talks.txt").write_text(TALKS)
    (tmp_path / "talks.toml").write_text('title = "Talks"\n')
    return tmp_path


def written(folder: Path, *lines: bytes, name: str = "facts.jsonl") -> Path:
    """Write a file of facts."""
    path = folder / name
    path.write_bytes(b"".join(lines))
    return path


def untouched(program: Program) -> bool:
    """Return whether the timeline holds the one fact, and no document."""
    held = program.answer("stats")
    return (held["position"], held["events"], held["documents"]) == (1, 1, 0)


@every_bad_line
def test_a_bad_line_refuses_all(program: Program, news: Path, bad: Bad) -> None:
    """File, line, field, what is wrong and what to do; not even the good lines around it are recorded."""
    path = written(news, fact("good"), bad.line, fact("also-good"))
    said, remedy = program.refused(bad.code, "import", news)
    place = f"{path}:2: {bad.field}: " if bad.field and bad.field != "data" else f"{path}:2: {bad.field}"
    assert said.startswith(place)
    assert bad.said in said.removeprefix(place)
    assert len(remedy) > 5
    assert bad.remedy in remedy
    assert untouched(program)


@every_bad_line
def test_a_bad_line_can_be_left_out(program: Program, news: Path, bad: Bad, request: pytest.FixtureRequest) -> None:
    """Code 1: the line is told with its place on a line of its own, and the good ones around it are recorded."""
    apart = Program(program.environment["TIMELINE_DATABASE_URL"], f"skip-{abs(hash(request.node.nodeid))}")
    apart("import", "-", given=fact("kept").decode())
    path = written(news, fact("good"), bad.line, fact("also-good"))
    result = apart("import", news, "--skip-bad", code=1)
    told, counts = result.stderr.splitlines()
    assert told.startswith(f"{path}:2: {bad.field}")
    assert bad.said in told
    assert bad.remedy in told
    assert counts == "2 events recorded at 2-3, 1 document, 1 bad"
    assert result.stdout == ""
    assert [event["fact"] for event in apart.answer("log")["events"]] == ["kept", "good", "also-good"]


@pytest.mark.parametrize(
    "content, line, said",
    [
        (b"", 0, "the file is empty"),
        (b"\n \n", 0, "the file is empty"),
        (b"\xef\xbb\xbf", 0, "the file is empty"),
        (fact("good") + fact()[:-20], 2, "the file ends in the middle of a line"),
        (fact("good") + b'{"fact', 2, "the file ends in the middle of a line"),
    ],
    ids=["empty", "blank", "a mark of order alone", "cut off in a value", "cut off in a name"],
)
def test_a_file_that_is_not_whole_is_refused(
    program: Program, tmp_path: Path, content: bytes, line: int, said: str
) -> None:
    """A download that broke off is never taken for all there is, and the sentence names the file."""
    path = written(tmp_path, content)
    place = f"{path}:{line}" if line else str(path)
    assert program.refused(2, "import", path)[0] == f"{place}: {said}"
    assert untouched(program)


def test_a_truncated_file_gives_its_whole_lines_when_asked(program: Program, tmp_path: Path) -> None:
    """With --skip-bad the last line alone is missing, and code 1 says so."""
    apart = Program(program.environment["TIMELINE_DATABASE_URL"], "truncated")
    path = written(tmp_path, fact("good"), fact()[:-20])
    told = apart("import", path, "--skip-bad", code=1).stderr.splitlines()
    assert told[0].startswith(f"{path}:2: the file ends in the middle of a line")
    assert told[1] == "1 event recorded at 1, 1 bad"


@pytest.mark.parametrize("bad", ["a.jsonl", "b.jsonl", "c.jsonl"])
def test_one_bad_file_among_several_leaves_nothing_of_the_others(program: Program, news: Path, bad: str) -> None:
    """Wherever it comes in the order; the document is not recorded either."""
    for name in ("a.jsonl", "b.jsonl", "c.jsonl"):
        written(news, fact(f"good-{name}"), name=name)
    path = written(news, fact("bad", kind="delivery"), name=bad)
    said, _ = program.refused(2, "import", *sorted(news.glob("*.jsonl")), news / "talks.txt")
    assert said.startswith(f"{path}:1: kind: ")
    assert untouched(program)


def test_what_came_late_in_a_long_file_takes_back_all_before(program: Program, tmp_path: Path) -> None:
    """Batches that were written already are no exception."""
    path = written(tmp_path, *(fact(f"good-{number}") for number in range(4_500)), fact(known="yesterday"))
    assert program.refused(2, "import", path)[0].startswith(f"{path}:4501: known: ")
    assert untouched(program)


@pytest.mark.parametrize(
    "name, content, said",
    [
        ("talks.txt", b"caf\xe9", "byte 4 is not UTF-8"),
        ("talks.txt", b"a\0b", "U+0000"),
        ("talks.txt", b"", "the text is empty"),
        ("talks.toml", b"title = Talks", "not TOML"),
        ("talks.toml", b'titel = "Talks"', "titel"),
        ("talks.toml", b'published = "26 December"', "published"),
    ],
)
def test_a_bad_document_refuses_all(program: Program, news: Path, name: str, content: bytes, said: str) -> None:
    """Its file is named, and the facts beside it are not recorded."""
    written(news, fact("good"))
    (news / name).write_bytes(content)
    told, remedy = program.refused(2, "import", news)
    assert told.startswith(f"{news / name}: ")
    assert said in told
    assert remedy
    assert untouched(program)


@pytest.mark.skipif(sys.platform == "win32", reason="peak memory is asked of POSIX")
@pytest.mark.parametrize("end", [b"\n", b""], ids=["a line", "a file without a line break"])
def test_a_line_beyond_measure_is_refused_in_bounded_memory(program: Program, tmp_path: Path, end: bytes) -> None:
    """Fifty megabytes on one line are passed over, not held: the process stays below 300 MB."""
    path = written(tmp_path, fact("good"), b'{"fact": "', b"a" * 50 * MEBIBYTE, end)
    command = [sys.executable, "-c", MEASURED, sys.executable, "-m", "timeline", "import", str(path)]
    words = os.environ | program.environment | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, env=words, capture_output=True, text=True, check=False)
    unit = 1 if sys.platform == "darwin" else 1024
    assert int(done.stdout) * unit < 300 * 10**6
    assert done.returncode == 2
    assert failure("", done.stderr) == (f"{path}:2: the line is longer than 16 MiB", "Put one fact on a line")
    assert untouched(program)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Yield a folder that every account may enter; pytest's own is closed to others."""
    with tempfile.TemporaryDirectory(prefix="timeline-rights-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


@contextmanager
def demoted(program: Program) -> Iterator[None]:
    """Become an account that may not read everything, for a while: root may, whatever the rights say."""
    if os.geteuid() != 0:
        yield
        return
    host = Path(str(conninfo_to_dict(program.environment["TIMELINE_DATABASE_URL"]).get("host")))
    account = host.stat().st_uid if host.is_dir() else 65534  # a socket's folder may be open to its owner alone
    if not account:
        pytest.skip("root may read everything, and the server's socket is open to root alone")
    part = migrations()
    os.seteuid(account)
    try:
        if not os.access(part, os.R_OK | os.X_OK, effective_ids=True):
            pytest.skip("root may read everything, and another account may not enter the folder of this checkout")
        yield
    finally:
        os.seteuid(0)


def closed_folder(folder: Path) -> Path:
    """Close a folder altogether."""
    folder.chmod(0)
    return folder


def listed_folder(folder: Path) -> Path:
    """Let a folder's names be read, but nothing in it."""
    folder.chmod(0o444)
    return folder


def inner_folder(folder: Path) -> Path:
    """Close a folder within the folder."""
    return closed_folder(folder / "inner")


def closed_file(name: str) -> Callable[[Path], Path]:
    """Return what closes a file of the folder."""
    return lambda folder: closed_folder(folder / name)


@pytest.mark.parametrize(
    "close",
    [closed_folder, listed_folder, inner_folder, *map(closed_file, ("facts.jsonl", "talks.txt", "talks.toml"))],
    ids=["folder", "folder that can be listed", "inner folder", "facts", "text", "particulars"],
)
def test_what_may_not_be_read_is_refused(program: Program, open_folder: Path, close: Callable[[Path], Path]) -> None:
    """The folder or file is named with the cause, and what could be read is not recorded."""
    news = open_folder / "news"
    (news / "inner").mkdir(parents=True)
    (news / "talks.txt").write_text(TALKS)
    (news / "talks.toml").write_text('title = "Talks"\n')
    written(news, fact("good"))
    program("import", news, "--dry-run")
    closed = close(news)
    with demoted(program):
        said, remedy = program.refused(2, "import", news)
    news.chmod(0o755)
    assert said.startswith(str(closed))
    assert CLOSED in said
    assert "rights" in remedy
    assert untouched(program)


@pytest.mark.parametrize("name, cause", [("closed/talks.txt", CLOSED), (f"{'a' * 300}.txt", "name too long")])
def test_a_document_that_cannot_be_reached_is_refused(
    program: Program, open_folder: Path, name: str, cause: str
) -> None:
    """The line that names it is named as well, with the cause: it is not simply missing."""
    path = written(open_folder, fact("good"), fact(source={"document": name}))
    (open_folder / "closed").mkdir(mode=0)
    with demoted(program):
        said, remedy = program.refused(2, "import", path)
    assert said.startswith(f"{path}:2: source.document: ")
    assert cause in said
    assert remedy
    assert untouched(program)


def test_a_file_in_a_closed_folder_is_refused(program: Program, open_folder: Path) -> None:
    """It is named, and said to be closed, not missing."""
    path = written(open_folder, fact("good"))
    open_folder.chmod(0)
    with demoted(program):
        said, remedy = program.refused(2, "import", path)
    open_folder.chmod(0o755)
    assert said.startswith(str(path))
    assert CLOSED in said
    assert "rights" in remedy
