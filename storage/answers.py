"""Kept plans, answers and results, by owner and the exact inputs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from sqlalchemy import ColumnElement, Executable, Select, bindparam, delete, func, select, tuple_, update

from domain.task import Scope
from storage.dialects import InEither, InsertInto
from storage.fields import Values
from storage.mapping import owner_values
from storage.tables import ANSWER_CACHE
from storage.transaction import Transaction

_KEPT = ANSWER_CACHE.c
_ID = (_KEPT.tenant, _KEPT.owner, _KEPT.key)
_TEXT = ("kind", "text", "created_at", "used_at", "expires_at", "hits", "bytes", "holder", "held_until")

EXPIRED_AT_ONCE = 100  # texts that leave with one put
DROPPED_AT_ONCE = 100  # named in one statement
LOOKS = 128  # how often the room is measured while it fills
FULL, TIDY = 7 / 8, 3 / 4  # of the room: when the longest unused go, and down to where

_IS_IT = (
    _KEPT.tenant == bindparam("of_tenant"),
    _KEPT.owner == bindparam("of_owner"),
    _KEPT.key == bindparam("of_key"),
)
_IS_THEIRS = (*_IS_IT, _KEPT.holder == bindparam("of_holder"))
_FIND = select(_KEPT.text, _KEPT.expires_at).where(*_IS_IT).with_for_update()
_USED = update(ANSWER_CACHE).where(*_IS_IT).values(hits=_KEPT.hits + 1, used_at=bindparam("at"))
_DROP = delete(ANSWER_CACHE).where(*_IS_IT)
_UNLEAD = delete(ANSWER_CACHE).where(*_IS_THEIRS, _KEPT.text.is_(None))
_LEAVE = update(ANSWER_CACHE).where(*_IS_THEIRS).values(holder=None, held_until=None)


def _put(insert: InsertInto) -> Executable:
    put = insert(ANSWER_CACHE)
    return put.on_conflict_do_update(index_elements=list(_ID), set_={name: put.excluded[name] for name in _TEXT})


def _lead(insert: InsertInto) -> Executable:
    """Where nobody holds it any more, or the same holder does."""
    lead = insert(ANSWER_CACHE)
    is_free = _KEPT.held_until.is_(None) | (_KEPT.held_until <= bindparam("now"))
    holding = {"holder": lead.excluded.holder, "held_until": lead.excluded.held_until}
    is_ours = _KEPT.holder == lead.excluded.holder
    return lead.on_conflict_do_update(index_elements=list(_ID), set_=holding, where=is_free | is_ours)


_PUT, _LEAD = InEither(_put), InEither(_lead)


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How much is kept for a tenant: texts, and their bytes together. One text may take an eighth of the bytes."""

    rows: int = 20_000
    bytes: int = 50 * 2**20

    @property
    def largest(self) -> int:
        """The bytes of the largest text that is kept."""
        return self.bytes // 8


