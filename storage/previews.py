"""Plans that were shown and not begun."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import Row, delete, select

from domain.preview import Preview
from domain.task import Place, Scope
from storage.chat_tables import PREVIEW
from storage.dialects import upsert
from storage.fields import Values
from storage.json_text import PLAN, UPLOADS
from storage.mapping import owner_values, place_values, route_of, route_values
from storage.transaction import Transaction

REMEMBERED = timedelta(days=1)  # after it expired, so that whoever comes too late is told so

_KEY = frozenset({"tenant", "owner", "code"})


class SqlPreviews:
    """`domain.ports.Previews` in SQL."""

    def __init__(self, transaction: Transaction) -> None:
        self._transaction = transaction

    def put(self, preview: Preview) -> None:
        """Keep it, or what it was changed to."""
        long_ago = self._transaction.clock.now() - REMEMBERED
        self._transaction.execute(delete(PREVIEW).where(PREVIEW.c.expires_at <= long_ago))
        row = _values(preview)
        self._transaction.execute(upsert(self._transaction.connection, PREVIEW, *(row.keys() - _KEY)), [row])

    def find(self, scope: Scope, code: str) -> Preview | None:
        """One of this user's by its code, expired or not."""
        found = select(PREVIEW).filter_by(**owner_values(scope), code=code)
        row = self._transaction.execute(found).first()
        return row and _preview_of(row)

    def shown_in(self, scope: Scope, place: Place, message_id: str) -> Preview | None:
        """The one that a message shows; the newest, if it showed several."""
        if not message_id:  # as long as the message of a preview is not known
            return None
        there = select(PREVIEW).filter_by(**owner_values(scope), **place_values(place), message_id=message_id)
        row = self._transaction.execute(there.order_by(PREVIEW.c.made_at.desc()).limit(1)).first()
        return row and _preview_of(row)


def _values(preview: Preview) -> Values:
    return {
        **owner_values(preview.scope),
        "code": preview.code,
        **route_values(preview.route),
        "request": preview.request,
        "language": preview.language,
        "plan": PLAN.dump(preview.plan),
        "made_at": preview.made_at,
        "expires_at": preview.expires_at,
        "task_id": preview.task_id,
        "message_id": preview.message_id,
        "uploads": UPLOADS.dump(preview.uploads or None),
    }


def _preview_of(row: Row[Any]) -> Preview:
    return Preview(
        code=row.code,
        scope=Scope(tenant=row.tenant, owner=row.owner),
        route=route_of(row),
        request=row.request,
        language=row.language,
        plan=PLAN.read(row.plan),
        made_at=row.made_at,
        expires_at=row.expires_at,
        task_id=row.task_id,
        message_id=row.message_id,
        uploads=UPLOADS.load(row.uploads) or (),
    )
