"""A profile counts every row, and points at what would spoil a sum."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agents.data import profile as profiling
from tests.unit.agents.data_files import SALES, parquet, perform, sqlite, written


def column(path: Path, name: str) -> dict[str, Any]:
    (table,) = perform("profile", path)["profiles"]
    found: dict[str, Any] = next(each for each in table["columns"] if each["name"] == name)
    return found


def notes(path: Path) -> dict[tuple[str, str], Any]:
    """Notes by (what, where), with severity and values."""
    found = perform("profile", path)["notes"]
    return {
        (note["key"].removeprefix("data.note."), note["where"]): (note["severity"], note["values"]) for note in found
    }


def numbers(tmp_path: Path, values: list[Any]) -> Path:
    return written(tmp_path, "n,row\n" + "".join(f"{value},{row}\n" for row, value in enumerate(values)))


def test_figures(tmp_path: Path) -> None:
    path = written(tmp_path, SALES)
    (table,) = perform("profile", path)["profiles"]
    assert (table["rows"], table["column_count"], table["duplicate_rows"]) == (4, 4, 0)
    assert column(path, "region") | {"numbers": 0} == {
        "name": "region",
        "type": "text",
        "nulls": 1,
        "distinct": 2,
        "min": "North",
        "max": "South",
        "mean": None,
        "p50": None,
        "top": [{"value": "North", "count": 2}, {"value": "South", "count": 1}],
        "numbers": 0,
        "not_a_number": "North",
        "spellings": 2,
    }
    quantity = column(path, "quantity")
    assert (quantity["min"], quantity["max"], quantity["mean"], quantity["p50"]) == (-1, 3, 1.25, 1.5)
    assert quantity["negatives"] == 1
    assert quantity["top"] == []


def test_dates_and_long_texts(tmp_path: Path) -> None:
    path = written(tmp_path, f"day,text\n2024-03-01,{'x' * 500}\n2023-12-31,a\n")
    assert (column(path, "day")["min"], column(path, "day")["max"]) == ("2023-12-31", "2024-03-01")
    assert column(path, "text")["max"] == "x" * 100 + "…"


@pytest.mark.parametrize(("missing", "severity"), [(1, "low"), (20, "medium"), (60, "high")])
def test_missing_values(tmp_path: Path, missing: int, severity: str) -> None:
    found = notes(numbers(tmp_path, [*range(100 - missing), *[""] * missing]))
    assert found["missing", "n"] == (severity, {"count": missing, "percent": f"{missing}%"})


def test_hardly_any_missing(tmp_path: Path) -> None:
    assert notes(numbers(tmp_path, [*range(999), ""]))["missing", "n"][1]["percent"] == "0.1%"


def test_empty_constant_and_repeated(tmp_path: Path) -> None:
    found = notes(written(tmp_path, "empty,constant,n\n" + ",x,1\n" * 2 + ",x,2\n"))
    assert found["empty", "empty"][0] == "medium"
    assert found["constant", "constant"] == ("low", {"value": "x"})
    assert found["duplicates", ""] == ("medium", {"count": 1})
    assert list(found)[-1] == ("constant", "constant")


def test_a_few_negatives_among_many(tmp_path: Path) -> None:
    assert notes(numbers(tmp_path, [*range(60), -3]))["negative", "n"] == ("medium", {"count": 1, "lowest": -3})
    assert ("negative", "n") not in notes(numbers(tmp_path, [*range(-30, 30)]))


@pytest.mark.parametrize(
    ("values", "found"),
    [
        ([*range(100), 5000], {"count": 1, "lowest": 5000.0, "highest": 5000.0, "usual": 50.0}),
        (
            [*(round(1.05**n, 3) for n in range(200)), 10**7],
            {"count": 1, "lowest": 1e7, "highest": 1e7, "usual": 131.501},
        ),
        ([*range(100)], None),
        ([*[1] * 98, 2, 3], None),
        ([*(round(1.2**n, 3) for n in range(100))], None),
        ([1, 2, 10**6], None),
    ],
)
def test_outliers(tmp_path: Path, values: list[float], found: dict[str, Any] | None) -> None:
    note = notes(numbers(tmp_path, values)).get(("outliers", "n"))
    assert note == (found and ("medium", found))


def test_numbers_with_a_few_words_among_them(tmp_path: Path) -> None:
    found = notes(numbers(tmp_path, [*range(40), "n/a"]))
    assert found["not_numbers", "n"] == ("medium", {"count": 1, "example": "n/a"})
    assert ("not_numbers", "n") not in notes(numbers(tmp_path, [*range(5), "n/a"]))


def test_spellings(tmp_path: Path) -> None:
    assert notes(numbers(tmp_path, ["North", " north", "NORTH ", "South"]))["spellings", "n"] == ("low", {"count": 2})


def test_a_file_without_names_or_rows(tmp_path: Path) -> None:
    assert notes(written(tmp_path, "1,2\n3,4\n"))["no_header", ""] == ("low", {})
    assert notes(written(tmp_path, "a,b\n")) == {("no_rows", ""): ("medium", {})}


def test_places_in_sqlite_name_the_table(tmp_path: Path) -> None:
    path = sqlite(tmp_path / "a.db", "CREATE TABLE t (a, b)", "INSERT INTO t VALUES (1, NULL), (1, NULL)")
    assert set(notes(path)) == {("empty", "t.b"), ("constant", "t.a"), ("duplicates", "t")}


def test_numbers_that_are_none(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", "SELECT unnest(['nan'::DOUBLE, 'inf', '-inf']) AS n")
    found = column(path, "n")
    assert (found["mean"], found["max"], found["type"]) == (None, "nan", "number")


def test_nested_values_are_compared(tmp_path: Path) -> None:
    path = written(tmp_path, '{"a": {"x": [1]}}\n{"a": {"x": [1]}}\n', "a.jsonl")
    found = column(path, "a")
    assert (found["type"], found["distinct"], found["top"][0]["count"]) == ("nested", 1, 2)
    assert notes(path)["duplicates", ""][1] == {"count": 1}


def test_wide_tables_are_described_in_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiling, "MAX_COLUMNS", 2)
    path = written(tmp_path, "a,b,c\n1,2,3\n")
    (table,) = perform("profile", path)["profiles"]
    assert (len(table["columns"]), table["column_count"]) == (2, 3)
    assert notes(path)["more_columns", ""] == ("low", {"shown": 2, "count": 3})
