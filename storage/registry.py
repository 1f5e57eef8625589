"""Workers and processes of the control plane, by what they last said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, select

from domain.agents import Worker
from storage.dialects import upsert
from storage.json_text import SKILLS
from storage.mapping import MAX_INTEGER, Values
from storage.tables import PROCESS, TENANT, WORKER
from storage.transaction import Transaction

REMEMBERED = timedelta(days=1)  # what was killed never says good-bye


class SqlRegistry:
    """`domain.ports.Registry` in SQL."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def hello(self, worker: Worker) -> None:
        """A worker (re)appeared."""
        self._transaction.execute(delete(WORKER).where(WORKER.c.last_seen < worker.last_seen - REMEMBERED))
        said = ("incarnation", "slots", "skills", "status", "current_task", "last_seen")
        self._transaction.execute(upsert(self._transaction.connection, WORKER, *said), [_values(worker)])

    def beat(self, beats: Sequence[Worker]) -> None:
        """Workers are alive. What only a hello says (incarnation, slots, skills) stays as it was said.

        Sorted, so that two who write them never wait for one another in a circle.
        """
        rows = [_values(worker) for worker in sorted(beats, key=lambda worker: (worker.agent, worker.worker))]
        if rows:
            said = ("status", "current_task", "last_seen")
            self._transaction.execute(upsert(self._transaction.connection, WORKER, *said), rows)

    def gone(self, agent: str, worker: str) -> None:
        """A worker said good-bye."""
        is_it = (WORKER.c.tenant == TENANT, WORKER.c.agent == agent, WORKER.c.worker == worker)
        self._transaction.execute(delete(WORKER).where(*is_it))

    def alive(self, since: datetime) -> list[Worker]:
        """Workers heard of at or after `since`."""
        heard = select(WORKER).where(WORKER.c.last_seen >= since).order_by(WORKER.c.agent, WORKER.c.worker)
        return [_worker_of(row) for row in self._transaction.execute(heard)]

    def process_seen(self, role: str, process_id: str, at: datetime) -> None:
        """A process is performing a role."""
        self._transaction.execute(delete(PROCESS).where(PROCESS.c.seen_at < at - REMEMBERED))
        row = {"process_id": process_id, "role": role, "tenant": TENANT, "seen_at": at}
        self._transaction.execute(upsert(self._transaction.connection, PROCESS, "seen_at"), [row])

    def process_gone(self, process_id: str) -> None:
        """A process ended in good order."""
        self._transaction.execute(delete(PROCESS).where(PROCESS.c.process_id == process_id))

    def roles_alive(self, since: datetime) -> set[str]:
        """Roles some process performed at or after `since`."""
        performed = select(PROCESS.c.role).where(PROCESS.c.seen_at >= since).distinct()
        return set(self._transaction.execute(performed).scalars())


def _values(worker: Worker) -> Values:
    return {
        "tenant": TENANT,
        "agent": worker.agent,
        "worker": worker.worker,
        "incarnation": worker.incarnation,
        "slots": min(worker.slots, MAX_INTEGER),
        "skills": SKILLS.dump(worker.skills),
        "status": worker.status,
        "current_task": worker.current_task,
        "last_seen": worker.last_seen,
    }


def _worker_of(row: Row[Any]) -> Worker:
    return Worker(
        agent=row.agent,
        worker=row.worker,
        incarnation=row.incarnation,
        slots=row.slots,
        skills=SKILLS.load(row.skills) or (),
        status=row.status,
        current_task=row.current_task,
        last_seen=row.last_seen,
    )
