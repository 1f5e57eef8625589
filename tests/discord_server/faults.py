"""Made-up trouble on single REST routes: what, where, how often."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase

from tests.discord_server.transcript import Call


class FaultKind(StrEnum):
    """`*_after` ones let the request take effect first."""

    STATUS = "status"
    STATUS_AFTER = "status_after"
    LIMITED = "429"
    RESET = "reset"
    RESET_AFTER = "reset_after"
    SLOW = "slow"
    SLOW_AFTER = "slow_after"
    HOLD = "hold"
    HOLD_AFTER = "hold_after"


@dataclass(slots=True, kw_only=True)
class Fault:
    """`route` is a pattern for `METHOD /template` or `METHOD /path`, as `POST /channels/*/messages`; `times` None is
    for ever; `when` looks closer. `status` (with `code` 0) is for the status kinds, `seconds` for slow ones and for the
    retry_after of a 429; HOLD waits for `release()`."""

    kind: FaultKind
    route: str
    times: int | None = 1
    status: int = 500
    seconds: float = 1.0
    is_global: bool = False
    when: Callable[[Call], bool] | None = None
    hits: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def release(self) -> None:
        """Let go on what a HOLD holds."""
        self.times = 0
        self.gate.set()

    def matches(self, call: Call) -> bool:
        if self.times is not None and self.hits >= self.times:
            return False
        names = (call.name, f"{call.method} {call.path}")
        return any(fnmatchcase(name, self.route) for name in names) and (self.when is None or self.when(call))

    async def pause(self) -> None:
        """What the slow and the holding ones do."""
        if self.kind in {FaultKind.SLOW, FaultKind.SLOW_AFTER}:
            await asyncio.sleep(self.seconds)
        elif self.kind in {FaultKind.HOLD, FaultKind.HOLD_AFTER}:
            await self.gate.wait()

    @property
    def is_before(self) -> bool:
        return self.kind in {FaultKind.STATUS, FaultKind.LIMITED, FaultKind.RESET, FaultKind.SLOW, FaultKind.HOLD}


class Faults:
    """Those that wait for their request; the first that matches is taken."""

    def __init__(self) -> None:
        self._all: list[Fault] = []

    def add(self, kind: FaultKind | str, route: str, **more: object) -> Fault:
        """`add("reset_after", "POST /channels/*/messages", times=2)`; see `Fault` for the rest."""
        fault = Fault(kind=FaultKind(kind), route=route, **more)  # type: ignore[arg-type] # keywords of a test
        self._all.append(fault)
        return fault

    def clear(self) -> None:
        for fault in self._all:
            fault.release()
        self._all.clear()

    def take(self, call: Call) -> Fault | None:
        for fault in self._all:
            if fault.matches(call):
                fault.hits += 1
                call.fault = fault.kind.value
                return fault
        return None
