"""Who is known, which group chats are, and the codes that make them so."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, bindparam, case, delete, func, insert, select

from domain.people import Pairing, Person, Role
from storage.chat_tables import KNOCK, KNOWN_CHAT, PAIRING, PERSON
from storage.dialects import insert_or, upsert
from storage.fields import Values
from storage.rows import TENANT
from storage.transaction import Transaction

KNOCKS_REMEMBERED = timedelta(days=1)

_PERSON = select(PERSON).where(
    PERSON.c.tenant == bindparam("tenant"),
    PERSON.c.platform == bindparam("platform"),
    PERSON.c.user_id == bindparam("user_id"),
)


class SqlPeople:
    """`domain.ports.People` in SQL."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def find(self, platform: str, user_id: str) -> Person | None:
        """Somebody by id."""
        row = self._transaction.execute(_PERSON, _user(platform, user_id)).first()
        return row and _person_of(row)

    def put(self, person: Person, at: datetime) -> None:
        """Write somebody down as they are from now on. Somebody without a role becomes known when they get one."""
        said = {"role": person.role, "language": person.language, "zone": person.zone, "known_at": at}
        put = insert_or(self._transaction.connection, PERSON)
        fresh = put.excluded
        known_at = case((PERSON.c.role.is_(None), fresh.known_at), else_=PERSON.c.known_at)
        changed = {"role": fresh.role, "language": fresh.language, "zone": fresh.zone, "known_at": known_at}
        put = put.on_conflict_do_update(index_elements=list(PERSON.primary_key), set_=changed)
        self._transaction.execute(put, [_user(person.platform, person.user_id) | said])

    def remove(self, platform: str, user_id: str) -> bool:
        """Forget somebody. False when nobody of that id was known."""
        return self._transaction.execute(delete(PERSON).filter_by(**_user(platform, user_id))).rowcount == 1

    def known(self) -> list[Person]:
        """Everybody with a role, owners first, then in the order they became known."""
        is_no_owner = PERSON.c.role != Role.OWNER.value
        with_role = select(PERSON).where(PERSON.c.tenant == TENANT, PERSON.c.role.is_not(None))
        ordered = with_role.order_by(is_no_owner, PERSON.c.known_at, PERSON.c.platform, PERSON.c.user_id)
        return [_person_of(row) for row in self._transaction.execute(ordered)]

    def is_chat_known(self, platform: str, chat_id: str) -> bool:
        """Whether a group chat was let in."""
        known = select(KNOWN_CHAT.c.chat_id).filter_by(**_chat(platform, chat_id))
        return self._transaction.execute(known).first() is not None

    def let_in(self, platform: str, chat_id: str, by: str, at: datetime) -> None:
        """Let a group chat in; who did so first stays noted."""
        let_in = insert_or(self._transaction.connection, KNOWN_CHAT).on_conflict_do_nothing()
        self._transaction.execute(let_in, [_chat(platform, chat_id) | {"let_in_by": by, "let_in_at": at}])

    def shut_out(self, platform: str, chat_id: str) -> bool:
        """Let it in no longer. False when it was not."""
        return self._transaction.execute(delete(KNOWN_CHAT).filter_by(**_chat(platform, chat_id))).rowcount == 1

    def issue(self, pairing: Pairing) -> None:
        """Keep a code's digest, and forget the expired ones."""
        self._transaction.execute(delete(PAIRING).where(PAIRING.c.expires_at <= self._transaction.clock.now()))
        row = {
            "tenant": TENANT,
            "digest": pairing.digest,
            "role": pairing.role.value,
            "expires_at": pairing.expires_at,
            "made_by": pairing.made_by,
        }
        issue = upsert(self._transaction.connection, PAIRING, "role", "expires_at", "made_by")
        self._transaction.execute(issue, [row])

    def redeem(self, digest: str, now: datetime) -> Pairing | None:
        """Use a code up: whoever deletes its row has it."""
        is_it = (PAIRING.c.tenant == TENANT, PAIRING.c.digest == digest, PAIRING.c.expires_at > now)
        row = self._transaction.execute(delete(PAIRING).where(*is_it).returning(PAIRING)).first()
        return row and _pairing_of(row)

    def tries(self, platform: str, user_id: str, since: datetime) -> int:
        """How often somebody knocked since then, within the last day."""
        knocks = select(func.count()).select_from(KNOCK).filter_by(**_user(platform, user_id))
        return int(self._transaction.execute(knocks.where(KNOCK.c.at >= since)).scalar_one())

    def knocked(self, platform: str, user_id: str, at: datetime) -> None:
        """Somebody unknown wrote, or sent a wrong code."""
        self._transaction.execute(delete(KNOCK).where(KNOCK.c.at < at - KNOCKS_REMEMBERED))
        self._transaction.execute(insert(KNOCK), [_user(platform, user_id) | {"at": at}])


def _user(platform: str, user_id: str) -> Values:
    return {"tenant": TENANT, "platform": platform, "user_id": user_id}


def _chat(platform: str, chat_id: str) -> Values:
    return {"tenant": TENANT, "platform": platform, "chat_id": chat_id}


def _person_of(row: Row[Any]) -> Person:
    role = row.role and Role(row.role)
    return Person(platform=row.platform, user_id=row.user_id, role=role, language=row.language, zone=row.zone)


def _pairing_of(row: Row[Any]) -> Pairing:
    return Pairing(digest=row.digest, role=Role(row.role), expires_at=row.expires_at, made_by=row.made_by)
