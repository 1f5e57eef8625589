"""`ask`: one request, one answer."""

from __future__ import annotations

from app.session import read_text, said, session
from app.settings import Settings
from bot.intake import Accepted


async def ask(settings: Settings, *, text: str, as_json: bool, user: str | None) -> int:
    """Hand a request in and see it through."""
    request = read_text("-") if text == "-" else text
    async with session(settings, user) as here:
        outcome = await here.commands.receive(here.message(request))
        if isinstance(outcome, Accepted):
            return await here.see_through(outcome.task_id, as_json=as_json)
        return said(outcome)
