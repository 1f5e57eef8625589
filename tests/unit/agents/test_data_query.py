"""SQL from strangers: answered when it is one SELECT over the file, and unable to reach anything else."""

from __future__ import annotations

import json
import math
from decimal import Decimal
from pathlib import Path

import pytest

from agents.data.values import MAX_TEXT, plain
from domain.errors import Refused
from tests.unit.agents.data_files import SALES, perform, sqlite, written

CANARY = "canary-51f7c0"
SECRET = "/secret.txt"

HOSTILE = [
    "SELECT * FROM read_csv('{secret}')",
    "SELECT * FROM read_csv('/etc/passwd', delim=':', header=false)",
    "SELECT * FROM '{secret}'",
    "FROM '{folder}/secret.csv'",
    "SELECT * FROM read_text('{secret}')",
    "SELECT * FROM read_blob('{secret}')",
    "SELECT * FROM glob('{folder}/*')",
    "SELECT * FROM read_json('{secret}')",
    "SELECT * FROM read_ndjson_objects('{secret}')",
    "SELECT * FROM read_parquet('{folder}/*')",
    "SELECT * FROM parquet_metadata('{secret}')",
    "SELECT * FROM sniff_csv('{secret}')",
    "SELECT * FROM read_text('https://example.com/')",
    "SELECT * FROM read_csv('http://127.0.0.1:1/')",
    "SELECT * FROM read_csv('s3://bucket/key')",
    "SELECT * FROM query('SELECT * FROM read_text(''{secret}'')')",
    "SELECT * FROM query_table('{secret}')",
    "SELECT getenv('HOME')",
    "SELECT * FROM secret",
    "SELECT * FROM duckdb_secrets()",
    "SELECT * FROM duckdb_extensions()",
    "SELECT * FROM sqlite_scan('{folder}/a.db', 't')",
    "SELECT * FROM postgres_scan('host=127.0.0.1', 'public', 't')",
    "COPY data TO '{folder}/out.csv'",
    "COPY data FROM '{secret}'",
    "COPY (SELECT 1) TO PROGRAM 'touch {folder}/out.csv'",
    "EXPORT DATABASE '{folder}/out'",
    "IMPORT DATABASE '{folder}'",
    "ATTACH '{folder}/out.db'",
    "ATTACH '{folder}/a.db' (TYPE sqlite)",
    "INSTALL httpfs",
    "LOAD icu",
    "LOAD '{folder}/evil.duckdb_extension'",
    "SET enable_external_access=true",
    "SET lock_configuration=false",
    "RESET lock_configuration",
    "SET memory_limit='100GB'",
    "PRAGMA enable_profiling",
    "PRAGMA database_list",
    "CALL enable_logging()",
    "CREATE TABLE out AS SELECT 1",
    "CREATE SECRET s (TYPE s3, KEY_ID 'a', SECRET 'b')",
    "CREATE MACRO f() AS 1",
    "DROP TABLE data",
    "DELETE FROM data",
    "INSERT INTO data SELECT * FROM data",
    "UPDATE data SET quantity = 0",
    "EXPLAIN ANALYZE SELECT 1",
    "PREPARE p AS SELECT 1",
    "BEGIN TRANSACTION",
    "CHECKPOINT",
    "USE memory",
    "SELECT 1; SELECT 2",
    "SELECT 1; COPY data TO '{folder}/out.csv'",
    "SELECT 1;;DROP TABLE data",
    "SELECT * FROM (INSERT INTO data VALUES (1) RETURNING *)",
    "",
    ";",
    "-- nothing",
    "SELECT",
    "SELECT * FROM nowhere",
    "SELECT ' FROM data",
    "SELECT 1\0; DROP TABLE data",
    "SELECT " + "1," * 20_000 + "1",
    "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM t) SELECT max(n) FROM t",
    "WITH RECURSIVE t AS (SELECT 1 AS n UNION ALL SELECT n FROM t) SELECT count(*) FROM t",
    "SELECT count(*) FROM range(10000000) a, range(10000000) b, range(10000000) c",
    "SELECT sum(hash(a.range * b.range)) FROM range(10000000) a, range(10000000) b",
    "SELECT * FROM range(1000000000000) ORDER BY hash(range)",
    "SELECT list(range) FROM range(10000000000)",
    "SELECT string_agg(range::VARCHAR, ',') FROM range(10000000000)",
    "SELECT repeat('x', 10000000000)",
    "SELECT sleep_ms(60000)",
    "SELECT count(*) FROM range(100000000000) WHERE regexp_matches(range::VARCHAR, '(a+)+$')",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    written(tmp_path, SALES)
    written(tmp_path, f"a,b\n{CANARY},1\n", "secret.csv")
    written(tmp_path, CANARY, "secret.txt")
    sqlite(tmp_path / "a.db", f"CREATE TABLE t AS SELECT '{CANARY}' AS a")
    return tmp_path


@pytest.mark.parametrize("sql", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_sql_is_refused_and_leaves_nothing_behind(folder: Path, sql: str) -> None:
    before = sorted(folder.iterdir())
    with pytest.raises(Refused) as caught:
        perform("query", folder / "data.csv", query_s=0.1, sql=sql.format(secret=f"{folder}{SECRET}", folder=folder))
    assert CANARY not in str(caught.value)
    assert f"{Path.home()}/." not in str(caught.value)
    assert caught.value.key in {"data.not_one_select", "data.bad_sql", "data.memory", "data.too_slow"}
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT * FROM duckdb_settings()",
        "WITH x AS (DELETE FROM data RETURNING *) SELECT * FROM x",
        "SELECT current_setting('enable_external_access'), current_setting('lock_configuration')",
        "DESCRIBE data",
        "SUMMARIZE data",
        "VALUES (1)",
        "SHOW TABLES",
    ],
)
def test_harmless_questions_tell_nothing_of_outside(folder: Path, sql: str) -> None:
    assert CANARY not in json.dumps(perform("query", folder / "data.csv", sql=sql))


