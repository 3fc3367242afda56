"""Looks at sources on a real log: what is recorded, what is kept, and that a fault of a feed changes nothing."""

from __future__ import annotations

import gzip
import os
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from threading import Thread
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from makers import line as fact_line

from timeline import maps
from timeline.errors import Conflict, Corrupt, NotFound, Refused
from timeline.temporal import parse_known

if TYPE_CHECKING:
    from pathlib import Path

    from timeline.app import Timeline
    from timeline.maps import Stated
    from timeline.rows import Row
    from timeline.runs import Run

MAP = """
[[facts]]
fact = "{id}"
kind = "entry.listed"
subject = "{id}"
[facts.data]
list = "L"
name = "{name}"
program = "{program}"
"""


class Feed:
    """A list that is fetched now and then."""

    def __init__(self, line: Timeline, folder: Path) -> None:
        """Begin with a map."""
        self.line, self.file, self.map = line, folder / "list.csv", folder / "map.toml"
        self.map.write_text(MAP)

    def __call__(self, known: str, *rows: str, **how: Any) -> Run:  # noqa: ANN401
        """Look at the list when it has these rows: `id,name` or `id,name,program`."""
        lines = ("id,name,program", *(row if row.count(",") > 1 else f"{row}," for row in rows))
        self.file.write_text("\n".join(lines) + "\n")
        given: dict[str, Any] = {"source": "list", "known": known, "map": self.map, "max_removed": 1.0} | how
        return self.line.sync(self.file, **given)

    def names(self, day: str) -> dict[str, str]:
        """Return who was on the list on a day as known by its end, with status."""
        rows = self.line.ask("listings", as_of=day).rows
        return {row.state["name"]: row.state["status"] for row in rows}


@pytest.fixture
def feed(opened: Timeline, tmp_path: Path) -> Feed:
    """Return a feed into a new timeline."""
    return Feed(opened, tmp_path)


def test_a_look_is_recorded_with_what_it_changed(feed: Feed) -> None:
    """A run says when the list read so, what the file was, and which events came of it."""
    feed("2023-03-01", "1,Ann", "2,Ben")
    run = feed("2023-03-05T12:00+02:00", "1,Anna", "3,Cid")
    assert (run.source, run.run, run.outcome, run.rows) == ("list", 2, "recorded", 2)
    assert (run.added, run.amended, run.removed, run.returned) == (1, 1, 1, 0)
    assert (run.first, run.last, run.reason) == (3, 5, None)
    assert run.known == datetime(2023, 3, 5, 10, tzinfo=UTC)
    assert run.file == sha256(feed.file.read_bytes()).hexdigest()
    assert {entry.known for entry in feed.line.log() if entry.position > 2} == {run.known}
    assert feed.names("2023-03-02") == {"Ann": "listed", "Ben": "listed"}
    assert feed.names("2023-03-05") == {"Anna": "listed", "Cid": "listed"}
    found = feed.line.ask("listings", on="2023-03-03").rows
    assert {row.key: row.state["status"] for row in found} == {"1": "listed", "2": "unconfirmed", "3": "unconfirmed"}


def test_an_unchanged_list_is_looked_at_all_the_same(feed: Feed) -> None:
    """No event is born; that nothing changed is what the run says, and the next look counts from it."""
    feed("2023-03-01", "1,Ann", "2,Ben")
    run = feed("2023-03-04", "2,Ben", "1,Ann")
    assert (run.run, run.outcome, run.first, run.last) == (2, "unchanged", None, None)
    feed("2023-03-06", "1,Ann", "2,Ben", "3,Cid")
    assert [entry.valid and entry.valid.text for entry in feed.line.log("3")] == ["[2023-03-05..2023-03-06]/.."]
    assert [run.run for run in feed.line.runs("list")] == [1, 2, 3]


def test_the_same_look_twice_changes_nothing(feed: Feed) -> None:
    """The second run finds what the first one left."""
    feed("2023-03-01", "1,Ann")
    assert feed("2023-03-01", "1,Ann").outcome == "unchanged"
    assert feed.line.stats()["events"] == 1


