"""How far each chat was read, on platforms that keep no queue for us."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import func, select

from domain.task import Place
from storage.chat_tables import CURSOR
from storage.dialects import insert_or
from storage.mapping import place_values
from storage.rows import TENANT
from storage.transaction import Transaction

_LAST = CURSOR.c.message_id


class SqlCursors:
    """`domain.ports.Cursors` in SQL."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def seen(self, place: Place, message_id: str) -> None:
        """Everything up to this message was taken.

        Ids have up to 20 digits, more than a column of integers holds. Without leading zeros the longer one is the
        larger one, and of two that are equally long the one that comes later as text.
        """
        row = {"tenant": TENANT, **place_values(place), "message_id": message_id.lstrip("0") or "0"}
        seen = insert_or(self._transaction.connection, CURSOR)
        given = seen.excluded.message_id
        longer, as_long = func.length(given) > func.length(_LAST), func.length(given) == func.length(_LAST)
        seen = seen.on_conflict_do_update(
            index_elements=list(CURSOR.primary_key),
            set_={"message_id": given},
            where=longer | (as_long & (given > _LAST)),
        )
        self._transaction.execute(seen, [row])

    def all(self, platform: str, bot_id: str) -> Mapping[str, str]:
        """The last message taken, by chat id (a thread's id where there is one)."""
        theirs = select(CURSOR).filter_by(tenant=TENANT, platform=platform, bot_id=bot_id)
        return {row.thread_id or row.chat_id: row.message_id for row in self._transaction.execute(theirs)}