def test_an_answer(folder: Path) -> None:
    sql = "SELECT region, sum(quantity * price) AS revenue FROM data GROUP BY 1 ORDER BY 2 DESC -- done"
    answer = perform("query", folder / "data.csv", sql=sql)
    assert answer == {
        "columns": ["region", "revenue"],
        "rows": [[None, 60.0], ["South", 1.1], ["North", -17.8]],
        "truncated": False,
    }


def test_money_adds_up(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b\n" + "0.1,x\n" * 1000)
    assert perform("query", path, sql="SELECT sum(a) = 100 FROM data")["rows"] == [[True]]


@pytest.mark.parametrize(("limit", "rows", "truncated"), [(4, 4, False), (3, 3, True), (0, 1, True), (10**9, 4, False)])
def test_limits(folder: Path, limit: int, rows: int, truncated: bool) -> None:  # noqa: FBT001 -- a table of cases
    answer = perform("query", folder / "data.csv", sql="FROM data", limit=limit)
    assert (len(answer["rows"]), answer["truncated"]) == (rows, truncated)


def test_a_huge_result_is_cut_not_held(folder: Path) -> None:
    answer = perform("query", folder / "data.csv", sql="SELECT repeat('x', 1900) FROM range(100000000)", limit=1000)
    assert answer["truncated"]
    assert len(json.dumps(answer)) < 300_000
    assert len(answer["rows"]) > 100


def test_a_mistake_is_explained_without_drawing(folder: Path) -> None:
    with pytest.raises(Refused) as caught:
        perform("query", folder / "data.csv", sql="SELECT regoin FROM data")
    assert '"regoin" not found' in str(caught.value)
    assert '"region"' in str(caught.value)
    assert "LINE 1" not in str(caught.value)


@pytest.mark.parametrize(
    ("sql", "value"),
    [
        ("1::HUGEINT << 100", str(2**100)),
        ("'nan'::DOUBLE", "nan"),
        ("'-inf'::FLOAT", "-inf"),
        ("1.50::DECIMAL(9, 2)", 1.5),
        ("DATE '2024-02-29'", "2024-02-29"),
        ("TIMESTAMP '2024-02-29 10:00'", "2024-02-29T10:00:00"),
        ("INTERVAL 90 MINUTE", "1:30:00"),
        ("'ab'::BLOB", "6162"),
        ("[1, NULL]", [1, None]),
        ("{'a': [1, 2], 'b': NULL}", {"a": [1, 2], "b": None}),
        ("MAP {'k': 1}", {"k": 1}),
        ("true", True),
        ("NULL", None),
        ("'00000000-0000-0000-0000-000000000001'::UUID", "00000000-0000-0000-0000-000000000001"),
    ],
)
def test_values_are_json(folder: Path, sql: str, value: object) -> None:
    answer = perform("query", folder / "data.csv", sql=f"SELECT {sql}")
    assert json.loads(json.dumps(answer, allow_nan=False))["rows"] == [[value]]


def test_nothing_grows_beyond_bounds() -> None:
    deep: list[object] = []
    for _ in range(50):
        deep = [deep]
    assert len(json.dumps(plain(deep))) < 200
    assert plain("x" * 10_000) == "x" * MAX_TEXT + "…"
    assert plain(Decimal("NaN")) == "NaN"
    assert plain(math.inf) == "inf"
    assert plain("\ud800") == "?"


def test_memory_is_bounded_while_reading_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from agents.data import opened

    monkeypatch.setitem(opened._BOUNDS, "memory_limit", "2MB")
    monkeypatch.setitem(opened._BOUNDS, "max_temp_directory_size", "1MB")
    path = written(tmp_path, "a,b\n" + "".join(f"{number},{number * 7919}\n" for number in range(200_000)))
    with pytest.raises(Refused, match="more memory"):
        perform("query", path, sql="FROM data")
