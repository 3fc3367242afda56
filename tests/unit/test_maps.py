"""Maps: how a row becomes facts, and what of a map or a row is refused where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from timeline import maps, rows
from timeline.errors import Place, Refused
from timeline.rows import Row

if TYPE_CHECKING:
    from pathlib import Path

CASES = """
source = "covid"

[[facts]]
fact = "{geo}/{day}/percent"
kind = "observation"
subject = "{geo}"
valid = "{day}"
known = "{version}"
stated = ["percent"]
tolerance = 1e-9
data = { measure = "percent", value = { column = "percent", as = "number" } }

[[facts]]
fact = "{geo}/{day}/rate"
kind = "observation"
subject = "{geo}"
valid = "{day}"
known = "{version}"
stated = ["rate"]
data = { measure = "rate", value = { column = "rate", as = "number" } }
"""
PLAIN = """
[[facts]]
kind = "observation"
subject = "{id}"
valid = "2024"
known = "2024"
data = { measure = "m", value = "{name}" }
"""


def loaded(tmp_path: Path, text: str) -> maps.Map:
    """Return the map that a text states."""
    (tmp_path / "map.toml").write_text(text)
    return maps.load(tmp_path / "map.toml")


def stated(tmp_path: Path, text: str, table: str) -> list[maps.Stated]:
    """Return what a table states by a map."""
    how = loaded(tmp_path, text)
    (tmp_path / "table.csv").write_text(table)
    found = list(rows.read(tmp_path / "table.csv", how.form))
    return [one for row in found if isinstance(row, Row) for one in how.stated(row)]


def data(tmp_path: Path, fields: str, columns: str, *cells: str) -> list[Any]:
    """Return the data of the rows of one or two columns; `fields` states them."""
    text = f'[[facts]]\nkind = "k"\nsubject = "s"\nvalid = "2024"\n[facts.data]\nof = "x"\n{fields}'
    table = "".join(f"{line}\n" for line in (columns, *cells))
    return [one.fields and {**one.fields["data"], "of": None} for one in stated(tmp_path, text, table)]


def test_a_row_states_one_or_more_facts(tmp_path: Path) -> None:
    """Each with its identity, when it was known, and the fields of a fact line."""
    percent, rate = stated(tmp_path, CASES, "geo,day,version,percent,rate\nca,2020-06-01,2020-06-02,2.50,7.0\n")
    observed = {"kind": "observation", "subject": "ca", "valid": "2020-06-01"}
    assert percent.place == rate.place == Place(str(tmp_path / "table.csv"), 2)
    assert percent[2:] == (
        "ca/2020-06-01/percent",
        observed | {"data": {"measure": "percent", "value": 2.5}},
        "2020-06-02",
        1e-9,
        False,
    )
    assert rate.fact == "ca/2020-06-01/rate"
    assert rate.fields == observed | {"data": {"measure": "rate", "value": 7}}
    assert rate.tolerance == 0


def test_a_row_without_a_stated_column_says_that_there_is_no_value(tmp_path: Path) -> None:
    """Of this fact; of the others it says what it says. Without its name it says nothing at all."""
    percent, rate = stated(tmp_path, CASES, "geo,day,version,percent,rate\nca,2020-06-01,2020-06-02, ,7\n")
    assert (percent.fact, percent.fields, percent.known) == ("ca/2020-06-01/percent", None, "2020-06-02")
    assert rate.fields is not None
    nameless = PLAIN.replace("kind", 'stated = ["name"]\nkind', 1)
    assert stated(tmp_path, nameless, "id,name\n1,\n") == []
    absent = nameless.replace("kind", 'fact = "{name}"\nkind', 1)
    assert stated(tmp_path, absent, "id,name\n1,\n") == []


def test_a_list_says_since_when_only_by_looking(tmp_path: Path) -> None:
    """`{seen}` stays as it is for whoever compares snapshots, and is what holds where nothing else is said."""
    text = PLAIN.replace('valid = "2024"\n', "")
    (one,) = stated(tmp_path, text, "id,name\n1,A\n")
    assert one.seen
    assert one.fields is not None
    assert one.fields["valid"] == "{seen}/.."
    assert loaded(tmp_path, text).seen
    assert not loaded(tmp_path, PLAIN).seen
    with pytest.raises(Refused, match="timeline sync"):
        list(maps.lines(loaded(tmp_path, text), [tmp_path / "table.csv"]))


def test_a_map_says_what_becomes_of_what_is_gone(tmp_path: Path) -> None:
    """And has an answer where nothing is said."""
    usual = loaded(tmp_path, PLAIN)
    assert (usual.absent, usual.max_removed, usual.source, usual.named) == ("end", 0.2, None, False)
    given = loaded(tmp_path, f'absent = "retract"\nmax_removed = 1\n{CASES}')
    assert (given.absent, given.max_removed, given.source, given.named) == ("retract", 1, "covid", True)


TEMPLATES = {
    "{a}": ("x  y", "x  y"),
    "{a}/{b}": ("x", "x/2"),
    "100 % {{of}} {a}": ("x", "100 % {of} x"),
    "{a:year}": ("2008-10-01", "2008"),
    "{a:month}": ("2008-10-01", "2008-10"),
    "{a:month}/{b}": ("2008-10", "2008-10/2"),
    "{a:quarter}": ("2008-10-01 00:00:00", "2008-36"),
    "{a:quarter}/{a:day}": ("2008-03-31T23:00:00+01:00", "2008-33/2008-03-31"),
    "{a:slug}": ("Côte d'Ivoire (the)", "côte-d-ivoire-the"),
}


@pytest.mark.parametrize("template", TEMPLATES)
def test_templates_are_filled_from_cells(tmp_path: Path, template: str) -> None:
    """White space around cells is nothing; a part of a date is EDTF; braces are doubled to stand for themselves."""
    cell, text = TEMPLATES[template]
    fields = f'name = "{template}"\nother = "{{b}}{{a}}"\n'
    assert data(tmp_path, fields, "a,b", f" {cell} ,2") == [{"of": None, "name": text, "other": f"2{cell}"}]


CELLS: dict[str, dict[str, Any]] = {
    'as = "number"': {"2.50": 2.5, "66.0": 66, "-1e-3": -0.001, "+5": 5},
    'as = "integer"': {"2018": 2018, "2018.0": 2018},
    'as = "boolean"': {"true": True, "FALSE": False},
    'as = "list", split = ";"': {"a; b;;c ": ["a", "b", "c"], ";": None},
    'as = "list"': {"a; b": ["a; b"]},
    'as = "text"': {"2.50": "2.50"},
    'values = { "New" = "new", "Second hand" = "used", "0" = false }': {
        "New": "new",
        "Second hand": "used",
        "0": False,
    },
}


@pytest.mark.parametrize("how", CELLS)
def test_cells_are_read_as_the_map_says(tmp_path: Path, how: str) -> None:
    """And left out where there is no value."""
    expected: list[dict[str, Any]] = [{"of": None} | ({} if v is None else {"a": v}) for v in CELLS[how].values()]
    cells = [f"{cell},1" for cell in CELLS[how]]
    fields = f'a = {{ column = "a", {how} }}\nb = "{{b}}"'
    assert data(tmp_path, fields, "a,b", *cells, ",1") == [one | {"b": "1"} for one in [*expected, {"of": None}]]


WRONG = {
    'as = "number"': ("abc", "1,5", "nan", "inf", "1_000", "٣", "9007199254740993", "0x10"),
    'as = "integer"': ("2.5", "abc", "9007199254740990.4", "1e-400", "1e-99999999999999999999"),
    'as = "boolean"': ("yes", "1"),
    'values = { "New" = "new" }': ("new", "Old"),
}


@pytest.mark.parametrize("how, cell", [(how, cell) for how, cells in WRONG.items() for cell in cells])
def test_a_cell_of_another_sort_is_refused_with_line_and_column(tmp_path: Path, how: str, cell: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(Refused) as caught:
        data(tmp_path, f'a = {{ column = "a", {how} }}', "a", "", f'"{cell}"')
    assert str(caught.value.place) == f"{tmp_path / 'table.csv'}:3: a"
    assert repr(cell) in caught.value.message


@pytest.mark.parametrize("form, cell", [("year", "20081001"), ("month", "2008"), ("day", "2008-02-30"), ("slug", "—")])
def test_a_cell_without_the_part_that_a_template_wants_is_refused(tmp_path: Path, form: str, cell: str) -> None:
    """A year has no month, and no day is invented."""
    with pytest.raises(Refused) as caught:
        data(tmp_path, f'name = "{{a:{form}}}"', "a", cell)
    assert str(caught.value.place) == f"{tmp_path / 'table.csv'}:2: a"


@pytest.mark.parametrize("name", ["fact", "subject", "valid", "known", "kind"])
def test_what_every_fact_needs_must_be_there(tmp_path: Path, name: str) -> None:
    """The column is named that has no value."""
    lines = {"kind": '"k"', "subject": '"s"', "valid": '"2024"', "data": '{ a = "{id}" }', name: '"{id}-{other}"'}
    text = "[[facts]]\n" + "".join(f"{key} = {value}\n" for key, value in lines.items())
    with pytest.raises(Refused) as caught:
        stated(tmp_path, text, "id,other\n1,\n")
    assert str(caught.value.place) == f"{tmp_path / 'table.csv'}:2: other"
    assert f"`{name}`" in caught.value.message


def test_constants_tables_and_lists_lie_within_each_other(tmp_path: Path) -> None:
    """Parts without a value are left out, and so is a table or list that has none."""
    text = """
