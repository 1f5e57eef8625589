"""Schedules by intent."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, delete, func, select, update

from domain.schedule import Misfire, Overlap, Schedule, Skipped
from domain.task import Scope
from storage.dialects import insert_or
from storage.fields import Values
from storage.json_text import RULE, TIMES
from storage.mapping import owner_values, route_of, route_values
from storage.schedule_tables import IS_AWAITED, SCHEDULE
from storage.transaction import Transaction

REMEMBERED = timedelta(days=7)  # after it ended, so that its last outcome can be seen

_OLDEST = (SCHEDULE.c.created_at, SCHEDULE.c.id)


class SqlSchedules:
    """`domain.ports.Schedules` in SQL."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, schedule: Schedule) -> None:
        """Keep a new one. Raises KeyError when its id is taken."""
        long_ago = self._transaction.clock.now() - REMEMBERED
        self._transaction.execute(delete(SCHEDULE).where(SCHEDULE.c.ended_at <= long_ago))
        insert = insert_or(self._transaction.connection, SCHEDULE).on_conflict_do_nothing()
        if not self._transaction.execute(insert, [{"id": schedule.id} | _values(schedule)]).rowcount:
            raise KeyError(schedule.id)

    def put(self, schedule: Schedule) -> None:
        """Save what changed in a locked one."""
        self._transaction.execute(update(SCHEDULE).where(SCHEDULE.c.id == schedule.id).values(_values(schedule)))

    def remove(self, schedule_id: str) -> bool:
        """Forget one. False when there is none."""
        return self._transaction.execute(delete(SCHEDULE).where(SCHEDULE.c.id == schedule_id)).rowcount == 1

    def lock(self, schedule_id: str) -> Schedule | None:
        """One as it stands, held for change."""
        return self._first(select(SCHEDULE).where(SCHEDULE.c.id == schedule_id).with_for_update())

    def lock_due(self, now: datetime, limit: int) -> list[Schedule]:
        """Those that are due, the longest first."""
        due = select(SCHEDULE).where(IS_AWAITED, SCHEDULE.c.due_at <= now)
        first = due.order_by(SCHEDULE.c.due_at, SCHEDULE.c.id).limit(limit).with_for_update(skip_locked=True)
        return [_schedule_of(row) for row in self._transaction.execute(first)]

    def find(self, schedule_id: str) -> Schedule | None:
        """One by its id."""
        return self._first(select(SCHEDULE).where(SCHEDULE.c.id == schedule_id))

    def of(self, scope: Scope | None) -> list[Schedule]:
        """A user's, or everybody's, oldest first."""
        theirs = select(SCHEDULE).filter_by(**(owner_values(scope) if scope else {})).order_by(*_OLDEST)
        return [_schedule_of(row) for row in self._transaction.execute(theirs)]

    def count(self, scope: Scope) -> int:
        """How many of a user's are not over."""
        theirs = select(func.count()).select_from(SCHEDULE).filter_by(**owner_values(scope))
        return int(self._transaction.execute(theirs.where(SCHEDULE.c.ended_at.is_(None))).scalar_one())

    def next_due(self) -> datetime | None:
        """The earliest time at which one is due."""
        found: datetime | None = self._transaction.execute(
            select(func.min(SCHEDULE.c.due_at)).where(IS_AWAITED)
        ).scalar_one()
        return found

    def _first(self, found: Select[Any]) -> Schedule | None:
        row = self._transaction.execute(found).first()
        return row and _schedule_of(row)


def _values(schedule: Schedule) -> Values:
    return {
        **owner_values(schedule.scope),
        **route_values(schedule.route),
        "within": " ".join(schedule.within),
        "request": schedule.request,
        "language": schedule.language,
        "rule": RULE.dump(schedule.rule),
        "zone": schedule.zone,
        "misfire": schedule.misfire.value,
        "overlap": schedule.overlap.value,
        "grace_s": schedule.grace_s,
        "deadline_s": schedule.deadline_s,
        "expires_s": schedule.expires_s,
        "left": schedule.left,
        "until": schedule.until,
        "created_at": schedule.created_at,
        **_movable(schedule),
    }


def _movable(schedule: Schedule) -> Values:
    """The columns that change as time passes."""
    return {
        "next_at": schedule.next_at,
        "due_at": schedule.due_at,
        "queued": TIMES.dump(schedule.queued or None),
        "paused_at": schedule.paused_at,
        "ended_at": schedule.ended_at,
        "last_task": schedule.last_task,
        "last_at": schedule.last_at,
        "skipped_at": schedule.skipped_at,
        "skipped": schedule.skipped and schedule.skipped.value,
    }


def _schedule_of(row: Row[Any]) -> Schedule:
    return Schedule(
        id=row.id,
        scope=Scope(tenant=row.tenant, owner=row.owner),
        route=route_of(row),
        within=tuple(row.within.split()),
        request=row.request,
        language=row.language,
        rule=RULE.read(row.rule),
        zone=row.zone,
        created_at=row.created_at,
        misfire=Misfire(row.misfire),
        overlap=Overlap(row.overlap),
        grace_s=row.grace_s,
        deadline_s=row.deadline_s,
        expires_s=row.expires_s,
        left=row.left,
        until=row.until,
        next_at=row.next_at,
        due_at=row.due_at,
        queued=TIMES.load(row.queued) or (),
        paused_at=row.paused_at,
        ended_at=row.ended_at,
        last_task=row.last_task,
        last_at=row.last_at,
        skipped_at=row.skipped_at,
        skipped=row.skipped and Skipped(row.skipped),
    )
