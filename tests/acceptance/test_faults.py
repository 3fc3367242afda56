"""A database that is not there, not ours, full, closed or killed: code 4, one sentence, and never half a recording."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import psycopg
import pytest
from acceptance.program import Program, failure
from psycopg.conninfo import make_conninfo

from timeline import database
from timeline.server import running

if TYPE_CHECKING:
    from collections.abc import Iterator

BINARIES = os.environ.get("TIMELINE_TEST_BINARIES")
SECRET = "se-cret"  # noqa: S105  of nobody
FACT = {"kind": "observation", "subject": "delhi", "valid": "2023-12", "known": "2023-12-26"}
MANY = 5_000
NEVER_READY = 60

Fault = Callable[[str, str], str]


def fact(name: str, text: str = "dry") -> str:
    """Return a line of facts."""
    return json.dumps({**FACT, "fact": name, "data": {"measure": "rain", "value": text}}) + "\n"


def execute(url: str, *statements: str) -> Any:  # noqa: ANN401  whatever the last one gives
    """Run statements as the owner, each for itself, and return the one value that the last gives."""
    with psycopg.connect(url, autocommit=True) as connection:
        found = [connection.execute(statement.encode()) for statement in statements][-1]
        return found.fetchone()[0] if found.description else None  # type: ignore[index]


def recorded(url: str) -> int | None:
    """Return the number of events that a database holds, or None where it is not set up."""
    if execute(url, "SELECT to_regclass('timeline.events')") is None:
        return None
    return int(execute(url, "SELECT count(*) FROM timeline.events"))


@pytest.fixture
def url(database_url: str) -> str:
    """Return the address of a database that holds one event."""
    Program(database_url)("import", "-", given=fact("kept"))
    return database_url


@pytest.fixture
def login(url: str) -> Iterator[str]:
    """Yield the name of a login without any rights."""
    name = f"stranger_{uuid4().hex}"
    execute(url, f"CREATE ROLE {name} LOGIN")
    yield name
    execute(url, f"DROP ROLE {name}")


@pytest.fixture
def facts(tmp_path: Path) -> Path:
    """Return a file of facts that is sound."""
    path = tmp_path / "facts.jsonl"
    path.write_text(fact("first") + fact("second"))
    return path


def port_is_closed(_url: str, _login: str) -> str:
    """Name a port that nobody listens at."""
    return f"postgresql://anna:{SECRET}@127.0.0.1:9/news"


def socket_is_gone(url: str, _login: str) -> str:
    """Name the folder of a server that was stopped."""
    return make_conninfo(url, host="/nowhere", password=SECRET)


def database_is_gone(url: str, _login: str) -> str:
    """Name a database that the server does not know."""
    return make_conninfo(url, dbname="nothing-of-that-name", password=SECRET)


def not_set_up(url: str, _login: str) -> str:
    """Take away what the migrations made."""
    execute(url, "DROP SCHEMA timeline CASCADE")
    return make_conninfo(url, password=SECRET)


def newer(url: str, _login: str) -> str:
    """Let a later version of the program have migrated it."""
    execute(url, "UPDATE timeline.alembic_version SET version_num = '9999'")
    return make_conninfo(url, password=SECRET)


def without_rights(url: str, login: str) -> str:
    """Name a login that nobody granted anything."""
    return make_conninfo(url, user=login, password=SECRET)


def full_of_others(url: str, login: str) -> str:
    """Name a login that may have no more connections."""
    execute(url, f"ALTER ROLE {login} CONNECTION LIMIT 0", f"GRANT timeline_writer TO {login}")
    return make_conninfo(url, user=login, password=SECRET)


FAULTS: dict[str, tuple[Fault, str, str]] = {
    "port": (port_is_closed, "cannot be reached", "TIMELINE_DATABASE_URL"),
    "socket": (socket_is_gone, "cannot be reached", "TIMELINE_DATABASE_URL"),
    "database": (database_is_gone, "nothing-of-that-name", "createdb"),
    "not set up": (not_set_up, "has not been set up", "Run: timeline init"),
    "newer": (newer, "at revision 9999, newer than this program", "Upgrade the program"),
    "no rights": (without_rights, "permission denied", "GRANT timeline_writer"),
    "full": (full_of_others, "too many connections", "Try again later"),
}


@pytest.mark.parametrize("fault, said, remedy", FAULTS.values(), ids=FAULTS)
def test_a_database_that_cannot_serve_is_told(
    url: str, login: str, facts: Path, fault: Fault, said: str, remedy: str
) -> None:
    """Asking and importing fail alike: what is wrong and what to do, without the password, and nothing is changed."""
    program = Program(fault(url, login))
    before = recorded(url)
    for command in (("ask", "deliveries"), ("import", facts), ("import", facts, "--skip-bad")):
        told, what_to_do = program.refused(4, *command)
        assert said in told
        assert remedy in what_to_do
        assert SECRET not in f"{told}{what_to_do}"
    assert recorded(url) == before


@pytest.mark.parametrize("command", ["init", "doctor", "stats", "db status", "db upgrade", "demo", "log", "export"])
def test_no_command_fails_in_another_way(command: str) -> None:
    """Nobody listens: whatever was asked for, it is told without a trace and without the password."""
    program = Program(port_is_closed("", ""))
    result = program(*command.split(), code=1 if command == "doctor" else 4)
    assert "cannot be reached" in f"{result.stdout}{result.stderr}"
    for never in (SECRET, "Traceback", "fault in this program"):
        assert never not in f"{result.stdout}{result.stderr}"


def test_a_read_only_database_answers_and_takes_nothing(url: str, facts: Path) -> None:
    """A replica gives the same answers; what is to be recorded is refused with the way to the primary."""
    program = Program(make_conninfo(url, password=SECRET))
    asked = ("ask", "observations", "--on", "2023-12-26", "--known", "2023-12-26")
    before = program(*asked).stdout
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    execute(url, f'ALTER DATABASE "{name}" SET default_transaction_read_only = on')
    assert program(*asked).stdout == before
    told, remedy = program.refused(4, "import", facts)
    assert "read-only" in told
    assert "primary" in remedy
    execute(url, "SET default_transaction_read_only = off", f'ALTER DATABASE "{name}" RESET ALL')
    assert program("import", facts).stderr == "2 events recorded at 2-3\n"


# With a server of one's own


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """Yield the home of a server that may be killed: everybody may enter it, as root lends its server an account."""
    folder = Path(tempfile.mkdtemp(prefix="timeline-faults-"))
    folder.chmod(0o711)
    yield folder / "home"
    shutil.rmtree(folder)


@pytest.fixture
def own_url(home: Path) -> Iterator[str]:
    """Yield the address of that server's database, while it runs."""
    with running(home, binaries=Path(BINARIES) if BINARIES else None, durable=False) as url:
        yield url