@pytest.mark.parametrize(
    "known, rows, how, said",
    [
        ("2023-03-02", [], {}, "no rows"),
        ("2023-03-02", ["1,Ann"], {"max_removed": 0.4}, "1 of 2 entries are gone, more than 40%"),
        ("2023-02-28", ["1,Ann", "2,Ben"], {}, "older than the last one"),
        ("2023-03-02", ["1,Ann", "1,Ann"], {}, "stands in line 2 already"),
        ("2023-03-02", ["1,Ann", "2,"], {}, "name"),
    ],
)
def test_a_fault_of_the_feed_is_kept_and_changes_nothing(
    feed: Feed, known: str, rows: list[str], how: dict[str, Any], said: str
) -> None:
    """The run says why it was refused; the log is what it was, and the next look counts from the one before."""
    feed("2023-03-01", "1,Ann", "2,Ben")
    before = list(feed.line.export())
    with pytest.raises(Refused, match=said):
        feed(known, *rows, **how)
    assert list(feed.line.export()) == before
    kept = feed.line.runs("list")[-1]
    assert (kept.run, kept.outcome, kept.first, kept.last) == (2, "refused", None, None)
    assert kept.known == parse_known(known)
    assert said in (kept.reason or "")
    feed("2023-03-04", "1,Ann", "2,Ben", "3,Cid")
    assert [entry.valid and entry.valid.text for entry in feed.line.log("3")] == ["[2023-03-02..2023-03-04]/.."]
    assert feed.line.verify() == 3


def test_what_is_no_fault_of_the_feed_leaves_no_run(feed: Feed, tmp_path: Path) -> None:
    """A file or map that is missing, or a flag that means nothing, is told and forgotten."""
    feed("2023-03-01", "1,Ann")
    wrong: list[dict[str, Any]] = [
        {"map": tmp_path / "none.toml"},
        {"source": "Not/plain"},
        {"absent": "vanish"},
        {"max_removed": 2.0},
        {"known": "soon"},
        {"known": "2999-01-01"},
    ]
    for how in wrong:
        with pytest.raises(Refused):
            feed(how.pop("known", "2023-03-02"), "1,Ann", **how)
    with pytest.raises(Refused, match="cannot be read"):
        feed.line.sync(tmp_path / "none.csv", source="list", known="2023-03-02", map=feed.map)
    assert len(feed.line.runs("list")) == 1


def test_a_dry_run_keeps_nothing(feed: Feed) -> None:
    """It tells what would be, of a sound list and of a bad one."""
    feed("2023-03-01", "1,Ann")
    run = feed("2023-03-02", "1,Ann", "2,Ben", dry_run=True)
    assert (run.run, run.added) == (2, 1)
    with pytest.raises(Refused):
        feed("2023-03-02", dry_run=True)
    assert len(feed.line.runs("list")) == feed.line.stats()["events"] == 1


def test_who_is_back_is_a_new_stay(feed: Feed) -> None:
    """On the days between the two nobody was there; the old stay still answers for its own days."""
    feed("2023-03-01", "1,Ann", "2,Ben")
    feed("2023-03-02", "1,Ann")
    run = feed("2023-03-03", "1,Ann", "2,Ben")
    assert (run.added, run.returned) == (0, 1)
    assert feed.names("2023-03-02") == {"Ann": "listed"}
    now = {"known": "2023-03-03"}
    assert [len(feed.line.ask("listings", "2", on=f"2023-03-0{day}", **now).rows) for day in (1, 2, 3)] == [1, 0, 1]
    assert feed.line.show("list/2@2023-03-03").versions[0].action == "assert"


def test_a_stay_that_came_back_twice_in_one_day_is_one_fact(feed: Feed) -> None:
    """The fact of that day is taken back and reinstated: each look answers as it was."""
    looks = {"08": True, "10": False, "12": True, "14": False, "16": True}
    feed("2023-03-01", "1,Ann", "2,Ben")
    feed("2023-03-02", "1,Ann")
    for hour, there in looks.items():
        feed(f"2023-03-05T{hour}:00Z", "1,Ann", *(["2,Ben"] if there else []))
    for hour, there in looks.items():
        rows = feed.line.ask("listings", "2", on="2023-03-05", known=f"2023-03-05T{hour}:30Z").rows
        assert len(rows) == there
    assert [entry.action for entry in feed.line.log("list/2@2023-03-05")] == [
        *("assert", "retract", "correct", "retract", "correct")
    ]


def test_returning_to_an_earlier_reading_of_one_instant_is_a_conflict(feed: Feed) -> None:
    """The log holds that very correction and believes the later one: only a later instant can tell them apart."""
    for name in ("Ann", "Anna", "Ann"):
        feed("2023-03-01", f"1,{name}")
    with pytest.raises(Conflict, match="displaced"):
        feed("2023-03-01", "1,Anna")
    assert feed("2023-03-01T12:00Z", "1,Anna").amended == 1


def test_a_list_that_was_imported_goes_on(feed: Feed) -> None:
    """Without runs, as in a copy of a log, the last news of the source is the last look."""
    feed("2023-03-01", "1,Ann")
    copy = replace(feed.line, name="copy")
    copy.record([dict(action=e.action, fact=e.fact, **_stated(e)) for e in feed.line.log()])
    feed.line = copy
    run = feed("2023-03-04", "1,Ann", "2,Ben")
    assert (run.run, run.added) == (1, 1)
    assert [entry.valid and entry.valid.text for entry in copy.log("2")] == ["[2023-03-02..2023-03-04]/.."]
    with pytest.raises(Conflict):
        feed("2023-03-01", "1,Ann")


