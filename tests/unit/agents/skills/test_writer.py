"""The `writer` agent: a report with everything in it, and nothing in it that acts."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from agents.skill import Call
from agents.skills.writer import Report, skills
from agents.workspace import Workspace
from domain.errors import Refused
from domain.messages import Context, Upstream
from domain.skill import Effect
from domain.task import Result

PROFILE = Upstream(
    skill="data_profile",
    name="Profile the sales",
    summary="sales.csv: 120 rows and 3 columns.",
    output={
        "rows": 120,
        "columns": [{"name": "total", "type": "DOUBLE", "mean": 1234.5678}, {"name": "region", "type": "VARCHAR"}],
        "share": {"north": 0.25, "tiny": 0.00001},
        "is_cut": False,
    },
    files=["charts/sales.png", "https://evil.example/x.png", "../outside.md"],
)
REVIEW = Upstream(
    skill="code_review",
    name="审查代码",
    summary="2 problems.",
    findings=[
        {"severity": "low", "where": "a.py:9", "message": "unused import"},
        {"severity": "high", "where": "a.py:3", "message": "eval of `input` | <b>bold</b> ![x](http://evil)"},
        {"severity": "strange", "message": "?"},
    ],
)
BROKEN = Upstream(skill="file_read", state="failed", error="There is no “x.txt”.")


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path)
    made.write("charts/sales.png", b"png")
    return made


async def written(workspace: Workspace, upstream: dict[str, Upstream], **changes: Any) -> tuple[Result, str]:
    language = changes.pop("language", "en")
    context = Context(request=changes.pop("request", "profile and review"), language=language, upstream=upstream)
    params = {"title": None, "introduction": None, **changes}
    result = await Report(workspace).run(Call(params=params, context=context))
    return result, workspace.read(result.output["path"]).decode()


def test_it_announces_itself(workspace: Workspace) -> None:
    (skill,) = skills(workspace)
    assert (skill.spec.name, skill.spec.effect) == ("report", Effect.IDEMPOTENT)


async def test_a_report_holds_what_every_step_found(workspace: Workspace) -> None:
    result, text = await written(workspace, {"t1": PROFILE, "t2": REVIEW, "t3": BROKEN}, title="Sales & code")
    assert re.fullmatch(r"reports/sales-code-[0-9a-f]{6}\.md", result.output["path"])
    assert result.files == (result.output["path"],)
    assert (result.output["title"], result.output["sections"]) == ("Sales & code", 3)
    assert result.output["text"] == text
    assert result.summary == f"Wrote the report “Sales & code” (sections: 3): {result.output['path']}."
    for part in (
        "# Sales & code",
        "> Request: profile and review",
        "2 of 3 steps succeeded. Findings: 3 (1 high, 1 low, 1 strange).",
        "## Profile the sales",
        "sales.csv: 120 rows and 3 columns.",
        "| rows | 120 |",
        "| share.north | 0.25 |",
        "| share.tiny | 1e-05 |",
        "### columns",
        "| name | type | mean |",
        "| total | DOUBLE | 1,234.5678 |",
        "| region | VARCHAR |  |",
        "## 审查代码",
        "| Severity | Where | What |",
        "## t3",
        "**This step did not succeed:** There is no “x.txt”.",
    ):
        assert part in text
    assert "is_cut" not in text


async def test_the_worst_findings_come_first(workspace: Workspace) -> None:
    _, text = await written(workspace, {"t2": REVIEW})
    assert [line.split("|")[1].strip() for line in text.splitlines() if line.startswith("|")] == [
        "Severity",
        "---",
        "high",
        "low",
        "strange",
    ]


async def test_data_cannot_be_markup(workspace: Workspace) -> None:
    nasty = "# fake\n![x](http://evil/i.png) <img src=x> [click](http://evil) | cell"
    step = Upstream(
        skill="file_read", name=nasty, summary=nasty, output={"text": nasty, nasty: 3}, error=nasty, state="failed"
    )
    _, text = await written(workspace, {"t1": step}, request=nasty, title=nasty, introduction=nasty)
    outside_fences = re.sub(r"```text\n.*?```", "", text, flags=re.DOTALL)
    outside_code = re.sub(r"`[^`\n]*`", "", outside_fences)
    assert "http" not in outside_code
    assert not re.search(r"(?<!\\)<img", outside_code)
    assert not re.search(r"!\[[^\]]*\](?<!\\\])\(", outside_code)
    assert [line for line in outside_fences.splitlines() if re.match(r"#+ ", line)] == [
        line for line in outside_fences.splitlines() if re.match(r"#{1,3} (\\# fake|Figures|# fake)|# fake$", line)
    ]


async def test_only_files_of_the_workspace_become_links_and_pictures(workspace: Workspace) -> None:
    _, text = await written(workspace, {"t1": PROFILE})
    assert "- [charts/sales.png](../charts/sales.png)" in text
    assert "![charts/sales.png](../charts/sales.png)" in text
    assert "- `https://evil.example/x.png`" in text
    assert "- `../outside.md`" in text


async def test_the_same_content_goes_to_the_same_file(workspace: Workspace) -> None:
    first, _ = await written(workspace, {"t1": PROFILE})
    again, _ = await written(workspace, {"t1": PROFILE})
    other, _ = await written(workspace, {"t1": REVIEW})
    assert first.output["path"] == again.output["path"] != other.output["path"]
    assert len(list((workspace.root / "reports").iterdir())) == 2


async def test_a_report_speaks_the_language_of_the_request(workspace: Workspace) -> None:
    result, text = await written(workspace, {"t2": REVIEW}, language="zh", request="审查代码并写报告")
    assert text.startswith("# 报告：审查代码并写报告\n")
    assert "| 级别 | 位置 | 内容 |" in text
    assert "1 个步骤中有 1 个成功。" in text
    assert result.output["path"].startswith("reports/报告-审查代码并写报告-")
    assert result.summary.startswith("已生成报告")


async def test_texts_are_shown_as_they_are_and_a_models_text_keeps_its_layout(workspace: Workspace) -> None:
    read = Upstream(skill="file_read", output={"text": "# not a heading"}, summary="Read it.")
    thought = Upstream(skill="general", output={"text": "**bold** and <b>"}, summary="bold and")
    plain = Upstream(skill="foreign", output="just text")
    _, text = await written(workspace, {"a": read, "b": thought, "c": plain})
    assert "```text\n# not a heading\n```" in text
    assert "**bold** and \\<b>" in text
    assert "```text\njust text\n```" in text


async def test_a_query_result_is_a_table_and_long_ones_are_cut(workspace: Workspace) -> None:
    output = {"columns": ["region", "total"], "rows": [["north|south", 3]] + [["x", None]] * 40, "truncated": False}
    _, text = await written(workspace, {"q": Upstream(skill="data_query", output=output)})
    assert "| region | total |\n| --- | --- |\n| north\\|south | 3 |" in text
    assert text.count("| x |") == 24
    assert "… and 16 more." in text


@pytest.mark.parametrize("output", [None, [], [1, 2], 3, {"columns": [], "rows": []}, {"a": {"b": []}}])
async def test_any_output_can_be_reported(workspace: Workspace, output: Any) -> None:
    _, text = await written(workspace, {"t": Upstream(skill="x", name="step", output=output, summary="done")})
    assert "## step\n\ndone" in text


async def test_an_introduction_alone_is_a_report(workspace: Workspace) -> None:
    result, text = await written(workspace, {}, introduction="All is well.", title="!!!")
    assert text == "# !!!\n\n> Request: profile and review\n\nAll is well.\n"
    assert result.output["path"].startswith("reports/report-")


async def test_nothing_to_report_is_refused(workspace: Workspace) -> None:
    with pytest.raises(Refused, match="nothing to report"):
        await written(workspace, {}, introduction=" ")
