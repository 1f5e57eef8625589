"""Dead letters, kept until somebody did something about them or nobody saw them again for long."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, delete, func, literal, select, update

from domain.dead import DeadLetter, Fate, Reason
from domain.ids import SubtaskId
from storage.dialects import insert_or
from storage.fields import Values
from storage.keeping_tables import DEAD_LETTER
from storage.rows import TENANT
from storage.transaction import Transaction

CAPACITY = 5_000  # letters; a sender gone wrong must not fill the disk

_C = DEAD_LETTER.c
_WITHOUT_BODY = [literal("").label("body") if column.name == "body" else column for column in _C]


class SqlDeadLetters:
    """`domain.ports.DeadLetters` in SQL."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def add(self, letters: Sequence[DeadLetter]) -> None:
        """Keep these, or count them once more."""
        if not letters:
            return
        for letter in sorted(letters, key=lambda letter: letter.id):  # in one order, whoever else keeps some
            self._transaction.execute(self._kept(letter))
        surplus = select(_C.id).order_by(_C.last_at.desc(), _C.id).offset(CAPACITY)
        self._transaction.execute(delete(DEAD_LETTER).where(_C.id.in_(surplus)))

    def find(self, letter_id: str) -> DeadLetter | None:
        """One letter, body and all."""
        row = self._transaction.execute(select(DEAD_LETTER).where(_C.id == letter_id)).first()
        return row and _letter_of(row)

    def recent(self, limit: int, fates: Collection[Fate] = (Fate.OPEN,)) -> list[DeadLetter]:
        """The last seen ones of these fates."""
        return self._found(_newest().where(_C.fate.in_([fate.value for fate in fates])).limit(limit))

    def about(self, subtasks: Collection[SubtaskId]) -> list[DeadLetter]:
        """The open ones about these subtasks."""
        names = [str(name) for name in subtasks]
        return self._found(_newest().where(_C.fate == Fate.OPEN.value, _C.subtask.in_(names)))

    def open_count(self) -> int:
        """How many are open."""
        counted = select(func.count()).where(_C.fate == Fate.OPEN.value)
        return int(self._transaction.execute(counted).scalar_one())

    def settle(self, letter_id: str, fate: Fate) -> bool:
        """Something was done about an open letter."""
        is_it = (_C.id == letter_id, _C.fate == Fate.OPEN.value)
        return self._transaction.execute(update(DEAD_LETTER).where(*is_it).values(fate=fate.value)).rowcount == 1

    def purge(self, before: datetime, limit: int) -> int:
        """Forget what was last seen before then."""
        old = select(_C.id).where(_C.last_at < before).order_by(_C.last_at).limit(limit)
        return self._transaction.execute(delete(DEAD_LETTER).where(_C.id.in_(old))).rowcount

    def _kept(self, letter: DeadLetter) -> Any:
        keep = insert_or(self._transaction.connection, DEAD_LETTER).values(_values(letter))
        fresh = {name: keep.excluded[name] for name in ("last_at", "attempt", "body", "fate")}
        return keep.on_conflict_do_update(index_elements=[_C.id], set_={**fresh, "seen": _C.seen + keep.excluded.seen})

    def _found(self, letters: Select[Any]) -> list[DeadLetter]:
        return [_letter_of(row) for row in self._transaction.execute(letters)]


def _newest() -> Select[Any]:
    return select(*_WITHOUT_BODY).order_by(_C.last_at.desc(), _C.id)


def _values(letter: DeadLetter) -> Values:
    return {
        "id": letter.id,
        "tenant": TENANT,
        "at": letter.at,
        "last_at": letter.last_at,
        "agent": letter.agent,
        "reason": letter.reason.value,
        "subtask": str(letter.subtask) if letter.subtask else None,
        "attempt": letter.attempt,
        "detail": letter.detail,
        "body": letter.body,
        "seen": letter.seen,
        "fate": letter.fate.value,
    }


def _letter_of(row: Row[Any]) -> DeadLetter:
    return DeadLetter(
        id=row.id,
        at=row.at,
        last_at=row.last_at,
        agent=row.agent,
        reason=Reason(row.reason),
        subtask=SubtaskId.read(row.subtask) if row.subtask else None,
        attempt=row.attempt,
        detail=row.detail,
        body=row.body,
        seen=row.seen,
        fate=Fate(row.fate),
    )
