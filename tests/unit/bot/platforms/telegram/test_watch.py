from __future__ import annotations

from datetime import timedelta

import pytest
from structlog.testing import capture_logs
from telegram.error import Conflict, InvalidToken, NetworkError, RetryAfter, TimedOut

from bot.platforms.telegram.watch import FEW, MANY, Watch
from tests.fakes import FakeClock

CONFLICT = Conflict("Conflict: terminated by other getUpdates request")


async def conflicts(watch: Watch, clock: FakeClock, count: int, apart_s: float) -> int:
    """How many of these conflicts it takes to end it; 0: they do not."""
    for number in range(count):
        watch.failed(CONFLICT)
        if watch.is_over:
            return number + 1
        await clock.advance(apart_s)
    return 0


async def test_a_newcomer_gives_up_early():
    clock = FakeClock()
    watch = Watch(clock)
    assert await conflicts(watch, clock, 10, 2.0) == FEW
    assert (await watch.over()).key == "chat.two_pollers"


async def test_who_was_there_before_is_patient():
    clock = FakeClock()
    watch = Watch(clock)
    watch.begin()
    await clock.advance(3600)
    watch.begin()
    assert await conflicts(watch, clock, 10, 2.0) == MANY


async def test_a_hand_over_between_two_of_ours_is_no_reason():
    clock = FakeClock()
    watch = Watch(clock)
    assert await conflicts(watch, clock, FEW - 1, 1.0) == 0
    await clock.advance(120)
    assert await conflicts(watch, clock, FEW - 1, 1.0) == 0


async def test_rare_conflicts_are_no_reason():
    clock = FakeClock()
    watch = Watch(clock)
    watch.begin()
    await clock.advance(60)
    assert await conflicts(watch, clock, 50, 30.0) == 0


async def test_a_refused_token_is():
    watch = Watch(FakeClock())
    watch.failed(InvalidToken("Unauthorized"))
    failure = await watch.over()
    assert failure.key == "chat.token_refused"
    assert "TELEGRAM_BOT_TOKEN" in str(failure)


@pytest.mark.parametrize("error", [NetworkError("down"), TimedOut(), RetryAfter(timedelta(seconds=3))])
async def test_trouble_is_told_once_when_it_begins_and_once_when_it_ends(error: NetworkError):
    clock = FakeClock()
    watch = Watch(clock)
    with capture_logs() as logs:
        watch.well()
        for _ in range(50):
            watch.failed(error)
            await clock.advance(1)
        watch.well()
        watch.well()
    assert [line["event"] for line in logs] == ["telegram_away", "telegram_back"]
    assert logs[1]["seconds"] == 50.0
    assert not watch.is_over


async def test_conflicts_are_no_storm_in_the_log():
    clock = FakeClock()
    watch = Watch(clock)
    watch.begin()
    await clock.advance(60)
    with capture_logs() as logs:
        await conflicts(watch, clock, MANY, 1.0)
    assert [line["event"] for line in logs] == ["telegram_conflict"]
