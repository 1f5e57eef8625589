"""`pair`: a code that lets somebody in."""

from __future__ import annotations

import getpass
import json

from app.chats import reception
from app.exits import ANSWERED, answer, terminal_language
from app.settings import Settings
from app.wiring import house
from bot.pairing import CODE_FOR
from domain.people import Role
from domain.texts import say


async def pair(settings: Settings, *, role: Role, as_json: bool) -> int:
    """Make a code, and say what to do with it."""
    language = terminal_language()
    async with house(settings) as here:
        code = await reception(here).access.new_code(role, f"console:{getpass.getuser()}")
    minutes = int(CODE_FOR.total_seconds() // 60)
    if as_json:
        answer(json.dumps({"code": code, "role": role.value, "minutes": minutes}))
    else:
        answer(say("cli.paired", language, code=code, role=say(f"access.role_{role}", language), minutes=minutes))
    return ANSWERED
