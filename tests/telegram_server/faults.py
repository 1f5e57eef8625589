"""Things that go wrong on purpose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Trouble(StrEnum):
    """What may happen to a call. Everything named `..._AFTER` happens when the call has taken effect."""

    TOO_MANY = "too_many"  # 429 with `retry_after`; calling again before that is a violation
    ERROR = "error"  # `status` without effect
    ERROR_AFTER = "error_after"  # `status` though it took effect
    RESET = "reset"  # the connection is reset before the effect
    RESET_AFTER = "reset_after"
    SLOW = "slow"  # `delay_s` before the effect
    SLOW_AFTER = "slow_after"  # `delay_s` between effect and answer
    HANG_AFTER = "hang_after"  # took effect, never answers
    GARBAGE_AFTER = "garbage_after"  # took effect, answers with a page instead of JSON
    GARBAGE = "garbage"


@dataclass(kw_only=True, slots=True)
class Fault:
    """Trouble for the next `times` calls (None: all) of `method` ("": any) in `chat` (None: any) `when` that is true.

    `when` gets the parameters. `hits` counts. The method "download" is the way down of a file.
    """

    trouble: Trouble
    method: str = ""
    chat: int | None = None
    times: int | None = 1
    when: Callable[[dict[str, Any]], bool] | None = None
    retry_after: int = 1
    status: int = 500
    delay_s: float = 0.0
    hits: int = 0

    def concerns(self, method: str, chat_id: int | None, parameters: dict[str, Any]) -> bool:
        return (
            (self.times is None or self.hits < self.times)
            and (not self.method or self.method.lower() == method.lower())
            and (self.chat is None or self.chat == chat_id)
            and (self.when is None or self.when(parameters))
        )


@dataclass
class Faults:
    """Those that are in force, the oldest first."""

    active: list[Fault] = field(default_factory=list)

    def add(self, trouble: Trouble | str, method: str = "", **how: Any) -> Fault:
        """Put a fault in force; `how` is the other fields of Fault."""
        fault = Fault(trouble=Trouble(trouble), method=method, **how)
        self.active.append(fault)
        return fault

    def clear(self) -> None:
        """All is well again."""
        self.active.clear()

    def next(self, method: str, chat_id: int | None, parameters: dict[str, Any]) -> Fault | None:
        """The fault this call meets; it is used up by one."""
        for fault in self.active:
            if fault.concerns(method, chat_id, parameters):
                fault.hits += 1
                if fault.times is not None and fault.hits >= fault.times:
                    self.active.remove(fault)
                return fault
        return None
