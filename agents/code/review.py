"""A review: sources in, what was found and measured out. Words are put to it by `agents.skills.code`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from agents.code.git import Change, Repository
from agents.code.issues import GRADES, Issue, in_order
from agents.code.measure import Measures, measure, untested
from agents.code.sources import SourceFile, Sources, is_source, read_folder, within_limits
from agents.code.tools import inspect
from domain.errors import Refused

MAX_FINDINGS = 200
MAX_COMPLEXITY = 10  # of one function, as in ruff's and McCabe's own default
_WORST = 5
_MAX_CHANGED = 200  # changed files named


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """What is reviewed: all `sources` are known, but only `files` are judged. `about` describes a branch.

    `knows_tests` is false for a single file: nobody can say whether it has any.
    """

    sources: Sources
    files: tuple[SourceFile, ...]
    knows_tests: bool = True
    changes: tuple[Change, ...] = ()
    about: Mapping[str, Any] | None = None


def review(request: Mapping[str, Any], scratch: Path) -> dict[str, Any]:
    """Review what the request names: a folder or file as it is, or the files a branch changes.

    Raises Refused when there is no Python, or no such repository, branch or base.
    """
    root, place = Path(request["root"]), Path(request["path"])
    if request.get("branch") or request.get("base"):
        subject = _on_branch(root, place, request)
    else:
        sources = read_folder(place, root)
        subject = Subject(sources=sources, files=sources.files, knows_tests=place.is_dir())
    return _judged(subject, scratch)


def _on_branch(root: Path, place: Path, request: Mapping[str, Any]) -> Subject:
    repository = Repository(place, root)
    branch = request.get("branch") or "HEAD"
    tip = _commit(repository, branch)
    base = request.get("base") or repository.usual_base(branch)
    if base is None:
        raise Refused("code.no_base", branch=branch)
    start = repository.fork_point(_commit(repository, base), tip)
    within = place.relative_to(repository.top).as_posix().removeprefix(".")
    prefix = repository.top.relative_to(root)
    blobs = [blob for blob in repository.blobs(tip, within) if is_source(blob.path)]
    found = [((prefix / blob.path).as_posix(), len(content), content) for blob, content in repository.contents(blobs)]
    changes = [change for change in repository.changes(start, tip, within) if is_source(change.path)]
    if not changes:
        raise Refused("code.no_changes", branch=branch, base=base)
    named = tuple(_renamed(change, prefix) for change in changes)
    sources = within_limits(found)
    changed = {change.path for change in named}
    return Subject(
        sources=sources,
        files=tuple(file for file in sources.files if file.name in changed),
        changes=named,
        about={"branch": branch, "base": base, "commits": repository.count(start, tip)},
    )


def _commit(repository: Repository, name: str) -> str:
    found = repository.commit(name)
    if found is None:
        raise Refused("code.no_such_branch", branch=name[:100], branches=", ".join(repository.branches()[:20]))
    return found


def _renamed(change: Change, prefix: Path) -> Change:
    name = (prefix / change.path).as_posix()
    return Change(path=name, added=change.added, removed=change.removed, lines=change.lines)


def _judged(subject: Subject, scratch: Path) -> dict[str, Any]:
    everything = {file.name: measure(file) for file in subject.sources.files}
    measures = [everything[file.name] for file in subject.files]
    issues = in_order([*inspect(subject.files, scratch), *_tangled(measures)])
    return {
        "figures": _figures(measures),
        "findings_by_severity": {grade: _count(issues, grade) for grade in GRADES},
        "findings": [{**asdict(issue), "name": issue.name} for issue in issues[:MAX_FINDINGS]],
        "findings_total": len(issues),
        "tests": _tests(subject, list(everything.values())) if subject.knows_tests else None,
        "left_out": list(subject.sources.left_out[:20]),
        "unparsed": [figures.file for figures in measures if not figures.is_parsed],
        "changed": _changed(subject, issues),
    }


def _tests(subject: Subject, measures: Sequence[Measures]) -> dict[str, Any]:
    files = sum(file.is_test for file in subject.sources.files)
    judged = {file.name for file in subject.files}
    without = [name for name in untested(subject.sources.files, measures) if name in judged]
    return {"present": files > 0, "files": files, "without": without}


def _count(issues: Iterable[Issue], grade: str) -> int:
    return sum(issue.grade == grade for issue in issues)


def _tangled(measures: Sequence[Measures]) -> list[Issue]:
    return [
        Issue(
            file=function.file,
            line=function.line,
            rule="C901",
            message=f"`{function.name}` {function.complexity}",
            grade="medium",
        )
        for figures in measures
        for function in figures.functions
        if function.complexity > MAX_COMPLEXITY
    ]


def _figures(measures: Sequence[Measures]) -> dict[str, Any]:
    functions = [function for figures in measures for function in figures.functions]
    worst = sorted(functions, key=lambda function: (-function.complexity, function.file, function.line))[:_WORST]
    documentable = sum(figures.documentable for figures in measures)
    documented = sum(figures.documented for figures in measures)
    return {
        "files": len(measures),
        "lines": sum(figures.lines for figures in measures),
        "code_lines": sum(figures.code_lines for figures in measures),
        "functions": len(functions),
        "docstring_share": round(documented / documentable, 3) if documentable else None,
        "worst_complexity": [
            {"name": each.name, "where": f"{each.file}:{each.line}", "complexity": each.complexity} for each in worst
        ],
    }


def _changed(subject: Subject, issues: Sequence[Issue]) -> dict[str, Any] | None:
    if subject.about is None:
        return None
    lines = {change.path: change.lines for change in subject.changes}
    there = Counter(file.name for file in subject.files)
    files = [
        {"path": change.path, "added": change.added, "removed": change.removed, "deleted": not there[change.path]}
        for change in subject.changes[:_MAX_CHANGED]
    ]
    on_lines = sum(issue.line in lines[issue.file] for issue in issues)
    return {**subject.about, "files": files, "findings_on_changed_lines": on_lines}
