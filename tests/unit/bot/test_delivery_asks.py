"""What a task needs of its person: asked once, audibly, and settled when its time is over."""

from __future__ import annotations

import asyncio
from functools import partial

from bot.delivery import DeliverySettings
from bot.offers import Offering
from bot.platform import Pace, Traits
from bot.post import Verb
from domain import events as e
from domain.approval import Offer
from domain.ports import UnitOfWork
from domain.post import PostKind
from tests.unit.bot.delivering import all_shown, delivering, in_quick_time, is_answered, paying, quick_stage
from tests.unit.bot.fakes import FakePlatform, Stage, plan_of, until
from tests.unit.bot.platform_twin import Line

SLOW = DeliverySettings(private_refresh_s=1e6)


def verbs(line: Line) -> list[str]:
    return [button.action.verb.name for row in line.post.buttons for button in row]


async def offers(on: Stage, task_id: str) -> list[Offer]:
    now = on.clock.now()
    return await on.store.transact(lambda uow: uow.offers.live(task_id, now))


async def decided(on: Stage, offer: Offer, *, is_allowed: bool) -> None:
    """Somebody pressed a button."""
    now = on.clock.now()
    await on.store.transact(lambda uow: uow.offers.decide(offer.code, "fake:ann", now, is_allowed=is_allowed))
    keys = frozenset({offer.key})
    await on.happen(offer.task_id, e.Approved(at=now, keys=keys) if is_allowed else e.Denied(keys=keys, at=now))


@in_quick_time
async def test_every_offer_is_one_audible_message_bound_to_what_it_shows() -> None:
    platform = FakePlatform()
    async with quick_stage() as on, delivering(on, platform, SLOW):
        task_id = await on.accepted(paying("rent", "tax"))
        await all_shown(on)
        made = await offers(on, task_id)
        asks = platform.of("s", task_id)
        assert [line.nonce.split("-")[1][1:] for line in asks] == [offer.code for offer in made]
        assert all(not line.looks[0].is_silent for line in asks)
        assert ["ALLOW" in verbs(line) and "DENY" in verbs(line) for line in asks] == [True, True]
        actions = {(b.action.verb, b.action.subject) for line in asks for row in line.post.buttons for b in row}
        assert {(Verb.ALLOW, offer.code) for offer in made} <= actions
        await on.bus.nudge([])
        await asyncio.sleep(30.0)
        assert len(platform.of("s")) == 2
    assert platform.violations == []


@in_quick_time
async def test_no_more_than_a_handful_is_asked_at_once() -> None:
    platform = FakePlatform()
    async with quick_stage() as on, delivering(on, platform, SLOW):
        task_id = await on.accepted(paying(*"abcdefghi"))
        await all_shown(on)
        await asyncio.sleep(30.0)
        assert len(platform.of("s")) == 5
        first, *_ = await offers(on, task_id)
        await decided(on, first, is_allowed=True)
        await all_shown(on)
        await asyncio.sleep(30.0)
        assert len(platform.of("s")) == 6


@in_quick_time
async def test_a_decided_ask_is_settled_and_only_that_one() -> None:
    platform = FakePlatform()
    async with quick_stage() as on, delivering(on, platform, SLOW):
        task_id = await on.accepted(paying("rent", "tax"))
        await all_shown(on)
        rent, tax = await offers(on, task_id)
        await decided(on, rent, is_allowed=False)
        await all_shown(on)
        await asyncio.sleep(1.0)
        first, second = platform.of("s")
        assert verbs(first) == []
        assert len(first.looks) == 2
        assert "ALLOW" in verbs(second)
        await decided(on, tax, is_allowed=True)
        await all_shown(on)
        await asyncio.sleep(1.0)
        assert verbs(second) == []
        posts = await on.store.transact(lambda uow: uow.posts.of_task(task_id, PostKind.ASK))
        assert all(posted.is_filled for posted in posts)


