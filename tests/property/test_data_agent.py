"""Any table is counted exactly, any bytes and any SQL end in an answer or a sentence."""

from __future__ import annotations

import csv
import io
import json
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agents.data.csv_text import _unique
from agents.data.profile import profile
from agents.data.query import query
from domain.errors import Refused

CELLS = st.one_of(
    st.just(""),
    st.integers(-(10**6), 10**6).map(str),
    st.floats(allow_nan=False, allow_infinity=False, width=32).map(str),
    st.dates().map(str),
    st.text(st.characters(codec="utf-8", exclude_characters="\r\0"), max_size=8),
)
TABLES = st.integers(2, 4).flatmap(
    lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=12)
)


def asked(work: Callable[[dict[str, Any], Path], dict[str, Any]], content: bytes, **more: Any) -> dict[str, Any]:
    """What the agent says of a file: its answer, or `{"refused": the key}`."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_bytes(content)
        try:
            return work({"path": str(path), **more}, Path(folder))
        except Refused as error:
            return {"refused": error.key, "said": [error.say("en"), error.say("zh")]}


@settings(max_examples=40, deadline=None)
@given(TABLES)
def test_every_row_is_counted(rows: list[list[str]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerow([f"name {place}" for place in range(len(rows[0]))])
    writer.writerows(rows)
    (table,) = asked(profile, text.getvalue().encode())["profiles"]
    assert table["rows"] == len(rows)
    for place, column in enumerate(table["columns"]):
        values = [row[place] for row in rows if row[place]]
        assert column["nulls"] == len(rows) - len(values)
        if column["type"] == "text":
            assert column["distinct"] == len(set(values))
            if column["top"]:
                assert column["top"][0]["count"] == Counter(values).most_common(1)[0][1]
        if column["type"] == "integer":
            assert column["min"] == min(map(int, values))
            assert column["max"] == max(map(int, values))


@settings(max_examples=50, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text("ab1,;\t|\"'\n\r .-é", max_size=80).map(str.encode)))
def test_any_bytes_end_in_figures_or_a_sentence(content: bytes) -> None:
    answer = asked(profile, content)
    json.dumps(answer, allow_nan=False)
    assert answer.keys() >= {"profiles"} or answer["refused"].startswith("data.")


WORDS = ["SELECT", "FROM", "data", "WHERE", "a", "b", "*", "(", ")", ",", ";", "'", "1", "=", "COPY", "TO", "'/tmp/x'"]
WORDS += ["GROUP BY", "read_csv('/etc/passwd')", "UNION", "WITH", "ORDER BY", "--"]


@settings(max_examples=40, deadline=None)
@given(st.one_of(st.lists(st.sampled_from(WORDS), max_size=9).map(" ".join), st.text(max_size=30)))
def test_any_sql_ends_in_rows_or_a_sentence(sql: str) -> None:
    answer = asked(query, b"a,b\n1,x\n", sql=sql, limit=5, query_s=2.0)
    assert "root:" not in json.dumps(answer, allow_nan=False)
    assert answer.keys() >= {"columns", "rows"} or answer["refused"].startswith("data.")


@given(st.lists(st.text(max_size=4), min_size=1, max_size=8))
def test_names_are_unique_whatever_their_case(names: list[str]) -> None:
    unique = _unique(names)
    assert len({name.casefold() for name in unique}) == len(names)
    assert all(unique)
