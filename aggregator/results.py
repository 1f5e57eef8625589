"""What succeeded subtasks brought back: said once each, without knowing any skill."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from aggregator.passages import block, line, once, path, section
from aggregator.tree import is_end
from domain.answer import Statement
from domain.task import Finding, Json, Result, Subtask, SubtaskState, Task
from domain.texts import Language, say

SHORT = 80  # characters of a value that is a fact; a longer one is a text
LONG_TEXT, ALL_TEXTS = 2000, 20_000
FACTS, ITEMS, FINDINGS = 6, 8, 10
SEVERITIES = ("critical", "blocker", "high", "error", "medium", "warning", "low", "info")


def succeeded(task: Task) -> list[tuple[Subtask, Result]]:
    """Succeeded subtasks with their results, in the plan's order. What was done by children is theirs."""
    parents = task.plan.made if task.plan else {}
    ended = [sub for sub in task.subtasks.values() if sub.state is SubtaskState.SUCCEEDED and sub.key not in parents]
    return [(sub, sub.result) for sub in ended if sub.result]


def texts(task: Task) -> list[Statement]:
    """The long texts at the ends of the plan. What others built upon is in their results already."""
    found: dict[str, list[str]] = {}
    for sub, result in succeeded(task):
        text = long_text(result) if is_end(task, sub.key) else ""
        if text:
            found.setdefault(text, []).append(sub.key)
    room = min(LONG_TEXT, ALL_TEXTS // max(1, len(found)))
    return [Statement(text="\n" + block(text, room), sources=once(keys)) for text, keys in found.items()]


def direct(task: Task, key: str, result: Result) -> list[Statement]:
    """The result of a task that had only this one subtask: as if it had answered by itself."""
    full = long_text(result)
    said = "" if _says_again(result.summary, full) else result.summary
    parts = [shown for shown in (block(said, LONG_TEXT * 2), block(full, LONG_TEXT * 2)) if shown.strip()]
    statements = [Statement(text="\n\n".join(parts), sources=(key,))] if parts else []
    return statements + [Statement(text=f"- {fact}", sources=(key,)) for fact in facts(result, task.language)]


def facts(result: Result, language: Language) -> list[str]:
    """Short values of the output that the summary does not name, as `name: value`."""
    named = result.output if isinstance(result.output, Mapping) else {"": result.output}
    found = []
    for name, value in named.items():
        text = _short(value)
        shown = line(text, SHORT)
        if shown and not _is_named(text, result.summary):
            found.append(say("answer.fact", language, name=line(str(name), SHORT), value=shown) if name else shown)
    return found[:FACTS]


def _is_named(value: str, summary: str) -> bool:
    """Whether the summary has this value as a word of its own: 3 is not in 30."""
    return re.search(rf"(?<![A-Za-z0-9.]){re.escape(value)}(?!\.?[A-Za-z0-9])", summary) is not None


def _says_again(text: str, known: str) -> bool:
    return " ".join(text.split()) in " ".join(known.split())


def _short(value: Json) -> str:
    """A value as a few words; empty when it takes more."""
    match value:
        case bool():
            return "true" if value else ""  # what is not the case is rarely worth saying
        case int():
            return str(value) if abs(value) < 10**SHORT else ""
        case float():
            return f"{value:.6g}"
        case str():
            return value if len(value) <= SHORT and "\n" not in value else ""
        case list() if 0 < len(value) <= ITEMS and not any(isinstance(item, list | Mapping) for item in value):
            joined = ", ".join(_short(item) for item in value)
            return joined if len(joined) <= SHORT else ""
        case _:
            return ""


def long_text(result: Result) -> str:
    """The one text worth reading in full: in the output, or a summary that is one itself. What was written to a
    file is read there."""
    if result.files:
        return ""
    values = result.output.values() if isinstance(result.output, Mapping) else [result.output]
    candidates = [value for value in values if isinstance(value, str) and not _short(value)]
    longest = max(candidates, key=len, default="")
    if longest.strip() and not _says_again(longest, result.summary):
        return longest
    summary = result.summary.strip()
    return result.summary if len(summary) > LONG_TEXT // 4 or "\n" in summary else ""


# --- findings ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    finding: Finding
    keys: tuple[str, ...]


def findings(task: Task) -> list[Statement]:
    """The gravest findings of all subtasks, each once with everybody who reported it."""
    found = _ranked(task)
    shown = [Statement(text=_finding(one.finding, task.language), sources=one.keys) for one in found[:FINDINGS]]
    return section("answer.findings_head", task.language, shown + _rest(found[FINDINGS:], task.language))


def _ranked(task: Task) -> list[_Found]:
    reported: dict[tuple[str, str], tuple[Finding, list[str]]] = {}
    for key, finding in _all(task):
        _, keys = reported.setdefault((finding.message, finding.where), (finding, []))
        keys.append(key)
    merged = [_Found(finding=finding, keys=once(keys)) for finding, keys in reported.values()]
    return sorted(merged, key=lambda one: _rank(one.finding))


def _all(task: Task) -> Iterator[tuple[str, Finding]]:
    for sub, result in succeeded(task):
        for finding in result.findings:
            yield sub.key, finding


def _rank(finding: Finding) -> int:
    severity = finding.severity.strip().casefold()
    return SEVERITIES.index(severity) if severity in SEVERITIES else len(SEVERITIES)


def _finding(finding: Finding, language: Language) -> str:
    place = path(finding.where)
    where = say("answer.where", language, where=place) if place else ""
    severity = line(finding.severity, 20) or "–"
    return say("answer.finding", language, severity=severity, message=line(finding.message), where=where)


def _rest(hidden: Sequence[_Found], language: Language) -> list[Statement]:
    if not hidden:
        return []
    counted = Counter(line(one.finding.severity, 20) or "–" for one in hidden)
    counts = ", ".join(f"{count} {severity}" for severity, count in counted.items())
    text = say("answer.more_findings", language, count=len(hidden), counts=counts)
    return [Statement(text=text, sources=once(*(one.keys for one in hidden)))]
