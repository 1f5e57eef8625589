"""A chat platform in memory: what was said where, and which rules were broken."""

from __future__ import annotations

import asyncio
import itertools
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from bot.drawing.replies import reply_posts
from bot.platform import Door, Press, Say, Traits
from bot.post import MAX_PRESS, Post
from bot.reply import Reply
from domain.chat import ChatMessage
from domain.errors import Flooded, MessageGone, Misconfigured, Refused, Unreachable, XingshuError
from domain.task import Place, Upload
from tests.telegram_server.flood import Flood

MAX_NONCE = 25


@dataclass(slots=True)
class Line:
    """One message of the bot; `looks` are what it showed, the last of them now, since `shown_at`."""

    id: str
    place: Place
    nonce: str
    looks: list[Post]
    at: float
    is_deleted: bool = False
    shown_at: float = 0.0

    @property
    def post(self) -> Post:
        return self.looks[-1]

    @property
    def text(self) -> str:
        return self.post.text.text

    @property
    def task_id(self) -> str:
        return self.nonce.partition("-")[0]

    @property
    def is_stub(self) -> bool:
        """It says nothing yet."""
        return self.post.attachment is None and self.text[2:] == self.task_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """What happens to the next call: `error` instead of its effect, or after it."""

    error: XingshuError
    is_after: bool = False
    only: str = ""  # send or edit


@dataclass
class FakePlatform:
    """`bot.platform.Platform`. Whoever breaks a rule finds it in `violations`.

    `faults` happen one after the other, `error` always; `unreachable` places by how they are so.
    """

    name: str = "fake"
    bot_id: str = "b1"
    traits: Traits = field(default_factory=Traits)
    error: XingshuError | None = None
    faults: deque[Fault] = field(default_factory=deque)
    unreachable: dict[str, str] = field(default_factory=dict)
    flood: Flood | None = None
    now: Callable[[], float] = lambda: 0.0
    takes_s: float = 0.0
    violations: list[str] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    edits: list[Line] = field(default_factory=list)
    busy_in: list[Place] = field(default_factory=list)
    files: dict[str, bytes] = field(default_factory=dict)
    is_repeats: list[bool] = field(default_factory=list)
    inbox: asyncio.Queue[ChatMessage | Press] = field(default_factory=asyncio.Queue)
    _ids: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _calls: itertools.count[int] = field(default_factory=itertools.count)
    _by_id: dict[str, Line] = field(default_factory=dict)
    _by_nonce: dict[tuple[Place, str], Line] = field(default_factory=dict)

    async def run(self, door: Door) -> None:
        """Hand in what people do, one thing after the other."""
        while True:
            what = await self.inbox.get()
            if isinstance(what, Press):
                await door.pressed(what, self._say(what.chat_id, what.message_id))
            else:
                await door.take(what, self._say(what.chat_id, what.message_id))

    def _say(self, chat_id: str, reply_to: str) -> Say:
        async def say(reply: Reply) -> None:
            place = Place(platform=self.name, bot_id=self.bot_id, chat_id=chat_id)
            for post in reply_posts(reply, self.traits, reply_to):
                await self.send(place, post, f"reply-{next(self._calls)}")

        return say

    async def send(self, place: Place, post: Post, nonce: str, *, is_repeat: bool = False) -> str:
        fault = await self._begin("send", place, post)
        self.is_repeats.append(is_repeat)
        if not 0 < len(nonce) <= MAX_NONCE:
            self.violations.append(f"nonce {nonce!r}")
        line = self._by_nonce.get((place, nonce)) if self.traits.sends_once else None
        if line is None:
            line = Line(
                id=f"m{next(self._ids)}", place=place, nonce=nonce, looks=[post], at=self.now(), shown_at=self.now()
            )
            self.lines.append(line)
            self._by_id[line.id] = self._by_nonce[place, nonce] = line
        if fault is not None:
            raise fault
        return line.id

    async def edit(self, place: Place, message_id: str, post: Post) -> None:
        fault = await self._begin("edit", place, post)
        line = self._by_id.get(message_id)
        if line is None or line.is_deleted or line.place != place:
            raise MessageGone("chat.message_gone")
        if post.attachment is None and line.post.attachment is not None:
            raise Refused("chat.empty")
        line.looks.append(post)
        line.shown_at = self.now()
        self.edits.append(line)
        if fault is not None:
            raise fault

    async def busy(self, place: Place) -> None:
        self.busy_in.append(place)

    async def fetch(self, upload: Upload, into: Path) -> None:
        if upload.ref not in self.files:
            raise Refused("chat.empty")
        await asyncio.to_thread(into.write_bytes, self.files[upload.ref])

    # --- what a test does -----------------------------------------------------------------------------------------

    def fail(self, error: XingshuError, *, is_after: bool = False, only: str = "", times: int = 1) -> None:
        """Let the next calls fail."""
        self.faults.extend([Fault(error=error, is_after=is_after, only=only)] * times)

    def delete(self, line: Line) -> None:
        """Somebody deletes a message in the chat."""
        line.is_deleted = True

    def of(self, letter: str, task_id: str = "") -> list[Line]:
        """Messages by what they are for (c: card, a: answer, f: file, s: ask), those that are still there."""
        return [
            line
            for line in self.lines
            if line.nonce[7] == letter and line.task_id.startswith(task_id) and not line.is_deleted
        ]

    @property
    def cards(self) -> list[Post]:
        """What cards showed, in the order they were drawn within each."""
        return [look for line in self.of("c") for look in line.looks]

    @property
    def answers(self) -> list[tuple[str, str]]:
        """Final texts that are to be seen, with their task."""
        return [(line.task_id, line.text) for line in self.of("a") if not line.is_stub]

    @property
    def stubs(self) -> list[Line]:
        """Placeholders that are to be seen."""
        return [line for line in (*self.of("a"), *self.of("f")) if line.is_stub]

    # --- rules ----------------------------------------------------------------------------------------------------

    async def _begin(self, verb: str, place: Place, post: Post) -> XingshuError | None:
        """Judge a call. Returns what it raises after its effect."""
        self._judge(post)
        if self.takes_s:
            await asyncio.sleep(self.takes_s)
        await asyncio.sleep(0)
        self._hold_back(place)
        if self.error is not None:
            raise self.error
        if place.chat_id in self.unreachable:
            raise Unreachable(self.unreachable[place.chat_id])
        if self.faults and self.faults[0].only in {"", verb}:
            fault = self.faults.popleft()
            if not fault.is_after:
                raise fault.error
            return fault.error
        return None

    def _judge(self, post: Post) -> None:
        length = self.traits.measure(post.text)
        limit = self.traits.max_caption if post.attachment else self.traits.max_text
        if length > limit or (not length and post.attachment is None):
            self.violations.append(f"a text of {length}")
        for row in post.buttons:
            self.violations += [str(one.action) for one in row if len(str(one.action).encode()) > MAX_PRESS]

    def _hold_back(self, place: Place) -> None:
        """Flood control, as Telegram's stand-in has it."""
        if self.flood is None:
            return
        refusal = self.flood.spend(
            (place.chat_id,),
            is_group=place.chat_id.startswith("-"),
            now=self.now(),
            cost=1,
            fingerprint=next(self._calls),
        )
        if refusal is None:
            return
        if refusal.is_ignored:
            self.violations.append(f"{place.chat_id} was to be left alone")
        raise Flooded("chat.flooded", platform=self.name, retry_after_s=float(refusal.retry_after))


def token_gone() -> Misconfigured:
    return Misconfigured("chat.token_refused", platform="Fake", setting="FAKE_TOKEN")
