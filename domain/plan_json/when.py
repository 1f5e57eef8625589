"""Under which condition a task runs, in the ways models write it."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from domain.plan import Condition, Op, When
from domain.plan_json import words

Rule = tuple[When, Condition | None]
ALWAYS: Rule = (When.ALL_SUCCESS, None)

_RULES = {
    **{words.folded(when.value): when for when in When},
    "always": When.ALL_DONE,
    "onfailure": When.ANY_FAILED,
    "onsuccess": When.ALL_SUCCESS,
}
_NOTHING = frozenset({"", "null", "none"})
_OPS = {
    **{op.value: op for op in Op},
    "==": Op.EQ, "=": Op.EQ, "equals": Op.EQ, "equal": Op.EQ, "is": Op.EQ,
    "!=": Op.NE, "<>": Op.NE, "≠": Op.NE, "notequals": Op.NE, "notequal": Op.NE, "isnot": Op.NE, "neq": Op.NE,
    ">": Op.GT, "greaterthan": Op.GT, "more": Op.GT,
    ">=": Op.GE, "≥": Op.GE, "gte": Op.GE, "atleast": Op.GE,
    "<": Op.LT, "lessthan": Op.LT, "less": Op.LT,
    "<=": Op.LE, "≤": Op.LE, "lte": Op.LE, "atmost": Op.LE,
    "includes": Op.CONTAINS, "has": Op.CONTAINS,
    "isset": Op.EXISTS, "present": Op.EXISTS, "notnull": Op.EXISTS,
}  # fmt: skip
_REF: words.Words = ("ref", "reference", "path", "output", "left", "field", "variable")
_OP: words.Words = ("op", "operator", "comparison", "compare")
_VALUE: words.Words = ("value", "right", "than", "expected", "threshold")
_WORDED: words.Words = ("rule", "when", "type", "on")
_EXPRESSION = re.compile(r"(\{\{[^{}]+\}\}|\S+?)\s*(==|!=|>=|<=|<>|[=<>≥≤≠])\s*(\S.*)", re.DOTALL)
_MAX_EXPRESSION = 300  # characters of a comparison written as a text
_ORDERED = frozenset({Op.GT, Op.GE, Op.LT, Op.LE})


def read_when(value: Any) -> Rule | None:
    """Read `"when"`: a word, an object `{"ref", "op", "value"}`, or a comparison in a text; None when it is none."""
    if value is None:
        return ALWAYS
    if isinstance(value, str):
        word = words.folded(value)
        if word in _RULES:
            return _RULES[word], None
        if word in _NOTHING:
            return ALWAYS
        match = _EXPRESSION.fullmatch(value.strip()) if len(value) <= _MAX_EXPRESSION else None
        return _compared(match[1], match[2], _literal(match[3])) if match else None
    return _of_object(value) if isinstance(value, Mapping) else None


def _of_object(value: Mapping[str, Any]) -> Rule | None:
    ref = words.first(value, _REF, str)
    if ref is None:
        rule = words.first(value, _WORDED, str)
        return read_when(rule) if rule or all(said is None for said in value.values()) else None
    wanted = words.first(value, _VALUE, object)
    op = words.first(value, _OP, str) or ("exists" if wanted is None else "eq")
    return _compared(ref, op, wanted)


def _compared(ref: str, written: str, value: Any) -> Rule | None:
    op = _OPS.get(written.strip().casefold()) or _OPS.get(words.folded(written))
    if op is None:
        return None
    if op is Op.EXISTS:
        value = None
    elif op in _ORDERED and isinstance(value, str):
        value = _literal(value)
    return When.ALL_SUCCESS, Condition(ref=braced(ref), op=op, value=value)


def braced(ref: str) -> str:
    """A reference with its braces."""
    bare = ref.strip()
    return bare if not bare or bare.startswith(("{", "$", "<")) else f"{{{{{bare}}}}}"


def _literal(text: str) -> Any:
    """What a comparison written as a text compares with: a JSON scalar, else the text without its quotes."""
    bare = text.strip()
    try:
        value = json.loads(bare, parse_constant=str)
    except (ValueError, RecursionError):
        return bare.strip("'\"")
    return bare if isinstance(value, dict | list) else value
