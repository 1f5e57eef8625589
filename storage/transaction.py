"""One open transaction, as its repositories share it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, CursorResult, Executable

from domain.ports import Clock
from storage.identity import IdentityMap
from storage.many import Many
from storage.memory import Recall


class Transaction:
    """A connection in a transaction, the tasks it has to do with, and the time."""

    def __init__(self, connection: Connection, memory: Recall, clock: Clock) -> None:
        self.connection = connection
        self.clock = clock
        self.tasks = IdentityMap(connection, memory)

    def execute(
        self, statement: Executable, given: Sequence[Mapping[str, Any]] | Mapping[str, Any] | None = None
    ) -> CursorResult[Any]:
        """Run a statement that sees everything put so far, with one row of values or with many."""
        self.tasks.flush()
        return self.connection.execute(statement, given)

    def execute_many(self, many: Many, rows: Sequence[Mapping[str, Any]]) -> int:
        """Change rows, those put so far included; how many there were to change."""
        self.tasks.flush()
        return many.run(self.connection, rows)