[[facts]]
kind = "k"
subject = "s"
valid = "2024"
said_by = ["{a}", "OFAC"]
modality = "reported"
time = { method = "explicit", text = "{b}" }
[facts.data]
day = 2024-05-03
n = 1
more = { a = "{a}", deep = { b = "{b}" } }
none = { b = "{b}" }
both = ["{a}", "{b}"]
no = ["{b}"]
"""
    (one,) = stated(tmp_path, text, "a,b\nA,\n")
    assert one.fields == {
        "kind": "k",
        "subject": "s",
        "valid": "2024",
        "said_by": ["A", "OFAC"],
        "modality": "reported",
        "time": {"method": "explicit"},
        "data": {"day": "2024-05-03", "n": 1, "more": {"a": "A"}, "both": ["A"]},
    }


def test_json_lists_are_lists(tmp_path: Path) -> None:
    """As they stand, and the stated column may be one."""
    text = PLAIN.replace('value = "{name}"', 'value = { column = "name", as = "list" }').replace(
        "kind", 'stated = ["name"]\nkind', 1
    )
    how = loaded(tmp_path, text)
    (tmp_path / "table.jsonl").write_text('{"id": 1, "name": ["A", "B"]}\n{"id": 2}\n')
    lines = list(maps.lines(how, [str(tmp_path / "table.jsonl")]))
    assert [line.fields["data"]["value"] for line in lines if not isinstance(line, Refused)] == [["A", "B"]]


BAD = {
    "a column that does not exist in the map's own list": ('columns = ["id", "nam"]\n' + PLAIN, "name", "Did you mean"),
    "a column of no use": ('columns = ["id", "name", "x"]\n' + PLAIN, "x", "list it under `ignore`"),
    "a column named twice": ('columns = ["id", "name", "id"]\n' + PLAIN, "id", "Name the columns apart"),
    "a column used and ignored": ('ignore = ["name"]\n' + PLAIN, "ignore", "Take it out"),
    "a setting that does not exist": ('encodign = "latin-1"\n' + PLAIN, "encodign", "Did you mean encoding?"),
    "a field that does not exist": (PLAIN + "subjcet = 1\n", "facts.0.subjcet", "Did you mean subject?"),
    "no facts": ('encoding = "latin-1"\n', "facts", "Give facts"),
    "an encoding that does not exist": ('encoding = "latin-x"\n' + PLAIN, "encoding", "latin-1"),
    "no encoding of texts": ('encoding = "zlib"\n' + PLAIN, "encoding", "latin-1"),
    "an encoding for names of hosts": ('encoding = "idna"\n' + PLAIN, "encoding", "latin-1"),
    "an encoding of nothing": ('encoding = "undefined"\n' + PLAIN, "encoding", "latin-1"),
    "an encoding with NUL": ('encoding = "a\\u0000b"\n' + PLAIN, "encoding", "without this character"),
    "NUL in a constant": (PLAIN.replace("{name}", "A\\u0000"), "facts.0.data.value", "without this character"),
    "NUL in a name": (PLAIN.replace("value =", '"a\\u0000" ='), "facts.0.data", "without this character"),
    "NUL in a list": ('missing = ["-", "\\u0000"]\n' + PLAIN, "missing.1", "without this character"),
    "a number that is not exact": (PLAIN.replace('"{name}"', str(2**53)), "facts.0.data.value", "as text"),
    "a number without end": (PLAIN.replace('"{name}"', "[1, -inf]"), "facts.0.data.value.1", "as text"),
    "a number of many digits": (PLAIN.replace('"{name}"', "0x" + "f" * 5_000), "facts.0.data.value", "as text"),
    "a number of too many digits": (PLAIN.replace('"{name}"', "9" * 5_000), "", "Write lines such as"),
    "no number": (PLAIN.replace('"{name}"', "nan"), "facts.0.data.value", "as text"),
    "more than all may be gone": ("max_removed = 7\n" + PLAIN, "max_removed", "Give a number from 0 to 1"),
    "less than none may be gone": ("max_removed = -0.1\n" + PLAIN, "max_removed", "Give a number from 0 to 1"),
    "a format that does not exist": ('format = "xlsx"\n' + PLAIN, "format", "Choose one of these"),
    "another way to be absent": ('absent = "gone"\n' + PLAIN, "absent", "Choose one of these"),
    "a source with a slash": ('source = "a/b"\n' + PLAIN, "source", "Correct the value"),
    "a tolerance below nothing": (PLAIN + "tolerance = -1\n", "facts.0.tolerance", "Give 0"),
    "a date for a text": (PLAIN.replace('"2024"', "2024-01-01", 1), "facts.0.valid", "Give a text"),
    "a brace alone": (PLAIN.replace("{id}", "{id"), "facts.0.subject", "Double it"),
    "an unknown part of a date": (PLAIN.replace("{name}", "{name:yaer}"), "facts.0.data.value", "Did you mean year?"),
    "an unknown way to read": (
        PLAIN.replace('"{name}"', '{ column = "name", as = "float" }'),
        "facts.0.data.value.as",
        "Choose one of these",
    ),
    "an unknown word of a column": (
        PLAIN.replace('"{name}"', '{ column = "name", splt = ";" }'),
        "facts.0.data.value.splt",
        "Did you mean split?",
    ),
    "a text divided": (
        PLAIN.replace('"{name}"', '{ column = "name", split = ";" }'),
        "facts.0.data.value.split",
        'as = "list"',
    ),
    "values of a number": (
        PLAIN.replace('"{name}"', '{ column = "name", as = "number", values = { a = 1 } }'),
        "facts.0.data.value.values",
        "Leave out `as`",
    ),
    "a column read in two ways": (
        PLAIN.replace('"{name}"', '{ column = "id", as = "list" }'),
        "facts.0.subject",
        "Read it in one way only",
    ),
    "no TOML": ("[[facts]\n", "", "Write lines such as"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_map_that_cannot_be_meant_is_refused_with_its_field(tmp_path: Path, case: str) -> None:
    """When it is read, before any table is."""
    text, field, remedy = BAD[case]
    with pytest.raises(Refused) as caught:
        loaded(tmp_path, text)
    assert caught.value.place == Place(str(tmp_path / "map.toml"), field=field)
    assert remedy in caught.value.remedy


@pytest.mark.parametrize("depth", [101, 600, 3_000])
@pytest.mark.parametrize("opened, closed", [("[", "]"), ("{a = ", "}")])
def test_a_map_that_is_too_deep_is_refused(tmp_path: Path, depth: int, opened: str, closed: str) -> None:
    """However deep: an event has a hundred levels at most."""
    with pytest.raises(Refused, match="lie more than 100 deep"):
        loaded(tmp_path, PLAIN.replace('"{name}"', f"{opened * depth}1{closed * depth}"))
    dotted = "a." * depth
    with pytest.raises(Refused, match="lie more than 100 deep"):
        loaded(tmp_path, PLAIN.replace("value =", f"{dotted}a ="))


def test_numbers_of_a_map_are_exact(tmp_path: Path) -> None:
    """The largest of all stays as it is."""
    (one,) = stated(
        tmp_path, PLAIN.replace('"{name}"', f"[{2**53 - 1}, 0.5]").replace("{id}", "{id}{name}"), "id,name\n1,A\n"
    )
    assert one.fields is not None
    assert one.fields["data"]["value"] == [9007199254740991, 0.5]


def test_a_map_that_cannot_be_reached_is_refused(tmp_path: Path) -> None:
    """One that is not there, and one that is no text."""
    (tmp_path / "map.toml").write_bytes(b"\xff")
    for name, message in {"none.toml": "No such file", "map.toml": "not TOML"}.items():
        with pytest.raises(Refused, match=message):
            maps.load(tmp_path / name)


def test_lines_are_named_within_their_source(tmp_path: Path) -> None:
    """Rows that say nothing of a fact give no line, and a row that cannot be read gives one refusal."""
    how = loaded(tmp_path, CASES)
    table = "geo,day,version,percent,rate\nca,2020-06-01,2020-06-02,,7\nca,2020-06-01,2020-06-03,1,x\nfl,2020,2021,1,\n"
    (tmp_path / "table.csv").write_text(table)
    first, refused, last = maps.lines(how, [tmp_path / "table.csv"])
    assert isinstance(refused, Refused)
    assert str(refused.place) == f"{tmp_path / 'table.csv'}:3: rate"
    assert [line.fields["fact"] for line in (first, last) if not isinstance(line, Refused)] == [
        "covid/ca/2020-06-01/rate",
        "covid/fl/2020/percent",
    ]
    (tmp_path / "plain.csv").write_text("id,name\n1,A\n")
    (line,) = maps.lines(loaded(tmp_path, PLAIN.replace('known = "2024"\n', "")), [tmp_path / "plain.csv"])
    assert not isinstance(line, Refused)
    assert not line.fields.keys() & {"fact", "known"}
