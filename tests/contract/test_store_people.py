"""Who is known, which chats are, the codes that make them so, and who knocks: `People`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.people import Pairing, Person, Role
from tests.contract.stores import Ground, overlap, plant, race
from tests.fakes import START

SECOND = timedelta(seconds=1)
MOMENT = timedelta(microseconds=1)
DAY = timedelta(days=1)
ANN = Person(platform="telegram", user_id="1", role=Role.OWNER, language="zh")
BOB = Person(platform="telegram", user_id="2", role=Role.MEMBER)
CARL = Person(platform="discord", user_id="1", role=Role.ADMIN, language="en")
CODE = Pairing(digest="d1", role=Role.MEMBER, expires_at=START + DAY, made_by="telegram:1")
LONG = "9" * 2000
ODD = [("telegram", "-1001234567890"), ("plätform", "用户"), ("telegram", LONG), ("", ""), ("a'b", 'x"; --')]


def at(seconds: float) -> datetime:
    return START + seconds * SECOND


async def put(ground: Ground, *people: Person) -> None:
    def work(unit: Any) -> None:
        for place, person in enumerate(people):
            unit.people.put(person, at(place))

    await ground.do(work)


async def find(ground: Ground, platform: str, user_id: str) -> Person | None:
    return await ground.do(lambda unit: unit.people.find(platform, user_id))


async def known(ground: Ground) -> list[Person]:
    return await ground.do(lambda unit: unit.people.known())


# --- persons --------------------------------------------------------------------------------------------------


async def test_a_person_is_found_on_their_platform_by_their_id(ground: Ground) -> None:
    await put(ground, ANN, BOB, CARL)
    assert [await find(ground, one.platform, one.user_id) for one in (ANN, BOB, CARL)] == [ANN, BOB, CARL]
    assert await find(ground, "telegram", "3") is None
    assert await find(ground, "discord", "2") is None


async def test_a_person_is_what_was_written_down_last(ground: Ground) -> None:
    await put(ground, ANN)
    for changed in (replace(ANN, role=Role.ADMIN, language=None), replace(ANN, role=None, language="en")):
        await put(ground, changed)
        assert await find(ground, "telegram", "1") == changed


async def test_known_are_those_with_a_role_owners_first_then_by_when_they_became_known(ground: Ground) -> None:
    second = replace(ANN, user_id="9")
    stranger = Person(platform="telegram", user_id="8", language="en")
    await put(ground, CARL, BOB, stranger, second, ANN)
    assert await known(ground) == [second, ANN, CARL, BOB]
    await ground.do(lambda unit: unit.people.put(replace(CARL, language="zh"), at(100)))  # no news about who is known
    assert (await known(ground))[2] == replace(CARL, language="zh")


async def test_somebody_becomes_known_when_they_get_a_role(ground: Ground) -> None:
    await put(ground, replace(BOB, role=None, language="zh"), CARL, BOB)
    assert await known(ground) == [CARL, BOB]


async def test_who_was_removed_is_nobody_and_comes_back_as_somebody_new(ground: Ground) -> None:
    await put(ground, BOB, CARL)
    assert await ground.do(lambda unit: unit.people.remove("telegram", "2")) is True
    assert await ground.do(lambda unit: unit.people.remove("telegram", "2")) is False
    assert await find(ground, "telegram", "2") is None
    await ground.do(lambda unit: unit.people.put(BOB, at(5)))
    assert await known(ground) == [CARL, BOB]


@pytest.mark.parametrize(("platform", "user_id"), ODD)
async def test_any_text_is_an_id(ground: Ground, platform: str, user_id: str) -> None:
    odd = replace(BOB, platform=platform, user_id=user_id)
    await put(ground, odd, ANN)
    assert await find(ground, platform, user_id) == odd
    assert await ground.do(lambda unit: unit.people.remove(platform, user_id))
    assert await known(ground) == [ANN]


# --- chats ----------------------------------------------------------------------------------------------------


async def test_a_chat_is_known_from_being_let_in_until_it_is_shut_out(ground: Ground) -> None:
    async def is_known(platform: str = "telegram", chat_id: str = "-100") -> bool:
        return await ground.do(lambda unit: unit.people.is_chat_known(platform, chat_id))

    assert not await is_known()
    for _ in range(2):
        await ground.do(lambda unit: unit.people.let_in("telegram", "-100", "telegram:1", START))
    assert await is_known()
    assert not await is_known(chat_id="100")
    assert not await is_known(platform="discord")
    assert await ground.do(lambda unit: unit.people.shut_out("telegram", "100")) is False
    assert await ground.do(lambda unit: unit.people.shut_out("telegram", "-100")) is True
    assert not await is_known()
    assert await ground.do(lambda unit: unit.people.shut_out("telegram", "-100")) is False


async def test_a_chat_can_be_let_in_twice_at_once(shared: Ground) -> None:
    def let_in(unit: Any) -> None:
        unit.people.let_in("telegram", "-100", "telegram:1", START)

    await race(shared, *[let_in] * 6)
    assert await shared.do(lambda unit: unit.people.is_chat_known("telegram", "-100"))


# --- codes ----------------------------------------------------------------------------------------------------


async def test_a_code_is_redeemed_once(ground: Ground) -> None:
    await ground.do(lambda unit: unit.people.issue(CODE))
    assert await ground.do(lambda unit: unit.people.redeem("d2", START)) is None
    assert await ground.do(lambda unit: unit.people.redeem("d1", START)) == CODE
    assert await ground.do(lambda unit: unit.people.redeem("d1", START)) is None


async def test_a_code_is_good_until_it_expires(ground: Ground) -> None:
    await ground.do(lambda unit: unit.people.issue(CODE))
    assert await ground.do(lambda unit: unit.people.redeem("d1", CODE.expires_at)) is None
    assert await ground.do(lambda unit: unit.people.redeem("d1", CODE.expires_at - MOMENT)) == CODE


async def test_expired_codes_are_forgotten_when_another_is_issued(ground: Ground) -> None:
    await ground.do(lambda unit: unit.people.issue(CODE))
    await ground.clock.advance(DAY.total_seconds())
    await ground.do(lambda unit: unit.people.issue(replace(CODE, digest="d2", expires_at=CODE.expires_at + DAY)))
    assert await ground.do(lambda unit: unit.people.redeem("d1", START)) is None
    assert await ground.do(lambda unit: unit.people.redeem("d2", START)) is not None


async def test_of_many_who_redeem_a_code_at_once_one_gets_it(shared: Ground) -> None:
    await shared.do(lambda unit: unit.people.issue(CODE))
    redeemed = await race(shared, *[lambda unit: unit.people.redeem("d1", START)] * 8)
    assert sorted(redeemed, key=bool) == [None] * 7 + [CODE]


async def test_who_waits_for_a_code_that_another_redeems_does_not_get_it(postgres: Ground) -> None:
    await postgres.do(lambda unit: unit.people.issue(CODE))
    redeem = lambda unit: unit.people.redeem("d1", START)  # noqa: E731 -- twice the same
    assert await overlap(postgres, redeem, redeem) == [CODE, None]


# --- knocking -------------------------------------------------------------------------------------------------


async def test_knocks_are_counted_by_person_and_time(ground: Ground) -> None:
    for user, then in (("1", START), ("1", at(5)), ("1", at(5)), ("2", at(5))):
        await ground.do(lambda unit, by=user, when=then: unit.people.knocked("telegram", by, when))

    async def tries(user: str = "1", since: datetime = START, platform: str = "telegram") -> int:
        return await ground.do(lambda unit: unit.people.tries(platform, user, since))

    assert [await tries(), await tries(since=START + MOMENT), await tries(since=at(5) + MOMENT)] == [3, 2, 0]
    assert [await tries("2"), await tries("3"), await tries(platform="discord")] == [1, 0, 0]


async def test_knocks_of_yesterday_are_forgotten(ground: Ground) -> None:
    for user, when in (("1", START), ("1", START + SECOND), ("2", START + DAY + SECOND)):
        await ground.do(lambda unit, by=user, then=when: unit.people.knocked("telegram", by, then))
    assert await ground.do(lambda unit: unit.people.tries("telegram", "1", START)) == 1


# --- whose installation ---------------------------------------------------------------------------------------


async def test_another_installations_people_are_not_ours(ground: Ground) -> None:
    theirs = {"tenant": "other", "platform": "telegram"}
    await plant(ground, "person", **theirs, user_id="1", role="owner", known_at=START)
    await plant(ground, "known_chat", **theirs, chat_id="-100", let_in_by="x", let_in_at=START)
    await plant(ground, "pairing", tenant="other", digest="d1", role="owner", expires_at=START + DAY, made_by="x")
    await plant(ground, "knock", **theirs, user_id="1", at=START)
    assert await find(ground, "telegram", "1") is None
    assert await known(ground) == []
    assert not await ground.do(lambda unit: unit.people.is_chat_known("telegram", "-100"))
    assert await ground.do(lambda unit: unit.people.redeem("d1", START)) is None
    assert await ground.do(lambda unit: unit.people.tries("telegram", "1", START)) == 0
    assert not await ground.do(lambda unit: unit.people.remove("telegram", "1"))
    assert not await ground.do(lambda unit: unit.people.shut_out("telegram", "-100"))
    await put(ground, BOB)
    assert await known(ground) == [BOB]
