"""Whose turn it is, in virtual time."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta

import pytest

from bot.governor import AT_ONCE, PATIENCE_S, Governor, Urgency
from bot.lane import SLOWEST, Lane
from bot.platform import Pace
from domain.errors import Flooded
from domain.task import Place
from tests.fakes import FakeClock
from tests.quick_time import quickly
from tests.virtual_time import LoopClock

TELEGRAM = Pace(private_s=1.0, group_s=3.0, group_per_minute=20, overall_per_s=30.0)
LONG_S = 600.0


def place(number: int | str = 1, thread: str = "") -> Place:
    return Place(platform="fake", bot_id="b1", chat_id=f"c{number}", thread_id=thread)


class Log:
    """When who had a turn."""

    def __init__(self, governor: Governor) -> None:
        self.governor = governor
        self.at: list[tuple[float, str]] = []

    async def send(
        self, name: str, urgency: Urgency, where: Place | None = None, *, is_group: bool = False, takes_s: float = 0.0
    ) -> None:
        async with self.governor.sending(where or place(), urgency, is_group=is_group):
            self.at.append((round(asyncio.get_running_loop().time(), 3), name))
            await asyncio.sleep(takes_s)

    @property
    def names(self) -> list[str]:
        return [name for _, name in self.at]


def in_time(pace: Pace, story: Callable[[Governor, Log, asyncio.TaskGroup], Awaitable[None]]) -> Log:
    """Play a story under a governor, and wait until all that it began is over."""
    logs: list[Log] = []

    async def main() -> None:
        governor = Governor(pace, LoopClock())
        logs.append(Log(governor))
        async with asyncio.timeout(LONG_S), asyncio.TaskGroup() as group:
            await story(governor, logs[0], group)

    quickly(main)
    return logs[0]


def most_within(log: Log, seconds: float, prefix: str = "") -> int:
    times = [at for at, name in log.at if name.startswith(prefix)]
    return max(sum(first <= at < first + seconds for at in times) for first in times)


def test_without_limits_nobody_waits() -> None:
    async def story(_governor: Governor, log: Log, group: asyncio.TaskGroup) -> None:
        for number in range(100):
            group.create_task(log.send(f"{number}", Urgency.EDIT))

    log = in_time(Pace(), story)
    assert {at for at, _ in log.at} == {0.0}


def test_edits_of_a_private_chat_come_evenly_and_what_is_urgent_goes_in_between() -> None:
    async def story(_governor: Governor, log: Log, group: asyncio.TaskGroup) -> None:
        for number in range(4):
            group.create_task(log.send(f"edit {number}", Urgency.EDIT))
        await asyncio.sleep(0.25)
        for number in range(2):
            group.create_task(log.send(f"final {number}", Urgency.FINAL))

    log = in_time(TELEGRAM, story)
    assert log.at[:3] == [(0.0, "edit 0"), (0.25, "final 0"), (0.25, "final 1")]
    assert [at for at, name in log.at if name.startswith("edit")] == [0.0, 2.5, 3.5, 4.5]


def test_no_minute_of_a_group_sees_more_than_it_may() -> None:
    async def story(_governor: Governor, log: Log, group: asyncio.TaskGroup) -> None:
        for number, urgency in zip(range(120), itertools.cycle(Urgency), strict=False):
            group.create_task(log.send(f"{number}", urgency, is_group=True))

    log = in_time(TELEGRAM, story)
    assert len(log.at) == 120
    assert 15 <= most_within(log, 60.0) <= 20


def test_no_second_sees_more_than_all_chats_together_may() -> None:
    async def story(_governor: Governor, log: Log, group: asyncio.TaskGroup) -> None:
        for number in range(300):
            group.create_task(log.send(f"{number}", Urgency(number % 6), place(number)))

    log = in_time(TELEGRAM, story)
    assert most_within(log, 1.0) <= 30
    assert log.at[-1][0] < 300 / 20


@pytest.mark.parametrize("is_one_chat", [True, False])
def test_the_more_urgent_goes_first_in_one_chat_and_over_all_chats(*, is_one_chat: bool) -> None:
    async def story(_governor: Governor, log: Log, group: asyncio.TaskGroup) -> None:
        for number in range(10):
            group.create_task(log.send("before", Urgency.FINAL, place(f"b{number}")))
            group.create_task(log.send("before", Urgency.FINAL, place(1)))
        await asyncio.sleep(0)
        for number, urgency in enumerate(reversed(Urgency)):
            group.create_task(log.send(urgency.name, urgency, place(1 if is_one_chat else f"n{number}")))

    log = in_time(Pace(private_s=0.1, overall_per_s=30.0), story)
    asked = [name for name in log.names if name != "before"]
    assert asked == [urgency.name for urgency in Urgency]


def test_what_a_person_has_waited_for_long_enough_goes_like_an_answer() -> None:
    async def story(_governor: Governor, log: Log, group: asyncio.TaskGroup) -> None:
        for number in range(200):
            group.create_task(log.send("final", Urgency.FINAL, place(f"f{number}")))
        group.create_task(log.send("edit", Urgency.EDIT, place("e")))
        for number in range(20):
            group.create_task(log.send("card", Urgency.CARD, place(f"c{number}")))
        await asyncio.sleep(3.0)
        for number in range(200):
            group.create_task(log.send("later final", Urgency.FINAL, place(f"l{number}")))

    log = in_time(TELEGRAM, story)
    cards = [at for at, name in log.at if name == "card"]
    assert all(at >= PATIENCE_S for at in cards)
    assert cards[-1] < min(at for at, name in log.at if name == "later final") + 1.0
    assert log.names[-1] == "edit"


def test_edits_never_eat_the_reserve_of_answers() -> None:
    async def story(_governor: Governor, log: Log, group: asyncio.TaskGroup) -> None:
        for number in range(2000):
            group.create_task(log.send("edit", Urgency.EDIT, place(number % 200)))
        await asyncio.sleep(5.0)
        for number in range(4):
            group.create_task(log.send("final", Urgency.FINAL, place(number)))

    log = in_time(TELEGRAM, story)
    assert [at for at, name in log.at if name == "final"] == [5.0] * 4
    assert most_within(log, 1.0) <= 30


def test_a_waiting_turn_can_become_more_urgent() -> None:
    async def story(governor: Governor, log: Log, group: asyncio.TaskGroup) -> None:
        await log.send("edit", Urgency.EDIT)
        turn = governor.sending(place(), Urgency.EDIT, is_group=False)

        async def wait() -> None:
            async with turn:
                log.at.append((asyncio.get_running_loop().time(), turn.urgency.name))

        group.create_task(wait())
        await asyncio.sleep(0.5)
        assert log.names == ["edit"]
        turn.hurry(Urgency.FINAL)

    assert in_time(TELEGRAM, story).at == [(0.0, "edit"), (0.5, "FINAL")]


def test_a_chat_is_written_to_by_one_at_a_time() -> None:
    async def story(_governor: Governor, log: Log, group: asyncio.TaskGroup) -> None:
        for name in "ab":
            group.create_task(log.send(name, Urgency.FINAL, takes_s=5.0))
            group.create_task(log.send(f"other {name}", Urgency.FINAL, place(name), takes_s=5.0))

    assert sorted(in_time(TELEGRAM, story).at) == [(0.0, "a"), (0.0, "other a"), (0.0, "other b"), (5.0, "b")]


def test_threads_share_the_pace_of_their_chat() -> None:
    async def story(_governor: Governor, log: Log, group: asyncio.TaskGroup) -> None:
        for number in range(40):
            group.create_task(log.send(f"{number}", Urgency.FINAL, place(1, f"t{number}"), is_group=True))

    assert 15 <= most_within(in_time(TELEGRAM, story), 60.0) <= 20


async def flood(governor: Governor, where: Place, seconds: float, *, is_group: bool = False) -> None:
    with suppress(Flooded):
        async with governor.sending(where, Urgency.FINAL, is_group=is_group):
            raise Flooded("chat.flooded", retry_after_s=seconds, platform="fake")


def test_a_flooded_chat_rests_exactly_so_long_and_alone() -> None:
    async def story(governor: Governor, log: Log, group: asyncio.TaskGroup) -> None:
        await flood(governor, place(1), 35.0)
        for name, urgency in (("final", Urgency.FINAL), ("edit", Urgency.EDIT)):
            group.create_task(log.send(name, urgency, place(1)))
            group.create_task(log.send(f"other {name}", urgency, place(2)))

    log = in_time(TELEGRAM, story)
    assert [(at, name) for at, name in log.at if at < 35.0] == [(0.0, "other final"), (0.5, "other edit")]
    assert log.at[2] == (35.0, "final")


def test_whoever_waits_already_when_a_chat_is_flooded_waits_on() -> None:
    async def story(governor: Governor, log: Log, group: asyncio.TaskGroup) -> None:
        for _ in range(3):
            await governor.turn(place(1), Urgency.FINAL, is_group=False)
        group.create_task(log.send("final", Urgency.FINAL))
        await asyncio.sleep(0.5)
        governor.flooded(place(1), 7.0)

    assert in_time(TELEGRAM, story).at == [(7.5, "final")]


def edit_gaps(floods: int, successes: int = 0) -> float:
    """The spacing of edits after so many floods, and so many messages that were taken since."""

    async def story(governor: Governor, log: Log, group: asyncio.TaskGroup) -> None:
        for _ in range(floods):
            await flood(governor, place(1), 1.0)
        for _ in range(successes):
            await log.send("well", Urgency.FINAL)
        for _ in range(3):
            group.create_task(log.send("edit", Urgency.EDIT))

    times = [at for at, name in in_time(TELEGRAM, story).at if name == "edit"]
    return times[-1] - times[-2]


def test_a_flood_is_learnt_and_slowly_unlearnt() -> None:
    assert edit_gaps(0) == pytest.approx(1.0)
    assert edit_gaps(1) == pytest.approx(2.0, rel=0.1)
    assert edit_gaps(2) == pytest.approx(4.0, rel=0.1)
    assert edit_gaps(12) <= SLOWEST
    assert edit_gaps(2, successes=5) == pytest.approx(4.0 * 0.95**6, rel=0.1)
    assert edit_gaps(1, successes=30) == pytest.approx(1.0)


def test_two_refusals_of_one_flood_are_learnt_once() -> None:
    lane = Lane(TELEGRAM, 0.0, is_group=False)
    lane.flooded(0.0, 10.0)
    lane.flooded(0.5, 12.0)
    assert lane.rests_until == 12.5
    lane.take(12.5, Urgency.EDIT)
    assert lane.wait_s(12.5, Urgency.FINAL) == pytest.approx(2.0)


def test_a_turn_that_was_not_used_is_given_back() -> None:
    async def story(governor: Governor, log: Log, _group: asyncio.TaskGroup) -> None:
        for _ in range(50):
            async with governor.sending(place(), Urgency.EDIT, is_group=False) as turn:
                turn.unused()
        await log.send("edit", Urgency.EDIT)

    assert in_time(TELEGRAM, story).at == [(0.0, "edit")]


def test_whoever_stops_waiting_leaves_no_hole() -> None:
    async def story(_governor: Governor, log: Log, group: asyncio.TaskGroup) -> None:
        waits = [group.create_task(log.send(f"{number}", Urgency.EDIT, place(number % 50))) for number in range(500)]
        await asyncio.sleep(2.0)
        for wait in waits[::2]:
            wait.cancel()

    log = in_time(TELEGRAM, story)
    assert {int(name) for name in log.names} >= set(range(1, 500, 2))


def test_a_slow_chat_delays_nobody_and_too_many_at_once_wait() -> None:
    async def story(_governor: Governor, log: Log, group: asyncio.TaskGroup) -> None:
        for number in range(AT_ONCE + 1):
            group.create_task(log.send(f"{number}", Urgency.FINAL, place(number), takes_s=10.0))

    log = in_time(Pace(private_s=1.0), story)
    assert [at for at, _ in log.at] == [0.0] * AT_ONCE + [10.0]


def test_what_nobody_misses_goes_only_where_nobody_waits() -> None:
    async def story(governor: Governor, log: Log, group: asyncio.TaskGroup) -> None:
        assert governor.spare(place(1), is_group=False)
        group.create_task(log.send("slow", Urgency.FINAL, takes_s=1.0))
        await asyncio.sleep(0)
        await asyncio.sleep(0.01)
        assert not governor.spare(place(1), is_group=False)
        governor.flooded(place(2), 5.0)
        assert not governor.spare(place(2), is_group=False)
        for _ in range(20):
            group.create_task(log.send("busy", Urgency.FINAL, place(3)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not governor.spare(place(4), is_group=False)

    in_time(TELEGRAM, story)


def test_idle_chats_are_forgotten_and_slow_ones_later() -> None:
    async def main() -> None:
        governor = Governor(TELEGRAM, LoopClock())
        log = Log(governor)
        await flood(governor, place("slow"), 1.0)
        for number in range(1000):
            await log.send("x", Urgency.FINAL, place(number))
        assert governor.known < 200
        governor.tidy()
        assert governor.known < 100
        await asyncio.sleep(60.0)
        for _ in range(200):
            await log.send("x", Urgency.FINAL, place("last"))
        assert governor.known == 2
        await asyncio.sleep(3600.0)
        for _ in range(5):
            await log.send("x", Urgency.FINAL, place("last"))
        assert governor.known == 1

    quickly(main)


def test_a_clock_that_is_set_back_stops_nothing() -> None:
    async def main() -> None:
        clock = FakeClock()
        governor = Governor(TELEGRAM, clock)
        await governor.turn(place(), Urgency.EDIT, is_group=False)
        clock._now -= timedelta(hours=1)
        await governor.turn(place(), Urgency.FINAL, is_group=False)
        await governor.turn(place(), Urgency.FINAL, is_group=False)

    asyncio.run(main())