def embedded(home: Path) -> Program:
    """Return the program with the server of a home, as it is used without any set-up."""
    program = Program("")
    program.environment |= {"TIMELINE_HOME": str(home)} | ({"TIMELINE_SERVER_BINARIES": BINARIES} if BINARIES else {})
    return program


def wait_for_a_batch(url: str, process: subprocess.Popen[str]) -> None:
    """Wait until an import has written a batch and waits for more."""
    query = """SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
        AND state = 'idle in transaction' AND query LIKE 'UPDATE timeline.timelines SET position%'"""
    end = time.monotonic() + NEVER_READY
    while not execute(url, query):
        assert process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.05)


@contextmanager
def importing(program: Program, url: str) -> Iterator[subprocess.Popen[str]]:
    """Yield an import that has got most of its input, has written some of it and waits for the rest."""
    with program.started("import", "-", stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        process.stdin.writelines(fact(f"many-{number}") for number in range(MANY))
        process.stdin.flush()
        wait_for_a_batch(url, process)
        yield process
        if process.poll() is None:
            process.kill()


def test_only_recording_begins_a_timeline(home: Path, tmp_path: Path) -> None:
    """Who mistypes its name is told so whatever he asks, and nothing is made of it."""
    program = embedded(home)
    assert program.answer("ask", "trade")["rows"] == []  # main is there from the beginning
    (tmp_path / "list.csv").write_text("id\n1\n")
    (tmp_path / "map.toml").write_text(
        '[[facts]]\nfact = "{id}"\nkind = "entry.listed"\nsubject = "{id}"\nsaid_by = ["A"]\n'
        'data = { list = "l", name = "{id}" }\n'
    )
    snapshot = ("sync", tmp_path / "list.csv", "--source", "s", "--known", "2024-01-10", "--map", tmp_path / "map.toml")
    program("--timeline", "news", *snapshot, "--dry-run")
    program("--timeline", "news", "import", "-", "--dry-run", given=fact("kept"))
    for asked in (["ask", "trade"], ["facts"], ["sql", "SELECT 1"], ["stats"], ["views", "run", "--once"], ["log"]):
        sentence, remedy = program.refused(3, "--timeline", "news", *asked)
        assert sentence == "there is no timeline named 'news'"
        assert remedy == "There are: main. To begin it: timeline --timeline news import FILE"
    assert program.refused(3, "--timeline", "mian", "stats")[1] == "Did you mean 'main'?"
    program("--timeline", "news", *snapshot)
    assert program.answer("--timeline", "news", "stats")["position"] == 1


def test_a_killed_server_leaves_nothing_half_recorded(home: Path, own_url: str) -> None:
    """Code 4 and one sentence; the same command starts the server again and completes what was begun."""
    program = embedded(home)
    program("import", "-", given=fact("kept"))
    (path,) = home.glob("pg*/postmaster.pid")
    with importing(program, own_url) as process:
        os.kill(int(path.read_text().split()[0]), signal.SIGKILL)
        said, remedy = failure(*process.communicate(fact("last"), timeout=NEVER_READY))
        assert process.returncode == 4
    assert "connection" in said
    assert remedy
    assert program.answer("stats")["position"] == 1
    whole = "".join(fact(f"many-{number}") for number in range(MANY)) + fact("last")
    assert program("import", "-", given=whole).stderr == "5,001 events recorded at 2-5002\n"
    assert program("import", "-", given=whole).stderr == "0 events recorded, 5,001 duplicates\n"


def test_a_killed_import_leaves_nothing(url: str) -> None:
    """Not even a lock: the same command again completes it."""
    program = Program(url)
    with importing(program, url) as process:
        process.kill()
        process.wait()
    assert program.answer("stats")["position"] == 1
    whole = "".join(fact(f"many-{number}") for number in range(MANY))
    assert program("import", "-", given=whole).stderr == "5,000 events recorded at 2-5001\n"


def mount(*args: str | Path) -> bool:
    """Mount a file system in memory, and return whether the system permits it."""
    tool = shutil.which("mount")
    return bool(tool) and not subprocess.run([str(tool), *args], capture_output=True, check=False).returncode


@pytest.fixture
def small_disk(home: Path, own_url: str) -> Iterator[Path]:
    """Yield a folder of 24 MiB that belongs to the server's account; root alone can make one."""
    folder = home.parent / "disk"
    folder.mkdir()
    if sys.platform != "linux" or os.geteuid() != 0 or not mount("-t", "tmpfs", "-o", "size=24m", "tmpfs", folder):
        folder.rmdir()
        pytest.skip("only root may mount a small disk, where the system permits it at all")
    del own_url
    (version,) = home.glob("pg*/PG_VERSION")
    os.chown(folder, version.stat().st_uid, version.stat().st_gid)
    yield folder
    subprocess.run(["/bin/umount", folder], check=True)
    folder.rmdir()


@pytest.fixture
def crowded_url(own_url: str, small_disk: Path) -> Iterator[str]:
    """Yield the address of a database on the small disk, which holds one event."""
    execute(own_url, f"CREATE TABLESPACE small LOCATION '{small_disk}'", "CREATE DATABASE crowded TABLESPACE small")
    url = make_conninfo(own_url, dbname="crowded")
    database.upgrade(url)
    Program(url)("import", "-", given=fact("kept"))
    yield url
    execute(own_url, "DROP DATABASE crowded", "DROP TABLESPACE small")


def test_a_full_disk_takes_all_or_nothing(crowded_url: str, small_disk: Path, tmp_path: Path) -> None:
    """What does not fit is taken back, questions are answered still, and with more room the same command completes."""
    program = Program(make_conninfo(crowded_url, password=SECRET))
    path = tmp_path / "facts.jsonl"
    path.write_text("".join(fact(f"many-{number}", os.urandom(4_000).hex()) for number in range(4_000)))
    told, remedy = program.refused(4, "import", path)
    assert "No space left on device" in told
    assert "Free some disk space" in remedy
    assert SECRET not in f"{told}{remedy}"
    assert program.answer("stats")["position"] == 1
    assert len(program.answer("facts", "--on", "2023-12-26")["facts"]) == 1
    assert mount("-o", "remount,size=120m", small_disk)
    assert program("import", path).stderr == "4,000 events recorded at 2-4001\n"
