"""The house: a module imports only from lower floors; proved from the text of the program alone."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "timeline"

FLOORS = (
    ("errors", "collector"),
    ("edtf", "processes"),
    ("temporal",),
    ("wordings",),
    ("phrases",),
    # Values: what is recorded, and by which words.
    ("choice",),
    ("events", "basis", "schemas"),
    ("kinds",),
    ("border", "fold", "stretches", "frames"),
    ("reading",),
    # Functions: what is answered.
    ("views", "answers", "planes", "periods", "ranges"),
    ("difference", "corrections"),
    ("causes", "redating"),
    ("blame", "transitions"),
    ("telling",),
    ("vocabulary",),
    ("texts",),
    ("blocks",),
    ("exchange", "exporting", "rows"),
    ("cells",),
    ("maps",),
    ("snapshots",),
    ("versions",),
    # The shell begins here: nothing below touches a database, a clock or a process.
    ("tables", "server", "driver"),
    ("database", "believed", "published"),
    ("store",),
    ("append", "question", "comparing", "readmodels"),
    ("recording", "chain", "changing", "stored"),
    ("runs", "following"),
    ("syncing", "rebuilding", "standing"),
    ("proving",),
    ("keeping",),
    ("asking", "working"),
    ("app",),
    ("settings",),
    ("opening",),
    ("cli",),
    ("__main__", "__init__"),
)
PURE = FLOORS[: next(number for number, floor in enumerate(FLOORS) if "tables" in floor)]
SHELL = {"sqlalchemy", "psycopg", "alembic", "subprocess", "socket", "typer", "rich", "logging"}


def imports(path: Path) -> set[str]:
    """Return the names of all modules that a file imports, wherever in it the import stands."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def roots(path: Path) -> set[str]:
    """Return the top-level packages that a file imports."""
    return {name.partition(".")[0] for name in imports(path)}


def files(module: str) -> list[Path]:
    """Return the files of a module or of a package within the package."""
    single = PACKAGE / f"{module}.py"
    return [single] if single.exists() else sorted((PACKAGE / module).rglob("*.py"))


def test_every_module_has_a_floor() -> None:
    """Nothing stands outside the house."""
    modules = {path.stem for path in PACKAGE.glob("*.py")} | {
        path.parent.name for path in PACKAGE.glob("*/__init__.py")
    }
    assert modules == {module for floor in FLOORS for module in floor}


@pytest.mark.parametrize("number", range(len(FLOORS)))
def test_a_module_imports_only_from_lower_floors(number: int) -> None:
    """No import leads up, nor sideways to another module of the same floor; those for types alone count as well."""
    lower = {module for floor in FLOORS[:number] for module in floor}
    everything = {module for floor in FLOORS for module in floor}
    for module in FLOORS[number]:
        for path in files(module):
            used = {name.split(".")[1] for name in imports(path) if name.startswith("timeline.")} & everything
            assert used - {module} <= lower, f"{path.relative_to(PACKAGE)} imports {sorted(used - lower - {module})}"


def test_the_core_is_pure() -> None:
    """Below the tables nothing knows a database, a process, a terminal or a log of its own."""
    for floor in PURE:
        for module in floor:
            for path in files(module):
                assert not roots(path) & SHELL, path.name


def test_the_supervisor_needs_the_standard_library_only() -> None:
    """A server can be started before anything else is imported."""
    assert roots(PACKAGE / "server.py") - {"timeline"} <= sys.stdlib_module_names


def test_a_view_knows_no_other_view() -> None:
    """Each projection stands in a file of its own and shares only what is made for sharing."""
    shared = {"claims", "sayings", "tally"}
    views = {path.stem for path in files("views")} - {"__init__"}
    for view in views - shared:
        used = {name.split(".")[2] for name in imports(PACKAGE / "views" / f"{view}.py") if name.count(".") > 1}
        assert used & views <= shared, view


def test_migrations_are_frozen() -> None:
    """What was built then does not follow what the program says now."""
    for path in (PACKAGE.parent / "migrations" / "versions").glob("*.py"):
        assert "timeline" not in roots(path), path.name


def test_what_takes_long_to_import_is_imported_when_needed() -> None:
    """Checking a database does not import alembic; the command line by itself imports neither driver nor models."""
    slow = {"timeline.database": ["alembic"], "timeline.cli": ["sqlalchemy", "psycopg", "alembic", "rich.table"]}
    for module, others in slow.items():
        code = f"import sys, {module}; sys.exit(any(name in sys.modules for name in {others}))"
        assert subprocess.run([sys.executable, "-c", code], check=False, cwd=PACKAGE.parent).returncode == 0, module
