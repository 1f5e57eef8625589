"""Answers: once, whole, in order, whatever dies; and what becomes of those that nobody can get."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from bot.delivery import DeliverySettings
from bot.files import files_of
from bot.platform import Pace, Traits
from domain.errors import Flooded, Misconfigured, Refused, Unavailable, Unreachable, XingshuError
from domain.task import TaskState
from tests.unit.bot.delivering import all_shown, delivering, in_quick_time, is_answered, loop_of, pending, quick_stage
from tests.unit.bot.fakes import FakePlatform, plan_of, released, until
from tests.unit.bot.platform_twin import token_gone

ONCE = Traits(sends_once=True)
RARELY = DeliverySettings(sweep_s=60.0)
SHORT = Traits(max_text=60, max_parts=8)
LONG = "\n\n".join(f"Paragraph number {number} of the answer." for number in range(5))
DOWN = Unavailable("chat.platform_down", platform="Fake")


@pytest.mark.parametrize("traits", [Traits(), ONCE])
@in_quick_time
async def test_the_answer_comes_once_audibly_and_the_card_ends_after_it(traits: Traits) -> None:
    platform = FakePlatform(traits=traits)
    async with quick_stage() as on, delivering(on, platform):
        task_id = await on.accepted(plan_of("a"))
        await until(lambda: platform.cards)
        await is_answered(on, task_id)
        await all_shown(on)
        await on.swept()
    [answer], [card] = platform.of("a"), platform.of("c")
    assert answer.text == "all done"
    assert not answer.looks[0].is_silent
    assert card.post.card is not None
    assert card.post.card.state is TaskState.CANCELLED
    assert len(answer.looks) == (1 if traits.sends_once else 2)
    assert platform.lines.index(card) < platform.lines.index(answer)
    assert platform.edits[-1] is card
    assert platform.violations == []


@in_quick_time
async def test_an_answer_that_is_faster_than_its_card_needs_none() -> None:
    platform = FakePlatform()
    async with quick_stage() as on:
        task_id = await on.accepted(plan_of("a"))
        await is_answered(on, task_id)
        async with delivering(on, platform):
            await all_shown(on)
    assert [line.nonce[7] for line in platform.lines] == ["a"]


@in_quick_time
async def test_the_answer_does_not_wait_for_the_chats_turn() -> None:
    platform = FakePlatform(traits=Traits(pace=Pace(private_s=3.0)))
    async with quick_stage() as on, delivering(on, platform):
        task_id = await on.accepted(plan_of("a"))
        await until(lambda: platform.cards)
        await on.happen(task_id, released("a", on.clock))
        await on.swept()
        await is_answered(on, task_id)
        await until(lambda: platform.answers)
        assert platform.answers == [(task_id, "all done")]


@in_quick_time
async def test_a_long_answer_comes_in_order_and_only_its_beginning_rings() -> None:
    platform = FakePlatform(traits=SHORT)
    async with quick_stage() as on, delivering(on, platform):
        task_id = await on.accepted(plan_of("a"))
        await is_answered(on, task_id, LONG)
        await all_shown(on)
    parts = platform.of("a")
    assert len(parts) > 2
    assert "\n\n".join(part.text for part in parts) == LONG
    assert [part.looks[0].is_silent for part in parts] == [False] + [True] * (len(parts) - 1)
    assert platform.violations == []


@pytest.mark.parametrize("traits", [Traits(), ONCE])
@in_quick_time
async def test_files_follow_the_text_and_missing_ones_are_named(traits: Traits, tmp_path: Path) -> None:
    (tmp_path / "chart.png").write_bytes(b"png")
    platform = FakePlatform(traits=traits)
    async with quick_stage() as on, delivering(on, platform, find=files_of(tmp_path)):
        task_id = await on.accepted(plan_of("a"))
        await is_answered(on, task_id, files=("chart.png", "gone.csv", "../etc/passwd"))
        await all_shown(on)
    [answer], [file] = platform.of("a"), platform.of("f")
    assert file.post.attachment is not None
    assert file.post.attachment.path == tmp_path / "chart.png"
    assert file.post.is_silent
    assert "gone.csv" in answer.text
    assert "passwd" in answer.text


@in_quick_time
async def test_a_file_that_is_refused_is_said_to_be_missing(tmp_path: Path) -> None:
    (tmp_path / "chart.png").write_bytes(b"png")
    platform = FakePlatform(traits=ONCE)
    async with quick_stage() as on:
        task_id = await on.accepted(plan_of("a"))
        await is_answered(on, task_id, files=("chart.png",))
        async with delivering(on, platform, find=files_of(tmp_path)):
            await until(lambda: platform.answers)
            platform.fail(Refused("chat.empty"), only="send")
            await on.swept()
            await asyncio.sleep(5.0)
            await all_shown(on)
    lines = [line for line in platform.lines if line.nonce[7] == "f"]
    assert [line.post.attachment is None for line in lines] in ([True], [False])
    if lines[0].post.attachment is None:
        assert "chart.png" in lines[0].text


# --- when it does not work ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("traits", [Traits(), ONCE])
@pytest.mark.parametrize("is_after", [False, True])
@pytest.mark.parametrize("error", [DOWN, Flooded("chat.flooded", platform="Fake", retry_after_s=3.0)])
@in_quick_time
async def test_an_answer_survives_every_failure(traits: Traits, error: XingshuError, *, is_after: bool) -> None:
    is_after = is_after and not isinstance(error, Flooded)
    platform = FakePlatform(traits=traits)
    async with quick_stage() as on, delivering(on, platform):
        task_id = await on.accepted(plan_of("a"))
        await until(lambda: platform.cards)
        platform.fail(error, is_after=is_after, times=5)
        await is_answered(on, task_id)
        while await pending(on):
            await asyncio.sleep(1.0)
            await on.swept()
    assert platform.answers == [(task_id, "all done")]
    assert len(platform.stubs) <= (5 if is_after and not traits.sends_once else 0)


@in_quick_time
async def test_a_repeated_send_says_that_it_is_one() -> None:
    platform = FakePlatform(traits=ONCE)
    async with quick_stage() as on:
        task_id = await on.accepted(plan_of("a"))
        await is_answered(on, task_id)
        platform.fail(Flooded("chat.flooded", platform="Fake", retry_after_s=3.0))
        platform.fail(DOWN, is_after=True)
        async with delivering(on, platform):
            while await pending(on):
                await asyncio.sleep(1.0)
                await on.swept()
    assert platform.is_repeats == [False, True]  # nothing was sent when it was flooded


@in_quick_time
async def test_an_answer_that_could_not_be_written_down_is_not_sent_again() -> None:
    platform = FakePlatform()
    async with quick_stage() as on, delivering(on, platform):
        task_id = await on.accepted(plan_of("a"))
        await all_shown(on)
        await is_answered(on, task_id)
        on.store.falls_in = 4  # glance, scene, parts, stub, then down
        await until(lambda: on.store.refusals >= 1)
        on.store.falls_in = None
        on.store.is_down = False
        while await pending(on):
            await asyncio.sleep(1.0)
            await on.swept()
    assert platform.answers == [(task_id, "all done")]
    assert platform.stubs == []


@in_quick_time
async def test_a_platform_that_is_away_is_not_hammered() -> None:
    platform = FakePlatform(error=DOWN)
    async with quick_stage() as on, delivering(on, platform, DeliverySettings()):
        task_id = await on.accepted(plan_of("a"))
        await is_answered(on, task_id)
        with capture_logs() as logs:
            await asyncio.sleep(600.0)
            tries = [entry for entry in logs if entry["event"] == "delivery_failed"]
        assert 15 <= len(tries) <= 30
        platform.error = None
        await asyncio.sleep(30.0)
        await until(lambda: platform.answers)


@in_quick_time
async def test_what_is_refused_does_not_hold_up_the_rest_of_the_chat() -> None:
    platform = FakePlatform()
    async with quick_stage() as on:
        first = await on.accepted(plan_of("a"))
        await is_answered(on, first)
        platform.fail(Refused("chat.empty"))
        async with delivering(on, platform):
            await until(lambda: not platform.faults)
            second = await on.accepted(plan_of("a"))
            await is_answered(on, second)
            await until(lambda: (second, "all done") in platform.answers)
            assert (first, "all done") not in platform.answers
            await asyncio.sleep(5.0)
            await until(lambda: (first, "all done") in platform.answers)


@in_quick_time
async def test_a_refused_token_stops_the_loop() -> None:
    platform = FakePlatform(error=token_gone())
    async with quick_stage() as on:
        await on.accepted(plan_of("a"))
        with pytest.raises(Misconfigured):
            await loop_of(on, platform).run()


class Bug(Exception):
    """Something nobody thought of."""


@in_quick_time
async def test_a_bug_with_one_task_stops_no_other() -> None:
    class Buggy(FakePlatform):
        async def send(self, place, post, nonce, *, is_repeat=False):  # type: ignore[no-untyped-def] # as in the port
            if post.task_id == bad:
                raise Bug
            return await super().send(place, post, nonce, is_repeat=is_repeat)

    platform = Buggy()
    async with quick_stage() as on:
        bad, good = [await on.accepted(plan_of("a")) for _ in range(2)]
        async with delivering(on, platform, DeliverySettings()):
            with capture_logs() as logs:
                await is_answered(on, good)
                await until(lambda: platform.answers == [(good, "all done")])
                await asyncio.sleep(600.0)
            assert sum(entry["event"] == "delivery_crashed" for entry in logs) <= 2


# --- places that cannot be reached ----------------------------------------------------------------------------------


async def tries_within(hours: float, how: str) -> tuple[int, int]:
    """How often a place that cannot be reached is tried, and how often that is said."""
    tried = 0

    class Counting(FakePlatform):
        async def send(self, place, post, nonce, *, is_repeat=False):  # type: ignore[no-untyped-def] # as in the port
            nonlocal tried
            tried += 1
            return await super().send(place, post, nonce, is_repeat=is_repeat)

    platform = Counting(unreachable={"chat-ann": how})
    async with quick_stage() as on, delivering(on, platform, RARELY):
        for _ in range(3):
            await is_answered(on, await on.accepted(plan_of("a")))
        with capture_logs() as logs:
            await asyncio.sleep(3600.0 * hours)
    return tried, sum(entry["event"] == "chat_unreachable" for entry in logs)


@pytest.mark.parametrize(("how", "most"), [("blocked", 2), ("chat_gone", 2), ("topic_closed", 12), ("not_allowed", 12)])
@in_quick_time
async def test_a_place_that_cannot_be_reached_is_left_alone_and_told_once(how: str, most: int) -> None:
    tried, told = await tries_within(24.0, how)
    assert 1 <= tried <= most
    assert told <= 1


@in_quick_time
async def test_whoever_can_be_reached_again_gets_what_was_kept() -> None:
    platform = FakePlatform(unreachable={"chat-ann": "blocked"})
    async with quick_stage() as on, delivering(on, platform):
        kept = await on.accepted(plan_of("a"))
        await is_answered(on, kept)
        await on.swept()
        await asyncio.sleep(60.0)
        platform.unreachable.clear()
        await on.swept()
        assert platform.lines == []
        asked = await on.accepted(plan_of("a"))
        await until(lambda: platform.of("c", asked))
        await until(lambda: (kept, "all done") in platform.answers)


@in_quick_time
async def test_what_nobody_can_get_is_given_up_after_a_week() -> None:
    platform = FakePlatform(unreachable={"chat-ann": "chat_gone"})
    async with quick_stage() as on, delivering(on, platform, DeliverySettings(sweep_s=3600.0)):
        task_id = await on.accepted(plan_of("a"))
        await is_answered(on, task_id)
        await asyncio.sleep(6 * 86_400.0)
        assert await pending(on) == 1
        await asyncio.sleep(3 * 86_400.0)
        assert await pending(on) == 0
        assert (await on.task(task_id)).answer is not None
    assert platform.lines == []


@in_quick_time
async def test_a_closed_chat_does_not_hold_up_others() -> None:
    platform = FakePlatform(unreachable={"chat-ann": "blocked"})
    async with quick_stage() as on, delivering(on, platform):
        await is_answered(on, await on.accepted(plan_of("a")))
        other = await on.accepted(plan_of("a"), user="bob")
        await is_answered(on, other)
        await until(lambda: platform.answers == [(other, "all done")])


@in_quick_time
async def test_a_slow_chat_does_not_hold_up_others() -> None:
    is_let_go = asyncio.Event()

    class Slow(FakePlatform):
        async def send(self, place, post, nonce, *, is_repeat=False):  # type: ignore[no-untyped-def] # as in the port
            if place.chat_id == "chat-ann":
                await is_let_go.wait()
            return await super().send(place, post, nonce, is_repeat=is_repeat)

    platform = Slow()
    async with quick_stage() as on, delivering(on, platform):
        slow = await on.accepted(plan_of("a"))
        await on.swept()
        other = await on.accepted(plan_of("a"), user="bob")
        await is_answered(on, other)
        await until(lambda: platform.answers == [(other, "all done")])
        is_let_go.set()
        await until(lambda: platform.of("c", slow))


def test_unreachable_has_its_words() -> None:
    for how in ("blocked", "chat_gone", "topic_closed", "not_allowed"):
        assert Unreachable(how).say("zh")
