"""`chat`: the terminal chat, for a person or for a pipe."""

from __future__ import annotations

import asyncio
import sys

from app.exits import terminal_language
from app.session import Session, session
from app.settings import Settings
from bot.delivery import DeliveryLoop
from bot.platforms.console import TerminalChat
from bot.platforms.piped import PipedChat, Streams
from bot.platforms.seat import Seat


async def chat(settings: Settings, *, user: str | None) -> int:
    """Talk until the input ends."""
    async with session(settings, user) as here:
        platform = _platform(here, is_person=sys.stdin.isatty() and sys.stdout.isatty())
        store, bus, clock = here.here.store, here.here.control_bus, here.here.clock
        async with asyncio.TaskGroup() as group:
            delivering = group.create_task(DeliveryLoop(store, bus, clock, platform).run())
            try:
                return await platform.run()
            finally:
                delivering.cancel()


def _platform(here: Session, *, is_person: bool) -> TerminalChat | PipedChat:
    """A person's session keeps its name, so that what finished meanwhile is shown; a pipe's ends with it."""
    seat = Seat(
        commands=here.commands,
        clock=here.here.clock,
        entropy=here.here.entropy,
        user_id=here.user,
        bot_id=f"terminal-{here.user}" if is_person else here.here.process_id,
    )
    if is_person:
        return TerminalChat(seat, here.here.clock, sys.stdout, terminal_language())
    return PipedChat(seat, Streams(lines=sys.stdin.buffer, answers=sys.stdout, progress=sys.stderr))
