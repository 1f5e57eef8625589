"""The `code` agent: reviews Python code. The work is done by `agents.code` in a child process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.code import specs
from agents.sandbox import Job, Limits, run
from agents.skill import Call, Skill
from agents.workspace import Workspace, shown
from domain.errors import NotFound
from domain.skill import SkillSpec
from domain.task import Finding, Result
from domain.texts import CATALOGUE, Language, say

_LIMITS = Limits(timeout_s=140.0, cpu_s=140, open_files=1024)
_NAMED = 8  # modules spelled out in one sentence

Answer = Mapping[str, Any]


def skills(workspace: Workspace) -> list[Skill]:
    """The skills of the agent, on the code in `workspace`."""
    return [CodeReview(workspace)]


@dataclass(frozen=True, slots=True)
class CodeReview:
    """What is wrong with Python code, and its figures."""

    workspace: Workspace
    spec: SkillSpec = specs.REVIEW

    async def run(self, call: Call) -> Result:
        """Review a folder or file, or what a branch changes."""
        place = self._existing(call.params["path"])
        branch, base = call.params.get("branch"), call.params.get("base")
        request = {"root": str(self.workspace.root), "path": str(place), "branch": branch, "base": base}
        inputs = (self.workspace.root,) if branch or base else (place,)  # a repository may begin anywhere above
        answer = await run(Job(module="agents.code", request=request, inputs=inputs, limits=_LIMITS))
        language, path = call.context.language, self.workspace.relative(place)
        summary = _summary(answer, path if path != "." else place.name, language)
        return Result(summary=summary, output=_output(answer), findings=_findings(answer, language))

    def _existing(self, asked: str) -> Path:
        place = self.workspace.resolve(asked)
        if not place.exists():
            raise NotFound("skill.no_such_file", path=shown(asked))
        return place


def _output(answer: Answer) -> dict[str, Any]:
    kept = ("findings_by_severity", "findings_total", "tests")
    changed = {"changed": answer["changed"]} if answer["changed"] else {}
    return {**answer["figures"], **{key: answer[key] for key in kept}, **changed}


def _summary(answer: Answer, path: str, language: Language) -> str:
    figures, changed = answer["figures"], answer["changed"]
    counts = {**figures, **answer["findings_by_severity"], "path": path}
    if changed:
        about = {**changed, "lines_found": changed["findings_on_changed_lines"]}
        return say("code.reviewed_branch", language, **{**about, **counts})
    worst = next(iter(figures["worst_complexity"]), {"name": "-", "complexity": 0})
    said = say("code.reviewed", language, worst=worst["name"], complexity=worst["complexity"], **counts)
    tests = answer["tests"]
    if tests is None:
        return said
    gap = "" if language == "zh" else " "
    return said + gap + say("code.tests" if tests["present"] else "code.no_tests", language, **tests)


def _findings(answer: Answer, language: Language) -> tuple[Finding, ...]:
    found = [
        Finding(severity=issue["grade"], message=_message(issue, language), where=f"{issue['file']}:{issue['line']}")
        for issue in answer["findings"]
    ]
    return (*found, *_notes(answer, language))


def _message(issue: Answer, language: Language) -> str:
    """What a tool says, with the rule's name; in Chinese the meaning of the rules that come up most."""
    key = f"code.rule.{issue['rule']}"
    known = key in CATALOGUE
    said = say(key, language, message=issue["message"], name=issue["name"]) if known else issue["message"]
    return say("code.finding", language, message=said.rstrip("."), rule=issue["rule"])


def _notes(answer: Answer, language: Language) -> list[Finding]:
    tests, listed, total = answer["tests"], len(answer["findings"]), answer["findings_total"]
    notes: list[tuple[str, str, dict[str, Any]]] = []
    if tests and tests["present"] and tests["without"]:
        notes.append(("low", "untested", {"modules": _listed(tests["without"])}))
    if answer["unparsed"]:
        notes.append(("low", "unparsed", {"files": _listed(answer["unparsed"])}))
    if answer["left_out"]:
        notes.append(("low", "left_out", {"files": _listed(answer["left_out"])}))
    if listed < total:
        notes.append(("low", "more", {"shown": listed, "total": total}))
    return [Finding(severity=severity, message=say(f"code.{key}", language, **said)) for severity, key, said in notes]


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" … (+{more})" if more > 0 else "")
