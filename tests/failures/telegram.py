"""The strict Telegram server in a thread of its own, and people who each ask one thing."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from tests.failures.script import sentence
from tests.telegram_server import TOKEN, UNLIMITED, RemoteTelegram, Rules, TelegramServer

FIRST_PERSON, PEOPLE = 1001, 200
ANSWER_S = 60.0


@dataclass(frozen=True)
class Request:
    """What somebody asked, in a private chat of their own."""

    person: int
    word: str
    message_id: int


class Telegram:
    """Everybody's side of the chats."""

    def __init__(self, remote: RemoteTelegram) -> None:
        self.remote = remote
        self.url = remote.url
        self._count = 0

    @property
    def settings(self) -> dict[str, str]:
        allowed = ",".join(f"telegram:{FIRST_PERSON + number}" for number in range(PEOPLE))
        return {
            "TELEGRAM_BOT_TOKEN": TOKEN,
            "TELEGRAM_API_BASE_URL": self.url,
            "XINGSHU_ALLOWED_USERS": allowed,
        }

    def ask(self, plan: str, tag: str = "") -> Request:
        """Somebody new asks for a plan of the script; the word that tells the request from all others is returned."""
        self._count += 1
        word = f"{tag or plan}-{self._count}"
        person = self.remote("private", **{"as": {"id": FIRST_PERSON + self._count}})["id"]
        said = self.remote("say", chat=person, user=person, text=f"please do [{plan} {word}]")
        return Request(person, word, said["message_id"])

    def says(self, request: Request, text: str) -> dict[str, Any]:
        """The same person says something more."""
        return self.remote("say", chat=request.person, user=request.person, text=text)

    def answer(self, request: Request, text: str = "", timeout_s: float = ANSWER_S) -> dict[str, Any]:
        """The answer, once it is there."""
        found = self.remote(
            "wait", chat=request.person, text=text or sentence(request.word), audible=True, timeout_s=timeout_s
        )
        assert found, f"no answer to {request}: {[one['text'] for one in self.shown(request)]}"
        return found

    def shown(self, request: Request) -> list[dict[str, Any]]:
        """The bot's messages in that chat."""
        return [one for one in self.remote("messages", chat=request.person) if one["is_ours"]]

    def answers(self, request: Request, text: str = "") -> list[dict[str, Any]]:
        """Messages that rang and show the answer."""
        wanted = text or sentence(request.word)
        return [one for one in self.shown(request) if not one["is_silent"] and wanted in one["text"]]


@contextmanager
def telegram() -> Iterator[Telegram]:
    """The server while the block lasts."""
    loop = asyncio.new_event_loop()
    started: list[TelegramServer] = []
    is_up, over = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with TelegramServer(rules=Rules(limits=UNLIMITED)) as server:
            started.append(server)
            is_up.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    is_up.wait()
    remote = RemoteTelegram(started[0].url)
    try:
        yield Telegram(remote)
    finally:
        remote.close()
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()
