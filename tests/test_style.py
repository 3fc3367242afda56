"""The house style, as far as a program can see it: sizes, docstrings, names and what must not be written down."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from statistics import median

import pytest

ROOT = Path(__file__).parent.parent
CODE = sorted((ROOT / "timeline").rglob("*.py"))
FILES = [*CODE, *sorted((ROOT / "migrations").rglob("*.py")), *sorted((ROOT / "tests").rglob("*.py"))]
LONGEST_FILE, LONGEST_FUNCTION, MEDIAN_FUNCTION = 400, 50, 8
NAMES = re.compile(r"(Manager|Helper|Util|Utils|Service|Handler)$|^Base[A-Z]")
# Written so that the pattern does not match itself.
WRITTEN = re.compile(r"\bTO[D]O\b|\bFIX[M]E\b|/ho[m]e/\w|/ro[o]t\b|pypi[.]org|pythonhos[t]ed")
Named = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def named(path: Path) -> list[Named]:
    """Return every function and class of a file."""
    return [node for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, Named)]


def public(path: Path) -> list[Named]:
    """Return what others may use of a file; a function within a function is seen by nobody else."""
    tree = ast.parse(path.read_text("utf-8"))
    bodies = [tree.body, *(node.body for node in ast.walk(tree) if isinstance(node, ast.ClassDef))]
    return [node for body in bodies for node in body if isinstance(node, Named) and not node.name.startswith("_")]


def length(node: Named) -> int:
    """Return the number of lines of a function or class, its docstring included."""
    return (node.end_lineno or node.lineno) - node.lineno + 1


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_can_be_read_at_one_sitting(path: Path) -> None:
    """Files and functions are short, and every module says what it is."""
    text = path.read_text("utf-8")
    assert text.count("\n") <= LONGEST_FILE
    assert not [
        node.name for node in named(path) if not isinstance(node, ast.ClassDef) and length(node) > LONGEST_FUNCTION
    ]
    assert ast.get_docstring(ast.parse(text))


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_names_say_what_a_thing_is(path: Path) -> None:
    """No name is ceremony, and whatever others may use has a docstring."""
    assert not [node.name for node in named(path) if NAMES.search(node.name)]
    assert not [node.name for node in public(path) if not ast.get_docstring(node)]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_nothing_is_left_for_later_or_bound_to_one_machine(path: Path) -> None:
    """No unfinished marks, no folder of somebody's machine, no host of a package registry."""
    assert not WRITTEN.findall(path.read_text("utf-8"))


def test_most_functions_are_small() -> None:
    """The median function of the package fits a glance."""
    assert (
        median(length(node) for path in CODE for node in named(path) if not isinstance(node, ast.ClassDef))
        <= MEDIAN_FUNCTION
    )
