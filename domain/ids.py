"""Names of things: task ids a person can say aloud, subtask ids, trace contexts."""

from __future__ import annotations

import re
from typing import NamedTuple

# Crockford's base 32 (https://www.crockford.com/base32.html): no I, L, O or U, so it survives being read aloud.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
TASK_ID_LENGTH = 6
TASK_ID_BITS = 5 * TASK_ID_LENGTH

_LOOKALIKES = str.maketrans({"O": "0", "I": "1", "L": "1"})
_TASK_ID = re.compile(f"[{ALPHABET}]{{{TASK_ID_LENGTH}}}")
NODE_KEY = re.compile(r"[\w-]{1,64}")  # as planned
SUBTASK_KEY = re.compile(rf"{NODE_KEY.pattern}(?:\.{NODE_KEY.pattern}){{0,3}}")  # with those that made it in front
_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")


def task_id(random_bits: int) -> str:
    """Spell the low 30 bits of `random_bits` as a task id."""
    return "".join(ALPHABET[(random_bits >> shift) & 31] for shift in range(TASK_ID_BITS - 5, -5, -5))


def read_task_id(text: str) -> str | None:
    """Read what a person typed as a task id: any case, look-alike letters folded; None when it cannot be one."""
    folded = text.strip().lstrip("#").upper().translate(_LOOKALIKES)
    return folded if _TASK_ID.fullmatch(folded) else None


class SubtaskId(NamedTuple):
    """`taskId` on the wire: `ID.key`."""

    task: str
    key: str

    def __str__(self) -> str:
        return f"{self.task}.{self.key}"

    @classmethod
    def read(cls, text: str) -> SubtaskId | None:
        """Split a wire id; None when it is not one of ours."""
        task, dot, key = text.partition(".")
        if not dot or not _TASK_ID.fullmatch(task) or not SUBTASK_KEY.fullmatch(key):
            return None
        return cls(task, key)


def traceparent(trace_id: str, span_bits: int) -> str:
    """A W3C Trace Context header (https://www.w3.org/TR/trace-context/#traceparent-header) for 32-hex `trace_id`."""
    return f"00-{trace_id}-{span_bits & (2**64 - 1) or 1:016x}-01"


def trace_id_of(header: str | None) -> str | None:
    """The trace id inside a traceparent; None when the header is absent or malformed."""
    match = _TRACEPARENT.fullmatch(header or "")
    return match[1] if match else None
