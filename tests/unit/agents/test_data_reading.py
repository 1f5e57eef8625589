"""Which files are read as tables, how exactly, and how clearly the others are refused."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from domain.errors import Refused
from tests.unit.agents.data_files import parquet, perform, sqlite, written


def kinds(path: Path) -> dict[str, str]:
    (table,) = perform("profile", path)["profiles"]
    return {column["name"]: column["type"] for column in table["columns"]}


def rows(path: Path, sql: str = "FROM data") -> list[list[Any]]:
    found: list[list[Any]] = perform("query", path, sql=sql)["rows"]
    return found


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-2", "+3", ""], "integer"),
        (["1", "2.5"], "number"),
        (["1.25", "1e3", ".5"], "number"),
        (["123456789012345678901"], "number"),
        (["007", "8"], "text"),
        (["1e400"], "text"),
        (["nan", "1"], "text"),
        (["2024-02-29", "2024-3-1"], "date"),
        (["2023-02-29"], "text"),
        (["2024-01-05 10:00", "2024-01-05T11:30:00"], "timestamp"),
        (["true", "FALSE"], "boolean"),
        (["1,234"], "text"),
        (["", ""], "text"),
    ],
)
def test_a_column_is_what_all_its_values_are(tmp_path: Path, values: list[str], kind: str) -> None:
    path = written(tmp_path, "a;b\n" + "".join(f"{value};x\n" for value in values))
    assert kinds(path) == {"a": kind, "b": "text"}


def test_one_value_far_down_decides_too(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b\n" + "1,x\n" * 30_000 + "n/a,x\n")
    assert kinds(path)["a"] == "text"


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters(tmp_path: Path, delimiter: str) -> None:
    path = written(tmp_path, delimiter.join("abc") + "\n" + delimiter.join("123") + "\n", "x.tsv")
    assert rows(path) == [[1, 2, 3]]


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('a,b\n"x, y",2\n"two\nlines",3\n', [["x, y", 2], ["two\nlines", 3]]),
        ('a,b\n"say ""hi""",2\n', [['say "hi"', 2]]),
        ("a,b\r\n1,2\r\n", [[1, 2]]),
        ("a,b\n1,2\r\n3,4\n", [[1, 2], [3, 4]]),
        ("a,b\n\n1,2\n\n", [[1, 2]]),
        ("a,b\n1,2", [[1, 2]]),
        ("a\nann\nbob\n", [["ann"], ["bob"]]),
        ("a\x0cb,c\u2028d\n1,2\n", [[1, 2]]),
        ("\ufeffa,b\n1,2\n", [[1, 2]]),
        ("1,2\n3,4\n", [[1, 2], [3, 4]]),
    ],
)
def test_shapes_of_text(tmp_path: Path, content: str, expected: list[list[Any]]) -> None:
    assert rows(written(tmp_path, content)) == expected


def test_names_are_told_apart(tmp_path: Path) -> None:
    path = written(tmp_path, 'a,A,,"b\nc",a_2\n1,2,3,4,x\n')
    assert list(kinds(path)) == ["a", "A_2", "column3", "b c", "a_2_2"]


@pytest.mark.parametrize(
    ("text", "encoding", "told"),
    [
        ("名称,数量\n苹果,2\n", "gb18030", "gb18030"),
        ("name,city\nJosé,Zürich\n", "latin-1", "latin-1"),
        ("name,city\nJosé,Zürich\n", "utf-16", "utf-16"),
        ("name,city\nJosé,Zürich\n", "utf-8-sig", None),
    ],
)
def test_encodings_are_read_and_told(tmp_path: Path, text: str, encoding: str, told: str | None) -> None:
    path = written(tmp_path, text.encode(encoding))
    answer = perform("profile", path)
    header, first, _ = text.split("\n")
    assert [column["name"] for column in answer["profiles"][0]["columns"]] == header.split(",")
    assert rows(path)[0][0] in first.split(",")
    notes = [note["values"].get("encoding") for note in answer["notes"] if note["key"] == "data.note.encoding"]
    assert notes == ([told] if told else [])


@pytest.mark.parametrize(
    ("content", "key"),
    [
        (b"", "data.empty"),
        (b" \n\n", "data.empty"),
        (bytes(range(256)) * 20, "data.binary"),
        (b"a,b\n1,2\n3\n", "data.ragged"),
        (b"a,b\n1,2\n3,4,5\n", "data.ragged"),
        (b"Hello, dear reader\nthis is text\nwith, some, commas\n", "data.ragged"),
        (b'a,b\n"x,2\n3,4\n', "data.open_quote"),
        (b"a,b\n" + b"x" * 2_200_000 + b",2\n", "data.long_line"),
        (b"<!DOCTYPE html>\n<html><body>Sign in</body></html>\n", "data.not_a_table"),
        (b'{"a": 1}\n', "data.not_a_table"),
        (b",".join(b"c%d" % n for n in range(1001)) + b"\n", "data.too_wide"),
        (b"x" * 300_000 + b",b\n1,2\n", "data.not_a_table"),
    ],
    ids=range(12),
)
def test_what_is_not_a_table_is_refused_in_one_sentence(tmp_path: Path, content: bytes, key: str) -> None:
    with pytest.raises(Refused) as caught:
        perform("profile", written(tmp_path, content))
    assert caught.value.key == key
    assert "\n" not in str(caught.value)


def test_the_wrong_line_is_named(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="Line 3 has 1 values where the first line has 2"):
        perform("profile", written(tmp_path, "a,b\n1,2\n3\n"))


