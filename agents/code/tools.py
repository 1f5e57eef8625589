"""Runs ruff and bandit side by side on a copy of the sources, without any of the sources' own settings."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from agents.code.issues import Issue, from_bandit, from_ruff, merged
from agents.code.sources import SourceFile
from domain.errors import Unavailable

# Mistakes rather than taste: no line lengths, no naming, no import order.
_SELECTED = "E4,E7,E9,F,W605,B,PLE,ASYNC,S,BLE,SIM115,DTZ"
# zip without strict and all that is only an import or a call of subprocess: true of most programs, wrong in few.
_IGNORED = "B905,S404,S403,S603,S607"
_RUFF = ("ruff", "check", "--isolated", "--no-cache", "--exit-zero", "--output-format=json", "--target-version=py313")
_BANDIT = ("bandit", "--recursive", "--quiet", "--exit-zero", "--format=json", "--skip=B404,B403,B603,B607")
_NOQA = re.compile(rb"# noqa(?::([\\sA-Z0-9,]+))?")
_TIMEOUT_S = 100.0


def inspect(files: Sequence[SourceFile], scratch: Path) -> list[Issue]:
    """What both tools find, gravest first. Security in tests is left out: they assert, and make up secrets.

    Raises Unavailable when a tool is not installed or does not answer.
    """
    tree = scratch / "tree"
    for number, file in enumerate(files):  # one folder each: only the last part of a name means something to ruff
        folder = tree / str(number)
        folder.mkdir(parents=True)
        (folder / PurePosixPath(file.name).name).write_bytes(file.content)
    with (
        _started([*_RUFF, f"--select={_SELECTED}", f"--ignore={_IGNORED}", "."], tree) as ruff,
        _started([*_BANDIT, "."], tree) as bandit,
    ):
        by_ruff = from_ruff(_named(_answer(ruff, scratch / "ruff"), files))
        by_bandit = from_bandit(_named(_answer(bandit, scratch / "bandit")["results"], files))
    lines = {file.name: file.content.splitlines() for file in files}
    tests = {file.name for file in files if file.is_test}
    issues = merged(list(by_ruff), [issue for issue in by_bandit if not _is_accepted(issue, lines[issue.file])])
    return [issue for issue in issues if not (issue.file in tests and issue.rule.startswith("S"))]


def _is_accepted(issue: Issue, lines: Sequence[bytes]) -> bool:
    """Whether a `noqa` of ruff says that its author knows; bandit only heeds its own `nosec`."""
    marks = [_NOQA.search(lines[number - 1]) for number in (issue.line, *issue.lines) if 0 < number <= len(lines)]
    return any(mark and (mark[1] is None or issue.rule.encode() in mark[1]) for mark in marks)


@contextmanager
def _started(arguments: Sequence[str], tree: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A tool at work, which ends with the block. It answers into a file, so that neither has to wait for us to read."""
    argv = [sys.executable, "-P", "-s", "-m", *arguments]
    said = tree.parent / arguments[0]
    with said.open("wb") as out, subprocess.Popen(argv, cwd=tree, stdin=subprocess.DEVNULL, stdout=out) as process:  # noqa: S603 -- fixed argv
        try:
            yield process
        finally:
            process.kill()


def _answer(process: subprocess.Popen[bytes], said: Path) -> Any:
    try:
        if process.wait(_TIMEOUT_S) == 0:
            return json.loads(said.read_bytes())
    except (subprocess.TimeoutExpired, ValueError) as error:
        raise Unavailable("code.tool_failed", tool=said.name) from error
    raise Unavailable("code.tool_failed", tool=said.name)


def _named(entries: Iterable[dict[str, Any]], files: Sequence[SourceFile]) -> Iterator[dict[str, Any]]:
    """The entries with the files' own names in place of the copies'."""
    for entry in entries:
        yield {**entry, "filename": files[int(PurePosixPath(entry["filename"]).parent.name)].name}
