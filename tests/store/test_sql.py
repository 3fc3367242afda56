"""SQL for everyone: the same rows as everywhere, found by index, and a reader who can do nothing but read."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from typing import TYPE_CHECKING

import psycopg
import pytest
from makers import line
from store.asking import SETTINGS, asked, offer, refused

from timeline import driver
from timeline.answers import row_fields

if TYPE_CHECKING:
    from timeline.app import Timeline

DAY = "2023-12-15"
KEY_INDEX, DAY_INDEX = "(key, days, known)", "(days, known)"


@pytest.fixture
def url(opened: Timeline, database_url: str) -> str:
    """Return the address of a database in which it has rained, with the observations stored."""
    opened.record([line(), line(subject="agra", known="2024-02-01", data={"measure": "rain", "value": 1})])
    opened.rebuild("observations")
    offer(opened, opened.vocabulary.view("observations"))
    return database_url


# What it answers


def test_sql_gives_the_rows_of_the_command_line(opened: Timeline, url: str) -> None:
    """Field for field, through each of the three ways to ask."""
    answer = opened.ask("observations", on=DAY, known="2024-01-01").rows
    ((key, state, certainty, disputed, since, until, known_since, facts, behind, stuck),) = asked(
        url, "SELECT * FROM timeline.ask('observations', %s, %s)", DAY, "2024-01-01T23:59:59Z"
    )
    fields = (key, state, certainty, disputed, str(since), str(until), known_since.date().isoformat(), facts)
    expected = {**row_fields(answer[0]), "known_since": "2023-12-26"}
    assert fields == tuple(expected.values())
    assert (behind, stuck) == (0, None)
    keys = "SELECT array_agg(key ORDER BY key) FROM"
    assert asked(url, f"{keys} timeline.observations_as_of('{DAY}')") == [(["agra/rain", "delhi/rain"],)]
    assert asked(url, f"{keys} timeline.observations_current", on=DAY) == [(["agra/rain", "delhi/rain"],)]
    assert asked(url, f"{keys} timeline.observations_current", on=DAY, known="2024-01-31") == [(["delhi/rain"],)]


def test_nothing_is_served_as_fresh_that_is_not(opened: Timeline, url: str) -> None:
    """A view that is left behind the log says by how many events, in every row."""
    opened.views.pause("observations")
    opened.record([line(subject="pune"), line(subject="goa")])
    assert asked(url, "SELECT key, behind FROM timeline.observations_current ORDER BY key", on=DAY) == [
        ("agra/rain", 2),
        ("delhi/rain", 2),
    ]


def test_a_transaction_is_warned_once_of_each_view_that_is_behind(opened: Timeline, url: str) -> None:
    """Not by every part of a plan that looks for its rows, and again when more is missing."""
    opened.rebuild("visits")
    opened.views.pause("observations")
    opened.views.pause("visits")
    opened.record([line(subject="pune")])
    told: list[str | None] = []
    with psycopg.connect(url, autocommit=True) as reader:
        reader.add_notice_handler(lambda notice: told.append(notice.message_primary))
        both = "SELECT count(*) FROM timeline.ask('observations') o, timeline.ask('visits', '2023-12-15', now()) v"
        warned = [f'the view "{view}" is 1 event behind the log' for view in ("observations", "visits")]
        for _ in range(2):
            reader.execute(both)
            assert sorted(told, key=str) == warned
            told.clear()
        with reader.transaction():
            reader.execute(both)
            opened.record([line(subject="goa")])
            reader.execute("SELECT * FROM timeline.ask('visits')")
        assert sorted(told, key=str) == [*warned, 'the view "visits" is 2 events behind the log']


def test_a_key_that_cannot_be_folded_says_why(opened: Timeline, url: str) -> None:
    """It has no state, whether it had one before or not."""
    with opened.engine.connect() as connection:
        connection.exec_driver_sql(
            "INSERT INTO timeline.stuck_keys SELECT 'main', model, unnest(ARRAY['agra/rain', 'pune/rain']), 2, 'spoilt'"
            " FROM timeline.read_models WHERE serving; DELETE FROM timeline.rows WHERE key = 'agra/rain'"
        )
        connection.commit()
    query = "SELECT key, state::text <> '{}', stuck FROM timeline.observations_as_of(%s) ORDER BY key"
    found = [("agra/rain", False, "spoilt"), ("delhi/rain", True, None), ("pune/rain", False, "spoilt")]
    assert asked(url, query, DAY) == found


def test_a_day_that_is_missing_never_becomes_today(url: str) -> None:
    """Who gives null as a day or an instant asks nothing."""
    assert asked(url, "SELECT * FROM timeline.ask('observations', null, now())") == []
    assert asked(url, "SELECT * FROM timeline.ask('observations', %s, null)", DAY) == []


def test_days_of_a_series_can_be_asked_at_once(url: str) -> None:
    """A lateral join gives the state of each day."""
    query = """SELECT to_char(day, 'DD'), state ->> 'value'
                 FROM generate_series(timestamp '2023-11-30', '2023-12-02', '1 day') day,
                      timeline.observations_as_of(day::date) WHERE key = 'delhi/rain' ORDER BY 1"""
    rows = asked(url, query)
    assert rows == [("01", "3"), ("02", "3")]


def test_facts_are_those_of_the_command_line(opened: Timeline, url: str) -> None:
    """At a day, an instant and a position, with what each says and who said it."""
    opened.record([line(fact="wet", action="assert", said_by=["IMD"], modality="reported", valid="2023-12/..")])
    opened.record([{"action": "retract", "fact": "wet", "known": "2024-03-01", "reason": "withdrawn"}])
    columns = "position, fact, kind, subject, data, valid, certainty, said_by, modality, polarity, event, content::text"
    query = f"SELECT {columns} FROM timeline.facts_as_of(%s, %s, %s)"  # noqa: S608
    for known, recorded in (("2024-02-15", 4), ("2024-03-15", 4), ("2024-03-15", 3), ("2024-01-15", 1)):
        found = asked(url, query, DAY, f"{known}T00:00:00Z", recorded)
        facts = opened.facts(on=DAY, known=f"{known}T00:00:00Z", recorded=recorded).facts
        assert [row[1] for row in found] == [entry.fact for entry in facts]
        for row, entry in zip(found, facts, strict=True):
            says = (entry.kind, entry.subject, entry.data, entry.valid and entry.valid.text)
            certainty = "certain" if entry.valid and entry.valid.certain(date.fromisoformat(DAY)) else "possible"
            assert row[:7] == (entry.position, entry.fact, *says, certainty)
            assert row[7:11] == (list(entry.said_by), entry.modality, entry.polarity, entry.event)
    assert len(asked(url, "SELECT * FROM timeline.facts_as_of()", on=DAY, known="2024-02-15")) == 3


# What is given by a session


@pytest.mark.parametrize(
    "given, instant",
    [
        ("2023-12-26", "2023-12-26T23:59:59.999999Z"),
        (" 2023-12-26T10:00Z ", "2023-12-26T10:00:00Z"),
        ("2023-12-26 10:00:00.5+05:30", "2023-12-26T04:30:00.5Z"),
        ("2024-02-29", "2024-02-29T23:59:59.999999Z"),
    ],
)
def test_a_day_of_knowledge_counts_whole(url: str, given: str, instant: str) -> None:
    """And an instant is taken as it is, in whatever time zone the session is."""
    assert asked(url, "SELECT timeline.known_at() = %s::timestamptz", instant, known=given) == [(True,)]


def test_today_is_that_of_utc(url: str) -> None:
    """Wherever the session is: on Kiritimati it may be tomorrow already."""
    query = "SELECT timeline.on_day() = (now() AT TIME ZONE 'UTC')::date, timeline.known_at() = now(), timeline.name()"
    assert asked(url, query) == [(True, True, "main")]
    assert asked(url, query, on="", known=" ", name="") == [(True, True, "main")]


@pytest.mark.parametrize(
    "setting, given, said",
    [
        ("on", "26/12/2023", "there is no day"),
        ("on", "2023-02-30", "there is no day"),
        ("on", "yesterday", "there is no day"),
        ("known", "2023-12-26 10:00", "does not say in which time zone"),
        ("known", "2023-12-26T10:00:00", "does not say in which time zone"),
        ("known", "2023-02-30T10:00:00Z", "there is no day"),
        ("known", "2023-12-26 10", "there is no day"),
        ("known", "2023-12-26T24:00Z", "there is no day"),
        ("known", "2023-12-26T23:59:60Z", "there is no day"),
        ("known", "9999-12-31", "there is no day"),
        ("on", "0001-12-31", "there is no day"),
        ("known", "2023-12-26T10:00 Europe/Berlin", "there is no day"),
        ("known", "infinity", "there is no day"),
    ],
)
def test_what_is_no_day_and_no_instant_is_refused(url: str, setting: str, given: str, said: str) -> None:
    """No setting of the session decides how a date is read, and nothing is guessed."""
    message, hint = refused(url, "SELECT * FROM timeline.observations_current", **{setting: given})
    assert said in message
    assert hint.startswith(f"Write SET {SETTINGS[setting]} = '")


def test_timelines_stay_apart(opened: Timeline, other: Timeline, url: str) -> None:
    """A session asks one timeline, main unless it says otherwise."""
    other.record([line(subject="pune")])
    other.rebuild("observations")
    query = "SELECT key FROM timeline.observations_as_of(%s)"
    assert asked(url, query, DAY, name="other") == [("pune/rain",)]
    assert [row[3] for row in asked(url, "SELECT * FROM timeline.facts_as_of(%s)", DAY, name="other")] == ["pune"]
    assert opened.name == "main"
    assert {key for (key,) in asked(url, query, DAY)} == {"agra/rain", "delhi/rain"}


def test_settings_reach_parallel_workers(url: str) -> None:
    """Whoever computes a row asks by the same day."""
    [(version,)] = asked(url, "SELECT current_setting('server_version_num')::int")
    parallel = "debug_parallel_query" if version >= 160000 else "force_parallel_mode"
    options = f"-c {parallel}=on -c timeline.on_day={DAY} -c timeline.known=2024-01-31"
    with psycopg.connect(url, options=options) as connection:
        assert connection.execute("SELECT key FROM timeline.observations_current").fetchall() == [("delhi/rain",)]


# What cannot be answered


def test_a_view_that_is_not_stored_is_an_error_and_never_empty(opened: Timeline, database_url: str) -> None:
    """With no model at all and with those of other views, for one key, and in a plan that is made for any view."""
    query = "SELECT count(*) FROM timeline.ask(%s, '2023-12-15', now()) WHERE key = 'delhi/rain'"
    for stored in ([], ["observations"]):
        for view in stored:
            opened.rebuild(view)
        said, hint = refused(database_url, query.replace("%s", "'sanctions'"))
        assert 'has no read model that serves the view "sanctions"' in said
        assert "Run: timeline --timeline main views rebuild sanctions" in hint
        with psycopg.connect(database_url, options="-c plan_cache_mode=force_generic_plan") as connection:
            connection.execute(f"PREPARE of_any AS {query.replace('%s', '$1')}".encode())
            with pytest.raises(psycopg.Error, match="no read model"):
                connection.execute("EXECUTE of_any('sanctions')")


def test_what_is_not_recorded_cannot_be_asked(opened: Timeline, url: str) -> None:
    """What holds by a position that is not taken yet would be another answer later; none is below 0."""
    head = opened.stats()["position"]
    query = f"SELECT * FROM timeline.facts_as_of('{DAY}', now(), %s)"  # noqa: S608  a day of ours
    for position in (head + 1, -1):
        said, hint = refused(url, query % position)
        assert said == f"there is no position {position}: the timeline ends at {head}"
        assert hint == "Ask by a position that is there, or leave it out"
    assert len(asked(url, query % head)) == head
    assert asked(url, query % 0) == []


def test_a_timeline_that_is_not_there_is_an_error(url: str) -> None:
    """It is not empty: it was misspelt, and those that there are are named."""
    for query in ("SELECT * FROM timeline.observations_current", "SELECT * FROM timeline.facts_as_of()"):
        assert refused(url, query, name="mian") == (
            'there is no timeline named "mian"',
            "Write SET timeline.name = one of: main",
        )


# How fast


def plan(url: str, query: str) -> str:
    """Return the plan of a query on a source as it ran; `TABLE_` stands for all columns, `COUNT_` for none."""
    query = query.replace("TABLE_", "SELECT * FROM").replace("COUNT_", "SELECT count(*) FROM")
    with psycopg.connect(url) as connection:
        connection.execute("SET ROLE timeline_reader")
        lines = [
            row[0] for row in connection.execute(f"EXPLAIN (ANALYZE, VERBOSE, COSTS OFF) {query}".encode()).fetchall()
        ]
    return "\n".join(lines)


def indexes(url: str, columns: str) -> list[str]:
    """Return the names of the GiST indexes on these columns of stored rows."""
    query = "SELECT indexname FROM pg_indexes WHERE schemaname = 'timeline' AND indexdef LIKE %s"
    return [name for (name,) in asked(url, query, f"%USING gist {columns}%", role=None)]


def scanned(text: str) -> list[str]:
    """Return the lines of a plan that scan stored rows and were executed."""
    return [ran for ran in text.splitlines() if "rows_" in ran and "Scan" in ran and "never executed" not in ran]


def test_questions_find_their_rows_by_index(opened: Timeline, other: Timeline, url: str) -> None:
    """One key and a whole view, through every function and view, in the one partition and no other."""
    facts = [line(subject=f"s{n}", valid=f"{1900 + n % 100}", data={"measure": "m", "value": n}) for n in range(4000)]
    opened.record(facts)
    opened.rebuild("observations")
    other.rebuild("observations")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("ANALYZE")
    by_key, by_day = indexes(url, KEY_INDEX), indexes(url, DAY_INDEX)
    (model,) = asked(url, "SELECT timeline.serving_model('observations')")[0]
    for source in (
        "timeline.ask('observations', '1950-06-01', now())",
        "timeline.observations_as_of('1950-06-01', now())",
        "timeline.observations_as_of('1950-06-01')",
    ):
        one = scanned(plan(url, f"TABLE_ {source} WHERE key = 's1050/m'"))
        assert one, source
        assert all(any(name in ran for name in (*by_key, *by_day)) and f"rows_{model}" in ran for ran in one)
        assert any(name in ran for ran in one for name in by_key)
        whole = scanned(plan(url, f"TABLE_ {source}"))
        assert whole
        assert all(any(name in ran for name in by_day) for ran in whole if "Heap" not in ran)


def test_what_is_not_asked_for_is_not_looked_up(opened: Timeline, url: str) -> None:
    """Counting rows does not walk along their days."""
    text = plan(url, f"COUNT_ timeline.observations_as_of('{DAY}')")
    assert "timeline.reach(" not in text
    assert opened.stats()["position"] == 2


def test_a_plan_made_once_finds_a_key_by_the_index_of_keys(opened: Timeline, url: str) -> None:
    """Such a plan takes days and knowledge for rare, whatever is asked later, and all rows of this view share both."""
    opened.record([line(subject=f"s{n}", valid="1950", data={"measure": "m", "value": n}) for n in range(4000)])
    opened.rebuild("observations")
    for number in range(8):
        opened.ask("observations", f"s{number}/m", on="1950-06-01")
    with driver.Single(opened.engine) as cursor:
        cursor.execute("ANALYZE")
        cursor.execute("SET plan_cache_mode = force_generic_plan")
        query = "SELECT name, parameter_types::text[] FROM pg_prepared_statements WHERE statement LIKE '%rows\\_%'"
        [(name, types)] = cursor.execute(query).fetchall()
        asked = {"date": "'1950-06-01'", "timestamp with time zone": "now()", "text": "'s7/m'"}
        given = ", ".join(asked[of] for of in types)
        ran = scanned(
            "\n".join(row for (row,) in cursor.execute(f"EXPLAIN EXECUTE {name}({given})".encode()).fetchall())
        )
    by_key, by_day = indexes(url, KEY_INDEX), indexes(url, DAY_INDEX)
    assert len(by_key) == len(by_day) == 1
    assert by_key[0] in "".join(ran)
    assert by_day[0] not in "".join(ran)


def test_a_snapshot_that_is_older_than_what_serves_is_told_so(opened: Timeline, url: str) -> None:
    """What it names as serving has gone: no rows would be an answer that nothing is known."""
    for change in (lambda: opened.rebuild("observations"), lambda: opened.views.drop("observations")):
        opened.rebuild("observations")
        with psycopg.connect(url) as connection:
            connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            connection.execute("SELECT count(*) FROM timeline.events")
            change()
            with pytest.raises(psycopg.errors.SerializationFailure, match="has gone since this transaction began"):
                connection.execute("SELECT * FROM timeline.observations_current")


def test_who_has_planned_before_a_model_serves_finds_its_rows(opened: Timeline, url: str) -> None:
    """It serves when nobody is between planning and reading, whose plan would not hold its table."""
    query = "SELECT count(*) FROM timeline.rows WHERE false"
    with psycopg.connect(url) as reader, ThreadPoolExecutor() as beside:
        reader.execute(query)  # which holds what a plan holds
        built = beside.submit(opened.rebuild, "observations")
        with pytest.raises(TimeoutError):
            built.result(1)
        reader.commit()
        assert built.result(30).differing == 0
