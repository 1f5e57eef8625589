"""A plan that was shown and not begun yet."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.plan import Plan
from domain.task import Route, Scope, Upload
from domain.texts import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What would be done for a request, exactly as shown; `task_id` is the task it became.

    `code` names it on buttons and cannot be guessed. `message_id` is the message that shows it, once that is known.
    """

    code: str
    scope: Scope
    route: Route
    request: str
    language: Language
    plan: Plan
    made_at: datetime
    expires_at: datetime
    task_id: str | None = None
    message_id: str = ""
    uploads: tuple[Upload, ...] = ()
