"""Transactions of one process that wait for one another anyway, made durable by one commit.

SQLite lets one transaction write at a time, and making it durable costs more than most of what is written. So what
waits meanwhile is run behind one another, each in a savepoint of its own, and committed together
(https://www.sqlite.org/lang_savepoint.html).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection

from domain.ports import UnitOfWork
from storage.faults import fault_of

T = TypeVar("T")

MAX_TOGETHER = 64  # the first of them waits for the last
UNRUN: Any = object()


class Turn(Generic[T]):
    """One piece of work that waits, and then what came of it."""

    def __init__(self, work: Callable[[UnitOfWork], T]) -> None:
        self.work = work
        self.is_dropped = False  # nobody waits for it any more
        self._value: T = UNRUN
        self._error: BaseException | None = None

    @property
    def is_over(self) -> bool:
        """Whether there is an outcome, or none is wanted."""
        return self.is_dropped or self._error is not None or self._value is not UNRUN

    def raise_fault(self) -> None:
        """Raises what the database failed it with: after that nothing in the same transaction can be relied on, as
        some errors end the whole of it (https://www.sqlite.org/lang_transaction.html#response_to_errors)."""
        if self._error is not None and fault_of(self._error) is not None:
            raise self._error

    def settle(self, run: Callable[[Callable[[UnitOfWork], T]], T]) -> None:
        """Keep what `run` makes of the work: a value, or what it raises."""
        try:
            self._value = run(self.work)
        except Exception as error:  # noqa: BLE001 -- whatever it is, it belongs to whoever waits
            self._error = error

    def undo(self) -> None:
        """It was rolled back with others: it has no outcome yet."""
        self._value, self._error = UNRUN, None

    def result(self) -> T:
        """The value; raises what the work raised."""
        if self._error is not None:
            raise self._error
        return self._value


class Line:
    """Who waits for the one connection that may write, first come, first served."""

    def __init__(self) -> None:
        self._turns: deque[Turn[Any]] = deque()

    def join(self, turn: Turn[Any]) -> None:
        """Stand behind the others."""
        self._turns.append(turn)

    def take(self) -> list[Turn[Any]]:
        """The next that can be committed together, without those that were dropped."""
        taken = [self._turns.popleft() for _ in range(min(len(self._turns), MAX_TOGETHER))]
        return [turn for turn in taken if not turn.is_dropped]


def in_savepoint(connection: Connection, run: Callable[[], T]) -> T:
    """Run something whose failure leaves what others did in the same transaction as it is."""
    with connection.begin_nested():
        return run()
