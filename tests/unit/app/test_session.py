from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from structlog.testing import capture_logs

from app.follow import following
from app.session import Session
from bot.reply import Accepted
from domain import events as e
from domain.messages import Nudge
from domain.task import Task, TaskState
from tests.unit.bot.fakes import FakePlatform, Stage, stage, until
from tests.unit.bot.theatre import playing


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    """Logs go to a file where commands run, not between answers."""
    with capture_logs():
        yield


@dataclass
class Room:
    """What a session needs of a process."""

    on: Stage
    process_id: str = "p1"

    def __getattr__(self, name: str) -> Any:
        return getattr(self.on, name)


async def lines(*typed: str) -> AsyncIterator[bytes]:
    """A person at the terminal, who leaves after these."""
    for line in typed:
        yield f"{line}\n".encode()


async def silence() -> AsyncIterator[bytes]:
    """A person who types nothing."""
    await asyncio.Event().wait()
    yield b""


@asynccontextmanager
async def sitting(typed: AsyncIterator[bytes] | None) -> AsyncIterator[tuple[Stage, Session]]:
    async with stage() as on, following(on.store, on.bus) as follower, playing(on, FakePlatform()):
        room: Any = Room(on)
        seen = {"here": room, "user": "ann", "follower": follower, "typed": typed}
        yield on, Session(intake=on.intake, commands=on.commands, **seen)


async def ask(here: Session, text: str, *, as_json: bool = False) -> tuple[str, int]:
    outcome = await here.tell(here.message(text))
    assert isinstance(outcome, Accepted)
    async with asyncio.timeout(10):
        return outcome.task_id, await here.see_through(outcome.task_id, as_json=as_json)


async def the_task(on: Stage) -> Task:
    [line] = await on.store.transact(lambda uow: uow.tasks.recent(None, 5))
    return await on.task(line.id)


async def test_a_question_is_put_to_the_terminal_and_the_line_answers_it(capsys: pytest.CaptureFixture[str]) -> None:
    async with sitting(lines("echo in March", "never read")) as (on, here):
        _, code = await ask(here, "vague month")
        task = await the_task(on)
    told = capsys.readouterr()
    assert code == 0
    assert told.out.startswith("in March")
    assert "? Which month?" in told.err
    assert "Which month" not in told.out
    assert task.dialogue[0].reply == "echo in March"


async def test_what_is_no_answer_is_asked_again(capsys: pytest.CaptureFixture[str]) -> None:
    async with sitting(lines("", "\x00\x01\x02", "echo x")) as (_, here):
        assert (await ask(here, "vague month"))[1] == 0
    told = capsys.readouterr()
    assert told.err.count("? Which month?") == 3
    assert "not text I can read" in told.err


@pytest.mark.parametrize("typed", [None, lines()])
async def test_where_nobody_can_answer_the_question_is_the_outcome(
    typed: AsyncIterator[bytes] | None, capsys: pytest.CaptureFixture[str]
) -> None:
    async with sitting(typed) as (on, here):
        task_id, code = await ask(here, "vague month")
        task = await the_task(on)
        pending = await on.store.transact(lambda uow: uow.deliveries.pending("console", "p1", 5))
    told = capsys.readouterr()
    assert (code, told.out) == (1, "Which month?\n")
    assert f"{task_id} is cancelled" in told.err
    assert (task.state, pending) == (TaskState.CANCELLED, [])


async def test_a_program_gets_the_question_too(capsys: pytest.CaptureFixture[str]) -> None:
    async with sitting(None) as (_, here):
        _, code = await ask(here, "vague month", as_json=True)
    document = json.loads(capsys.readouterr().out)
    assert code == 1
    assert (document["state"], document["question"]) == ("cancelled", "Which month?")


async def test_a_task_that_moves_on_by_itself_waits_for_nobody(capsys: pytest.CaptureFixture[str]) -> None:
    async with sitting(silence()) as (on, here), asyncio.TaskGroup() as group:
        asking = group.create_task(ask(here, "vague month"))
        await until(lambda: "? Which month?" in capsys.readouterr().err)
        task = await the_task(on)
        await on.happen(task.id, e.CancelRequested(at=on.clock.now()))
        await on.bus.nudge([Nudge(kind="changed", task_id=task.id)])
        assert (await asking)[1] == 130


async def test_a_question_in_another_chat_is_answered_there(capsys: pytest.CaptureFixture[str]) -> None:
    """/retry of a task of another session: the reply counts for the task's own chat."""
    async with sitting(lines("echo in March")) as (on, here):
        task_id = await on.accepted(request="vague month", user="ben")
        assert await here.see_through(task_id, as_json=False) == 0
        assert (await on.task(task_id)).dialogue[0].reply == "echo in March"
    assert capsys.readouterr().out.startswith("in March")
