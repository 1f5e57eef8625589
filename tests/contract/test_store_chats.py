"""What was offered, previewed and posted in chats: `Offers`, `Previews`, `Posts`."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from domain.approval import Offer
from domain.plan import Condition, Op
from domain.post import Posted, PostKind
from domain.preview import Preview
from domain.task import Place, Route, Scope, Upload, UploadState
from storage.chat_tables import OFFER as OFFER_TABLE
from storage.chat_tables import POST as POST_TABLE
from tests.builders import SCOPE, chain, node, plan, task
from tests.contract.stores import Ground, overlap, race
from tests.fakes import START

PATIENCE_S = 20
SECOND = timedelta(seconds=1)
MOMENT = timedelta(microseconds=1)
DAY = timedelta(days=1)
BOB = Scope(tenant="main", owner="console:bob")
ELSEWHERE = replace(SCOPE, tenant="other")
OFFER = Offer(code="c1", task_id="AAAAAA", key="a", digest="d", made_at=START, expires_at=START + DAY)
ROUTE = Route(platform="telegram", bot_id="7", chat_id="-100", thread_id="12", reply_to="3", is_group=True)
PLACE = ROUTE.place
UPLOADS = (
    Upload(ref="r\x00", name="报告.pdf", bytes=7, path="in/1", state=UploadState.THERE),
    Upload(ref="", name=""),
)
PREVIEW = Preview(
    code="p1",
    scope=SCOPE,
    route=ROUTE,
    request="做",
    language="zh",
    plan=plan(node("a", condition=Condition(ref="{{x.output}}", op=Op.GE, value=[1])), question="q", rounds_left=2),
    made_at=START,
    expires_at=START + DAY,
    uploads=UPLOADS,
)
POSTED = Posted(task_id="AAAAAA", kind=PostKind.ASK, part=2, place=PLACE, nonce="n", about="c1")
HOSTILE = ["", "x" * 2000, "代码", "a'; DROP TABLE offer; --", "%", "null"]


# --- offers ---------------------------------------------------------------------------------------------------


async def make(ground: Ground, *offers: Offer) -> None:
    await ground.do(lambda unit: [unit.offers.make(offer) for offer in offers])


async def find(ground: Ground, code: str = "c1") -> Offer | None:
    return await ground.do(lambda unit: unit.offers.find(code))


def decide(by: str, *, is_allowed: bool = True, code: str = "c1") -> Any:
    return lambda unit: unit.offers.decide(code, by, START, is_allowed=is_allowed)


@pytest.fixture
async def offered(ground: Ground) -> Ground:
    await ground.add(task("AAAAAA"), task("BBBBBB"))
    await make(ground, OFFER)
    return ground


async def test_an_offer_is_found_by_its_code(offered: Ground) -> None:
    assert await find(offered) == OFFER
    for code in HOSTILE:
        assert await find(offered, code) is None
        assert await offered.do(decide("x", code=code)) is False


@pytest.mark.parametrize("is_allowed", [True, False])
async def test_the_first_decision_counts(offered: Ground, *, is_allowed: bool) -> None:
    assert await offered.do(decide("telegram:1", is_allowed=is_allowed)) is True
    assert await offered.do(decide("telegram:2", is_allowed=not is_allowed)) is False
    decided = replace(OFFER, decided_by="telegram:1", decided_at=START, is_allowed=is_allowed)
    assert await find(offered) == decided


async def test_live_are_those_of_a_task_neither_decided_nor_expired_oldest_first(offered: Ground) -> None:
    later = replace(OFFER, code="c0", made_at=START + SECOND, expires_at=START + 2 * DAY)
    of_another = replace(OFFER, code="c9", task_id="BBBBBB")
    await make(offered, later, of_another)

    async def live(task_id: str, now: datetime) -> list[Offer]:
        return await offered.do(lambda unit: unit.offers.live(task_id, now))

    assert await live("AAAAAA", START) == [OFFER, later]
    assert await live("AAAAAA", OFFER.expires_at - MOMENT) == [OFFER, later]
    assert await live("AAAAAA", OFFER.expires_at) == [later]
    assert await live("BBBBBB", START) == [of_another]
    assert await live("ZZZZZZ", START) == []
    await offered.do(decide("x", code="c0"))
    assert await live("AAAAAA", START) == [OFFER]


async def test_a_code_names_one_offer_and_an_offer_has_a_task(offered: Ground) -> None:
    for wrong in (replace(OFFER, key="b"), replace(OFFER, code="c2", task_id="ZZZZZZ")):
        with pytest.raises(IntegrityError):
            await make(offered, wrong)
    assert await find(offered) == OFFER


async def test_of_many_decisions_at_once_one_counts(shared: Ground) -> None:
    await shared.add(task())
    await make(shared, OFFER)
    decisions = await race(shared, *[decide(f"telegram:{who}", is_allowed=who % 2 == 0) for who in range(8)])
    assert sorted(decisions) == [False] * 7 + [True]
    found = await find(shared)
    assert found is not None
    who = decisions.index(True)
    assert (found.decided_by, found.is_allowed) == (f"telegram:{who}", who % 2 == 0)


async def test_a_decision_that_waited_for_another_is_too_late(postgres: Ground) -> None:
    await postgres.add(task())
    await make(postgres, OFFER)
    assert await overlap(postgres, decide("one"), decide("two", is_allowed=False)) == [True, False]
    found = await find(postgres)
    assert found is not None
    assert (found.decided_by, found.is_allowed) == ("one", True)


# --- previews -------------------------------------------------------------------------------------------------


async def keep(ground: Ground, *previews: Preview) -> None:
    await ground.do(lambda unit: [unit.previews.put(preview) for preview in previews])


async def preview_of(ground: Ground, code: str = "p1", scope: Scope = SCOPE) -> Preview | None:
    return await ground.do(lambda unit: unit.previews.find(scope, code))


async def test_every_field_of_a_preview_comes_back(ground: Ground) -> None:
    await keep(ground, PREVIEW)
    assert await preview_of(ground) == PREVIEW
    await keep(ground, replace(PREVIEW, code="p2", uploads=()))
    assert await preview_of(ground, "p2") == replace(PREVIEW, code="p2", uploads=())


async def test_a_preview_is_replaced_by_what_it_was_changed_to(ground: Ground) -> None:
    changed = replace(
        PREVIEW,
        route=replace(ROUTE, thread_id="", reply_to="", is_group=False),
        request="other",
        language="en",
        plan=chain("b"),
        made_at=START + SECOND,
        expires_at=START + 2 * DAY,
        task_id="AAAAAA",
        message_id="99",
        uploads=(),
    )
    await keep(ground, PREVIEW, changed)
    assert await preview_of(ground) == changed


async def test_a_preview_is_its_owners_whoever_knows_the_code(ground: Ground) -> None:
    theirs = replace(PREVIEW, scope=BOB, request="bob's", message_id="9")
    await keep(ground, PREVIEW, theirs, replace(PREVIEW, code="p2", message_id="8"))
    assert await preview_of(ground) == PREVIEW
    assert await preview_of(ground, scope=BOB) == theirs
    assert await preview_of(ground, "p2", BOB) is None
    assert await preview_of(ground, scope=ELSEWHERE) is None
    for code in HOSTILE:
        assert await preview_of(ground, code) is None


async def test_the_preview_that_a_message_shows(ground: Ground) -> None:
    async def shown(message_id: str = "99", scope: Scope = SCOPE, place: Place = PLACE) -> Preview | None:
        return await ground.do(lambda unit: unit.previews.shown_in(scope, place, message_id))

    await keep(ground, PREVIEW)
    assert await shown("") is None  # it is not known yet where it is shown
    first = replace(PREVIEW, message_id="99")
    await keep(ground, first)
    assert await shown() == first
    assert [await shown("98"), await shown(""), await shown(scope=BOB), await shown(scope=ELSEWHERE)] == [None] * 4
    for changed in ({"platform": "discord"}, {"bot_id": "8"}, {"chat_id": "100"}, {"thread_id": ""}):
        assert await shown(place=replace(PLACE, **changed)) is None
    later = replace(first, code="p2", made_at=START + SECOND)
    await keep(ground, later)
    assert await shown() == later


async def test_a_preview_is_remembered_for_a_day_after_it_expired(ground: Ground) -> None:
    await keep(ground, PREVIEW)
    await ground.clock.advance((2 * DAY - MOMENT).total_seconds())
    another = replace(PREVIEW, code="p2", expires_at=START + 3 * DAY)
    await keep(ground, another)
    assert await preview_of(ground) == PREVIEW
    await ground.clock.advance(SECOND.total_seconds())
    await keep(ground, another)
    assert await preview_of(ground) is None
    assert await preview_of(ground, "p2") == another


# --- posts ----------------------------------------------------------------------------------------------------


async def intend(ground: Ground, *posts: Posted) -> list[Posted]:
    return await ground.do(lambda unit: [unit.posts.intend(posted) for posted in posts])


async def of_task(ground: Ground, kind: PostKind | None = None, task_id: str = "AAAAAA") -> list[Posted]:
    return await ground.do(lambda unit: unit.posts.of_task(task_id, kind))


@pytest.fixture
async def chat(ground: Ground) -> Ground:
    await ground.add(task("AAAAAA"), task("BBBBBB"))
    return ground


async def test_what_is_intended_first_stands(chat: Ground) -> None:
    assert await intend(chat, POSTED) == [POSTED]
    other = replace(POSTED, place=replace(PLACE, chat_id="5"), nonce="m", about="c2", message_id="1", is_filled=True)
    assert await intend(chat, other) == [POSTED]
    assert await of_task(chat) == [POSTED]
    sent = replace(POSTED, message_id="44")
    await chat.do(lambda unit: unit.posts.placed(sent))
    assert await intend(chat, POSTED, other) == [sent, sent]


async def test_a_post_is_placed_and_filled_and_only_that_changes(chat: Ground) -> None:
    others = [replace(POSTED, part=1), replace(POSTED, kind=PostKind.CARD), replace(POSTED, task_id="BBBBBB")]
    await intend(chat, POSTED, *others)
    placed = replace(POSTED, message_id="44", is_filled=True)
    await chat.do(lambda unit: unit.posts.placed(replace(placed, nonce="x", place=replace(PLACE, chat_id="9"))))
    assert await of_task(chat) == [others[0], placed, others[1]]
    assert await of_task(chat, task_id="BBBBBB") == [others[2]]
    await chat.do(lambda unit: unit.posts.placed(POSTED))
    assert await of_task(chat, PostKind.ASK) == [others[0], POSTED]


async def test_what_was_never_intended_is_not_placed(chat: Ground) -> None:
    await chat.do(lambda unit: unit.posts.placed(replace(POSTED, message_id="44")))
    assert await of_task(chat) == []


async def test_posts_of_a_task_come_by_kind_and_part(chat: Ground) -> None:
    posts = [replace(POSTED, kind=kind, part=part) for kind in sorted(PostKind) for part in (0, 1, 2, 10, 11)]
    await intend(chat, *reversed(posts))
    assert await of_task(chat) == posts
    assert await of_task(chat, PostKind.FILE) == [one for one in posts if one.kind is PostKind.FILE]
    assert await of_task(chat, task_id="BBBBBB") == []
    for task_id in HOSTILE:
        assert await of_task(chat, task_id=task_id) == []


async def test_a_message_of_ours_is_found_where_it_is(chat: Ground) -> None:
    async def found(message_id: str = "44", **changes: Any) -> Posted | None:
        return await chat.do(lambda unit: unit.posts.find(replace(PLACE, **changes), message_id))

    sent = replace(POSTED, message_id="44")
    await intend(chat, POSTED)
    assert await found() is None
    await chat.do(lambda unit: unit.posts.placed(sent))
    assert await found() == sent
    assert [await found("45"), await found(""), await found("None")] == [None] * 3
    for changed in ({"platform": "discord"}, {"bot_id": "8"}, {"chat_id": "100"}, {"thread_id": ""}):
        assert await found(**changed) is None


async def test_what_is_forgotten_may_be_sent_anew(chat: Ground) -> None:
    await intend(chat, replace(POSTED, message_id="44"), replace(POSTED, part=3))
    await chat.do(lambda unit: unit.posts.forget("AAAAAA", PostKind.ASK, 2))
    await chat.do(lambda unit: unit.posts.forget("ZZZZZZ", PostKind.ASK, 2))
    assert await of_task(chat) == [replace(POSTED, part=3)]
    again = replace(POSTED, nonce="second")
    assert await intend(chat, again) == [again]


async def test_of_many_intentions_at_once_all_see_the_first(shared: Ground) -> None:
    await shared.add(task())
    intentions = [replace(POSTED, nonce=str(who)) for who in range(8)]
    works = [partial(lambda posted, unit: unit.posts.intend(posted), posted) for posted in intentions]
    (first,) = set(await race(shared, *works))
    assert first in intentions
    assert await of_task(shared) == [first]


async def test_an_intention_that_waited_sees_the_other(postgres: Ground) -> None:
    await postgres.add(task())
    second = replace(POSTED, nonce="second")
    assert await overlap(postgres, lambda unit: unit.posts.intend(POSTED), lambda unit: unit.posts.intend(second)) == [
        POSTED,
        POSTED,
    ]


@pytest.mark.parametrize("mention", [lambda unit: unit.posts.intend(POSTED), lambda unit: unit.offers.make(OFFER)])
async def test_what_refers_to_a_task_neither_waits_for_its_holder_nor_hides_it(postgres: Ground, mention: Any) -> None:
    """Otherwise a card that is about to be sent would hide the task from the planner until the next sweep."""
    await postgres.add(task())
    loop, other = asyncio.get_running_loop(), postgres.another()

    def meanwhile(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(other.transact(work), loop).result(PATIENCE_S)

    def mention_first(unit: Any) -> list[str]:
        mention(unit)
        return meanwhile(lambda unit: [one.id for one in unit.tasks.lock_received(START, 9)])

    def hold_first(unit: Any) -> None:
        unit.tasks.put(replace(unit.tasks.lock(["AAAAAA"])["AAAAAA"], claimed_until=START))
        assert unit.tasks.lock_received(START, 9)  # writes it
        meanwhile(lambda unit: unit.posts.intend(replace(POSTED, part=9)))
        meanwhile(lambda unit: unit.offers.make(replace(OFFER, code="c9")))

    assert await postgres.do(mention_first) == ["AAAAAA"]
    await postgres.do(hold_first)


async def test_a_task_takes_what_belongs_to_it_along(shared: Ground) -> None:
    await shared.add(task())
    await make(shared, OFFER)
    await intend(shared, POSTED)

    def drop(unit: Any) -> None:
        unit.tasks._transaction.connection.exec_driver_sql("DELETE FROM task")

    await shared.do(drop)
    assert (await find(shared), await of_task(shared)) == (None, [])


async def test_a_row_knows_whose_it_is(shared: Ground) -> None:
    await shared.add(task(scope=replace(BOB, tenant="other")))
    await make(shared, OFFER)
    await intend(shared, POSTED)

    def owners(unit: Any) -> list[tuple[str, str]]:
        rows = [select(its.c.tenant, its.c.owner) for its in (OFFER_TABLE, POST_TABLE)]
        return [tuple(unit.tasks._transaction.execute(row).one()) for row in rows]

    assert await shared.do(owners) == [("other", "console:bob")] * 2