@pytest.mark.parametrize(
    ("name", "content", "key"),
    [
        ("notes.md", b"# hi", "data.unknown_format"),
        ("a.parquet", b"PAR1 but not really", "data.not_readable"),
        ("a.json", b"{not json", "data.not_readable"),
        ("a.json", b"\xff\xfe\xff", "data.not_readable"),
        ("a.db", b"SQLite format 3\0" + b"\0" * 200, "data.bad_sqlite"),
        ("a.db", b"just text", "data.bad_sqlite"),
    ],
)
def test_other_formats_are_refused_too(tmp_path: Path, name: str, content: bytes, key: str) -> None:
    with pytest.raises(Refused) as caught:
        perform("profile", written(tmp_path, content, name))
    assert caught.value.key == key


def test_json_and_parquet(tmp_path: Path) -> None:
    lines = written(tmp_path, '{"a": 1, "b": [1, 2]}\n{"a": null, "b": []}\n', "x.jsonl")
    array = written(tmp_path, '[{"a": "x", "at": {"x": 1}}]', "x[1]*.json")
    assert kinds(lines) == {"a": "integer", "b": "nested"}
    assert rows(lines) == [[1, [1, 2]], [None, []]]
    assert rows(array) == [["x", {"x": 1}]]
    columns = (
        "SELECT 1::TINYINT AS i, 1.5::DECIMAL(9,2) AS d, DATE '2024-01-01' AS t, TIME '10:00' AS c, 'x'::BLOB AS b"
    )
    path = parquet(tmp_path / "x.parquet", columns)
    assert kinds(path) == {"i": "integer", "d": "number", "t": "date", "c": "time", "b": "blob"}
    assert rows(path) == [[1, 1.5, "2024-01-01", "10:00:00", "78"]]


def test_what_is_inside_counts_more_than_the_name(tmp_path: Path) -> None:
    sqlite(tmp_path / "data.csv", "CREATE TABLE t (a)", "INSERT INTO t VALUES (1)")
    assert rows(tmp_path / "data.csv", "FROM t") == [[1]]


class TestSqlite:
    def test_every_table_with_its_stored_types(self, tmp_path: Path) -> None:
        path = sqlite(
            tmp_path / "shop.db",
            'CREATE TABLE "order lines" ("unit price" REAL, amount INTEGER, at TEXT, code TEXT, picture BLOB)',
            "INSERT INTO \"order lines\" VALUES (1.5, 2, '2024-01-05', '007', x'00ff')",
            "INSERT INTO \"order lines\" VALUES (NULL, 3, '2024-01-06', '8', NULL)",
            "CREATE TABLE mixed (value INTEGER)",
            "INSERT INTO mixed VALUES (1), ('many'), (2.5)",
            "CREATE TABLE bare (a, b)",
        )
        answer = perform("profile", path)
        tables = {table["name"]: [column["type"] for column in table["columns"]] for table in answer["profiles"]}
        assert tables == {
            "bare": ["integer", "integer"],
            "mixed": ["text"],
            "order lines": ["number", "integer", "date", "text", "text"],
        }
        assert not answer["is_one"]
        joined = 'SELECT sum(amount) AS n, min(picture) FROM "order lines", (SELECT count(*) FROM mixed)'
        assert rows(path, joined) == [[5, "00ff"]]

    def test_one_table(self, tmp_path: Path) -> None:
        path = sqlite(tmp_path / "a.db", "CREATE TABLE one (a)", "CREATE TABLE two (b)", "INSERT INTO two VALUES (1)")
        answer = perform("profile", path, table="TWO")
        assert answer["is_one"]
        assert [(table["name"], table["rows"]) for table in answer["profiles"]] == [("two", 1)]
        with pytest.raises(Refused, match=r"There is no table three\. Tables: one, two"):
            perform("profile", path, table="three")

    def test_many_tables_are_counted_but_not_all_described(self, tmp_path: Path) -> None:
        path = sqlite(tmp_path / "a.db", *(f"CREATE TABLE t{number:02} (a)" for number in range(15)))
        answer = perform("profile", path)
        assert len(answer["profiles"]) == 12
        assert answer["others"] == [{"name": name, "rows": 0} for name in ("t12", "t13", "t14")]

    def test_none(self, tmp_path: Path) -> None:
        path = sqlite(tmp_path / "a.db", "CREATE TABLE t (a)", "DROP TABLE t")
        with pytest.raises(Refused, match="no tables"):
            perform("profile", path)

    def test_rows_still_in_the_log_are_seen_and_nothing_is_touched(self, tmp_path: Path) -> None:
        path = sqlite(tmp_path / "a.db", "CREATE TABLE t (a)")
        with closing(sqlite3.connect(path, isolation_level=None)) as writer:
            writer.execute("PRAGMA journal_mode=WAL")
            writer.execute("INSERT INTO t VALUES (1), (2)")
            before = {each.name: each.read_bytes() for each in tmp_path.iterdir() if each.suffix != ".db-shm"}
            assert rows(path, "SELECT count(*) FROM t") == [[2]]
            after = {each.name: each.read_bytes() for each in tmp_path.iterdir() if each.suffix != ".db-shm"}
        assert before == after

    def test_text_that_is_not_utf8_and_numbers_beyond_all_numbers(self, tmp_path: Path) -> None:
        path = sqlite(
            tmp_path / "a.db",
            "CREATE TABLE t (a, b)",
            "INSERT INTO t VALUES (CAST(x'ff41' AS TEXT), 9e999)",
        )
        assert rows(path, "FROM t") == [["\ufffdA", None]]
