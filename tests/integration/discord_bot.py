"""The Discord adapter as a process of its own that can be killed: what its door takes goes into a file, a line each.

python -m tests.integration.discord_bot TOKEN BASE_URL FOLDER [WORD]

A message with WORD in it is never taken: its door hangs.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from bot.governor import Governor
from bot.platform import Press, Say
from bot.platforms.discord import TRAITS, Discord, DiscordSettings
from bot.reply import Accepted
from domain.chat import ChatMessage
from domain.task import Place
from tests.contract.buses import RealClock


class FileDoor:
    def __init__(self, folder: Path, word: str) -> None:
        self._taken = folder / "taken"
        self._word = word

    async def take(self, message: ChatMessage, say: Say) -> Accepted:
        if self._word and self._word in message.text:
            await asyncio.Event().wait()
        with self._taken.open("a") as file:
            file.write(json.dumps([message.update_key, message.text]) + "\n")
            file.flush()
            os.fsync(file.fileno())
        return Accepted(task_id="7KQ2M4", is_new=True)

    async def pressed(self, press: Press, say: Say) -> None:
        raise AssertionError("nobody presses anything")

    async def suggest(self, platform: str, user_id: str, typed: str) -> list[tuple[str, str]]:
        return []

    async def suggest_schedules(self, platform: str, user_id: str, typed: str) -> list[tuple[str, str]]:
        return []


class FileBookmarks:
    def __init__(self, folder: Path) -> None:
        self._path = folder / "bookmarks"

    async def seen(self, place: Place, message_id: str) -> None:
        found = dict(await self.all()) | {place.chat_id: message_id}
        part = self._path.with_suffix(".part")
        part.write_text(json.dumps(found))
        part.replace(self._path)

    async def all(self) -> Mapping[str, str]:
        return json.loads(self._path.read_text()) if self._path.exists() else {}


async def main(token: str, base_url: str, folder: str, word: str = "") -> None:
    clock = RealClock()
    settings = DiscordSettings(token=token, base_url=base_url)
    platform = Discord(settings, clock, Governor(TRAITS.pace, clock), FileBookmarks(Path(folder)))
    await platform.run(FileDoor(Path(folder), word))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
