"""What comes in is taken once and answered once, whatever the database does meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from bot.door import DoorSettings, FrontDoor, Inside, Outside
from bot.platform import Press
from bot.post import Action, Verb
from bot.reply import Accepted, Reply
from domain.chat import ChatMessage
from domain.errors import StoreDown
from domain.people import Person, Role
from storage import open_store
from tests.fakes import CountingEntropy, FakeClock
from tests.unit.bot.fakes import FakeControlBus, FlakyStore

ANN = Person(platform="fake", user_id="ann", role=Role.MEMBER)


@dataclass
class Hall:
    """A gate that knows Ann, a desk and a panel that say what they were told to."""

    store: FlakyStore
    bus: FakeControlBus
    clock: FakeClock
    door: FrontDoor = field(init=False)
    received: list[str] = field(default_factory=list)
    outcome: Accepted | Reply = field(default_factory=lambda: Reply(text="done"))
    hold: asyncio.Event | None = None
    said: list[Reply] = field(default_factory=list)

    async def admit(self, message: ChatMessage) -> Person | Reply | None:
        return {"ann": ANN, "bob": Reply(text="who are you?", is_refusal=True)}.get(message.user_id)

    async def admit_press(self, press: Press) -> Person | None:
        return ANN if press.user_id == "ann" else None

    async def person(self, platform: str, user_id: str) -> Person:
        return ANN if user_id == "ann" else Person(platform=platform, user_id=user_id)

    async def is_slow(self, message: ChatMessage) -> bool:
        return message.text.startswith("/plan")

    async def receive(self, message: ChatMessage, person: Person) -> Accepted | Reply:
        self.received.append(message.text)
        if self.hold:
            await self.hold.wait()
        await self.store.transact(lambda uow: None)
        return self.outcome

    async def pressed(self, press: Press, person: Person) -> Accepted | Reply:
        self.received.append(str(press.action))
        return self.outcome

    async def say(self, reply: Reply) -> None:
        self.said.append(reply)

    def message(self, text: str, number: int = 1, **more: Any) -> ChatMessage:
        usual = {
            "platform": "fake",
            "bot_id": "b1",
            "chat_id": "c1",
            "user_id": "ann",
            "update_key": f"m:{number}",
            "text": text,
            "received_at": self.clock.now(),
        }
        return ChatMessage(**usual | more)


@asynccontextmanager
async def hall(**settings: Any) -> AsyncIterator[Hall]:
    clock = FakeClock()
    on = Hall(FlakyStore(open_store("sqlite://", clock)), FakeControlBus(), clock)
    outside = Outside(store=on.store, bus=on.bus, clock=clock)
    on.door = FrontDoor(outside, Inside(gate=on, desk=on, panel=on), DoorSettings(**settings))
    async with on.door:
        yield on
    await on.store.close()


async def test_a_reply_is_said_once_however_often_the_update_comes() -> None:
    async with hall() as on:
        first = await on.door.take(on.message("/tasks"), on.say)
        again = await on.door.take(on.message("/tasks"), on.say)
    assert (first, again) == (Reply(text="done"), Accepted(task_id="", is_new=False))
    assert (on.received, on.said) == (["/tasks"], [Reply(text="done")])


async def test_what_a_message_did_to_a_task_is_said() -> None:
    async with hall() as on:
        message = on.message("skip the second step")
        key = message.platform, message.bot_id, message.update_key

        async def steer(_message: ChatMessage, _person: Person) -> Reply:
            await on.store.transact(lambda uow: uow.inbox.claim(*key, "7K2QXM"))
            return Reply(text="taken out")

        on.receive = steer  # type: ignore[method-assign]
        await on.door.take(message, on.say)
        assert await on.door.take(message, on.say) == Accepted(task_id="7K2QXM", is_new=False)
    assert on.said == [Reply(text="taken out")]


async def test_two_at_the_same_time_are_said_once_too() -> None:
    async with hall() as on, asyncio.TaskGroup() as group:
        for _ in range(5):
            group.create_task(on.door.take(on.message("/tasks"), on.say))
    assert len(on.said) == 1


async def test_a_task_is_not_answered_here() -> None:
    async with hall() as on:
        on.outcome = Accepted(task_id="7K2QXM", is_new=True)
        assert await on.door.take(on.message("check src"), on.say) == on.outcome
    assert on.said == []


async def test_a_stranger_is_told_once_or_not_at_all() -> None:
    async with hall() as on:
        for _ in range(2):
            await on.door.take(on.message("hello", user_id="bob"), on.say)
        assert await on.door.take(on.message("hello", 2, user_id="eve"), on.say) is None
    assert ([reply.text for reply in on.said], on.received) == (["who are you?"], [])


async def test_nothing_is_taken_while_the_database_is_away_and_all_of_it_afterwards() -> None:
    async with hall() as on:
        on.store.is_down = True
        async with asyncio.TaskGroup() as group:
            taking = group.create_task(on.door.take(on.message("/tasks"), on.say))
            await on.clock.advance(3.5)
            assert not taking.done()
            on.store.is_down = False
            await on.clock.advance(1.0)
            assert await taking == Reply(text="done")
    assert len(on.said) == 1


async def test_who_sits_and_waits_is_told_that_the_database_is_away() -> None:
    async with hall(says_inline=True) as on:
        on.store.is_down = True
        with pytest.raises(StoreDown):
            await on.door.take(on.message("/tasks"), on.say)


async def test_a_preview_keeps_nobody_waiting() -> None:
    async with hall() as on:
        on.hold = asyncio.Event()
        assert await on.door.take(on.message("/plan check src"), on.say) == Reply()
        on.hold.set()
    assert on.said == [Reply(text="done")]


async def test_what_is_gathered_is_planned_when_nothing_more_comes() -> None:
    async with hall() as on:
        on.outcome = Accepted(task_id="7K2QXM", is_new=True)
        await on.door.take(on.message("check src", gathers=True), on.say)
        await asyncio.sleep(0)  # it begins to wait
        await on.clock.advance(0.3)
        assert on.bus.nudged == []
        await on.clock.advance(0.2)
        assert on.bus.nudged == [("received", "7K2QXM")]


def press(user_id: str) -> Press:
    return Press(
        key="1",
        platform="fake",
        bot_id="b1",
        chat_id="c1",
        user_id=user_id,
        message_id="9",
        action=Action(verb=Verb.CANCEL, subject="7K2QXM"),
        received_at=FakeClock().now(),
    )


async def test_a_press_is_always_answered_and_a_strangers_with_nothing() -> None:
    async with hall() as on:
        await on.door.pressed(press("ann"), on.say)
        on.outcome = Accepted(task_id="7K2QXM", is_new=False)
        await on.door.pressed(press("ann"), on.say)
        await on.door.pressed(press("eve"), on.say)
    assert on.said == [Reply(text="done"), Reply(is_notice=True), Reply(is_notice=True)]
    assert on.received == ["c:7K2QXM", "c:7K2QXM"]


async def test_a_reply_that_cannot_be_said_closes_the_door_for_nobody() -> None:
    async def fails(reply: Reply) -> None:
        raise RuntimeError("a bug")

    async with hall() as on:
        await on.door.take(on.message("/tasks"), fails)
        await on.door.take(on.message("/help", 2), on.say)
    assert len(on.said) == 1


async def test_ids_are_suggested_to_those_who_may_and_only_their_own() -> None:
    async with hall() as on:
        from bot.intake import Intake, IntakeSettings

        intake = Intake(on.store, on.bus, on.clock, CountingEntropy(), IntakeSettings())
        taken = await intake.receive(on.message("check the code"))
        assert isinstance(taken, Accepted)
        await intake.receive(on.message("somebody else's", 2, user_id="eve"))
        assert await on.door.suggest("fake", "ann", taken.task_id[:2].lower()) == [(taken.task_id, "check the code")]
        assert await on.door.suggest("fake", "ann", "ZZZZ") == []
        assert await on.door.suggest("fake", "eve", "") == []
