"""The chat of a script: each line of standard input is one message, answered in order."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TextIO

from bot.card_text import changes
from bot.platform import Door
from bot.platforms.seat import PLATFORM, TRAITS, Seat, reply_text
from bot.post import Post
from bot.reply import Accepted
from domain.card import Card
from domain.chat import MAX_REQUEST
from domain.errors import Refused
from domain.markdown import readable
from domain.task import Place, TaskState, Upload
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
    """A `bot.platform.Platform` without a person: plain lines, no colours, an exit code at the end."""

    name = PLATFORM
    traits = TRAITS

    def __init__(self, seat: Seat, streams: Streams) -> None:
        self.bot_id = seat.bot_id
        self._seat = seat
        self._streams = streams
        self._cards: dict[str, Card] = {}
        self._ended: dict[str, TaskState] = {}
        self._ours: list[str] = []
        self._asked: set[str] = set()  # tasks whose question, or offer, was put
        self._unanswered: list[str] = []  # tasks given up because nobody was left to answer their question
        self._was_refused = False
        self._news = asyncio.Event()

    async def run(self, door: Door) -> None:
        """Answer every line; one after a question is the reply to it."""
        async for line in read_lines(self._streams.lines):
            text = line.decode(errors="surrogateescape").removeprefix("\ufeff")
            if text.strip():
                await self._take(door, text)
                await self._all_still(door)
        await self._give_up_questions(door)

    async def send(self, place: Place, post: Post, nonce: str, *, is_repeat: bool = False) -> str:
        """Print an answer or a question; tell of a card what changed, a line each."""
        if post.markdown:
            self._answered(post)
        elif post.card is not None:
            self._changed(post.card)
        elif post.attachment is not None:
            _write(self._streams.progress, f"  {post.attachment.name}")
        else:
            self._asked.add(post.task_id)
            self._say(post.text.text)
        self._news.set()
        return nonce

    async def edit(self, place: Place, message_id: str, post: Post) -> None:
        """Tell of a card what changed. What was printed stays as it was."""
        if post.card is not None and post.card.task_id not in self._ended:
            self._changed(post.card)
            self._news.set()

    async def busy(self, place: Place) -> None:
        """Nobody watches."""

    async def fetch(self, upload: Upload, into: Path) -> None:
        """Nobody sends files through a pipe: they are there already."""
        raise Refused("chat.message_gone")

    def _answered(self, post: Post) -> None:
        if post.card is not None:
            self._changed(post.card)
            self._ended[post.card.task_id] = post.card.state
            self._cards.pop(post.card.task_id, None)
        self._say(readable(post.markdown))

    def _changed(self, card: Card) -> None:
        for change in changes(self._cards.get(card.task_id), card):
            _write(self._streams.progress, change)
        self._cards[card.task_id] = card

    async def _take(self, door: Door, text: str) -> None:
        outcome = await self._seat.tell(door, text)
        if isinstance(outcome, Accepted):
            if not outcome.is_reply:
                self._ours.append(outcome.task_id)
            return
        self._was_refused |= outcome.is_refusal
        self._say(reply_text(outcome))

    async def _all_still(self, door: Door) -> None:
        """Wait until every task of this session has its answer or waits for a person."""
        while True:
            self._news.clear()
            moving = [task_id for task_id in self._open() if not await self._waits(door, task_id)]
            if not moving:
                return
            await self._news.wait()

    async def _waits(self, door: Door, task_id: str) -> bool:
        card = self._cards.get(task_id)
        if card is None or card.state is not TaskState.WAITING or task_id not in self._asked:
            return False
        now = (await self._seat.standing(door, task_id)).card  # what was shown may be older than a reply
        return now is not None and now.state is TaskState.WAITING

    async def _give_up_questions(self, door: Door) -> None:
        """Cancel what waits for an answer that cannot come any more, and say how to get further."""
        for task_id in self._open():
            card = (await self._seat.standing(door, task_id)).card
            if card is not None and card.question is not None:
                self._unanswered.append(task_id)
                await self._seat.tell(door, f"/cancel {task_id}")
                _write(self._streams.progress, say("chat.unanswered", card.language, task=task_id))
        await self._all_still(door)

    def _open(self) -> list[str]:
        return [task_id for task_id in self._ours if task_id not in self._ended]

    def _say(self, text: str) -> None:
        _write(self._streams.answers, text)

    @property
    def exit_code(self) -> int:
        """0 when all were answered, 1 when something failed, was refused or waits for a person who is not there, 130
        when something was cancelled."""
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
