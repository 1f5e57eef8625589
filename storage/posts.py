"""Messages of ours: what was sent for which task, and where it is."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Executable, Row, bindparam, delete, select, update

from domain.post import Posted, PostKind
from domain.task import Place
from storage.chat_tables import POST
from storage.dialects import InEither, InsertInto
from storage.fields import Values
from storage.mapping import place_of, place_values
from storage.tables import OWNER_OF_TASK
from storage.transaction import Transaction

_IS_IT = (
    POST.c.task_id == bindparam("of_task"),
    POST.c.kind == bindparam("of_kind"),
    POST.c.part == bindparam("of_part"),
)
_OF_TASK = select(POST).where(POST.c.task_id == bindparam("of_task")).order_by(POST.c.kind, POST.c.part)
_PLACED = update(POST).where(*_IS_IT).values(message_id=bindparam("sent_as"), is_filled=bindparam("filled"))
_FORGET = delete(POST).where(*_IS_IT)


def _intend(insert: InsertInto) -> Executable:
    """The one that is there already is locked in the same statement, so that nobody takes it away in between."""
    same = {"task_id": POST.c.task_id}
    intend = insert(POST).values(OWNER_OF_TASK)
    return intend.on_conflict_do_update(index_elements=list(POST.primary_key), set_=same).returning(POST)


_INTEND = InEither(_intend)


class SqlPosts:
    """`domain.ports.Posts` in SQL."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def intend(self, posted: Posted) -> Posted:
        """Write down that it is about to be sent; what stands there now, which may be an earlier one."""
        intend = _INTEND.of(self._transaction.connection)
        return _posted_of(self._transaction.execute(intend, [_values(posted)]).one())

    def placed(self, posted: Posted) -> None:
        """Keep its `message_id` and `is_filled` as given."""
        key = _key(posted.task_id, posted.kind, posted.part)
        self._transaction.execute(_PLACED, {**key, "sent_as": posted.message_id, "filled": posted.is_filled})

    def of_task(self, task_id: str, kind: PostKind | None = None) -> list[Posted]:
        """What was posted about a task, by kind and part."""
        found = [_posted_of(row) for row in self._transaction.execute(_OF_TASK, {"of_task": task_id})]
        return [posted for posted in found if kind in {None, posted.kind}]

    def find(self, place: Place, message_id: str) -> Posted | None:
        """What a message of ours in this place is."""
        there = select(POST).filter_by(**place_values(place), message_id=message_id)
        row = self._transaction.execute(there.order_by(POST.c.task_id, POST.c.kind, POST.c.part).limit(1)).first()
        return row and _posted_of(row)

    def forget(self, task_id: str, kind: PostKind, part: int) -> None:
        """It is not there any more."""
        self._transaction.execute(_FORGET, _key(task_id, kind, part))


def _key(task_id: str, kind: PostKind, part: int) -> Values:
    return {"of_task": task_id, "of_kind": kind.value, "of_part": part}


def _values(posted: Posted) -> Values:
    return {
        "of_task": posted.task_id,
        "task_id": posted.task_id,
        "kind": posted.kind.value,
        "part": posted.part,
        **place_values(posted.place),
        "nonce": posted.nonce,
        "about": posted.about,
        "message_id": posted.message_id,
        "is_filled": posted.is_filled,
    }


def _posted_of(row: Row[Any]) -> Posted:
    return Posted(
        task_id=row.task_id,
        kind=PostKind(row.kind),
        part=row.part,
        place=place_of(row),
        nonce=row.nonce,
        about=row.about,
        message_id=row.message_id,
        is_filled=row.is_filled,
    )
