"""Runs ruff and bandit side by side on a copy of the sources, without any of the sources' own settings."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
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
_TIMEOUT_S = 100.0


def inspect(files: Sequence[SourceFile], scratch: Path) -> list[Issue]:
    """What both tools find, gravest first. In tests, what only warns of asserts and made-up secrets is left out.

    Raises Unavailable when a tool is not installed or does not answer.
    """
    tree = scratch / "tree"
    for place, file in enumerate(files):
        (tree / str(place)).mkdir(parents=True)
        (tree / str(place) / PurePosixPath(file.name).name).write_bytes(file.content)
    ruff = _start([*_RUFF, f"--select={_SELECTED}", f"--ignore={_IGNORED}", "."], tree)
    bandit = _start([*_BANDIT, "."], tree)
    by_ruff = [_named(entry, files, tree) for entry in _answer(ruff, "ruff")]
    by_bandit = [_named(entry, files, tree) for entry in _answer(bandit, "bandit")["results"]]
    tests = {file.name for file in files if file.is_test}
    issues = merged(list(from_ruff(by_ruff)), list(from_bandit(by_bandit)))
    return [issue for issue in issues if not (issue.file in tests and issue.rule.startswith("S"))]


def _start(arguments: Sequence[str], tree: Path) -> subprocess.Popen[bytes]:
    argv = [sys.executable, "-P", "-s", "-m", *arguments]
    out = (tree.parent / arguments[0]).open("wb")  # a file, not a pipe: neither has to wait for us to read
    with out:
        return subprocess.Popen(argv, cwd=tree, stdin=subprocess.DEVNULL, stdout=out)  # noqa: S603 -- fixed argv


def _answer(process: subprocess.Popen[bytes], tool: str) -> Any:
    try:
        process.wait(_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        process.kill()
        raise Unavailable("code.tool_failed", tool=tool) from error
    ...