@in_quick_time
async def test_an_offer_expires_and_is_renewed_only_when_somebody_asks() -> None:
    platform = FakePlatform()
    async with quick_stage() as on, delivering(on, platform, SLOW):
        task_id = await on.accepted(paying("rent"))
        await all_shown(on)
        [ask] = platform.of("s")
        await asyncio.sleep(899.0)
        assert "ALLOW" in verbs(ask)
        await asyncio.sleep(2.0)
        assert verbs(ask) == []
        assert await offers(on, task_id) == []
        await asyncio.sleep(3600.0)
        assert len(platform.of("s")) == 1
        renewed = partial(renew, task_id=task_id, on=on)
        await on.store.transact(renewed)
        await all_shown(on)
        await asyncio.sleep(10.0)
        assert len(platform.of("s")) == 1  # whoever asked was shown it


def renew(uow: UnitOfWork, task_id: str, on: Stage) -> None:
    task = uow.tasks.peek(task_id)
    assert task is not None
    Offering(entropy=on.entropy).of(uow, task, on.clock.now())


@in_quick_time
async def test_after_a_restart_nothing_is_asked_twice() -> None:
    platform = FakePlatform()
    async with quick_stage() as on:
        for _ in range(3):
            async with delivering(on, platform, SLOW):
                if not platform.lines:
                    task_id = await on.accepted(paying("rent", "tax"))
                await all_shown(on)
                await asyncio.sleep(1.0)
        assert len(platform.of("s")) == 2
        await on.happen(task_id, e.CancelRequested(at=on.clock.now()))
        async with delivering(on, platform, SLOW):
            await is_answered(on, task_id)
            await all_shown(on)
            await asyncio.sleep(1.0)
        assert [verbs(line) for line in platform.of("s")] == [[], []]


@in_quick_time
async def test_a_question_is_asked_once_and_settled_by_its_reply() -> None:
    platform = FakePlatform()
    async with quick_stage() as on, delivering(on, platform, SLOW):
        task_id = await on.accepted()
        now = on.clock.now()
        asked = e.QuestionAsked(question="Which month?", at=now, by="p")
        await on.happen(task_id, e.PlanningStarted(until=now, by="p"), asked)
        await all_shown(on)
        await asyncio.sleep(30.0)
        [line] = platform.of("s")
        assert "Which month?" in line.text
        assert not line.looks[0].is_silent
        await on.happen(task_id, e.QuestionAnswered(reply="March", at=on.clock.now()))
        await all_shown(on)
        await asyncio.sleep(5.0)
        assert "March" in line.text
        assert len(platform.of("s")) == 1


@in_quick_time
async def test_an_ask_goes_before_cards_and_edits() -> None:
    platform = FakePlatform(traits=Traits(pace=Pace(private_s=2.0)))
    async with quick_stage() as on, delivering(on, platform, SLOW):
        running = await on.accepted(plan_of("a"))
        await all_shown(on)
        await on.answered(running)
        await until(lambda: len(platform.of("a")) == 1)
        await on.accepted(plan_of("b"))
        asking = await on.accepted(paying("rent"))
        await until(lambda: platform.of("s"))
        assert platform.of("c", asking) == []


@in_quick_time
async def test_what_was_decided_before_it_was_asked_is_not_asked() -> None:
    platform = FakePlatform(unreachable={"chat-ann": "topic_closed"})
    async with quick_stage() as on, delivering(on, platform, SLOW):
        task_id = await on.accepted(paying("rent"))
        await asyncio.sleep(10.0)
        [offer] = await offers(on, task_id)
        await decided(on, offer, is_allowed=False)
        platform.unreachable.clear()
        await asyncio.sleep(4000.0)
        await is_answered(on, task_id)
        await all_shown(on)
        assert platform.of("s") == []


@in_quick_time
async def test_a_deleted_ask_is_not_asked_again() -> None:
    platform = FakePlatform()
    async with quick_stage() as on, delivering(on, platform, SLOW):
        task_id = await on.accepted(paying("rent"))
        await all_shown(on)
        platform.delete(platform.of("s")[0])
        [offer] = await offers(on, task_id)
        await decided(on, offer, is_allowed=True)
        await all_shown(on)
        await asyncio.sleep(10.0)
        assert platform.of("s") == []
