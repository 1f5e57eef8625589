"""A bot in a process of its own, for tests that kill it: it appends what the door took to a file, synced, as a
database would. `python -m tests.integration.telegram_taker URL TOKEN FILE MOMENT`, where MOMENT says how far it gets:
`fetched` (it dies between fetching and committing), `committed` (between committing and confirming), `lives`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from pathlib import Path

from app.clock import SystemClock
from bot.governor import Governor
from bot.platform import Pace, Press, Say
from bot.platforms.telegram import Telegram, TelegramSettings
from domain.chat import ChatMessage


class SyncedDoor:
    """Takes messages into a file; dies where it is told to, as kill -9 would have it."""

    def __init__(self, file: Path, moment: str) -> None:
        self._file = file
        self._moment = moment

    async def take(self, message: ChatMessage, say: Say) -> None:
        if self._moment == "fetched":
            os.kill(os.getpid(), signal.SIGKILL)
        with self._file.open("a") as out:
            out.write(f"{message.update_key} {message.text}\n")
            out.flush()
            os.fsync(out.fileno())
        if self._moment == "committed":
            os.kill(os.getpid(), signal.SIGKILL)

    async def pressed(self, press: Press, say: Say) -> None:
        raise NotImplementedError

    async def suggest(self, platform: str, user_id: str, typed: str) -> list[tuple[str, str]]:
        return []

    async def suggest_schedules(self, platform: str, user_id: str, typed: str) -> list[tuple[str, str]]:
        return []


async def _run(url: str, token: str, file: Path, moment: str) -> None:
    clock = SystemClock()
    bot = Telegram(TelegramSettings(token=token, base_url=url), clock, Governor(Pace(), clock))
    await bot.run(SyncedDoor(file, moment))


if __name__ == "__main__":
    asyncio.run(_run(sys.argv[1], sys.argv[2], Path(sys.argv[3]), sys.argv[4]))