def test_an_instant_that_is_read_again_counts_from_the_look_before(feed: Feed) -> None:
    """The later reading displaces the earlier one and knows no more than it of the days before."""
    feed("2023-03-01", "1,Ann", "2,Ben")
    feed("2023-03-05", "1,Ann", "2,Ben")
    feed("2023-03-05", "1,Ann", "3,Cid")
    assert [entry.valid and entry.valid.text for entry in feed.line.log("list/2")] == [
        *("2023-03-01/..", "2023-03-01/[2023-03-01..2023-03-04]")
    ]
    assert [entry.valid and entry.valid.text for entry in feed.line.log("3")] == ["[2023-03-02..2023-03-05]/.."]


def test_a_look_leaves_what_people_corrected(feed: Feed) -> None:
    """The list is compared with what it said itself, from run to run."""
    feed("2023-03-01", "1,Ann", "2,Ben")
    feed.line.record([_by_hand(feed, "list/1", data={"list": "L", "name": "Anna"})])
    assert feed("2023-03-02", "1,Ann", "2,Ben").outcome == "unchanged"
    assert feed.names("2023-03-02") == {"Anna": "listed", "Ben": "listed"}
    assert feed("2023-03-03", "1,Ann,P", "2,Ben").amended == 1
    assert feed("2023-03-04", "1,Ann,P", "2,Ben").outcome == "unchanged"
    assert feed.names("2023-03-04") == {"Ann": "listed", "Ben": "listed"}


def test_two_open_stays_end_together(feed: Feed) -> None:
    """The old one was reinstated by hand: nobody is listed any more whom the list lacks."""
    feed("2023-03-01", "1,Ann", "2,Ben")
    feed("2023-03-05", "2,Ben")
    feed("2023-03-06", "1,Ann", "2,Ben")
    feed.line.record([_by_hand(feed, "list/1", known="2023-03-07", reason="the list of 5 March was faulty")])
    assert feed("2023-03-10", "2,Ben").removed == 2
    assert feed.names("2023-03-10") == {"Ben": "listed"}
    assert feed.line.verify() == 7


def test_a_look_ends_nothing_but_its_own(feed: Feed) -> None:
    """A fact that somebody put under the name of the source is neither ended nor counted, nor is it a look."""
    feed("2023-03-01", "1,Ann")
    feed.line.record([fact_line(fact="list/note-1", known="2023-06-01")])
    assert feed("2023-03-05", "1,Ann", max_removed=0.0).outcome == "unchanged"


def test_a_list_that_was_imported_goes_on_look_after_look(feed: Feed) -> None:
    """What the first look found is the list's own, though no run recorded it."""
    feed("2023-03-01", "1,Ann", "2,Ben")
    copy = replace(feed.line, name="copy")
    copy.record([dict(action=e.action, fact=e.fact, **_stated(e)) for e in feed.line.log()])
    feed.line = copy
    assert feed("2023-03-04", "1,Ann", "2,Ben").outcome == "unchanged"
    assert feed("2023-03-05", "1,Ann").removed == 1
    assert feed("2023-03-06", "1,Ann", "2,Ben").returned == 1


def test_the_remedy_for_too_much_that_is_gone_is_one(feed: Feed) -> None:
    """29 of 100 may be gone where 0.29 may."""
    rows = [f"{number},N" for number in range(100)]
    feed("2023-03-01", *rows)
    with pytest.raises(Refused, match="29 of 100") as caught:
        feed("2023-03-02", *rows[29:], max_removed=0.2)
    assert caught.value.remedy.endswith("--max-removed 0.29")
    assert feed("2023-03-02", *rows[29:], max_removed=0.29).removed == 29


def test_a_file_that_changes_while_it_is_read_is_refused(feed: Feed, tmp_path: Path) -> None:
    """What was hashed is not what was compared: the run says so, and nothing is recorded."""
    feed("2023-03-01", "1,Ann")
    map_ = maps.load(feed.map)
    (reader,) = map_.readers

    def late(row: Row) -> Stated | None:
        (tmp_path / "newer.csv").write_text("id,name,program\n3,Cid,\n")
        (tmp_path / "newer.csv").replace(feed.file)
        return reader(row)

    with pytest.raises(Refused, match="the file changed while it was read"):
        feed("2023-03-02", "1,Ann", "2,Ben", map=replace(map_, readers=(late,)))
    assert [run.outcome for run in feed.line.runs("list")] == ["recorded", "refused"]
    assert feed.line.stats()["events"] == 1


