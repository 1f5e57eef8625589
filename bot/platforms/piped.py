"""The chat of a script: each line of standard input is one message, answered in order."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, TextIO

from bot.card_text import changes
from bot.intake import Accepted
from bot.platforms.seat import PLATFORM, Seat, asked_text, reply_text
from domain.answer import Answer
from domain.card import Card
from domain.chat import MAX_REQUEST
from domain.markdown import readable
from domain.task import Route, Task, TaskState
from domain.texts import say

MAX_LINE = 4 * (MAX_REQUEST + 2)  # bytes: what is cut off here is too long in any encoding of it
READ_AHEAD = 16  # lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Streams:
    """Where lines come from, where answers go, where progress is told."""

    lines: BinaryIO
    answers: TextIO
    progress: TextIO


class PipedChat:
    """A ChatPlatform without a person: plain lines, no colours, an exit code at the end."""

    name = PLATFORM
    min_edit_interval_s = 0.0

    def __init__(self, seat: Seat, streams: Streams) -> None:
        self.bot_id = seat.bot_id
        self._seat = seat
        self._streams = streams
        self._cards: dict[str, Card] = {}
        self._ended: dict[str, TaskState] = {}
        self._ours: list[str] = []
        self._asked: dict[str, str] = {}
        self._unanswered: list[str] = []  # tasks given up because nobody was left to answer their question
        self._was_refused = False
        self._news = asyncio.Event()

    async def run(self) -> int:
        """Answer every line; one after a question is the reply to it. Returns 0 when all were answered, 1 when
        something failed, was refused or waits for a person who is not there, 130 when something was cancelled."""
        async for line in read_lines(self._streams.lines):
            text = line.decode(errors="surrogateescape").removeprefix("\ufeff")
            if text.strip():
                await self._take(text)
                await self._all_still()
        await self._give_up_questions()
        return self._exit_code()

    async def show_card(self, route: Route, card: Card, platform_message_id: str | None) -> str:
        """Tell what changed, a line each."""
        for change in changes(self._cards.get(card.task_id), card):
            _write(self._streams.progress, change)
        self._cards[card.task_id] = card
        self._news.set()
        return platform_message_id or card.task_id

    async def send_answer(self, route: Route, task: Task, answer: Answer, platform_message_id: str | None) -> None:
        """Print the answer."""
        self._say(readable(answer.text))
        self._cards.pop(task.id, None)
        self._ended[task.id] = task.state
        self._news.set()

    async def _take(self, text: str) -> None:
        outcome = await self._seat.tell(text)
        if isinstance(outcome, Accepted):
            if not outcome.is_reply:
                self._ours.append(outcome.task_id)
            return
        self._was_refused |= outcome.is_refusal
        self._say(reply_text(outcome))

    async def _all_still(self) -> None:
        """Wait until every task of this session has its answer or waits for a person."""
        while True:
            self._news.clear()
            moving = [task_id for task_id in self._open() if not await self._waits(task_id)]
            if not moving:
                return
            await self._news.wait()

    async def _waits(self, task_id: str) -> bool:
        card = self._cards.get(task_id)
        if card is None or card.state is not TaskState.WAITING:
            return False
        asked = asked_text(await self._seat.standing(task_id))  # the card may be older than an approval or a reply
        if asked and self._asked.get(task_id) != asked:
            self._asked[task_id] = asked
            self._say(asked)
        return bool(asked)

    async def _give_up_questions(self) -> None:
        """Cancel what waits for an answer that cannot come any more, and say how to get further."""
        for task_id in self._open():
            card = (await self._seat.standing(task_id)).card
            if card is not None and card.question is not None:
                self._unanswered.append(task_id)
                await self._seat.tell(f"/cancel {task_id}")
                _write(self._streams.progress, say("chat.unanswered", card.language, task=task_id))
        await self._all_still()

    def _open(self) -> list[str]:
        return [task_id for task_id in self._ours if task_id not in self._ended]

    def _say(self, text: str) -> None:
        _write(self._streams.answers, text)

    def _exit_code(self) -> int:
        if left := self._open():
            language = self._cards[left[0]].language
            _write(self._streams.progress, say("chat.left_open", language, tasks=", ".join(left)))
        states = {self._ended.get(task_id) for task_id in self._ours}
        if left or self._was_refused or self._unanswered or TaskState.FAILED in states:
            return 1
        return 130 if TaskState.CANCELLED in states else 0


def _write(stream: TextIO, line: str) -> None:
    stream.write(f"{line}\n")
    stream.flush()


async def read_lines(stream: BinaryIO) -> AsyncIterator[bytes]:
    """Lines as they come, each cut at MAX_LINE bytes.

    They are read in a thread that does not keep the process alive: a read that never returns cannot be cancelled.
    """
    loop = asyncio.get_running_loop()
    arrived: asyncio.Queue[bytes] = asyncio.Queue()
    room = threading.Semaphore(READ_AHEAD)

    def read() -> None:
        with suppress(RuntimeError):  # the loop has ended meanwhile
            while True:
                room.acquire()
                line = stream.readline(MAX_LINE)
                rest = line
                while rest and not rest.endswith(b"\n"):
                    rest = stream.readline(MAX_LINE)
                loop.call_soon_threadsafe(arrived.put_nowait, line)
                if not line:
                    return

    threading.Thread(target=read, name="stdin", daemon=True).start()
    while line := await arrived.get():
        yield line
        room.release()
