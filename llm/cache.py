"""Validated outcomes kept by everything that shaped them, per owner; equal questions share one flight.

In one process a flight is a task of its own, so it outlives whoever asked first. Between processes it is a row with a
lease: the others look again until the outcome is there, and take over when the lease ends without one.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from types import TracebackType
from typing import Any, Generic, Literal, Protocol, Self, TypeVar

import structlog

from domain.errors import StoreDown
from domain.model import Purpose, Usage
from domain.ports import Call, Clock, Store, UnitOfWork
from domain.task import Scope

T = TypeVar("T")

_KEY_VERSION = 2
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.01, 0.25  # between looks at another process's flight

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class CachePolicy:
    """Whose cache this is.

    Args:
        holder: names this process on its leases.
        identity: the models and the server they are on (`ModelSettings.identity`); part of every key.
        model: the first of them, which made whatever is kept: a fall-back's outcome is not.
        lease_s: seconds after which another process takes over from one that died; leases are renewed.
    """

    holder: str
    identity: str
    model: str
    lease_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked, by whom.

    Args:
        scope: the owner; nobody else ever gets the outcome.
        kind: under which the outcome is stored.
        purpose: what the call is booked as.
        shaped_by: a JSON document of everything that shapes the outcome: prompts, schemas, catalogue, language, day.
        ttl_s: seconds the outcome may be used again; 0 keeps nothing.
        is_bypassed: a kept outcome must not be used; the new one is kept.
        task_id: the task in whose books a hit is noted.
    """

    scope: Scope
    kind: Literal["plan", "answer"]
    purpose: Purpose
    shaped_by: Any
    ttl_s: float
    is_bypassed: bool = False
    task_id: str | None = None


class Codec(Protocol[T]):
    """An outcome as text. Both methods are pure: they run inside transactions."""

    def dump(self, value: T) -> str | None:
        """The text to keep. None when it must not be kept: mended, truncated, from a fall-back, an error."""
        ...

    def load(self, text: str) -> T | None:
        """The outcome, validated again against what holds today. None when it cannot be used: asked anew."""
        ...


@dataclass(frozen=True, slots=True)
class _Asked(Generic[T]):
    key: str
    question: Question
    ask: Callable[[], Awaitable[T]]
    codec: Codec[T]


@dataclass(frozen=True, slots=True)
class _Found(Generic[T]):
    """The kept outcome, if there is one; else whether making it is up to us."""

    kept: T | None
    is_ours: bool


@dataclass(frozen=True, slots=True)
class _Failed:
    error: Exception


