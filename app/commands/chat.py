"""`chat`: the terminal chat, for a person or for a pipe."""

from __future__ import annotations

import asyncio
import os
import stat
import sys

from app.chats import delivery, door
from app.commands.serve import serve
from app.exits import terminal_language
from app.roles import ROLES
from app.session import Session, session
from app.settings import Settings
from bot.governor import Governor
from bot.platforms.console import TerminalChat
from bot.platforms.piped import PipedChat, Streams
from bot.platforms.seat import Seat, terminal_of


async def chat(settings: Settings, *, user: str | None) -> int:
    """Talk until the input ends, beside the chat platforms that the settings configure. Where nobody could say anything
    here (a service without standard input), only serve those."""
    if settings.has_chats and not sys.stdin.isatty() and _is_nowhere(sys.stdin.fileno()):
        return await serve(settings, roles=ROLES)
    async with session(settings, user, ROLES) as here:
        platform = _platform(here, is_person=sys.stdin.isatty() and sys.stdout.isatty())
        shown = delivery(here.here, platform, Governor(platform.traits.pace, here.here.clock))
        async with door(here.here, says_inline=True) as way_in, asyncio.TaskGroup() as group:
            delivering = group.create_task(shown.run())
            try:
                await platform.run(way_in)
            finally:
                delivering.cancel()
        return platform.exit_code


def _is_nowhere(stdin: int) -> bool:
    """Whether standard input is neither a person, a pipe nor a file, but a device such as /dev/null."""
    return stat.S_ISCHR(os.fstat(stdin).st_mode)


def _platform(here: Session, *, is_person: bool) -> TerminalChat | PipedChat:
    """A person's session keeps its name, so that what finished meanwhile is shown; a pipe's ends with it."""
    seat = Seat(
        clock=here.here.clock,
        entropy=here.here.entropy,
        user_id=here.user,
        bot_id=terminal_of(here.user) if is_person else here.here.process_id,
    )
    if is_person:
        return TerminalChat(seat, here.here.clock, sys.stdout, terminal_language())
    return PipedChat(seat, Streams(lines=sys.stdin.buffer, answers=sys.stdout, progress=sys.stderr))
