"""Letters that died: `DeadLetters`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from domain.dead import DeadLetter, Fate, Reason, buried
from domain.ids import SubtaskId
from storage import dead
from tests.contract.stores import Ground
from tests.fakes import START

SECOND = timedelta(seconds=1)
LETTER = buried(
    DeadLetter(
        at=START,
        last_at=START,
        agent="yunce",
        reason=Reason.REJECTED,
        subtask=SubtaskId("AAAAAA", "a"),
        attempt=2,
        detail="d\x00",
        body='{"x": "审查"}',
    )
)


def other(number: int, **changes: object) -> DeadLetter:
    later = START + number * SECOND
    return buried(replace(LETTER, **{"detail": f"d{number}", "at": later, "last_at": later, "subtask": None} | changes))


async def add(ground: Ground, *letters: DeadLetter) -> None:
    await ground.do(lambda unit: unit.dead.add(letters))


async def recent(ground: Ground, *fates: Fate) -> Sequence[DeadLetter]:
    return await ground.do(lambda unit: unit.dead.recent(10, fates or (Fate.OPEN,)))


async def test_a_letter_is_kept_whole_and_listed_without_its_body(ground: Ground) -> None:
    await add(ground)
    await add(ground, LETTER)
    kept = replace(LETTER, detail="d\ufffd")
    assert await ground.do(lambda unit: unit.dead.find(LETTER.id)) == kept
    assert await ground.do(lambda unit: unit.dead.find("NOBODY")) is None
    assert await recent(ground) == [replace(kept, body="")]
    assert await ground.do(lambda unit: unit.dead.open_count()) == 1


async def test_the_same_trouble_again_is_counted_and_open_again(ground: Ground) -> None:
    await add(ground, LETTER)
    assert await ground.do(lambda unit: unit.dead.settle(LETTER.id, Fate.DROPPED))
    assert not await ground.do(lambda unit: unit.dead.settle(LETTER.id, Fate.REQUEUED))
    assert not await ground.do(lambda unit: unit.dead.settle("NOBODY", Fate.DROPPED))
    assert await recent(ground) == []
    assert [letter.fate for letter in await recent(ground, *Fate)] == [Fate.DROPPED]
    again = replace(LETTER, at=START + SECOND, last_at=START + SECOND, attempt=3)
    await add(ground, again, again)
    (letter,) = await recent(ground)
    assert (letter.at, letter.last_at, letter.attempt, letter.seen) == (START, START + SECOND, 3, 3)


async def test_the_last_seen_comes_first(ground: Ground) -> None:
    await add(ground, other(1), other(3), other(2))
    assert [letter.detail for letter in await recent(ground)] == ["d3", "d2", "d1"]
    assert [letter.detail for letter in await ground.do(lambda unit: unit.dead.recent(1))] == ["d3"]


async def test_letters_about_a_subtask_are_found(ground: Ground) -> None:
    await add(ground, LETTER, other(1))
    names = [SubtaskId("AAAAAA", "a"), SubtaskId("AAAAAA", "b")]
    assert [letter.id for letter in await ground.do(lambda unit: unit.dead.about(names))] == [LETTER.id]
    await ground.do(lambda unit: unit.dead.settle(LETTER.id, Fate.DROPPED))
    assert await ground.do(lambda unit: unit.dead.about(names)) == []


async def test_what_was_not_seen_for_long_is_forgotten(ground: Ground) -> None:
    await add(ground, other(1), other(2), other(3))
    assert await ground.do(lambda unit: unit.dead.purge(START + 3 * SECOND, 1)) == 1
    assert [letter.detail for letter in await recent(ground)] == ["d3", "d2"]
    assert await ground.do(lambda unit: unit.dead.purge(START + 3 * SECOND, 9)) == 1
    assert await ground.do(lambda unit: unit.dead.purge(START + 3 * SECOND, 9)) == 0


async def test_no_more_are_kept_than_there_is_room_for(ground: Ground, monkeypatch) -> None:
    monkeypatch.setattr(dead, "CAPACITY", 2)
    await add(ground, other(1), other(2), other(3))
    assert [letter.detail for letter in await recent(ground)] == ["d3", "d2"]
