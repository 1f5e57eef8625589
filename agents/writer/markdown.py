"""A report as Markdown. What the steps returned is data: it is shown, and can be neither markup nor a link out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from domain.markdown import code, fenced, literal, prose, tamed
from domain.messages import Upstream
from domain.safe_text import clipped, safe, safe_line
from domain.texts import Language, say

MAX_TITLE, MAX_CELL, MAX_TEXT = 120, 160, 6000  # characters
MAX_FINDINGS, MAX_NUMBERS, MAX_ROWS, MAX_COLUMNS = 200, 40, 25, 10
_SEVERITIES = ("critical", "high", "medium", "low", "info")
_IMAGES = (".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a report is made of. `files` are those of the named ones that exist, all relative to the workspace."""

    title: str
    request: str
    introduction: str
    steps: Mapping[str, Upstream]
    files: frozenset[str]
    language: Language


def report(draft: Draft) -> str:
    """The whole report. The same draft gives the same text."""
    return "\n\n".join(block.strip("\n") for block in _blocks(draft)) + "\n"


def _blocks(draft: Draft) -> Iterator[str]:
    language = draft.language
    yield f"# {_line(draft.title, MAX_TITLE)}"
    if draft.request.strip():
        yield f"> {say('report.request', language, request=_line(draft.request, MAX_CELL * 2))}"
    if draft.introduction.strip():
        yield tamed(safe(draft.introduction.strip()))
    if draft.steps:
        yield _overview(draft)
    for key, step in draft.steps.items():
        yield from _section(key, step, draft)


def _overview(draft: Draft) -> str:
    steps = draft.steps.values()
    findings = [finding for step in steps for finding in step.findings]
    counts = Counter(_severity(finding) for finding in findings)
    parts = [
        say(
            "report.steps",
            draft.language,
            done=sum(step.state == "succeeded" for step in steps),
            total=len(draft.steps),
        )
    ]
    if findings:
        by = ", ".join(f"{counts[name]} {_line(name, 20)}" for name in sorted(counts, key=_rank))
        parts.append(say("report.findings_in_all", draft.language, count=len(findings), by=by))
    return " ".join(parts)


def _section(key: str, step: Upstream, draft: Draft) -> Iterator[str]:
    language = draft.language
    yield f"## {_line(step.name or key, MAX_TITLE)}"
    if step.state != "succeeded":
        yield say("report.not_done", language, error=_line(step.error or step.state, MAX_CELL * 2))
    if step.summary.strip():
        yield prose(safe(step.summary.strip(), MAX_TEXT))
    yield from _findings(step.findings, language)
    yield from _output(step, language)
    yield from _files(step.files, draft)


def _findings(findings: Sequence[Mapping[str, Any]], language: Language) -> Iterator[str]:
    if not findings:
        return
    ordered = sorted(findings, key=lambda finding: _rank(_severity(finding)))
    heads = (say(f"report.{head}", language) for head in ("severity", "where", "finding"))
    rows = (
        (_severity(finding), finding.get("where", ""), finding.get("message", "")) for finding in ordered[:MAX_FINDINGS]
    )
    yield f"### {say('report.findings', language)}"
    yield _table(heads, rows)
    yield from _more(len(findings) - MAX_FINDINGS, language)


def _output(step: Upstream, language: Language) -> Iterator[str]:
    output = step.output
    if isinstance(output, str):
        output = {"text": output}
    if not isinstance(output, Mapping):
        output = {"": output}
    text = output.get("text")
    if isinstance(text, str) and text.strip() and text.strip() != step.summary.strip():
        yield _text(text, is_prose=step.skill == "general")
    for name, columns, rows in _tables(output):
        yield f"### {_line(name, MAX_TITLE) if name else say('report.data', language)}"
        yield _table(columns, rows[:MAX_ROWS])
        yield from _more(len(rows) - MAX_ROWS, language)
    numbers = list(_numbers(output, ""))
    if numbers:
        yield f"### {say('report.numbers', language)}"
        yield _table((say("report.what", language), say("report.value", language)), numbers[:MAX_NUMBERS])
        yield from _more(len(numbers) - MAX_NUMBERS, language)


def _text(text: str, *, is_prose: bool) -> str:
    """What a model wrote keeps its layout; any other text is shown as it is."""
    shown = safe(text.strip("\n"), MAX_TEXT)
    return tamed(shown) if is_prose else fenced(shown)


def _tables(output: Mapping[str, Any]) -> Iterator[tuple[str, list[str], list[Sequence[Any]]]]:
    """(name, columns, rows) for everything in an output that is a table."""
    columns, rows = _list_of(str, output.get("columns")), _list_of(list, output.get("rows"))
    if columns and rows:
        yield "", columns[:MAX_COLUMNS], [row[:MAX_COLUMNS] for row in rows]
        return
    for name, value in output.items():
        objects = _list_of(dict, value)
        if objects:
            heads = list(dict.fromkeys(str(head) for row in objects[:MAX_ROWS] for head in row))[:MAX_COLUMNS]
            yield str(name), heads, [[row.get(head) for head in heads] for row in objects]


def _list_of(kind: type, value: Any) -> list[Any]:
    """`value` if it is a list of such things only, else nothing."""
    return value if isinstance(value, list) and all(isinstance(item, kind) for item in value) else []


def _numbers(value: Any, name: str) -> Iterator[tuple[str, Any]]:
    """(name, number) for every number outside lists."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _numbers(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield name, value


def _files(files: Sequence[str], draft: Draft) -> Iterator[str]:
    """Files of the workspace as links from the reports folder, pictures shown; other names as text."""
    if not files:
        return
    yield f"### {say('report.files', draft.language)}"
    yield "\n".join(f"- {_file(path, draft.files)}" for path in files[:MAX_ROWS])
    for path in files[:MAX_ROWS]:
        if path in draft.files and path.casefold().endswith(_IMAGES):
            yield f"![{_line(path, MAX_CELL)}](../{quote(path)})"


def _file(path: str, existing: frozenset[str]) -> str:
    if path in existing:
        return f"[{_line(path, MAX_CELL)}](../{quote(path)})"
    return code(safe_line(path, MAX_CELL))


def _table(heads: Iterable[str], rows: Iterable[Sequence[Any]]) -> str:
    heads = [_cell(head) for head in heads]
    lines = [heads, ["---"] * len(heads), *([_cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return _line(_number(value) if isinstance(value, float) else str(value), MAX_CELL).replace("|", "\\|")


def _number(value: float) -> str:
    is_plain = 1e-3 <= abs(value) < 1e15
    return f"{value:,.4f}".rstrip("0").rstrip(".") if is_plain else f"{value:.4g}"


def _line(text: str, limit: int) -> str:
    return literal(safe_line(text, limit))


def _more(count: int, language: Language) -> Iterator[str]:
    if count > 0:
        yield say("report.more", language, count=count)


def _severity(finding: Mapping[str, Any]) -> str:
    return clipped(str(finding.get("severity") or "info").casefold(), 20)


def _rank(severity: str) -> int:
    return _SEVERITIES.index(severity) if severity in _SEVERITIES else len(_SEVERITIES)
