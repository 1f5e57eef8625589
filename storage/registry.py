"""Workers and processes of the control plane, by what they last said."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, Row, bindparam, case, delete, func, select

from domain.agents import Worker
from domain.backlog import Backlog
from domain.skill import SkillSpec
from domain.task import SubtaskState
from storage.dialects import upsert
from storage.fields import Values
from storage.json_text import SKILLS
from storage.mapping import MAX_INTEGER
from storage.rows import TENANT
from storage.tables import IS_IN_FLIGHT, IS_LEASED, PROCESS, SUBTASK, WORKER
from storage.transaction import Transaction

REMEMBERED = timedelta(days=1)  # what was killed never says good-bye

_HEARD = select(WORKER).where(WORKER.c.last_seen >= bindparam("since")).order_by(WORKER.c.agent, WORKER.c.worker)


class SqlRegistry:
    """`domain.ports.Registry` in SQL."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def hello(self, worker: Worker) -> None:
        """A worker (re)appeared."""
        self._transaction.execute(delete(WORKER).where(WORKER.c.last_seen < worker.last_seen - REMEMBERED))
        said = ("incarnation", "slots", "skills", "status", "current_task", "last_seen")
        self._transaction.execute(upsert(self._transaction.connection, WORKER, *said), [_values(worker)])

    def left_by(self, worker: Worker) -> list[str]:
        """Tasks in which an earlier life of this worker holds leases."""
        known = select(WORKER.c.incarnation).where(*_is(worker.agent, worker.worker))
        last = self._transaction.execute(known).scalar_one_or_none()
        if last is not None and last >= worker.incarnation:
            return []
        is_theirs = (SUBTASK.c.agent == worker.agent, SUBTASK.c.lease_worker == worker.worker)
        leased = select(SUBTASK.c.task_id).where(IS_LEASED, *is_theirs).distinct().order_by(SUBTASK.c.task_id)
        return list(self._transaction.execute(leased).scalars())

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
        self._transaction.execute(delete(WORKER).where(*_is(agent, worker)))

    def alive(self, since: datetime) -> list[Worker]:
        """Workers heard of at or after `since`."""
        return [_worker_of(row) for row in self._transaction.execute(_HEARD, {"since": since})]

    def backlogs(self) -> list[Backlog]:
        """What is sent or running, per agent."""
        is_sent = SUBTASK.c.state == SubtaskState.DISPATCHED.value
        figures = (
            func.count(case((is_sent, 1))).label("sent"),
            func.count(case((~is_sent, 1))).label("running"),
            func.min(case((is_sent, SUBTASK.c.dispatched_at))).label("oldest_at"),
        )
        counted = select(SUBTASK.c.agent, *figures).where(IS_IN_FLIGHT, SUBTASK.c.agent.is_not(None))
        rows = self._transaction.execute(counted.group_by(SUBTASK.c.agent).order_by(SUBTASK.c.agent))
        return [Backlog(agent=row.agent, sent=row.sent, running=row.running, oldest_at=row.oldest_at) for row in rows]

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


def _is(agent: str, worker: str) -> tuple[ColumnElement[bool], ...]:
    return WORKER.c.tenant == TENANT, WORKER.c.agent == agent, WORKER.c.worker == worker


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


@lru_cache(maxsize=256)
def _skills_of(text: str) -> tuple[SkillSpec, ...]:
    """What a worker announced is read again and again, and stays the same while it lives."""
    return SKILLS.read(text)


def _worker_of(row: Row[Any]) -> Worker:
    return Worker(
        agent=row.agent,
        worker=row.worker,
        incarnation=row.incarnation,
        slots=row.slots,
        skills=_skills_of(row.skills),
        status=row.status,
        current_task=row.current_task,
        last_seen=row.last_seen,
    )
