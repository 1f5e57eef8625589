"""Figures of Python files: size, functions and how tangled they are, docstrings, what tests import."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from agents.code.sources import SourceFile

_Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function and its cyclomatic complexity (McCabe), counted as ruff's C901 does."""

    file: str
    line: int
    name: str
    complexity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """One file. `code_lines` are neither blank nor only a comment; `imports` are all names imported from."""

    file: str
    lines: int
    code_lines: int
    functions: tuple[Function, ...] = ()
    documentable: int = 0
    documented: int = 0
    imports: frozenset[str] = frozenset()
    is_parsed: bool = True


def measure(file: SourceFile) -> Measures:
    """Measure a file; one this Python cannot parse is only counted."""
    lines = file.content.splitlines()
    code = sum(bool(line.strip()) and not line.lstrip().startswith(b"#") for line in lines)
    size = Measures(file=file.name, lines=len(lines), code_lines=code, is_parsed=False)
    try:
        with warnings.catch_warnings():  # about the code under review
            warnings.simplefilter("ignore")
            return _parsed(ast.parse(file.content), size)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return size


def _parsed(tree: ast.Module, size: Measures) -> Measures:
    public = [tree, *_public(tree)]
    return Measures(
        file=size.file,
        lines=size.lines,
        code_lines=size.code_lines,
        functions=tuple(_functions(tree, size.file)),
        documentable=len(public),
        documented=sum(ast.get_docstring(node, clean=False) is not None for node in public),
        imports=frozenset(_imports(tree)),
    )


def _public(tree: ast.Module) -> Iterator[_Function | ast.ClassDef]:
    for node in ast.walk(tree):
        if isinstance(node, _Function | ast.ClassDef) and not node.name.startswith("_"):
            yield node


def _functions(node: ast.AST, file: str, prefix: str = "") -> Iterator[Function]:
    for child in ast.iter_child_nodes(node):
        name = prefix
        if isinstance(child, _Function | ast.ClassDef):
            name = f"{prefix}{child.name}."
        if isinstance(child, _Function):
            complexity = 1 + _branches(child.body)
            yield Function(file=file, line=child.lineno, name=name.rstrip("."), complexity=complexity)
        yield from _functions(child, file, name)


def _branches(body: Sequence[ast.AST]) -> int:
    """Ways through a body beyond the straight one."""
    return sum(_own(node) + _branches(_inner(node)) for node in body)


def _own(node: ast.AST) -> int:
    match node:
        case ast.If() | ast.For() | ast.AsyncFor() | ast.While() | ast.ExceptHandler():
            return 1
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return 1
        case ast.Try() | ast.TryStar():
            return bool(node.orelse)
        case ast.Match(cases=[*_, last]):
            is_catch_all = isinstance(last.pattern, ast.MatchAs) and last.pattern.pattern is None and not last.guard
            return len(node.cases) - is_catch_all
        case _:
            return 0


def _inner(node: ast.AST) -> list[ast.AST]:
    kept = (ast.stmt, ast.ExceptHandler, ast.match_case)
    return [child for child in ast.iter_child_nodes(node) if isinstance(child, kept)]


def _imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from alias.name.split(".")
        elif isinstance(node, ast.ImportFrom):
            yield from (node.module or "").split(".")
            yield from (alias.name for alias in node.names)


def untested(files: Sequence[SourceFile], measures: Sequence[Measures]) -> list[str]:
    """Modules with functions that no test file imports or is named after."""
    tests = [(file, figures) for file, figures in zip(files, measures, strict=True) if file.is_test]
    known = {name for _, figures in tests for name in figures.imports}
    known |= {PurePosixPath(file.name).stem.removeprefix("test_").removesuffix("_test") for file, _ in tests}
    return [
        file.name
        for file, figures in zip(files, measures, strict=True)
        if not file.is_test and figures.functions and PurePosixPath(file.name).stem not in known
    ]
