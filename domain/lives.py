"""The lives of a worker: its name stays the same over restarts, its incarnation tells one life from the next.

Incarnations of one worker order as text, the later life behind the earlier ones, and each execution carries that of
the life it began in. So whoever hears of a new life knows which leases belong to nobody any more, in whatever order
messages arrive. A clock that was set back between two lives costs the speed and nothing else: leases end by time.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_BORDER = "."


def incarnation(begun_at: datetime, random_bits: int) -> str:
    """The name of a life that begins now; `random_bits` (16 are used) tell apart what began in one moment."""
    return f"{(begun_at - _EPOCH) // _MICROSECOND:014x}-{random_bits & 0xFFFF:04x}"


def exec_id(of: str, random_bits: int) -> str:
    """A name for one execution in the life `of`; 64 of `random_bits` are used."""
    return f"{of}{_BORDER}{random_bits & (2**64 - 1):016x}"


def is_earlier(execution: str, life: str) -> bool:
    """Whether an execution began before the life that is named. One that names none counts as earlier: its worker is to
    say hello before it takes anything."""
    return execution.rpartition(_BORDER)[0] < life
