"""The chat of a person at a terminal: live cards above the prompt, answers as Markdown in the scrollback."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import TextIO

from prompt_toolkit import PromptSession
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.formatted_text import ANSI
from prompt_toolkit.patch_stdout import patch_stdout
from rich.console import Console, RenderableType
from rich.markdown import Markdown
from rich.text import Text

from bot.card_text import title_of
from bot.platform import Door
from bot.platforms.console_view import card_view, render
from bot.platforms.seat import PLATFORM, TRAITS, Seat
from bot.post import Post
from bot.reply import Accepted, Reply
from domain.card import Card
from domain.errors import Refused
from domain.ports import Clock
from domain.task import IN_FLIGHT, Place, Upload
from domain.texts import Language, say

PROMPT = "\x1b[1;36m›\x1b[0m "
REFRESH_S = 0.25
SPARE_ROWS = 6  # for the prompt, a long input and other cards' titles


class TerminalChat:
    """A `bot.platform.Platform` at an interactive terminal.

    Args:
        seat: who sits there.
        clock: for seconds that go on between two cards.
        out: the terminal.
        language: of the few words said before anybody has written anything.
    """

    name = PLATFORM
    traits = TRAITS
    exit_code = 0

    def __init__(self, seat: Seat, clock: Clock, out: TextIO, language: Language) -> None:
        self.bot_id = seat.bot_id
        self._seat = seat
        self._clock = clock
        self._screen = Console(file=out)
        self._language = language
        self._session: PromptSession[str] = PromptSession()
        self._cards: dict[str, tuple[Card, datetime]] = {}  # with the time at which each was true
        self._was_interrupted = False

    async def run(self, door: Door) -> None:
        """Talk until the person leaves."""
        self._screen.print(Text(say("chat.welcome", self._language), style="dim"))
        with patch_stdout(raw=True):
            async with asyncio.TaskGroup() as group:
                ticking = group.create_task(self._tick())
                await self._converse(door, group)
                ticking.cancel()
        if self._cards:
            left = say("chat.left_open", self._language, tasks=", ".join(self._cards))
            self._screen.print(Text(left, style="dim"))

    async def send(self, place: Place, post: Post, nonce: str, *, is_repeat: bool = False) -> str:
        """Draw a card above the prompt from now on, or print what was said."""
        if post.markdown:
            await self._answered(post)
        elif post.card is not None:
            self._drawn(post.card)
        elif post.attachment is not None:
            await self._print(Text(f"{say('chat.file_here', self._language)} {post.attachment.name}", style="dim"))
        else:
            await self._print(Text(post.text.text, style="bold yellow"))
        return nonce

    async def edit(self, place: Place, message_id: str, post: Post) -> None:
        """Draw what a card has become. What was printed stays as it was."""
        if post.card is not None and post.card.task_id in self._cards:
            self._drawn(post.card)

    async def busy(self, place: Place) -> None:
        """Nothing: the card moves."""

    async def fetch(self, upload: Upload, into: Path) -> None:
        """Nobody sends files at a terminal: they are there already."""
        raise Refused("chat.message_gone")

    def _drawn(self, card: Card) -> None:
        self._cards[card.task_id] = (card, self._clock.now())
        self._language = card.language
        self._session.app.invalidate()

    async def _answered(self, post: Post) -> None:
        """Move the card into the scrollback, and print the answer under it; repairs are told by the answer."""
        last: list[RenderableType] = []
        if post.card is not None and post.card.task_id in self._cards:
            del self._cards[post.card.task_id]
            is_worth_it = post.card.total > 1
            last = [
                card_view(replace(post.card, repairs=())) if is_worth_it else Text(title_of(post.card), style="dim")
            ]
        await self._print(*last, _markdown(post.markdown), Text())

    async def _converse(self, door: Door, group: asyncio.TaskGroup) -> None:
        while True:
            try:
                line = await self._session.prompt_async(self._prompt)
            except EOFError:
                return
            except KeyboardInterrupt:
                if self._was_interrupted or not self._cards:
                    return
                self._was_interrupted = True
                line = f"/cancel {list(self._cards)[-1]}"
            else:
                self._was_interrupted = False
            if line.strip():
                group.create_task(self._take(door, line))  # the prompt is never deaf

    async def _take(self, door: Door, line: str) -> None:
        outcome = await self._seat.tell(door, line)
        if isinstance(outcome, Accepted):
            return
        await self._print(*_reply(outcome))

    async def _tick(self) -> None:
        while True:
            await self._clock.sleep(REFRESH_S)
            if self._cards:
                self._session.app.invalidate()

    async def _print(self, *parts: RenderableType) -> None:
        """Print above the prompt and the cards."""

        def print_all() -> None:
            for part in parts:
                self._screen.print(part)

        await run_in_terminal(print_all)

    def _prompt(self) -> ANSI:
        """The newest card in full, the others' titles, and the prompt; once a line is entered only the prompt stays."""
        app = self._session.app
        if app.is_done or not self._cards:
            return ANSI(PROMPT)
        size, now = app.output.get_size(), self._clock.now()
        *others, newest = [_aged(card, (now - at).total_seconds()) for card, at in self._cards.values()]
        room = max(1, size.rows - SPARE_ROWS - len(others))
        live = replace(newest, question=None)  # what it asks was printed above
        views = [*(Text(title_of(card), style="bold") for card in others), card_view(live, room)]
        return ANSI("\n".join([*(render(view, size.columns) for view in views), PROMPT]))


def _aged(card: Card, by_s: float) -> Card:
    """The card as it is `by_s` seconds later when nothing else has changed."""
    lines = [
        replace(line, seconds=line.seconds + by_s) if line.seconds is not None and line.state in IN_FLIGHT else line
        for line in card.lines
    ]
    return replace(card, seconds=card.seconds + by_s, lines=tuple(lines))


def _markdown(text: str) -> Markdown:
    return Markdown(text, hyperlinks=False, code_theme="ansi_dark")


def _reply(reply: Reply) -> list[RenderableType]:
    parts: list[RenderableType] = [card_view(reply.card)] if reply.card else []
    if reply.text:
        parts.append(Text(reply.text, style="yellow" if reply.is_refusal else ""))
    if reply.answer:
        parts.append(_markdown(reply.answer.text))
    return parts