def test_what_can_be_read_only_once_is_no_list(feed: Feed, tmp_path: Path) -> None:
    """A pipe is refused without waiting for it, and leaves no run; a folder too."""
    feed("2023-03-01", "1,Ann")
    os.mkfifo(tmp_path / "pipe.csv")
    for path in (tmp_path / "pipe.csv", tmp_path):
        with pytest.raises(Refused, match="no regular file") as caught:
            feed.line.sync(path, source="list", known="2023-03-02", map=feed.map)
        assert caught.value.remedy.startswith("Save the list to a file first")
    assert len(feed.line.runs("list")) == 1


def test_a_reason_can_be_kept_and_read_whatever_the_file_holds(feed: Feed, tmp_path: Path) -> None:
    """Lone surrogates and NUL are written as escapes."""
    path = tmp_path / "list.jsonl"
    odd = {r'{"id": "1", "name": "\ud800"}': "U+D800", r'{"id": "1", "\udfff\u0000": "x"}': r"\udfff\x00"}
    for text, shown in odd.items():
        path.write_text(text)
        with pytest.raises(Refused):
            feed.line.sync(path, source="list", known="2023-03-02", map=feed.map)
        reason = feed.line.runs("list")[-1].reason or ""
        assert shown in reason
        assert reason.isprintable()


def _by_hand(feed: Feed, fact: str, **changed: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a correction of a fact as it was first asserted."""
    first = next(iter(feed.line.log(fact)))
    return {"action": "correct", "fact": fact, **_stated(first), "reason": "misread", **changed}


def _stated(entry: Any) -> dict[str, Any]:  # noqa: ANN401
    fields: dict[str, Any] = entry.fields()
    return {name: value for name, value in fields.items() if name not in {"action", "fact"}}


def test_sources_do_not_mix(feed: Feed) -> None:
    """A source is its own; other facts of the log are nobody's entries, even under a name that begins alike."""
    feed.line.record([fact_line(fact="list2/9"), fact_line(fact="list"), fact_line(fact="list.x/1")])
    feed("2023-03-01", "1,Ann", "2,Ben")
    feed("2023-03-02", "1,Ann", source="other")
    run = feed("2023-03-03", "1,Ann", "2,Ben")
    assert run.outcome == "unchanged"
    (first, second) = feed.line.sources()
    assert (first.source, first.runs, first.refused, first.rows) == ("list", 2, 0, 2)
    assert (second.source, second.first_known, second.last_known) == ("other", *[datetime(2023, 3, 2, tzinfo=UTC)] * 2)
    with pytest.raises(NotFound, match="nothing"):
        feed.line.runs("nothing")


def test_two_looks_at_once_see_each_other(feed: Feed, tmp_path: Path) -> None:
    """The second waits for the first: an entry is added once."""
    feed("2023-03-01", "1,Ann")
    files = [tmp_path / f"{number}.csv" for number in range(4)]
    for file in files:
        file.write_text("id,name,program\n1,Ann,\n2,Ben,\n")
    how: dict[str, Any] = {"source": "list", "known": "2023-03-02", "map": feed.map}
    looks = [Thread(target=feed.line.sync, args=(file,), kwargs=how) for file in files]
    for look in looks:
        look.start()
    for look in looks:
        look.join()
    assert sorted(run.outcome for run in feed.line.runs("list")) == ["recorded"] * 2 + ["unchanged"] * 3
    assert [run.run for run in feed.line.runs("list")] == [1, 2, 3, 4, 5]


def test_a_compressed_list_is_known_by_its_own_bytes(feed: Feed, tmp_path: Path) -> None:
    """The hash is that of the file as it was given."""
    packed = tmp_path / "list.csv.gz"
    packed.write_bytes(gzip.compress(b"id,name,program\n1,Ann,\n"))
    run = feed.line.sync(packed, source="list", known="2023-03-01", map=feed.map)
    assert run.file == sha256(packed.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    "how, said",
    [
        ("DELETE FROM timeline.runs WHERE run = 1", "the run 1 of the source 'list' is missing"),
        ("UPDATE timeline.runs SET known = known + interval '1 day' WHERE run = 2", "the run 2 of the source 'list'"),
        ("UPDATE timeline.runs SET first = 1, last = 1 WHERE run = 2", "the run 2 of the source 'list'"),
    ],
)
def test_verification_finds_runs_that_were_tampered_with(feed: Feed, database_url: str, how: str, said: str) -> None:
    """A run that is missing, or that names events that are not its own, is found."""
    feed("2023-03-01", "1,Ann")
    feed("2023-03-02", "1,Ann", "2,Ben")
    assert feed.line.verify() == 2
    with psycopg.connect(database_url) as owner:
        owner.execute("ALTER TABLE timeline.runs DISABLE TRIGGER ALL")
        owner.execute(how.encode())
    with pytest.raises(Corrupt, match=said):
        feed.line.verify()
