"""What cannot be taken becomes a dead letter; what merely waited too long does not."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from dispatcher import dead, reading
from domain import events as e
from domain.attempts import MAX_HANDBACKS
from domain.dead import DeadLetter, Reason
from domain.errors import Malformed
from domain.ids import SubtaskId
from domain.messages import Hello, ResultContent, ResultMessage, ResultMetadata
from domain.ports import Arrival
from domain.task import Outcome, SubtaskState
from messaging import memory_transport
from storage import SqlStore
from tests.builders import chain, planned, released
from tests.fakes import START, FakeClock
from tests.fakes_bus import attempt
from tests.unit.dispatcher.test_role import PATIENCE_S, World, dispatching, is_in
from tests.unit.dispatcher.turns import failed, keep, report, stored, take

NOT_JSON = Malformed("error.malformed", detail="line 1: not JSON")
RESULT = ResultMessage(task_id="AAAAAA.a", source="echo", status="success", metadata=ResultMetadata(attempt=2))


def came(message: Any, sender: str = "echo", reason: str | None = None) -> Arrival[Any]:
    return Arrival(message=message, sender=sender, redelivered=False, reason=reason, tag=None, body=b"{\xff}")


def told(letters: list[DeadLetter]) -> list[tuple[str, str, str | None]]:
    return [(letter.agent, letter.reason.value, letter.subtask and str(letter.subtask)) for letter in letters]


@pytest.mark.parametrize(
    ("message", "sender", "reason", "detail"),
    [
        (NOT_JSON, "echo", Reason.UNREADABLE, "line 1: not JSON"),
        (RESULT, "mallory", Reason.FORGED, "result says it is from echo"),
        (Hello(agent="echo", worker="w"), "mallory", Reason.FORGED, "hello says it is from echo"),
        (RESULT.model_copy(update={"task_id": "what"}), "echo", Reason.UNREADABLE, "taskId 'what' is no subtask's"),
    ],
)
def test_a_report_that_is_none_is_a_dead_letter(message: Any, sender: str, reason: Reason, detail: str) -> None:
    (letter,) = dead.among_reports([came(message, sender)], START)
    assert (letter.agent, letter.reason, letter.detail, letter.body) == (sender, reason, detail, "{\ufffd}")


def test_a_good_report_is_not() -> None:
    assert dead.among_reports([came(RESULT), came(Hello(agent="echo", worker="w"))], START) == []


@pytest.mark.parametrize("reason", ["rejected", "maxlen", "delivery_limit"])
def test_an_attempt_that_died_in_its_queue_is_one(reason: str) -> None:
    (letter,) = dead.among_the_dead([came(attempt(attempt=3), reason=reason)], START)
    assert (letter.reason.value, letter.subtask, letter.attempt) == (reason, SubtaskId("AAAAAA", "a"), 3)


def test_one_that_waited_too_long_is_none() -> None:
    assert dead.among_the_dead([came(attempt(), reason="expired")], START) == []


def test_what_died_and_cannot_be_read_is_one_whatever_it_died_of() -> None:
    foreign = attempt().model_copy(update={"task_id": "what"})
    found = dead.among_the_dead([came(NOT_JSON, reason="expired"), came(foreign, reason="expired")], START)
    assert told(found) == [("echo", "unreadable", None)] * 2


async def test_an_attempt_that_nobody_ever_takes_is_one_with_its_last_try(store: SqlStore) -> None:
    task = released(planned(chain("a")), "a")
    worn = replace(task, subtasks={"a": replace(task.subtasks["a"], handbacks=MAX_HANDBACKS - 1)})
    await keep(store, worn)
    await take(store, report(e.HandedBack(key="a", attempt=1, exec_id=None, at=START)))
    assert (await stored(store)).subtasks["a"].state is SubtaskState.FAILED
    found = await store.transact(lambda uow: uow.dead.recent(9))
    assert told(found) == [("echo", "poison", "AAAAAA.a")]


async def test_a_listener_that_calls_its_error_so_makes_none(store: SqlStore) -> None:
    await keep(store, released(planned(chain("a")), "a"))
    await take(store, report(failed("a", "handed_back", retryable=False)))
    (ended,) = await store.transact(lambda uow: uow.tasks.attempts("AAAAAA"))
    assert (ended.outcome, ended.failure and ended.failure.code) == (Outcome.FAILED, "handed_back")
    assert await store.transact(lambda uow: uow.dead.open_count()) == 0


async def _until_letters(world: World, count: int) -> list[DeadLetter]:
    async with asyncio.timeout(PATIENCE_S):
        while len(found := await world.store.transact(lambda uow: uow.dead.recent(9))) != count:
            pass
    return found


async def test_the_loops_keep_what_they_cannot_take(store: SqlStore) -> None:
    clock = FakeClock()
    async with dispatching(store, clock, memory_transport(clock)) as world:
        await world.start(planned(chain("a")))
        await world.tasks.reject([await world.next()])
        await world.next()
        await world.agent.report("mallory", RESULT)
        found = await _until_letters(world, 2)
    assert sorted(told(found)) == [("echo", "rejected", "AAAAAA.a"), ("mallory", "forged", None)]


async def test_a_report_that_breaks_the_settling_can_be_read_again_once_it_is_mended(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaking(*_: object) -> None:
        raise KeyError("a bug")

    clock = FakeClock()
    async with dispatching(store, clock, memory_transport(clock)) as world:
        await world.start(planned(chain("a")))
        await world.tasks.ack([await world.next()])
        with monkeypatch.context() as while_broken:
            while_broken.setattr(reading, "event_of", breaking)
            await world.report("a", content=ResultContent(summary="precious"), metadata=ResultMetadata(attempt=1))
            (listed,) = await _until_letters(world, 1)
        letter = await store.transact(lambda uow: uow.dead.find(listed.id))
        assert letter is not None
        assert (letter.reason, letter.detail, letter.attempt) == (Reason.BREAKS_SETTLING, "KeyError", 1)
        assert await world.control.repeat(letter.agent, letter.body) is None
        sub = await world.until("a", is_in(SubtaskState.SUCCEEDED))
    assert sub.result is not None
    assert sub.result.summary == "precious"
