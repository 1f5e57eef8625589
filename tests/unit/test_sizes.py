"""Size limits of the design, held by a machine: files, functions, parameters, classes, and words that say nothing."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("domain", "messaging", "storage", "llm", "bot", "planner", "dispatcher", "agents", "aggregator", "app")
FILES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
MAX_FILE, MAX_FUNCTION, MAX_CLASS, MAX_PARAMETERS = 400, 60, 200, 5
EMPTY_WORDS = re.compile(r"utils?|helpers?|manager|handler|service|base|impl", re.IGNORECASE)
WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def oversized(source: str, name: str) -> Iterator[str]:
    """Everything in a file that breaks a limit."""
    lines = source.count("\n")
    if lines > MAX_FILE:
        yield f"{name}: {lines} lines"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from _function(node, name)
        elif isinstance(node, ast.ClassDef):
            yield from _class(node, name)


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> Iterator[str]:
    if _length(node) > MAX_FUNCTION:
        yield f"{name}:{node.lineno} {node.name} has {_length(node)} lines"
    parameters = [
        arg
        for arg in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)
        if arg.arg not in {"self", "cls"}
    ]
    if len(parameters) > MAX_PARAMETERS:
        yield f"{name}:{node.lineno} {node.name} has {len(parameters)} parameters"


def _class(node: ast.ClassDef, name: str) -> Iterator[str]:
    if _length(node) > MAX_CLASS:
        yield f"{name}:{node.lineno} {node.name} has {_length(node)} lines"
    if any(EMPTY_WORDS.fullmatch(word) for word in WORD.findall(node.name)):
        yield f"{name}:{node.lineno} {node.name} says nothing"


def _length(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_within_limits(path: Path) -> None:
    name = str(path.relative_to(ROOT))
    empty = [
        word
        for part in path.relative_to(ROOT).with_suffix("").parts
        for word in part.split("_")
        if EMPTY_WORDS.fullmatch(word)
    ]
    found = list(oversized(path.read_text(), name))
    assert not empty
    assert not found


def test_the_gate_can_fail() -> None:
    long_function = "def f(a, b, c, d, e, g):\n" + "    x = 1\n" * 61
    long_class = "class OrderManager:\n" + "    y = 1\n" * 201
    found = list(oversized(long_function + long_class + "\n" * 200, "sample.py"))
    assert found == [
        "sample.py: 464 lines",
        "sample.py:1 f has 62 lines",
        "sample.py:1 f has 6 parameters",
        "sample.py:63 OrderManager has 202 lines",
        "sample.py:63 OrderManager says nothing",
    ]
