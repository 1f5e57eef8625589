"""Broken JSON made whole: brackets that do not match, the little faults models make, and a library for the rest."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import json_repair

from domain.plan_json import words as plan_words
from planner.reading.finding import TOLERANT, Reading, within_limits
from planner.reading.unfinished import completed, finished_tasks

MAX_GUESSED = 4_000  # characters json_repair gets: its time grows with their square, and it holds the loop

_TRIPLE = re.compile(r'"""(.*?)"""', re.DOTALL)
_TOKEN = re.compile(
    r"""(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<note>//[^\n]*|/\*[^*]*\*+/|\#[^\n]*)"""
    r"""|(?P<open>[{\[])|(?P<close>[}\]])|(?P<comma>,)|(?P<colon>:)|(?P<space>\s+)|(?P<word>[^\s{}\[\],:"'/\#]+)|(?P<odd>.)""",
    re.DOTALL,
)
_LITERALS = {"True": "true", "False": "false", "None": "null", "undefined": "null"}
_BARE = re.compile(r"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null")
_NOISE = frozenset({"space", "note"})
_VALUE_END = frozenset({"text", "word", "close"})
_VALUE_START = frozenset({"text", "word", "open"})


def balanced(text: str, *, is_truncated: bool) -> Iterator[Reading]:
    """What is not closed, or closed too often, with what was begun and not finished left out."""
    tasks = finished_tasks(text, TOLERANT)
    if tasks is not None:
        yield from within_limits(tasks, "unbalanced")
    closed = completed(text)
    if closed is not None:
        kept, is_cut = closed
        try:
            value = TOLERANT.decode(kept)
        except (ValueError, RecursionError):
            return
        yield from within_limits(value, "truncated" if is_cut or is_truncated else "unbalanced")


def tidied(text: str) -> Iterator[Reading]:
    """The text as JSON with the little faults set right: commas missing or too many, comments, single quotes, names
    without quotes, Python's words for true and null."""
    kept = [(str(match.lastgroup), match[0]) for match in _TOKEN.finditer(text) if match.lastgroup not in _NOISE]
    if any(kind == "odd" for kind, _ in kept):
        return
    try:
        value = TOLERANT.decode("".join(_with_commas(kept)))
    except (ValueError, RecursionError):
        return
    yield from within_limits(value, "mended")


def _with_commas(tokens: list[tuple[str, str]]) -> Iterator[str]:
    """The tokens as JSON writes them, with a comma exactly where one is due."""
    before = ""
    for kind, written in tokens:
        if kind == "comma":
            continue
        if before in _VALUE_END and kind in _VALUE_START:
            yield ","
        yield _token(kind, written)
        before = kind


def _token(kind: str, written: str) -> str:
    if kind == "word":
        word = _LITERALS.get(written, written)
        return word if _BARE.fullmatch(word) else json.dumps(written)
    if kind == "text" and written.startswith("'"):
        inner = re.sub(r'\\(.)|"', lambda found: {"'": "'", None: '\\"'}.get(found[1], found[0]), written[1:-1])
        return f'"{inner}"'
    return written


def guessed(text: str, *, is_truncated: bool = False) -> Iterator[Reading]:
    """The last resort: a library's guess. A task it had to finish by itself is dropped."""
    if len(text) > MAX_GUESSED:
        return
    quoted = _TRIPLE.sub(lambda match: json.dumps(match[1]), text)
    try:
        value = json_repair.loads(quoted, skip_json_loads=True)
    except Exception:  # noqa: BLE001 -- it has assertions that texts can break: then there is no guess
        return
    if is_truncated or text.rfind("}") < text.rfind("{"):
        yield from within_limits(_without_last(value), "mended", "truncated")
    else:
        yield from within_limits(value, "mended")


def _without_last(value: Any) -> Any:
    document = plan_words.plan_in(value)
    tasks = plan_words.first(document, plan_words.TASKS, list) if isinstance(document, Mapping) else None
    return tasks[:-1] if tasks is not None else value
