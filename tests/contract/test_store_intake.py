"""Requests as they come in: their place, their words and files, what was said; who waits, and behind how many."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from sqlalchemy import event, select

from domain import events as e
from domain.answer import Answer, Author
from domain.people import Load
from domain.plan import Plan
from domain.task import FINAL_TASK, Place, Route, Scope, Task, TaskState, Upload, UploadState
from storage.tables import INBOX
from tests.builders import ROUTE, SCOPE, chain, planned, task
from tests.contract.stores import Ground, overlap, race
from tests.fakes import START

SECOND = timedelta(seconds=1)
MOMENT = timedelta(microseconds=1)
FAR = START + timedelta(days=1)
BOB = Scope(tenant="main", owner="console:bob")
ELSEWHERE = replace(SCOPE, tenant="other")
TOPIC = Route(platform="telegram", bot_id="7", chat_id="-100", thread_id="12", reply_to="3", is_group=True)
FILE = Upload(ref="r1", name="报告.pdf", bytes=7, path="in/报告.pdf")
THERE = replace(FILE, state=UploadState.THERE)
ANSWER = Answer(statements=(), author=Author.RULES)


def at(seconds: float) -> datetime:
    return START + seconds * SECOND


async def reread(ground: Ground, task_id: str = "AAAAAA") -> Task | None:
    """The task as a process reads it that has never seen it."""
    return await ground.another().transact(lambda unit: unit.tasks.peek(task_id))


# --- place, words, files --------------------------------------------------------------------------------------


@pytest.mark.parametrize("route", [TOPIC, replace(TOPIC, thread_id="", is_group=False), replace(TOPIC, reply_to="")])
async def test_a_task_keeps_its_whole_route(shared: Ground, route: Route) -> None:
    await shared.add(task(route=route))
    assert await reread(shared) == task(route=route)


async def test_a_tasks_files_come_back(shared: Ground) -> None:
    many = tuple(
        Upload(ref=f"r{n}", name=f"{n}", bytes=n, path=f"in/{n}", state=state) for n, state in enumerate(UploadState)
    )
    await shared.add(task(uploads=many))
    assert await reread(shared) == task(uploads=many)


async def test_a_request_may_be_reworded_until_it_begins(shared: Ground) -> None:
    await shared.add(task())
    reworded = e.Reworded(request="别的", language="zh", uploads=(FILE,), until=at(5))
    put = await shared.happens("AAAAAA", reworded)
    assert (put.request, put.language, put.uploads, put.version) == ("别的", "zh", (FILE,), 1)
    assert await reread(shared) == put
    put = await shared.happens("AAAAAA", e.Fetched(uploads=(THERE,)))
    assert (put.uploads, put.claimed_until) == ((THERE,), None)
    assert await reread(shared) == put
    put = await shared.happens("AAAAAA", replace(reworded, request="do it", uploads=()))
    assert await reread(shared) == put


async def test_words_change_with_everything_else_in_one_turn(shared: Ground) -> None:
    """As when the last file comes in while other tasks of the batch go on."""
    await shared.add(task(uploads=(FILE,)), task("BBBBBB"), planned(chain("a"), "CCCCCC"))

    def turn(unit: Any) -> list[Task]:
        held = unit.tasks.lock(["AAAAAA", "BBBBBB", "CCCCCC"])
        held = {task_id: unit.tasks.put(replace(one, claimed_until=FAR)) for task_id, one in held.items()}
        words = {"AAAAAA": {"uploads": (THERE,)}, "CCCCCC": {"request": "new\x00", "language": "zh"}}
        return [unit.tasks.put(replace(held[task_id], **changed)) for task_id, changed in words.items()]

    one, three = await shared.do(turn)
    assert await reread(shared) == one
    assert await reread(shared, "CCCCCC") == replace(three, request="new\ufffd")
    assert (await reread(shared, "BBBBBB")) == replace(task("BBBBBB"), claimed_until=FAR, version=1)


async def test_words_are_written_only_when_they_change(ground: Ground) -> None:
    await ground.add(task(uploads=(FILE,)))
    written: list[str] = []

    def listen(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        written.append(statement)

    event.listen(ground.store._engine, "before_cursor_execute", listen)
    await ground.happens("AAAAAA", e.Planned(plan=chain("a"), at=START))
    await ground.happens("AAAAAA", e.Released(key="a", agent="echo", at=START, due_at=FAR))
    assert not [statement for statement in written if "UPDATE" in statement and "uploads" in statement]
    await ground.do(lambda unit: unit.tasks.put(replace(unit.tasks.lock(["AAAAAA"])["AAAAAA"], uploads=(THERE,))))
    assert len([statement for statement in written if "UPDATE" in statement and "uploads" in statement]) == 1
    event.remove(ground.store._engine, "before_cursor_execute", listen)


async def test_a_change_of_words_that_lost_a_race_is_not_kept(postgres: Ground) -> None:
    await postgres.add(task())

    def reword(words: str) -> Any:
        return lambda unit: unit.tasks.put(replace(unit.tasks.lock(["AAAAAA"])["AAAAAA"], request=words))

    first, second = await overlap(postgres, reword("one"), reword("two"))
    assert (first.version, second.version) == (1, 2)
    assert await reread(postgres) == second


# --- a thread is a conversation of its own --------------------------------------------------------------------


async def test_a_question_is_asked_in_one_thread(ground: Ground) -> None:
    waiting = {"state": TaskState.WAITING, "question": "which?"}
    await ground.add(task("AAAAAA", route=TOPIC, **waiting), task("BBBBBB", **waiting))

    async def asking(route: Route) -> str | None:
        return await ground.do(lambda unit: unit.tasks.asking(SCOPE, route))

    assert await asking(replace(TOPIC, reply_to="99", is_group=False)) == "AAAAAA"
    assert [await asking(replace(TOPIC, thread_id=other)) for other in ("", "13")] == [None, None]
    assert await asking(ROUTE) == "BBBBBB"
    assert await asking(replace(ROUTE, thread_id="12")) is None


async def test_a_conversation_stays_in_its_thread(ground: Ground) -> None:
    for name, route in (
        ("AAAAAA", TOPIC),
        ("BBBBBB", replace(TOPIC, thread_id="13")),
        ("CCCCCC", replace(TOPIC, bot_id="8")),
    ):
        await ground.add(
            task(name, route=route, request=name, answer=ANSWER, state=TaskState.ANSWERED, answered_at=START)
        )

    async def said(route: Route) -> list[str]:
        now = task("ZZZZZZ", route=route, created_at=at(9))
        return sorted(one.said for one in await ground.do(lambda unit: unit.tasks.conversation(now, START, 9)))

    assert await said(replace(TOPIC, reply_to="77", is_group=False)) == ["AAAAAA", "CCCCCC"]
    assert await said(replace(TOPIC, thread_id="13")) == ["BBBBBB"]
    assert await said(replace(TOPIC, thread_id="")) == []


# --- lists ----------------------------------------------------------------------------------------------------


async def test_a_list_goes_on_where_the_page_before_ended(ground: Ground) -> None:
    names = [f"AAAA{place:02d}" for place in range(7)]
    await ground.add(*(task(name, created_at=at(place)) for place, name in enumerate(names)), task("BBBBBB", scope=BOB))

    async def page(scope: Scope | None, limit: int, offset: int) -> list[str]:
        return [line.id for line in await ground.do(lambda unit: unit.tasks.recent(scope, limit, offset))]

    assert [await page(SCOPE, 3, offset) for offset in (0, 3, 6, 9)] == [names[:3:-1], names[3:0:-1], names[:1], []]
    assert await page(None, 9, 6) == ["BBBBBB", names[0]]  # both came at once


async def test_a_list_may_be_of_some_states_only(ground: Ground) -> None:
    await ground.add(
        *(task(state[:6].upper(), state=state, created_at=at(place)) for place, state in enumerate(TaskState))
    )

    async def those(states: Collection[TaskState], offset: int = 0) -> list[str]:
        return [line.state for line in await ground.do(lambda unit: unit.tasks.recent(SCOPE, 9, offset, states))]

    newest_first = list(TaskState)[::-1]
    assert await those([]) == newest_first
    assert await those(FINAL_TASK) == [state for state in newest_first if state in FINAL_TASK]
    assert await those(FINAL_TASK, 1) == [state for state in newest_first if state in FINAL_TASK][1:]
    assert await those((TaskState.WAITING,)) == [TaskState.WAITING]
    assert await ground.do(lambda unit: unit.tasks.recent(BOB, 9, 0, FINAL_TASK)) == []


# --- how much somebody asks for -------------------------------------------------------------------------------


async def test_the_load_of_a_user_is_what_is_open_and_what_came_since(ground: Ground) -> None:
    async def load(since: datetime, scope: Scope = SCOPE) -> Load:
        return await ground.do(lambda unit: unit.tasks.load(scope, since))

    assert await load(START) == Load(open=0, received=0, oldest_at=None)
    over = {"answered_at": START, "settled_at": START, "answer": ANSWER}
    await ground.add(
        *(task(state[:6].upper(), state=state, created_at=at(0)) for state in TaskState if state not in FINAL_TASK),
        *(task(f"{state[:5].upper()}9", state=state, created_at=at(5), **over) for state in sorted(FINAL_TASK)),
        task("OTHERS", scope=BOB, created_at=at(7)),
        task("ABROAD", scope=ELSEWHERE, created_at=at(7)),
        task("LATEST", created_at=at(8)),
    )
    assert await load(START) == Load(open=5, received=8, oldest_at=at(0))
    assert await load(START + MOMENT) == Load(open=5, received=4, oldest_at=at(5))
    assert await load(at(8)) == Load(open=5, received=1, oldest_at=at(8))
    assert await load(at(8) + MOMENT) == Load(open=5, received=0, oldest_at=None)
    assert await load(START, BOB) == Load(open=1, received=1, oldest_at=at(7))


async def test_an_answered_task_is_no_load_any_more(ground: Ground) -> None:
    await ground.add(task())
    await ground.happens("AAAAAA", e.CancelRequested(at=START))
    assert (await ground.do(lambda unit: unit.tasks.load(SCOPE, FAR))).open == 1
    await ground.happens("AAAAAA", e.Answered(answer=ANSWER, at=START))
    assert (await ground.do(lambda unit: unit.tasks.load(SCOPE, FAR))).open == 0


# --- what more may be added to --------------------------------------------------------------------------------


async def gathering(
    ground: Ground, place: Place = TOPIC.place, now: datetime = START, scope: Scope = SCOPE
) -> str | None:
    return await ground.do(lambda unit: unit.tasks.gathering(scope, place, now))


async def test_the_newest_task_that_is_held_for_more_gathers(ground: Ground) -> None:
    held = {"route": TOPIC, "claimed_until": at(2)}
    await ground.add(
        task("AAAAAA", **held),
        task("BBBBBB", **held, created_at=at(1)),
        task("CCCCCC", **{**held, "route": replace(TOPIC, thread_id="")}, created_at=at(5)),
        task("DDDDDD", **held, scope=BOB, created_at=at(5)),
        task("EEEEEE", **held, scope=ELSEWHERE, created_at=at(5)),
        task("FFFFFF", **{**held, "route": replace(TOPIC, bot_id="8")}, created_at=at(5)),
    )
    assert await gathering(ground) == "BBBBBB"
    assert await gathering(ground, now=at(2) - MOMENT) == "BBBBBB"
    assert await gathering(ground, now=at(2)) is None
    assert await gathering(ground, scope=BOB) == "DDDDDD"
    assert await gathering(ground, replace(TOPIC, thread_id="").place) == "CCCCCC"
    for changed in ({"platform": "discord"}, {"chat_id": "100"}, {"thread_id": "13"}):
        assert await gathering(ground, replace(TOPIC.place, **changed)) is None


async def test_what_was_begun_gathers_nothing(ground: Ground) -> None:
    held = {"route": TOPIC, "claimed_until": FAR}
    await ground.add(
        task("AAAAAA", route=TOPIC),
        replace(task("BBBBBB", **held), state=TaskState.PLANNING, claimed_by="p1"),
        replace(task("CCCCCC", **held), claimed_by="p1"),
        replace(task("DDDDDD", **held), plan=Plan()),
        replace(planned(chain("a"), "EEEEEE", route=TOPIC), claimed_until=FAR),
        task("FFFFFF", **held, state=TaskState.WAITING, question="which?"),
        task("GGGGGG", **held, state=TaskState.CANCELLED, answered_at=START, answer=ANSWER, settled_at=START),
        task("HHHHHH", **held, settled_at=START, cancelled_at=START),
    )
    assert await gathering(ground) is None


# --- files to fetch -------------------------------------------------------------------------------------------


async def test_tasks_with_missing_files_are_fetched_for_oldest_first(ground: Ground) -> None:
    async def fetching(limit: int = 9, platform: str = "telegram", bot_id: str = "7") -> list[str]:
        return await ground.do(lambda unit: unit.tasks.fetching(platform, bot_id, limit))

    lost = replace(FILE, ref="r2", state=UploadState.LOST)
    files = {"route": TOPIC, "uploads": (THERE, FILE)}
    await ground.add(
        task("AAAAAA", **files, created_at=at(3)),
        task("BBBBBB", **files, scope=BOB, created_at=at(1)),
        task("CCCCCC", **{**files, "uploads": (THERE, lost)}),
        task("DDDDDD", **{**files, "uploads": ()}),
        task("EEEEEE", **{**files, "route": replace(TOPIC, bot_id="8")}),
        task("FFFFFF", **files, created_at=at(2)),
    )
    assert await fetching() == ["BBBBBB", "FFFFFF", "AAAAAA"]
    assert await fetching(2) == ["BBBBBB", "FFFFFF"]
    assert [await fetching(platform="discord"), await fetching(bot_id="")] == [[], []]
    await ground.happens("BBBBBB", e.Fetched(uploads=(lost, replace(FILE, state=UploadState.LOST))))
    await ground.happens("FFFFFF", e.CancelRequested(at=START))
    assert await fetching() == ["AAAAAA"]
    await ground.happens("CCCCCC", e.Reworded(request="more", language="en", uploads=(THERE, FILE)))
    assert await fetching() == ["CCCCCC", "AAAAAA"]


# --- who is before whom ---------------------------------------------------------------------------------------


async def test_ahead_are_those_received_before_and_not_planned_yet(ground: Ground) -> None:
    async def ahead(*ids: str) -> dict[str, int]:
        return dict(await ground.do(lambda unit: unit.tasks.ahead(ids)))

    await ground.add(
        task("DDDDDD", created_at=at(4)),
        task("AAAAAA", created_at=at(1), scope=BOB),
        task("BBBBBB", created_at=at(2), state=TaskState.PLANNING, claimed_by="p1", claimed_until=FAR),
        planned(chain("a"), "CCCCCC", created_at=at(3)),
        task("EEEEEE", created_at=at(4)),
        task("FFFFFF", created_at=at(5), claimed_until=START + MOMENT),  # held back: for its files, or for more words
        task("GGGGGG", created_at=at(6), claimed_until=START),
        task("HHHHHH", created_at=at(7), settled_at=START, cancelled_at=START),
        task("JJJJJJ", created_at=at(8)),
    )
    everybody = {"AAAAAA": 0, "DDDDDD": 1, "EEEEEE": 2, "FFFFFF": 3, "GGGGGG": 3, "JJJJJJ": 4}
    assert await ahead(*"ABCDEFGHJZ") == {}
    assert await ahead(*(letter * 6 for letter in "ABCDEFGHJZ")) == everybody
    assert await ahead("JJJJJJ", "JJJJJJ", "CCCCCC") == {"JJJJJJ": 4}
    assert await ahead() == {}
    await ground.happens("AAAAAA", e.PlanningStarted(until=FAR, by="p1"))
    assert await ahead("AAAAAA", "DDDDDD") == {"DDDDDD": 0}


# --- the inbox ------------------------------------------------------------------------------------------------

KEY = ("telegram", "7", "m:-100:5")


def claimed(task_id: str, said: str = "", key: str = "m:-100:5") -> Any:
    return lambda unit: unit.inbox.claim("telegram", "7", key, task_id, said)


async def said(ground: Ground, task_id: str = "AAAAAA") -> list[str]:
    return await ground.do(lambda unit: unit.inbox.said(task_id))


async def test_an_update_is_known_once_it_was_claimed(ground: Ground) -> None:
    async def known(*key: str) -> str | None:
        return await ground.do(lambda unit: unit.inbox.known(*key))

    assert await known(*KEY) is None
    assert await ground.do(claimed("AAAAAA", "hello")) is None
    assert await known(*KEY) == "AAAAAA"
    assert await ground.do(claimed("BBBBBB", "again")) == "AAAAAA"
    assert await said(ground) == ["hello"]
    for other in (("discord", *KEY[1:]), ("telegram", "8", KEY[2]), (*KEY[:2], "m:-100:6")):
        assert await known(*other) is None


async def test_a_command_is_no_task_but_known(ground: Ground) -> None:
    assert await ground.do(claimed("", "/status")) is None
    assert await ground.do(lambda unit: unit.inbox.known(*KEY)) == ""
    assert await ground.do(claimed("AAAAAA")) == ""
    assert await said(ground, "") == []  # what other people's commands said is nobody's


async def test_what_a_task_was_told_comes_in_the_order_it_was_taken(ground: Ground) -> None:
    await ground.do(claimed("AAAAAA", "third", "m:-100:10"))
    await ground.do(claimed("AAAAAA", "second", "m:-100:9"))  # taken at the same moment
    await ground.do(claimed("AAAAAA", "first", "m:-100:8"))
    await ground.do(claimed("AAAAAA", "", "m:-100:7"))  # a picture
    await ground.do(claimed("BBBBBB", "not theirs", "m:-100:1"))
    await ground.clock.advance(1)
    await ground.do(claimed("AAAAAA", "last", "m:-100:2"))
    assert await said(ground) == ["first", "second", "third", "last"]


async def test_an_edited_update_says_something_else(ground: Ground) -> None:
    await ground.do(claimed("AAAAAA", "one"))
    await ground.do(claimed("AAAAAA", "two", "m:-100:6"))
    for words, all_words in (("另\x00\ud83d", ["另\ufffd\ufffd", "two"]), ("", ["two"]), ("one", ["one", "two"])):
        await ground.do(lambda unit, now=words: unit.inbox.reword(*KEY, now))
        assert await said(ground) == all_words
    await ground.do(lambda unit: unit.inbox.reword("telegram", "7", "m:-100:77", "nobody said it"))
    assert await said(ground) == ["one", "two"]


async def test_updates_learn_whose_they_are_whenever_the_task_is_added(ground: Ground) -> None:
    def take(unit: Any) -> None:
        for key in ("1", "2"):
            claimed("AAAAAA", "first", key)(unit)
        unit.tasks.add(task(scope=BOB))

    await ground.do(take)
    await ground.do(claimed("AAAAAA", "more", "3"))
    await ground.do(claimed("", "/help", "4"))
    by_key = select(INBOX.c.owner).order_by(INBOX.c.update_key)
    owners = await ground.do(lambda unit: list(unit.tasks._transaction.execute(by_key).scalars()))  # type: ignore[attr-defined] # in SQL
    assert owners == ["console:bob"] * 3 + [None]


async def test_of_many_claims_at_once_one_counts(shared: Ground) -> None:
    names = [f"AAAAA{who}" for who in range(8)]
    claims = await race(shared, *(partial(lambda name, unit: claimed(name, name)(unit), name) for name in names))
    winner = names[claims.index(None)]
    assert (claims.count(None), set(claims)) == (1, {None, winner})
    assert [await said(shared, name) for name in names] == [[name] if name == winner else [] for name in names]
