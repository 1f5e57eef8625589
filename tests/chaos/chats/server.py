"""A chat platform for a whole simulation: its chats, its limits, its faults; and the clients that talk to it."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from bot.platform import Door, Traits
from bot.post import MAX_PRESS, Post
from domain.errors import Flooded, MessageGone, Unavailable
from domain.task import Place, Upload
from tests.telegram_server.flood import Flood, Limits

MAX_NONCE = 25
NONCE_S = 300.0  # "past few minutes": how long Discord knows a nonce
DOWN = Unavailable("chat.platform_down", platform="Fake")


@dataclass(frozen=True, kw_only=True)
class Risks:
    """How often a call fails, by how: told to wait, without an effect, after it; and how long a call takes."""

    flooded: float = 0.002
    before: float = 0.01
    after: float = 0.01
    latency_s: tuple[float, float] = (0.01, 0.15)


USUAL = Risks()
ROUGH = Risks(flooded=0.02, before=0.05, after=0.05)
CALM = Risks(flooded=0.0, before=0.0, after=0.0)


@dataclass(slots=True)
class Line:
    """One message of the bot, as it looks now."""

    place: Place
    nonce: str
    text: str
    at: float
    shown_at: float = 0.0
    edits: int = 0
    has_file: bool = False

    @property
    def task_id(self) -> str:
        return self.nonce.partition("-")[0]

    @property
    def letter(self) -> str:
        return self.nonce[7]

    @property
    def is_stub(self) -> bool:
        return not self.has_file and self.text[2:] == self.task_id


@dataclass
class Server:
    """What is the same for all processes. `saw_card` hears which revision of which task a card shows now."""

    random: Random
    traits: Traits
    limits: Limits
    risks: Risks
    saw_card: Callable[[str, int], None]
    lines: dict[str, Line] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    nonces: dict[str, tuple[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.flood = Flood(self.limits)

    def now(self) -> float:
        return asyncio.get_running_loop().time()

    def admit(self, place: Place) -> None:
        """Hold back whoever is too fast, and whoever bad luck befalls."""
        self.counts["calls"] += 1
        key, is_group, number = (place.chat_id,), is_group_of(place), self.counts["calls"]
        if self.random.random() < self.risks.flooded and self.flood.refuse(key, self.now(), number) is None:
            seconds = self.random.choice([2.0, 5.0, 11.0, 31.0])
            self.flood.ban(key, self.now(), seconds, number)
            self.counts["bans"] += 1
            raise Flooded("chat.flooded", platform="fake", retry_after_s=seconds)
        refusal = self.flood.spend(key, is_group=is_group, now=self.now(), cost=1, fingerprint=number)
        if refusal is None:
            return
        self.counts["told to wait"] += 1
        if refusal.is_ignored:
            self.violations.append(f"{self.now():.1f} {place.chat_id} was to be left alone")
        raise Flooded("chat.flooded", platform="fake", retry_after_s=float(refusal.retry_after))

    def judge(self, post: Post) -> None:
        """Whether a post is one that the platform takes."""
        length, limit = self.traits.measure(post.text), self.traits.max_text
        if not 0 < length <= (self.traits.max_caption if post.attachment else limit):
            self.violations.append(f"a text of {length}")
        if any(len(str(one.action).encode()) > MAX_PRESS for row in post.buttons for one in row):
            self.violations.append("a button's data")

    def post(self, place: Place, post: Post, nonce: str, *, finds: bool) -> str:
        """The effect of a send; where nonces count, only the first time within some minutes, or if it is looked for."""
        if not 0 < len(nonce) <= MAX_NONCE:
            self.violations.append(f"nonce {nonce!r}")
        known = self.nonces.get(nonce)
        if known is not None and (finds or self.now() - known[1] < NONCE_S):
            return known[0]
        message_id = str(len(self.lines) + 1)
        self.lines[message_id] = Line(place=place, nonce=nonce, text="", at=self.now())
        if self.traits.sends_once:
            self.nonces[nonce] = message_id, self.now()
        self._show(self.lines[message_id], post)
        return message_id

    def edit(self, place: Place, message_id: str, post: Post) -> None:
        """The effect of an edit."""
        line = self.lines.get(message_id)
        if line is None or line.place != place:
            raise MessageGone("chat.message_gone")
        line.edits += 1
        self._show(line, post)

    def _show(self, line: Line, post: Post) -> None:
        line.text, line.has_file, line.shown_at = post.text.text, post.attachment is not None, self.now()
        if line.letter == "c" and post.card is not None:
            self.saw_card(post.card.task_id, post.card.revision)


class Client:
    """`bot.platform.Platform`, as one process has it. `uncertain` is what was sent and not written down yet."""

    def __init__(self, server: Server, traits: Traits, name: str = "fake", bot_id: str = "b1") -> None:
        self.name = name
        self.bot_id = bot_id
        self.traits = traits
        self.uncertain: set[str] = set()
        self._server = server

    async def run(self, door: Door) -> None:
        await asyncio.Event().wait()

    async def send(self, place: Place, post: Post, nonce: str, *, is_repeat: bool = False) -> str:
        server = self._server
        await self._reach(place, post)
        finds = is_repeat and server.traits.sends_once
        message_id = server.post(place, post, nonce, finds=finds)
        server.counts["sends"] += 1
        self.uncertain.add(message_id)
        await self._return("sends")
        return message_id

    async def edit(self, place: Place, message_id: str, post: Post) -> None:
        await self._reach(place, post)
        self._server.edit(place, message_id, post)
        self._server.counts["edits"] += 1
        await self._return("edits")

    async def busy(self, place: Place) -> None:
        self._server.counts["typing"] += 1

    async def fetch(self, upload: Upload, into: Path) -> None:
        raise AssertionError("nobody sends files here")

    async def _reach(self, place: Place, post: Post) -> None:
        server = self._server
        server.judge(post)
        await asyncio.sleep(server.random.uniform(*server.risks.latency_s))
        if server.random.random() < server.risks.before:
            server.counts["lost on the way"] += 1
            raise DOWN
        server.admit(place)

    async def _return(self, verb: str) -> None:
        server = self._server
        await asyncio.sleep(server.random.uniform(*server.risks.latency_s))
        if server.random.random() < server.risks.after:
            server.counts[f"{verb} without an answer"] += 1
            raise DOWN


def is_group_of(place: Place) -> bool:
    return place.chat_id.startswith("-")
