from __future__ import annotations

import asyncio
import io
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from prompt_toolkit.application import create_app_session
from prompt_toolkit.formatted_text import to_plain_text
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput

from bot.platforms.console import TerminalChat
from domain.task import TaskState
from tests.unit.bot.fakes import Stage, stage, until
from tests.unit.bot.theatre import door_of, playing, seat_of

CTRL_C, CTRL_D = "\x03", "\x04"


@dataclass
class Screen:
    """A person at a terminal, as a test plays one."""

    on: Stage
    chat: TerminalChat
    keys: PipeInput
    out: io.StringIO
    code: asyncio.Future[int]

    def type(self, line: str) -> None:
        self.keys.send_text(f"{line}\r")

    def prompt(self) -> str:
        return to_plain_text(self.chat._prompt())

    def printed(self) -> str:
        return self.out.getvalue()

    async def shows(self, text: str) -> None:
        await until(lambda: text in self.printed())

    async def draws(self, text: str) -> None:
        await until(lambda: text in self.prompt())

    async def left(self) -> int:
        async with asyncio.timeout(10):
            return await self.code


@asynccontextmanager
async def terminal() -> AsyncIterator[Screen]:
    out = io.StringIO()
    with create_pipe_input() as keys:
        async with stage() as on:
            with create_app_session(input=keys, output=DummyOutput()):
                chat = TerminalChat(seat_of(on), on.clock, out, "en")
                async with playing(on, chat), asyncio.TaskGroup() as group:
                    screen = Screen(on, chat, keys, out, asyncio.get_running_loop().create_future())
                    group.create_task(_run(screen))
                    yield screen


async def _run(screen: Screen) -> None:
    async with door_of(screen.on) as door:
        await screen.chat.run(door)
    screen.code.set_result(screen.chat.exit_code)


async def test_a_message_is_answered_and_the_card_goes() -> None:
    async with terminal() as screen:
        screen.type("echo hello")
        await screen.shows("hello")
        assert re.search(r"✓ \w{6} · answered · 1/1", screen.printed())
        await until(lambda: screen.prompt() == "› ")
        screen.keys.send_text(CTRL_D)
        assert await screen.left() == 0
    assert "Ctrl-D" in screen.printed()
    assert "Still open" not in screen.printed()


async def test_commands_work_while_a_task_runs_and_its_card_is_drawn_above_the_prompt() -> None:
    async with terminal() as screen:
        screen.type("wait long")
        await screen.draws("Do wait · waiting for an agent")
        assert screen.prompt().endswith("\n› ")
        screen.type("/tasks")
        await screen.shows("wait long")
        await screen.on.clock.advance(5)
        assert "· 5.0 s" in screen.prompt()
        screen.keys.send_text(CTRL_D)
        assert await screen.left() == 0
    assert "Still open" in screen.printed()


async def test_ctrl_c_cancels_what_runs_and_leaves_the_second_time() -> None:
    async with terminal() as screen:
        screen.type("wait long")
        await screen.draws("Do wait")
        screen.keys.send_text(CTRL_C)
        await screen.shows("is cancelled")
        await screen.shows("Cancelled after")
        [line] = await screen.on.store.transact(lambda uow: uow.tasks.recent(None, 5))
        assert line.state is TaskState.CANCELLED
        screen.keys.send_text(CTRL_C)
        assert await screen.left() == 0


async def test_ctrl_c_with_nothing_running_leaves() -> None:
    async with terminal() as screen:
        await screen.shows("Ctrl-D")
        screen.keys.send_text(CTRL_C)
        assert await screen.left() == 0


async def test_an_approval_is_asked_with_its_parameters() -> None:
    async with terminal() as screen:
        screen.type("pay rent")
        await screen.shows("Allow “Do pay”?")
        await screen.draws("waits for your approval")
        screen.type("/approve")
        await screen.shows("rent")
        screen.keys.send_text(CTRL_D)
        assert await screen.left() == 0


async def test_a_question_appears_and_the_next_line_answers_it() -> None:
    async with terminal() as screen:
        screen.type("vague month")
        await screen.shows("Which month?")
        await screen.shows("next message")
        await screen.draws("waiting for you")
        screen.type("pay in March")
        await screen.shows("Allow “Do pay”?")
        screen.type("/approve")
        await screen.shows("in March")
        await until(lambda: screen.prompt() == "› ")
        screen.keys.send_text(CTRL_D)
        assert await screen.left() == 0
    assert screen.printed().count("Which month?") == 1


async def test_several_tasks_share_the_space_above_the_prompt() -> None:
    async with terminal() as screen:
        screen.type("wait one")
        await screen.draws("Do wait")
        screen.type("wait two")
        await until(lambda: screen.prompt().count("· running ·") == 2)
        assert screen.prompt().count("Do wait") == 1
        screen.keys.send_text(CTRL_D)
        assert await screen.left() == 0


async def test_status_of_a_finished_task_shows_card_and_answer() -> None:
    async with terminal() as screen:
        screen.type("echo hello")
        await screen.shows("hello")
        before = screen.printed().count("hello")
        screen.type("/status")
        await until(lambda: screen.printed().count("hello") > before)
        screen.type("/nonsense")
        await screen.shows("There is no command")
        screen.type("   ")
        screen.keys.send_text(CTRL_D)
        assert await screen.left() == 0


async def test_hostile_text_cannot_write_to_the_terminal() -> None:
    async with terminal() as screen:
        screen.type("echo [red]x[/red] \x1b[201~ http://evil.example [a](http://evil.example)")
        await screen.shows("[red]x[/red]")
        screen.keys.send_text(CTRL_D)
        assert await screen.left() == 0
    assert "\x1b]8" not in screen.printed()


async def test_a_database_that_is_down_is_said() -> None:
    async with terminal() as screen:
        await screen.shows("Ctrl-D")
        screen.on.store.is_down = True
        screen.type("echo hello")
        await screen.shows("DATABASE_URL")
        screen.on.store.is_down = False
        screen.keys.send_text(CTRL_D)
        assert await screen.left() == 0
