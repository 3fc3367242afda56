"""Settings: which of several values is in force, and what is refused."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from timeline import settings
from timeline.errors import Refused


def written(folder: Path, content: str) -> Path:
    """Return the folder, with these settings in its file."""
    (folder / settings.FILE).write_text(content)
    return folder


def test_a_flag_wins_over_the_environment_over_the_file(tmp_path: Path) -> None:
    """Each setting is taken from the first place that gives it, and says from which."""
    written(tmp_path, 'timeline = "file"\noutput = "csv"\nserver_user = "file"\n')
    environment = {"TIMELINE_TIMELINE": "environment", "TIMELINE_OUTPUT": "md"}
    given = settings.load({"timeline": "flag", "home": None}, environment=environment, folder=tmp_path)
    assert (given.timeline, given.output, given.server_user) == ("flag", "md", "file")
    assert given.origins["timeline"] == "--timeline"
    assert given.origins["output"] == "TIMELINE_OUTPUT"
    assert given.origins["server_user"] == str(tmp_path / settings.FILE)


def test_without_anything_the_embedded_server_is_used(tmp_path: Path) -> None:
    """Nothing needs to be set, and an empty variable sets nothing."""
    given = settings.load(environment={"TIMELINE_DATABASE_URL": ""}, folder=tmp_path)
    assert (given.database_url, given.timeline, given.output, given.plugins) == (None, "main", None, ())
    assert given.home.is_absolute()


def test_the_nearest_file_above_is_read(tmp_path: Path) -> None:
    """The file of a project holds in all its folders, and paths in it are relative to the file."""
    written(tmp_path, 'home = "data"\nplugins = ["own.py"]\n')
    below = tmp_path / "a" / "b"
    below.mkdir(parents=True)
    given = settings.load(environment={}, folder=below)
    assert given.home == tmp_path / "data"
    assert given.plugins == (str(tmp_path / "own.py"),)


def test_plugins_in_the_environment_are_separated_like_a_path(tmp_path: Path) -> None:
    """Several files are given in one variable."""
    given = settings.load(environment={"TIMELINE_PLUGINS": os.pathsep.join(["a.py", "b.py"])}, folder=tmp_path)
    assert given.plugins == (str(tmp_path / "a.py"), str(tmp_path / "b.py"))


@pytest.mark.parametrize(
    "content, message",
    [
        ('databse_url = "x"', "Did you mean database_url?"),
        ("timeline = 7", "7 is not a text"),
        ('timeline = "My News"', "'My News' is no name for a timeline"),
        ('output = "xml"', "Choose one of table, json"),
        ('plugins = "own.py"', "plugins is not a list"),
        ("timeline", "cannot be read"),
    ],
)
def test_what_means_nothing_is_refused(tmp_path: Path, content: str, message: str) -> None:
    """A misspelt setting is never passed over in silence."""
    with pytest.raises(Refused) as caught:
        settings.load(environment={}, folder=written(tmp_path, content))
    assert message in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_a_password_is_never_shown(tmp_path: Path) -> None:
    """Neither in a listing nor in the settings' own representation."""
    environment = {"TIMELINE_DATABASE_URL": "postgresql://anna:secret@example.org/news"}
    given = settings.load(environment=environment, folder=tmp_path)
    shown = {row["setting"]: row for row in given.shown()}
    assert shown["database_url"]["value"] == "postgresql://anna:***@example.org/news"
    assert shown["database_url"]["from"] == "TIMELINE_DATABASE_URL"
    assert "secret" not in repr(given) + str(shown)
