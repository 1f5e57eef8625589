"""The chat of a person at a terminal: live cards above the prompt, answers as Markdown in the scrollback."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from typing import TextIO

from prompt_toolkit import PromptSession
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.formatted_text import ANSI
from prompt_toolkit.patch_stdout import patch_stdout
from rich.console import Console, RenderableType
from rich.markdown import Markdown
from rich.text import Text

from bot.card_text import title_of
from bot.intake import Accepted, Reply
from bot.platforms.console_view import card_view, render
from bot.platforms.seat import PLATFORM, Seat, asked_text
from domain.answer import Answer
from domain.card import Card
from domain.ports import Clock
from domain.task import IN_FLIGHT, Route, Task, TaskState
from domain.texts import Language, say

PROMPT = "\x1b[1;36m›\x1b[0m "
REFRESH_S = 0.25
SPARE_ROWS = 6  # for the prompt, a long input and other cards' titles


class TerminalChat:
    """A ChatPlatform at an interactive terminal.

    Args:
        seat: who sits there.
        clock: for seconds that go on between two cards.
        out: the terminal.
        language: of the few words said before anybody has written anything.
    """

    name = PLATFORM
    min_edit_interval_s = 0.0

    def __init__(self, seat: Seat, clock: Clock, out: TextIO, language: Language) -> None:
        self.bot_id = seat.bot_id
        self._seat = seat
        self._clock = clock
        self._screen = Console(file=out)
        self._language = language
        self._session: PromptSession[str] = PromptSession()
        self._cards: dict[str, tuple[Card, datetime]] = {}  # with the time at which each was true
        self._was_interrupted = False

    async def run(self) -> int:
        """Talk until the person leaves. Returns the exit code."""
        self._screen.print(Text(say("chat.welcome", self._language), style="dim"))
        with patch_stdout(raw=True):
            async with asyncio.TaskGroup() as group:
                ticking = group.create_task(self._tick())
                await self._converse(group)
                ticking.cancel()
        if self._cards:
            left = say("chat.left_open", self._language, tasks=", ".join(self._cards))
            self._screen.print(Text(left, style="dim"))
        return 0

    async def show_card(self, route: Route, card: Card, platform_message_id: str | None) -> str:
        """Draw the card above the prompt from now on."""
        before, _ = self._cards.get(card.task_id, (None, None))
        self._cards[card.task_id] = (card, self._clock.now())
        self._language = card.language
        self._session.app.invalidate()
        if card.state is TaskState.WAITING and (before is None or _waiting_for(before) != _waiting_for(card)):
            asked = asked_text(await self._seat.standing(card.task_id))
            await self._print(Text(asked, style="bold yellow"))
        return platform_message_id or card.task_id

    async def send_answer(self, route: Route, task: Task, answer: Answer, platform_message_id: str | None) -> None:
        """Move the card into the scrollback, and print the answer under it; repairs are told by the answer."""
        card, _ = self._cards.pop(task.id, (None, None))
        last: list[RenderableType] = []
        if card is not None:
            is_worth_it = card.total > 1
            last = [card_view(replace(card, repairs=())) if is_worth_it else Text(title_of(card), style="dim")]
        await self._print(*last, _markdown(answer), Text())

    async def _converse(self, group: asyncio.TaskGroup) -> None:
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
                group.create_task(self._take(line))  # the prompt is never deaf

    async def _take(self, line: str) -> None:
        outcome = await self._seat.tell(line)
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


def _waiting_for(card: Card) -> tuple[TaskState, str | None]:
    return card.state, card.question


def _markdown(answer: Answer) -> Markdown:
    return Markdown(answer.text, hyperlinks=False, code_theme="ansi_dark")


def _reply(reply: Reply) -> list[RenderableType]:
    parts: list[RenderableType] = [card_view(reply.card)] if reply.card else []
    if reply.text:
        parts.append(Text(reply.text, style="yellow" if reply.is_refusal else ""))
    if reply.answer:
        parts.append(_markdown(reply.answer))
    return parts
