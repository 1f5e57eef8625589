"""The `writer` agent: puts what the steps before it found into a report file."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Iterable

from agents.skill import Call, Skill, output_schema
from agents.workspace import Workspace
from agents.writer.markdown import Draft, report
from domain.errors import Refused
from domain.safe_text import clipped, safe_line
from domain.skill import Effect, Param, SkillSpec
from domain.task import Result
from domain.texts import say

FOLDER = "reports"
MAX_TEXT = 60_000  # characters of the report that go into the result
MAX_SLUG = 40

SPEC = SkillSpec(
    name="report",
    description=(
        "Write a Markdown report file from the results of the steps it depends on: summaries, findings by severity, "
        "figures, tables and files. Put it behind everything it is to report on."
    ),
    params=(
        Param(name="title", description="the heading; made from the request when left out"),
        Param(name="introduction", description="Markdown to begin with, e.g. a conclusion written by another step"),
    ),
    output_schema=output_schema(path="string", title="string", sections="integer", text="string"),
    effect=Effect.IDEMPOTENT,
    keywords=(
        *("report", "write a report", "summary", "summarise", "summarize"),
        *("报告", "写报告", "生成报告", "总结", "汇总", "总结成报告"),
    ),
    examples=(
        "write a report",
        "summarise the results into a report",
        "write a report titled Sales",
        "写一份报告",
        "生成报告",
        "总结一下",
    ),
)


def skills(workspace: Workspace) -> list[Skill]:
    """The skills of the agent; reports go into `workspace`."""
    return [Report(workspace)]


class Report:
    """A Markdown report of what came before."""

    spec = SPEC

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    async def run(self, call: Call) -> Result:
        """Write it; the same content goes to the same file. Raises Refused when there is nothing to report."""
        context = call.context
        introduction = call.params["introduction"] or ""
        if not context.upstream and not introduction.strip():
            raise Refused("skill.nothing_to_report")
        title = call.params["title"] or say("report.title", context.language, request=safe_line(context.request, 60))
        draft = Draft(
            title=title,
            request=context.request,
            introduction=introduction,
            steps=context.upstream,
            files=self._existing(path for step in context.upstream.values() for path in step.files),
            language=context.language,
        )
        text = report(draft)
        path = f"{FOLDER}/{_slug(title)}-{hashlib.sha256(text.encode()).hexdigest()[:6]}.md"
        await asyncio.to_thread(self._workspace.write, path, text.encode())
        output = {"path": path, "title": title, "sections": len(draft.steps), "text": clipped(text, MAX_TEXT)}
        summary = say("skill.reported", context.language, title=safe_line(title, 80), path=path, count=len(draft.steps))
        return Result(summary=summary, output=output, files=(path,))

    def _existing(self, paths: Iterable[str]) -> frozenset[str]:
        return frozenset(path for path in paths if self._is_file(path))

    def _is_file(self, path: str) -> bool:
        try:
            return self._workspace.resolve(path).is_file() and not path.startswith("/")
        except Refused:
            return False


def _slug(title: str) -> str:
    return re.sub(r"[^\w]+", "-", title.casefold())[:MAX_SLUG].strip("-_") or "report"
