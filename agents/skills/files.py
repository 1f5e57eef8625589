"""The `files` agent: lists, reads, searches, writes and patches files of the workspace."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from agents.files import specs
from agents.files.patching import applied, replaced
from agents.files.searching import Query, is_named, search
from agents.files.text import TextFile, decoded
from agents.skill import Call, Skill
from agents.workspace import Entry, Workspace, shown
from domain.errors import Refused
from domain.safe_text import safe_line
from domain.skill import SkillSpec
from domain.task import Result
from domain.texts import say

MAX_SHOWN = 1000  # entries of a listing
MAX_TEXT = 60_000  # characters of a file that fit into a result with room for the rest


def skills(workspace: Workspace) -> list[Skill]:
    """The skills of the agent, on the files of `workspace`."""
    return [FileList(workspace), FileRead(workspace), FileSearch(workspace), FileWrite(workspace), FilePatch(workspace)]


@dataclass(frozen=True, slots=True)
class FileList:
    """What stands in a folder."""

    workspace: Workspace
    spec: SkillSpec = specs.LIST

    async def run(self, call: Call) -> Result:
        """List it."""
        path = call.params["path"]
        entries = await asyncio.to_thread(self._entries, path, call.params["glob"], call.params["recursive"])
        files = [entry for entry in entries if entry.kind == "file"]
        output = {
            "path": path,
            "entries": [{"path": entry.path, "kind": entry.kind, "size": entry.size} for entry in entries[:MAX_SHOWN]],
            "files": len(files),
            "folders": len(entries) - len(files),
            "bytes": sum(entry.size for entry in files),
            "is_truncated": len(entries) > MAX_SHOWN,
        }
        names = ", ".join(PurePosixPath(entry.path).name for entry in entries[:8]) + (", …" if len(entries) > 8 else "")
        key = "skill.listed" if entries else "skill.listed_nothing"
        summary = say(key, call.context.language, where=shown(path), names=safe_line(names, 200), **_counts(output))
        return Result(summary=summary, output=output)

    def _entries(self, path: str, glob: str | None, recursive: bool) -> list[Entry]:  # noqa: FBT001 -- as in params
        found = list(self.workspace.walk(path)) if recursive else self.workspace.entries(path)
        return [entry for entry in found if not glob or (entry.kind == "file" and is_named(entry.path, glob))]


@dataclass(frozen=True, slots=True)
class FileRead:
    """The text of a file."""

    workspace: Workspace
    spec: SkillSpec = specs.READ

    async def run(self, call: Call) -> Result:
        """Read it. Raises Refused for what is no text."""
        path = call.params["path"]
        content, file = await asyncio.to_thread(_text_of, self.workspace, path)
        lines = file.text.splitlines()
        start = max(1, call.params["start"])
        wanted = call.params["lines"] if call.params["lines"] is not None else len(lines)
        text = "\n".join(lines[start - 1 : start - 1 + max(0, wanted)])
        output = {
            "path": path,
            "text": text[:MAX_TEXT],
            "lines": len(lines),
            "bytes": len(content),
            "encoding": file.encoding,
            "is_truncated": len(text) > MAX_TEXT or start > 1 or wanted < len(lines),
        }
        summary = say(
            "skill.read", call.context.language, path=shown(path), lines=len(lines), size=size_of(len(content))
        )
        return Result(summary=summary, output=output)


@dataclass(frozen=True, slots=True)
class FileSearch:
    """Where a text stands."""

    workspace: Workspace
    spec: SkillSpec = specs.SEARCH

    async def run(self, call: Call) -> Result:
        """Search. Raises Refused for an empty query."""
        params = call.params
        if not params["query"].strip():
            raise Refused("skill.empty_query")
        query = Query(text=params["query"], glob=params["glob"], match_case=params["match_case"])
        found = await search(self.workspace, params["path"], query)
        output = {
            "query": query.text,
            "matches": [{"path": match.path, "line": match.line, "text": match.text} for match in found.matches],
            "count": found.count,
            "files": found.files,
            "is_truncated": found.is_truncated,
        }
        key = "skill.found" if found.count else "skill.found_nothing"
        summary = say(
            key,
            call.context.language,
            query=safe_line(query.text, 80),
            count=found.count,
            hits=found.hits,
            files=found.files,
        )
        return Result(summary=summary, output=output)


@dataclass(frozen=True, slots=True)
class FileWrite:
    """A file with a given text."""

    workspace: Workspace
    spec: SkillSpec = specs.WRITE

    async def run(self, call: Call) -> Result:
        """Write it. Raises Refused for a place that cannot be."""
        path, text = call.params["path"], call.params["content"]
        content = text.encode("utf-8", errors="replace")
        is_new = await asyncio.to_thread(self._write, path, content)
        output = {"path": path, "bytes": len(content), "lines": len(text.splitlines()), "is_new": is_new}
        summary = say("skill.written", call.context.language, path=shown(path), size=size_of(len(content)))
        return Result(summary=summary, output=output, files=(self.workspace.relative(self.workspace.resolve(path)),))

    def _write(self, path: str, content: bytes) -> bool:
        is_new = not self.workspace.resolve(path).exists()
        self.workspace.write(path, content)
        return is_new


@dataclass(frozen=True, slots=True)
class FilePatch:
    """A file with one change."""

    workspace: Workspace
    spec: SkillSpec = specs.PATCH

    async def run(self, call: Call) -> Result:
        """Change it. A change that is there already is no error. Raises Refused when it does not fit."""
        params = call.params
        if (params["diff"] is None) == (params["old"] is None or params["new"] is None) or params["old"] == "":
            raise Refused("skill.patch_params")
        output = await asyncio.to_thread(self._patch, dict(params))
        key = "skill.patched" if output["changes"] else "skill.patched_before"
        path = params["path"]
        summary = say(key, call.context.language, path=shown(path), count=output["changes"])
        return Result(summary=summary, output=output, files=(self.workspace.relative(self.workspace.resolve(path)),))

    def _patch(self, params: dict[str, Any]) -> dict[str, Any]:
        path, diff = params["path"], params["diff"]
        if diff is not None and not self.workspace.resolve(path).exists():
            file = TextFile(text="")
        else:
            _, file = _text_of(self.workspace, path)
        text = _plain(file.text)
        patched = (
            applied(text, _plain(diff)) if diff is not None else replaced(text, _plain(params["old"]), params["new"])
        )
        content = file.with_text(patched.text.replace("\n", file.newline))
        if patched.changes:
            self.workspace.write(path, content)
        return {"path": path, "changes": patched.changes, "bytes": len(content)}


def _text_of(workspace: Workspace, path: str) -> tuple[bytes, TextFile]:
    content = workspace.read(path)
    return content, decoded(content, path)


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n")


def _counts(output: dict[str, Any]) -> dict[str, Any]:
    return {"files": output["files"], "folders": output["folders"], "size": size_of(output["bytes"])}


def size_of(count: int) -> str:
    """A number of bytes as a person reads it."""
    size = float(count)
    for unit in ("B", "KiB", "MiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} GiB"
