"""Who speaks for a token, and how far chats were read: `Leaders` and `Cursors`."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.task import Place
from tests.contract.stores import Ground, overlap, plant, race
from tests.fakes import START

SECOND = timedelta(seconds=1)
MOMENT = timedelta(microseconds=1)
BOT = "telegram:7"
PLACE = Place(platform="discord", bot_id="7", chat_id="100")
LARGEST = str(2**64 - 1)  # 20 digits


def at(seconds: float) -> datetime:
    return START + seconds * SECOND


def take(holder: str, now: datetime = START, until: datetime | None = None, name: str = BOT) -> Any:
    return lambda unit: unit.leaders.take(name, holder, now, until or now + 10 * SECOND)


def give_up(holder: str, name: str = BOT) -> Any:
    return lambda unit: unit.leaders.give_up(name, holder)


async def test_one_leads_until_its_time_is_over(ground: Ground) -> None:
    assert await ground.do(take("one")) is True
    assert await ground.do(take("two")) is False
    assert await ground.do(take("two", at(10) - MOMENT)) is False
    assert await ground.do(take("two", at(10))) is True
    assert await ground.do(take("one", at(10))) is False


async def test_who_leads_may_go_on(ground: Ground) -> None:
    for seconds in (0, 5, 12, 30):  # the last time is over, but nobody else came
        assert await ground.do(take("one", at(seconds))) is True
    assert await ground.do(take("two", at(35))) is False
    assert await ground.do(take("two", at(40))) is True


async def test_who_gives_up_need_not_be_waited_for(ground: Ground) -> None:
    await ground.do(take("one"))
    await ground.do(give_up("two"))
    assert await ground.do(take("two")) is False
    await ground.do(give_up("one"))
    assert await ground.do(take("two")) is True
    await ground.do(give_up("one"))  # it is not theirs any more
    assert await ground.do(take("one")) is False


async def test_each_name_has_a_leader_of_its_own(ground: Ground) -> None:
    for name in (BOT, "discord:7", "", "名", "x" * 2000):
        assert await ground.do(take("one", name=name)) is True
        assert await ground.do(take("two", name=name)) is False
    await ground.do(give_up("one", ""))
    assert await ground.do(take("two", name="")) is True
    assert await ground.do(take("two")) is False


async def test_another_installation_leads_its_own(ground: Ground) -> None:
    await plant(ground, "leader", tenant="other", name=BOT, holder="theirs", held_until=at(99))
    assert await ground.do(take("one")) is True
    await ground.do(give_up("theirs"))
    assert await ground.do(take("two")) is False


async def test_of_many_at_once_one_leads(shared: Ground) -> None:
    for round_begins in (0, 100):  # of nobody's, then of somebody's whose time is over
        taken = await race(shared, *[take(f"{round_begins}-{who}", at(round_begins)) for who in range(8)])
        assert sorted(taken) == [False] * 7 + [True]
        winner = f"{round_begins}-{taken.index(True)}"
        assert await shared.do(take(winner, at(round_begins + 1))) is True


async def test_who_waited_for_another_to_take_it_is_too_late(postgres: Ground) -> None:
    assert await overlap(postgres, take("one"), take("two")) == [True, False]
    assert await overlap(postgres, take("three", at(50)), take("four", at(50))) == [True, False]


async def test_who_waited_for_another_to_give_up_leads(postgres: Ground) -> None:
    await postgres.do(take("one"))
    assert await overlap(postgres, give_up("one"), take("two")) == [None, True]


# --- how far chats were read ----------------------------------------------------------------------------------


async def seen(ground: Ground, *messages: str, place: Place = PLACE) -> str:
    """The cursor after these messages."""

    def work(unit: Any) -> str:
        for message in messages:
            unit.cursors.seen(place, message)
        return unit.cursors.all(place.platform, place.bot_id)[place.thread_id or place.chat_id]

    return await ground.do(work)


@pytest.mark.parametrize(
    ("messages", "last"),
    [
        (["9", "10"], "10"),
        (["10", "9"], "10"),
        (["99999999999999999999", LARGEST], "99999999999999999999"),
        (["9223372036854775807", "9223372036854775808", LARGEST], LARGEST),
        ([LARGEST, "9223372036854775808"], LARGEST),
        (["007", "6"], "7"),
        (["7", "0007", "00008"], "8"),
        (["0"], "0"),
        (["5", "0", "000"], "5"),
        (["5", ""], "5"),
    ],
)
async def test_a_cursor_never_moves_back(ground: Ground, messages: list[str], last: str) -> None:
    assert await seen(ground, *messages) == last


async def test_a_cursor_is_the_largest_number_it_saw(ground: Ground) -> None:
    numbers = random.Random(7)  # noqa: S311 -- the same in every run
    messages = [str(numbers.randrange(10 ** numbers.randint(1, 20))) for _ in range(200)]
    assert await seen(ground, *messages) == str(max(map(int, messages)))


async def test_cursors_are_told_by_chat_or_by_thread(ground: Ground) -> None:
    places = [
        PLACE,
        replace(PLACE, chat_id="-200"),
        replace(PLACE, thread_id="300"),
        replace(PLACE, bot_id="8"),
        replace(PLACE, platform="telegram"),
    ]
    for place, message in zip(places, "12345", strict=True):
        await seen(ground, message, place=place)
    await plant(
        ground, "cursor", tenant="other", message_id="9", platform="discord", bot_id="7", chat_id="1", thread_id=""
    )

    async def everything(platform: str, bot_id: str) -> dict[str, str]:
        return dict(await ground.do(lambda unit: unit.cursors.all(platform, bot_id)))

    assert await everything("discord", "7") == {"100": "1", "-200": "2", "300": "3"}
    assert await everything("discord", "8") == {"100": "4"}
    assert await everything("telegram", "7") == {"100": "5"}
    assert await everything("telegram", "8") == {}


async def test_cursors_moved_at_once_end_at_the_largest(shared: Ground) -> None:
    numbers = [8, 120, 9, 119, 121, 100, 2, 10]
    await race(shared, *[lambda unit, last=str(number): unit.cursors.seen(PLACE, last) for number in numbers])
    assert await seen(shared, "0") == "121"
