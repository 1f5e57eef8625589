"""The store: transactions in threads of its own, run again when that is safe."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError
from tenacity import RetryCallState, Retrying, wait_random_exponential

from domain.ports import Clock, UnitOfWork
from storage.answers import Room
from storage.engines import POSTGRES_THREADS, is_in_memory, is_postgres, open_engine, read_url
from storage.faults import Conflict, Fault, Unsure, fault_of, told
from storage.memory import Memory, Pending
from storage.rows import Row
from storage.together import Line, Turn, in_savepoint
from storage.transaction import Transaction
from storage.unit_of_work import SqlUnitOfWork

T = TypeVar("T")

MAX_RUNS = 5  # of the same work, after conflicts
MAX_RUNS_S = 30.0  # a conflict may itself have waited long

_LOG = structlog.get_logger()


class SqlStore:
    """`domain.ports.Store` on SQLite or PostgreSQL."""

    def __init__(self, engine: Engine, clock: Clock, room: Room) -> None:
        self._engine = engine
        self._clock = clock
        self._room = room
        self._memory = Memory()
        self._is_shared = is_postgres(engine.url)
        threads = POSTGRES_THREADS if self._is_shared else 1
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="store")
        self._line = Line()
        pause = wait_random_exponential(multiplier=0.02, max=1)
        self._runs = Retrying(retry=_may_run_again, wait=pause, before_sleep=_log_rerun)

    async def transact(self, work: Callable[[UnitOfWork], T]) -> T:
        """Run `work` in one transaction and commit it.

        Whoever is cancelled stops waiting; work that has begun is finished by its thread, other work is dropped.
        """
        loop = asyncio.get_running_loop()
        if self._is_shared:
            return await loop.run_in_executor(self._threads, self._run, work)
        turn = Turn(work)
        self._line.join(turn)
        try:
            return await loop.run_in_executor(self._threads, self._outcome, turn)
        finally:
            turn.is_dropped = not turn.is_over

    async def close(self) -> None:
        """Let begun work finish, and release connections."""
        await asyncio.get_running_loop().run_in_executor(None, self._close)

    def _close(self) -> None:
        self._threads.shutdown(wait=True)
        self._engine.dispose()

    def _run(self, work: Callable[[UnitOfWork], T]) -> T:
        try:
            result: T = self._runs(self._run_once, work)
        except (DBAPIError, Conflict, Unsure) as error:
            ours = told(error)
            if ours is None:
                raise
            raise ours from error
        return result

    def _run_once(self, work: Callable[[UnitOfWork], T]) -> T:
        with self._engine.connect() as connection:  # rolls back unless committed
            transaction = Transaction(connection, self._memory, self._clock)
            result = self._worked(transaction, work)
            _commit(connection)
        self._memory.keep(transaction.tasks.committed())
        return result

    def _outcome(self, turn: Turn[T]) -> T:
        """What came of it, or comes of it now with all that waits behind."""
        while not turn.is_over:
            turns = self._line.take()
            if len(turns) > 1:
                self._run_together(turns)
            for undone in [one for one in turns if not one.is_over]:
                undone.settle(self._run)
        return turn.result()

    def _run_together(self, turns: Sequence[Turn[Any]]) -> None:
        """All of it with one commit; where the database fails in that, each is left to be run by itself."""
        pending = Pending(self._memory)

        def run(work: Callable[[UnitOfWork], T]) -> T:
            transaction = Transaction(connection, pending, self._clock)
            result = in_savepoint(connection, partial(self._worked, transaction, work))
            pending.keep(transaction.tasks.committed())
            return result

        try:
            with self._engine.connect() as connection:
                for turn in turns:
                    turn.settle(run)
                    turn.raise_fault()
                connection.commit()
        except (DBAPIError, Conflict) as error:
            _LOG.info("transactions_taken_apart", cause=type(error).__name__, many=len(turns))
            for turn in turns:
                turn.undo()
            return
        self._memory.keep(pending)

    def _worked(self, transaction: Transaction, work: Callable[[UnitOfWork], T]) -> T:
        result = work(SqlUnitOfWork(transaction, self._room))
        transaction.tasks.flush()
        return result


def open_store(url: str, clock: Clock, room: Room | None = None) -> SqlStore:
    """A store for DATABASE_URL; the database is first spoken to by the first transaction.

    Args:
        url: `sqlite:///path`, `sqlite://` (in memory, with its schema, gone when closed), or `postgresql://...`.
        clock: for times nobody hands in.
        room: how many plans, answers and results are kept.

    Raises Misconfigured for a URL that cannot be used.
    """
    engine = open_engine(read_url(url))
    if is_in_memory(engine.url):
        Row.metadata.create_all(engine)
    return SqlStore(engine, clock, room or Room())


def _commit(connection: Connection) -> None:
    try:
        connection.commit()
    except DBAPIError as error:
        if fault_of(error) is Fault.LOST:
            raise Unsure from error
        raise


def _may_run_again(state: RetryCallState) -> bool:
    match _fault(state):
        case Fault.CONFLICT:
            return state.attempt_number < MAX_RUNS and (state.seconds_since_start or 0) < MAX_RUNS_S
        case Fault.LOST:  # the pool has dropped its other connections of that time too
            return state.attempt_number == 1
        case _:
            return False


def _log_rerun(state: RetryCallState) -> None:
    fault = _fault(state)
    _LOG.info("transaction_run_again", fault=fault and fault.name.lower(), run=state.attempt_number + 1)


def _fault(state: RetryCallState) -> Fault | None:
    return fault_of(state.outcome.exception()) if state.outcome else None
