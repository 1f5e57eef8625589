"""The `data` agent: profile a file, query it with SQL, draw it. The work is done by `agents.data` in a child."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.data import specs
from agents.sandbox import Job, Limits, run
from agents.skill import Call, Skill
from agents.workspace import Workspace, shown
from domain.errors import NotFound, Refused
from domain.skill import SkillSpec
from domain.task import Finding, Result
from domain.texts import Language, say

MAX_BYTES = 512 * 1024 * 1024
_LIMITS = Limits(timeout_s=115.0, cpu_s=115)


def skills(workspace: Workspace) -> list[Skill]:
    """The skills of the agent, on the files of `workspace`."""
    files = _Files(workspace)
    return [DataProfile(files), DataQuery(files), DataChart(files)]


@dataclass(frozen=True, slots=True)
class _Files:
    """The data files of a workspace, read in a child process."""

    workspace: Workspace
    max_bytes: int = MAX_BYTES

    async def ask(self, operation: str, call: Call) -> dict[str, Any]:
        """Have an operation done on the call's file. Raises Refused in one clear sentence when it cannot be."""
        path = self._existing(call.params["path"])
        request = {**call.params, "operation": operation, "path": str(path), "language": call.context.language}
        log = path.with_name(path.name + "-wal")  # where SQLite keeps its newest rows
        inputs = (path, log) if log.is_file() and not log.is_symlink() else (path,)
        answer: dict[str, Any] = await run(Job(module="agents.data", request=request, inputs=inputs, limits=_LIMITS))
        return answer

    def name(self, call: Call) -> str:
        """How the call's file is spoken of."""
        return self.workspace.relative(self.workspace.resolve(call.params["path"]))

    def _existing(self, asked: str) -> Path:
        path = self.workspace.resolve(asked)
        if not path.exists():
            raise NotFound("skill.no_such_file", path=shown(asked))
        if not path.is_file():
            raise Refused("skill.not_a_file", path=shown(asked))
        if path.stat().st_size > self.max_bytes:
            raise Refused("skill.file_too_large", path=shown(asked), limit=self.max_bytes)
        return path


@dataclass(frozen=True, slots=True)
class DataProfile:
    """A data file in figures, and what in it deserves a look."""

    files: _Files
    spec: SkillSpec = specs.PROFILE

    async def run(self, call: Call) -> Result:
        """Profile the file, or each table of an SQLite file."""
        answer = await self.files.ask("profile", call)
        language, path = call.context.language, self.files.name(call)
        notes = len(answer["notes"])
        if answer["is_one"]:
            output = answer["profiles"][0]
            summary = say("data.profiled", language, path=path, notes=notes, **_totals(output))
        else:
            output = {"tables": [*answer["profiles"], *answer["others"]]}
            tables, rows = len(output["tables"]), sum(table["rows"] for table in output["tables"])
            summary = say("data.profiled_tables", language, path=path, tables=tables, rows=rows, notes=notes)
        return Result(summary=summary, output=output, findings=_findings(answer["notes"], language))


@dataclass(frozen=True, slots=True)
class DataQuery:
    """One SELECT over a file."""

    files: _Files
    spec: SkillSpec = specs.QUERY

    async def run(self, call: Call) -> Result:
        """Run it; a single row is told in the summary."""
        output = await self.files.ask("query", call)
        language, path = call.context.language, self.files.name(call)
        columns, rows = output["columns"], output["rows"]
        if len(rows) == 1 and len(columns) <= 5 and not output["truncated"]:
            pairs = zip(columns, rows[0], strict=True)
            values = ", ".join(f"{name} = {_spoken(value)}" for name, value in pairs)
            return Result(summary=say("data.queried_one", language, path=path, values=values), output=output)
        key = "data.shape_cut" if output["truncated"] else "data.shape"
        shape = say(key, language, rows=len(rows), columns=len(columns))
        return Result(summary=say("data.queried", language, path=path, shape=shape), output=output)


@dataclass(frozen=True, slots=True)
class DataChart:
    """A picture of a file."""

    files: _Files
    spec: SkillSpec = specs.CHART

    async def run(self, call: Call) -> Result:
        """Draw it into `charts/`. The same numbers give the same file."""
        answer = await self.files.ask("chart", call)
        png, unreadable, _ = base64.b64decode(answer.pop("png")), answer.pop("unreadable"), answer.pop("is_first")
        language, path = call.context.language, self.files.name(call)
        file = _chart_file(path, png)
        self.files.workspace.write(file, png)
        summary = _chart_summary(answer, language, path=path, file=file)
        notes = [_note("left_out", count=answer["left_out"])] if answer["left_out"] else []
        notes += [_note("no_font")] if unreadable else []
        output = {"file": file, **answer}
        return Result(summary=summary, output=output, findings=_findings(notes, language), files=(file,))


def _totals(table: Mapping[str, Any]) -> dict[str, int]:
    nulls = sum(column["nulls"] for column in table["columns"])
    figures = {"rows": table["rows"], "columns": table["column_count"]}
    return {**figures, "duplicates": table["duplicate_rows"], "nulls": nulls}


def _findings(notes: list[dict[str, Any]], language: Language) -> tuple[Finding, ...]:
    return tuple(
        Finding(severity=note["severity"], message=say(note["key"], language, **note["values"]), where=note["where"])
        for note in notes
    )


def _note(key: str, **values: Any) -> dict[str, Any]:
    return {"severity": "low", "key": f"data.note.{key}", "where": "", "values": values}


def _chart_file(path: str, png: bytes) -> str:
    stem = re.sub(r"[^\w-]+", "-", Path(path).stem)[:60].strip("-") or "chart"
    return f"charts/{stem}-{hashlib.sha256(png).hexdigest()[:8]}.png"


def _chart_summary(answer: Mapping[str, Any], language: Language, *, path: str, file: str) -> str:
    if answer["kind"] not in {"bar", "line"}:
        return say("data.charted", language, title=answer["title"], path=path, file=file)
    top = max(answer["points"], key=lambda point: float(point["y"]))
    label = say("chart.missing", language) if top["x"] is None else top["x"]
    values = {"title": answer["title"], "path": path, "file": file, "x": label, "y": _spoken(top["y"])}
    return say("data.charted_top", language, **values)


def _spoken(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}".rstrip("0").rstrip(".")
    text = json.dumps(value, ensure_ascii=False) if isinstance(value, list | dict) else str(value)
    return text if len(text) <= 80 else text[:80] + "…"
