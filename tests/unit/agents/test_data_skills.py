"""The `data` agent as a worker runs it, child process included, on the example data."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from agents.skill import Call
from agents.skills import data
from agents.workspace import Workspace
from domain.errors import NotFound, Refused
from domain.messages import Context
from domain.skill import Effect
from domain.task import Finding, Result
from domain.texts import Language
from tests.unit.agents.data_files import sqlite, written

EXAMPLES = Path(__file__).parents[3] / "examples"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "workspace"
    folder.mkdir()
    shutil.copy(EXAMPLES / "sales.csv", folder)
    return folder


async def ask(root: Path, skill: str, language: Language = "en", **params: Any) -> Result:
    found = {each.spec.name: each for each in data.skills(Workspace(root))}[skill]
    defaults = {param.name: param.default for param in found.spec.params}
    return await found.run(Call(params={**defaults, **params}, context=Context(language=language)))


async def test_the_example_is_profiled_exactly(root: Path) -> None:
    result = await ask(root, "data_profile", path="sales.csv")
    assert result.summary == (
        "sales.csv: 5,000 rows and 11 columns, 20 duplicate rows, 65 missing values; things worth a look: 6."
    )
    assert {column["name"]: column["type"] for column in result.output["columns"]} == {
        "date": "date",
        "order_id": "text",
        "region": "text",
        "product": "text",
        "category": "text",
        "quantity": "integer",
        "unit_price": "number",
        "discount": "number",
        "total": "number",
        "customer": "text",
        "channel": "text",
    }
    assert Finding(severity="low", message="Missing values: 65 (1%).", where="region") in result.findings
    assert [finding.where for finding in result.findings if "Far from the rest" in finding.message] == [
        "quantity",
        "total",
    ]


async def test_in_chinese(root: Path) -> None:
    result = await ask(root, "data_profile", "zh", path="sales.csv")
    assert result.summary == "sales.csv：5,000 行、11 列，重复行 20，缺失值 65；值得留意之处：6 项。"
    assert result.findings[0].message == "与前面完全重复的行：20。"


async def test_all_tables_of_an_sqlite_file_or_one(root: Path) -> None:
    sqlite(root / "a.db", "CREATE TABLE one (a)", "CREATE TABLE two (b)", "INSERT INTO two VALUES (1), (1)")
    every = await ask(root, "data_profile", path="a.db")
    assert every.summary == "a.db: tables: 2, with 2 rows in all; things worth a look: 3."
    assert [table["name"] for table in every.output["tables"]] == ["one", "two"]
    one = await ask(root, "data_profile", path="a.db", table="two")
    assert one.output["duplicate_rows"] == 1


@pytest.mark.parametrize(
    ("sql", "limit", "summary"),
    [
        ("SELECT count(*) AS n, NULL AS x, [1] AS l FROM data", 9, "From sales.csv: n = 5,000, x = –, l = [1]."),
        ("SELECT sum(total) AS revenue FROM data", 9, "From sales.csv: revenue = 361,249.25."),
        ("FROM data", 2, "The query on sales.csv returned more rows than asked for; here are the first 2"),
        ("SELECT region, count(*) FROM data GROUP BY 1", 9, "The query on sales.csv returned 6 × 2 values"),
    ],
)
async def test_a_query_is_summed_up(root: Path, sql: str, limit: int, summary: str) -> None:
    result = await ask(root, "data_query", path="sales.csv", sql=sql, limit=limit)
    assert result.summary.startswith(summary)


async def test_what_is_not_a_question_is_refused(root: Path) -> None:
    with pytest.raises(Refused, match="Only one SELECT"):
        await ask(root, "data_query", path="sales.csv", sql="COPY data TO 'x.csv'")


async def test_a_chart_is_a_file_of_the_workspace(root: Path) -> None:
    result = await ask(root, "data_chart", path="sales.csv")
    (file,) = result.files
    assert (root / file).read_bytes().startswith(b"\x89PNG")
    assert result.output["file"] == file
    assert file.startswith("charts/sales-")
    title = "Drew “Sum of total by region” from sales.csv"
    assert result.summary == f"{title}: {file}. Highest: North (110,186.04)."
    again = await ask(root, "data_chart", path="sales.csv")
    assert again == result
    assert [each.name for each in (root / "charts").iterdir()] == [Path(file).name]


async def test_what_did_not_fit_into_a_picture_is_told(root: Path) -> None:
    result = await ask(root, "data_chart", path="sales.csv", kind="scatter")
    assert [finding.message for finding in result.findings] == ["Not in the picture for want of room: 4,000."]
    assert result.summary.endswith(f"from sales.csv: {result.files[0]}.")


@pytest.mark.parametrize(
    ("path", "error", "key"),
    [
        ("none.csv", NotFound, "skill.no_such_file"),
        ("folder", Refused, "skill.not_a_file"),
        ("../secret.csv", Refused, "skill.outside_workspace"),
        ("/etc/passwd", Refused, "skill.outside_workspace"),
        ("link.csv", Refused, "skill.outside_workspace"),
        ("empty.csv", Refused, "data.empty"),
        ("image.csv", Refused, "data.binary"),
        ("notes.md", Refused, "data.unknown_format"),
    ],
)
async def test_what_is_no_data_file_is_refused(root: Path, path: str, error: type[Refused], key: str) -> None:
    (root / "folder").mkdir()
    written(root.parent, "a,b\n1,2\n", "secret.csv")
    (root / "link.csv").symlink_to(root.parent / "secret.csv")
    written(root, "", "empty.csv")
    written(root, bytes(range(256)), "image.csv")
    written(root, "# notes", "notes.md")
    with pytest.raises(error) as caught:
        await ask(root, "data_profile", path=path)
    assert caught.value.key == key


async def test_a_file_beyond_the_limit_is_refused(root: Path) -> None:
    skill = data.DataProfile(data._Files(Workspace(root), max_bytes=1000))
    with pytest.raises(Refused, match="larger than the limit of 1000 bytes"):
        await skill.run(Call(params={"path": "sales.csv"}))


def test_only_drawing_leaves_something_behind(tmp_path: Path) -> None:
    effects = {skill.spec.name: skill.spec.effect for skill in data.skills(Workspace(tmp_path))}
    assert effects == {"data_profile": Effect.NONE, "data_query": Effect.NONE, "data_chart": Effect.IDEMPOTENT}