class SqlAnswerCache:
    """`domain.ports.AnswerCache` in SQL."""

    def __init__(self, transaction: Transaction, room: Room) -> None:
        self._transaction = transaction
        self._room = room

    def get(self, scope: Scope, key: str, now: datetime) -> str | None:
        """The stored text, if it has not expired; counts a hit.

        The row is held: what is not there cannot arrive before a `lead` of the same transaction.
        """
        it = _it(scope, key)
        found = self._transaction.execute(_FIND, it).first()
        if found is None or found.text is None or found.expires_at <= now:
            return None
        self._transaction.execute(_USED, it | {"at": now})
        return str(found.text)

    def put(self, scope: Scope, key: str, kind: str, text: str, expires_at: datetime) -> None:
        """Store a text, and end the lease on it; drop what has expired, and what was unused longest when room is
        short. A text too large to be kept only ends the lease."""
        size = len(text.encode(errors="surrogatepass"))
        if size > self._room.largest:
            self._transaction.execute(_DROP, _it(scope, key))
            return
        self._drop_expired()
        row = self._row(scope, key, expires_at) | {"kind": kind, "text": text, "bytes": size}
        self._transaction.execute(_PUT.of(self._transaction.connection), [row])
        if self._is_time_to_look(key, size):
            self._tidy(scope.tenant)

    def lead(self, scope: Scope, key: str, holder: str, until: datetime) -> bool:
        """Take, or extend, the lease to make a text. False while another holder's lasts."""
        row = self._row(scope, key, until) | {"holder": holder, "held_until": until}
        now = self._transaction.clock.now()
        claim = _LEAD.of(self._transaction.connection)
        return self._transaction.execute(claim, row | {"now": now}).rowcount == 1

    def leave(self, scope: Scope, key: str, holder: str) -> None:
        """Give the lease back. A row that was only a lease goes."""
        theirs = _it(scope, key) | {"of_holder": holder}
        self._transaction.execute(_UNLEAD, theirs)
        self._transaction.execute(_LEAVE, theirs)

    def purge(self, scope: Scope) -> int:
        """Forget all texts of a user; how many they were."""
        theirs = delete(ANSWER_CACHE).filter_by(**owner_values(scope)).where(_KEPT.text.is_not(None))
        return self._transaction.execute(theirs).rowcount

    def _row(self, scope: Scope, key: str, expires_at: datetime) -> Values:
        now = self._transaction.clock.now()
        times = {"created_at": now, "used_at": now, "expires_at": expires_at}
        return owner_values(scope) | times | {"key": key, "hits": 0, "bytes": 0, "holder": None, "held_until": None}

    def _is_free(self) -> ColumnElement[bool]:
        return _KEPT.held_until.is_(None) | (_KEPT.held_until <= self._transaction.clock.now())

    def _drop_expired(self) -> None:
        expired = select(*_ID).where(_KEPT.expires_at <= self._transaction.clock.now(), self._is_free())
        self._drop(expired.order_by(_KEPT.expires_at).limit(EXPIRED_AT_ONCE))

    def _is_time_to_look(self, key: str, size: int) -> bool:
        """Measuring the room at every put would cost more than the put; by the key's hash it happens `LOOKS` times
        while the room fills, whichever processes fill it."""
        share = max(1 / self._room.rows, size / self._room.bytes) * LOOKS
        return int.from_bytes(blake2b(key.encode(), digest_size=8).digest()) < share * 2**64

    def _tidy(self, tenant: str) -> None:
        """Make room, if it is needed."""
        size = func.coalesce(func.sum(_KEPT.bytes), 0).label("size")
        there = self._transaction.execute(select(func.count().label("rows"), size).where(_KEPT.tenant == tenant)).one()
        if there.rows > FULL * self._room.rows or there.size > FULL * self._room.bytes:
            self._drop(self._unused(tenant))

    def _unused(self, tenant: str) -> Select[str, str, str]:
        """What has no place in a tidy room, the longest unused."""
        newest_first = (_KEPT.used_at.desc(), _KEPT.owner, _KEPT.key)
        place = func.row_number().over(order_by=newest_first).label("place")
        total = func.sum(_KEPT.bytes).over(order_by=newest_first, rows=(None, 0)).label("total")
        ranked = select(*_ID, place, total).where(_KEPT.tenant == tenant).subquery().c
        is_over = (ranked.place > int(TIDY * self._room.rows)) | (ranked.total > int(TIDY * self._room.bytes))
        return select(ranked.tenant, ranked.owner, ranked.key).where(is_over)

    def _drop(self, rows: Select[str, str, str]) -> None:
        """Nobody waits for tidying, and tidying waits for nobody: rows in use are passed over.

        They are found first and then named: how PostgreSQL deletes what a query describes depends on what it believes
        of the table, and believing it empty it runs the query again for every row.
        """
        gone = [tuple(row) for row in self._transaction.execute(rows)]
        for start in range(0, len(gone), DROPPED_AT_ONCE):
            named = tuple_(*_ID).in_(gone[start : start + DROPPED_AT_ONCE])
            free = self._transaction.execute(select(*_ID).where(named).with_for_update(skip_locked=True))
            if held := [tuple(row) for row in free]:
                self._transaction.execute(delete(ANSWER_CACHE).where(tuple_(*_ID).in_(held)))


def _it(scope: Scope, key: str) -> Values:
    return {"of_tenant": scope.tenant, "of_owner": scope.owner, "of_key": key}
