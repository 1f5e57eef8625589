"""What happened, in order, which rules were broken, and waiting for either."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from tests.discord_server.world import Clock

Found = TypeVar("Found")


@dataclass(slots=True, kw_only=True)
class Call:
    """One REST request. `route` is its template; `status` 0 means that no answer left (a reset, or still under way)."""

    number: int
    at: datetime
    method: str
    path: str
    route: str
    body: Any = None
    files: list[tuple[str, int]] = field(default_factory=list)
    status: int = 0
    code: int | None = None
    fault: str | None = None
    had_effect: bool = False
    ended_at: datetime | None = None

    @property
    def name(self) -> str:
        return f"{self.method} {self.route}"

    def __str__(self) -> str:
        code = "" if self.code is None else f" ({self.code})"
        fault = "" if self.fault is None else f" [{self.fault}]"
        return f"#{self.number} {self.method} {self.path} -> {self.status}{code}{fault}"


@dataclass(slots=True, frozen=True, kw_only=True)
class Violation:
    """A rule that was broken, or a bad manner: `code` for tests, `detail` for people."""

    code: str
    detail: str
    at: datetime
    call: int | None = None

    def __str__(self) -> str:
        return f"{self.code}: {self.detail}"


@dataclass(slots=True, frozen=True, kw_only=True)
class GatewayNote:
    """One thing on the websocket: connect, identify, resume, heartbeat, close, or a fault."""

    kind: str
    detail: str
    at: datetime


class Transcript:
    """Grows for ever unless `keep_calls` is off, which long benchmarks want; counters and violations always stay."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiting: list[tuple[Callable[[], Any], asyncio.Future[Any]]] = []
        self.keep_calls = True
        self.calls: list[Call] = []
        self.counts: Counter[str] = Counter()
        self.notes: list[GatewayNote] = []
        self.violations: list[Violation] = []

    def began(self, method: str, path: str, route: str) -> Call:
        self.counts["calls"] += 1
        call = Call(number=self.counts["calls"], at=self._clock.now(), method=method, path=path, route=route)
        self.counts[call.name] += 1
        if self.keep_calls:
            self.calls.append(call)
        return call

    def ended(self, call: Call, status: int, code: int | None = None) -> None:
        call.status, call.code, call.ended_at = status, code, self._clock.now()
        self.counts[str(status)] += 1
        self.tell()

    def note(self, kind: str, detail: str = "") -> None:
        self.counts[kind] += 1
        self.notes.append(GatewayNote(kind=kind, detail=detail, at=self._clock.now()))
        self.tell()

    def violated(self, code: str, detail: str, call: Call | None = None) -> None:
        number = None if call is None else call.number
        self.violations.append(Violation(code=code, detail=detail, at=self._clock.now(), call=number))
        self.tell()

    def codes(self) -> list[str]:
        """Of the violations, in order."""
        return [violation.code for violation in self.violations]

    def of(self, route: str) -> list[Call]:
        """The calls of one route, as in `POST /channels/{channel_id}/messages`."""
        return [call for call in self.calls if call.name == route]

    def tell(self) -> None:
        """Something changed: whoever waits for it goes on."""
        for entry in list(self._waiting):
            predicate, future = entry
            if future.done():
                continue
            try:
                found = predicate()
            except Exception as error:  # noqa: BLE001 -- it belongs to the test that waits, not to the request
                future.set_exception(error)
            else:
                if found:
                    future.set_result(found)

    async def wait_for(self, predicate: Callable[[], Found | None], timeout: float = 10.0) -> Found:  # noqa: ASYNC109 -- a failing test says what it saw
        """Wait until `predicate` is true; its value. Raises `TimeoutError` with the last things that happened."""
        found = predicate()
        if found:
            return found
        entry: tuple[Callable[[], Any], asyncio.Future[Found]] = (predicate, asyncio.get_running_loop().create_future())
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(timeout):
                return await entry[1]
        except TimeoutError:
            raise TimeoutError(f"not seen in {timeout} s; {self.tail()}") from None
        finally:
            self._waiting.remove(entry)

    def tail(self, count: int = 12) -> str:
        """The last things that happened, for a failing test."""
        calls = "\n  ".join(map(str, self.calls[-count:]))
        notes = ", ".join(f"{note.kind} {note.detail}".strip() for note in self.notes[-count:])
        broken = "\n  ".join(map(str, self.violations))
        return f"calls:\n  {calls}\ngateway: {notes}\nviolations:\n  {broken}"
