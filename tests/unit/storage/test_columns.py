"""Column types and JSON text."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql, sqlite

from domain.task import Failure, Result
from storage.columns import UtcTime, storable
from storage.json_text import FAILURE, RESULT

SQLITE, POSTGRESQL = sqlite.dialect(), postgresql.dialect()
TIMES = st.timedeltas(timedelta(days=-300_000), timedelta(days=2_000_000)).map(
    lambda since: datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=8))) + since
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


@given(TIMES, TIMES)
def test_times_as_text_sort_as_times_and_come_back(one: datetime, other: datetime) -> None:
    kind = UtcTime()
    first, second = (kind.process_bind_param(time, SQLITE) for time in (one, other))
    assert (first < second) is (one < other)
    back = kind.process_result_value(first, SQLITE)
    assert back == one
    assert back is not None
    assert back.tzinfo is UTC


def test_a_server_gets_times_as_they_are() -> None:
    at = datetime(2026, 1, 1, 20, tzinfo=timezone(timedelta(hours=8)))
    kind = UtcTime()
    assert kind.process_bind_param(at, POSTGRESQL) == at
    assert kind.process_result_value(at, POSTGRESQL) == at
    assert kind.process_bind_param(None, POSTGRESQL) is kind.process_result_value(None, SQLITE) is None
    with pytest.raises(ValueError, match="zone"):
        kind.process_bind_param(at.replace(tzinfo=None), SQLITE)


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_becomes_one_that_can_be_kept(text: str) -> None:
    kept = storable(text)
    assert kept.encode().decode() == kept
    assert "\x00" not in kept
    assert len(kept) == len(text)
    assert storable(kept) == kept


def test_json_of_another_version_can_be_read() -> None:
    assert FAILURE.load('{"code": "x", "added_later": 1}') == Failure(code="x")
    assert FAILURE.load(None) is None
    assert FAILURE.dump(None) is None


@given(JSON)
def test_any_json_comes_back(output: object) -> None:
    result = Result(summary="s", output=output)
    assert RESULT.load(RESULT.dump(result)) == result
