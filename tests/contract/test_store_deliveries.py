"""What chats have been shown: `Deliveries`."""

from __future__ import annotations

from datetime import timedelta

from domain import events as e
from domain.answer import Answer, Author, Statement
from domain.ports import Delivery
from domain.task import Route, Task
from tests.builders import chain, planned, task
from tests.contract.stores import Ground
from tests.fakes import START

ANSWER = Answer(statements=(Statement(text="done"),), author=Author.RULES)


async def pending(
    ground: Ground, limit: int = 10, platform: str = "console", bot_id: str = "console"
) -> list[Delivery]:
    return await ground.do(lambda unit: unit.deliveries.pending(platform, bot_id, limit))


async def shown(ground: Ground, version: int, message: str | None = "m1") -> None:
    await ground.do(lambda unit: unit.deliveries.shown("AAAAAA", version, message))


async def answered(ground: Ground) -> Task:
    return await ground.happens("AAAAAA", e.CancelRequested(at=START), e.Answered(answer=ANSWER, at=START))


async def test_a_new_task_is_to_be_shown_and_a_shown_one_is_not(ground: Ground) -> None:
    await ground.add(task())
    (first,) = await pending(ground)
    assert first == Delivery(task=task(), shown_version=-1, platform_message_id=None, tries=0)
    await shown(ground, 0)
    assert await pending(ground) == []


async def test_a_change_is_to_be_shown_in_the_same_message(ground: Ground) -> None:
    await ground.add(task())
    await shown(ground, 0)
    changed = await ground.happens("AAAAAA", e.Planned(plan=chain("a"), at=START))
    assert await pending(ground) == [Delivery(task=changed, shown_version=0, platform_message_id="m1", tries=0)]
    await shown(ground, 1, None)  # an edit that says nothing of the message leaves it
    await ground.happens("AAAAAA", e.Released(key="a", agent="echo", at=START, due_at=START))
    assert [(one.shown_version, one.platform_message_id) for one in await pending(ground)] == [(1, "m1")]


async def test_an_earlier_version_shown_late_does_not_turn_back(ground: Ground) -> None:
    await ground.add(task())
    await ground.happens("AAAAAA", e.Planned(plan=chain("a"), at=START))
    await shown(ground, 1, "m1")
    await shown(ground, 0, "m0")
    assert await pending(ground) == []


async def test_an_answer_is_out_once(ground: Ground) -> None:
    await ground.add(task())
    last = await answered(ground)
    assert [one.task.answer for one in await pending(ground)] == [ANSWER]
    await shown(ground, last.version)
    assert [one.task for one in await pending(ground)] == [last]
    assert await ground.do(lambda unit: unit.deliveries.delivered("AAAAAA", START)) is True
    assert await ground.do(lambda unit: unit.deliveries.delivered("AAAAAA", START)) is False
    assert await pending(ground) == []
    assert await ground.do(lambda unit: unit.deliveries.delivered("ZZZZZZ", START)) is False


async def test_after_the_answer_the_last_card_is_still_owed(ground: Ground) -> None:
    await ground.add(task())
    last = await answered(ground)
    await ground.do(lambda unit: unit.deliveries.delivered("AAAAAA", START))
    assert [one.task for one in await pending(ground)] == [last]
    await shown(ground, last.version)
    assert await pending(ground) == []


async def test_a_change_after_all_was_shown_is_shown_too(ground: Ground) -> None:
    await ground.add(task())
    last = await answered(ground)
    await shown(ground, last.version)
    await ground.do(lambda unit: unit.deliveries.delivered("AAAAAA", START))
    again = await ground.happens("AAAAAA", e.AnsweringStarted(until=START))
    assert again == last  # the domain changes nothing any more; an operator's tool might

    def touch(unit: object) -> Task:
        from dataclasses import replace

        held = unit.tasks.lock(["AAAAAA"])["AAAAAA"]  # type: ignore[attr-defined] # a unit of work
        return unit.tasks.put(replace(held, claimed_until=START))  # type: ignore[attr-defined] # a unit of work

    touched = await ground.do(touch)
    assert [one.task for one in await pending(ground)] == [touched]
    await shown(ground, touched.version)
    assert await pending(ground) == []


async def test_failures_are_counted_until_it_works(ground: Ground) -> None:
    await ground.add(task())
    for _ in range(2):
        await ground.do(lambda unit: unit.deliveries.failed("AAAAAA", "x" * 10_000))
    assert [one.tries for one in await pending(ground)] == [2]
    await shown(ground, 0)
    await ground.happens("AAAAAA", e.Planned(plan=chain("a"), at=START))
    assert [one.tries for one in await pending(ground)] == [0]


async def test_a_chat_that_refuses_for_good_hides_nobody_elses(ground: Ground) -> None:
    await ground.add(task("AAAAAA"), task("BBBBBB", created_at=START + timedelta(seconds=1)))
    await ground.do(lambda unit: unit.deliveries.failed("AAAAAA", "blocked"))
    assert [one.task.id for one in await pending(ground, limit=1)] == ["BBBBBB"]
    assert [one.task.id for one in await pending(ground)] == ["BBBBBB", "AAAAAA"]


async def test_each_bot_sees_its_own_oldest_first(ground: Ground) -> None:
    elsewhere = [
        Route(platform="telegram", bot_id="b", chat_id="1"),
        Route(platform="console", bot_id="b", chat_id="1"),
    ]
    await ground.add(
        task("AAAAAA"),
        planned(chain("a"), "BBBBBB", created_at=START - timedelta(seconds=1)),
        *(task(name, route=route) for name, route in zip(("CCCCCC", "DDDDDD"), elsewhere, strict=True)),
    )
    assert [one.task.id for one in await pending(ground)] == ["BBBBBB", "AAAAAA"]
    assert [one.task.id for one in await pending(ground, limit=1)] == ["BBBBBB"]
    assert [one.task.id for one in await pending(ground, platform="telegram", bot_id="b")] == ["CCCCCC"]
    assert await pending(ground, platform="telegram", bot_id="console") == []