class ResponseCache:
    """One per process, so that equal questions meet. Entered as a context manager, which owns the flights.

    Args:
        store: gives the database when the first question comes: a machine of agents alone has none.
        clock: the time of leases and looks.
        policy: whose cache this is.
    """

    def __init__(self, store: Callable[[], Store], clock: Clock, policy: CachePolicy) -> None:
        self._store = store
        self._clock = clock
        self._policy = policy
        self._flights: dict[tuple[str, bool], asyncio.Task[Any]] = {}
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for flight in self._flights.values():
            flight.cancel()
        await self._group.__aexit__(None, None, None)  # the block's own error passes through as it is

    async def through(self, question: Question, ask: Callable[[], Awaitable[T]], codec: Codec[T]) -> T:
        """The kept outcome of this question, else what `ask` brings, once for all who want it meanwhile.

        Raises what `ask` raises, to everybody who waits. Being cancelled ends the waiting, not the flight: it is paid
        for, and its outcome is kept. Without the database `ask` is simply called.
        """
        asked = _Asked(self._key(question), question, ask, codec)
        slot = (asked.key, question.is_bypassed)
        joined = self._flights.get(slot)
        landed = await asyncio.shield(joined or self._started(slot, asked))
        if isinstance(landed, _Failed):
            raise landed.error
        if joined is not None:
            await self._attempt("book", lambda uow: uow.calls.add([self._hit(question)]))
        outcome: T = landed
        return outcome

    # --- one flight ---------------------------------------------------------------------------------------------

    def _started(self, slot: tuple[str, bool], asked: _Asked[T]) -> asyncio.Task[T | _Failed]:
        flight = self._flights[slot] = self._group.create_task(self._fly(asked))
        flight.add_done_callback(lambda _: self._flights.pop(slot))
        return flight

    async def _fly(self, asked: _Asked[T]) -> T | _Failed:
        try:
            outcome = await self._outcome(asked)
        except Exception as error:  # noqa: BLE001 -- raised again to each who waits
            return _Failed(error)
        return outcome

    async def _outcome(self, asked: _Asked[T]) -> T:
        if asked.question.is_bypassed:
            return await self._made(asked)
        pause_s = _FIRST_PAUSE_S
        while True:
            found = await self._look(asked)
            if found.kept is not None:
                return found.kept
            if found.is_ours:
                return await self._led(asked)
            await self._clock.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def _look(self, asked: _Asked[T]) -> _Found[T]:
        question, now = asked.question, self._clock.now()

        def work(uow: UnitOfWork) -> _Found[T]:
            text = uow.cache.get(question.scope, asked.key, now)
            kept = None if text is None else asked.codec.load(text)
            if kept is None:
                return _Found(None, is_ours=self._lead(uow, asked))
            uow.calls.add([self._hit(question)])
            return _Found(kept, is_ours=False)

        found = await self._attempt("read", work) or _Found(None, is_ours=True)
        if found.kept is not None:
            log.info("cache_hit", kind=question.kind, task=question.task_id)
        return found

    async def _led(self, asked: _Asked[T]) -> T:
        holding = self._group.create_task(self._hold(asked))
        try:
            return await self._made(asked)
        finally:
            holding.cancel()
            await self._attempt("leave", lambda uow: uow.cache.leave(*self._held(asked)))

    async def _hold(self, asked: _Asked[T]) -> None:
        """Keep the lease while the flight lasts."""
        while True:
            await self._clock.sleep(self._policy.lease_s / 3)
            await self._attempt("lead", lambda uow: self._lead(uow, asked))

    async def _made(self, asked: _Asked[T]) -> T:
        question = asked.question
        value = await asked.ask()
        text = asked.codec.dump(value)
        if text is not None and question.ttl_s > 0:
            row = (question.scope, asked.key, question.kind, text, self._in(question.ttl_s))
            await self._attempt("keep", lambda uow: uow.cache.put(*row))
        return value

    # --- the rows -----------------------------------------------------------------------------------------------

    async def _attempt(self, doing: str, work: Callable[[UnitOfWork], T]) -> T | None:
        """What `work` returns; None when the database is away, which the question must not suffer for."""
        try:
            return await self._store().transact(work)
        except StoreDown:
            log.warning("cache_without_store", doing=doing)
            return None

    def _lead(self, uow: UnitOfWork, asked: _Asked[T]) -> bool:
        return uow.cache.lead(*self._held(asked), self._in(self._policy.lease_s))

    def _held(self, asked: _Asked[T]) -> tuple[Scope, str, str]:
        return asked.question.scope, asked.key, self._policy.holder

    def _hit(self, question: Question) -> Call:
        return Call(
            scope=question.scope,
            task_id=question.task_id,
            purpose=question.purpose,
            usage=Usage(model=self._policy.model),
            at=self._clock.now(),
            is_hit=True,
        )

    def _in(self, seconds: float) -> datetime:
        return self._clock.now() + timedelta(seconds=seconds)

    def _key(self, question: Question) -> str:
        """The whole document is hashed, not chosen fields: a field added later must change the key."""
        shaped_by = [_KEY_VERSION, self._policy.identity, asdict(question.scope), question.kind, question.shaped_by]
        canonical = json.dumps(shaped_by, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()
