"""Plans that grow: while they are written, by lists, by sub-plans, by rounds; what was asked and answered meanwhile."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from domain import events as e
from domain.answer import Answer, Author
from domain.growth import children
from domain.plan import Condition, Op, Plan, Repair
from domain.ports import UnitOfWork
from domain.skill import Effect
from domain.task import Exchange, Failure, Result, SubtaskState, Task, TaskState
from storage.engines import open_engine, read_url
from storage.tables import SUBTASK
from tests.builders import SCOPE, chain, node, plan, planned, released, task
from tests.contract.stores import Ground
from tests.fakes import START

FAR = START + timedelta(days=1)
CLAIM = e.PlanningStarted(until=FAR, by="p1")


def grew(*keys: str) -> e.PlanGrew:
    return e.PlanGrew(nodes=tuple(node(key) for key in keys), author="m", at=START, by="p1")


def done(key: str, output: Any = None) -> e.Succeeded:
    result = Result(summary="s", output=output)
    return e.Succeeded(key=key, attempt=1, exec_id=None, agent="echo", result=result, at=START)


def sent(*keys: str) -> list[e.Event]:
    return [e.Released(key=key, agent="echo", at=START, due_at=FAR) for key in keys]


async def reread(ground: Ground) -> Task:
    """The task as a process reads it that has never seen it."""
    found = await ground.another().transact(lambda unit: unit.tasks.peek("AAAAAA"))
    assert found is not None
    return found


async def places(ground: Ground) -> list[tuple[int, str]]:
    """The subtask rows, as the database says."""
    engine = open_engine(read_url(ground.url))
    with engine.connect() as connection:
        rows = connection.execute(select(SUBTASK.c.position, SUBTASK.c.key).order_by(SUBTASK.c.position))
        found = [(row.position, row.key) for row in rows]
    engine.dispose()
    return found


async def test_every_field_of_a_task_comes_back(shared: Ground) -> None:
    odd = replace(
        task(
            is_fresh=True,
            question="which\x00?",
            dialogue=(Exchange(said="a", reply="b\x00"), Exchange(said="", reply="")),
        ),
        claimed_by="p\x00",
        claimed_until=FAR,
    )
    clean = replace(
        odd,
        question="which\ufffd?",
        dialogue=(Exchange(said="a", reply="b\x00"), Exchange(said="", reply="")),
        claimed_by="p\ufffd",
    )
    await shared.add(odd)
    assert await reread(shared) == clean
    put = await shared.do(
        lambda unit: unit.tasks.put(
            replace(unit.tasks.lock(["AAAAAA"])["AAAAAA"], question=None, dialogue=(), claimed_by="p2")
        )
    )
    assert await reread(shared) == put


async def test_every_field_of_a_plan_comes_back(shared: Ground) -> None:
    rich = node(
        "a",
        condition=Condition(ref="{{x.output.n}}", op=Op.GE, value=[1, None]),
        approval=True,
        for_each="{{x.output}}",
        item=3,
        parent="x",
        round=2,
        effect=Effect.IDEMPOTENT,
        cache_s=0.5,
    )
    grown: Plan = plan(
        node("x"),
        rich,
        question="q",
        repairs=(Repair(kind="cut", subtask="a", before="b", after="c", reason="d"),),
        rounds_left=1,
        misses=("", "why"),
        max_nodes=7,
    )
    await shared.add(replace(planned(chain("x", "a")), plan=grown))
    assert (await reread(shared)).plan == grown


async def test_nodes_that_arrive_are_added_behind_those_that_run(shared: Ground) -> None:
    await shared.add(task())
    await shared.happens("AAAAAA", CLAIM, grew("z"))
    await shared.happens("AAAAAA", *sent("z"))
    await shared.happens("AAAAAA", grew("c", "a"))
    assert await places(shared) == [(0, "z"), (1, "c"), (2, "a")]
    known = await shared.happens("AAAAAA", done("z", 1))
    whole = plan(node("a"), node("c"), node("b", "z"), node("z"))
    put = await shared.happens("AAAAAA", e.Planned(plan=whole, at=START, by="p1"))
    assert put.subtasks["z"] == known.subtasks["z"]
    assert put.subtasks["b"].state is SubtaskState.READY
    assert await places(shared) == [(0, "z"), (1, "c"), (2, "a"), (3, "b")]
    assert await reread(shared) == put
    assert await shared.do(lambda unit: unit.tasks.peek("AAAAAA")) == put


async def test_the_children_of_a_list_are_rows_like_any(shared: Ground) -> None:
    await shared.add(
        planned(plan(node("a"), node("m", "a", for_each="{{a.output}}", params={"t": "{{item}}"}), node("z", "m")))
    )
    await shared.happens("AAAAAA", *sent("a"))
    put = await shared.happens("AAAAAA", done("a", ["x", "y"]))
    assert [(sub.key, sub.state) for sub in put.subtasks.values() if sub.key.startswith("m.")] == [
        ("m.1", SubtaskState.READY),
        ("m.2", SubtaskState.READY),
    ]
    assert await reread(shared) == put
    assert [key for _, key in await places(shared)] == ["a", "m", "z", "m.1", "m.2"]
    await shared.happens("AAAAAA", *sent("m.1", "m.2"))
    put = await shared.happens("AAAAAA", done("m.1"), done("m.2"))
    assert put.subtasks["z"].state is SubtaskState.READY
    assert await reread(shared) == put


async def test_a_subtask_that_was_divided_waits_for_its_children(shared: Ground) -> None:
    await shared.add(planned(chain("a", "b")))
    await shared.happens("AAAAAA", *sent("a"))
    made = children(node("a"), [node("x"), node("y", "x")])
    divided = e.Divided(
        key="a", attempt=1, exec_id=None, agent="echo", nodes=made, result=Result(summary="s"), at=START
    )
    put = await shared.happens("AAAAAA", divided)
    assert put.subtasks["a"].state is SubtaskState.PENDING
    assert await reread(shared) == put
    assert await shared.do(lambda unit: [one.id for one in unit.tasks.lock_ready(START, 9)]) == ["AAAAAA"]
    assert [(attempt.key, attempt.skill) for attempt in await attempts(shared)] == [("a", "echo")]


async def attempts(ground: Ground) -> list[Any]:
    return await ground.do(lambda unit: unit.tasks.attempts("AAAAAA"))


async def test_what_grew_in_another_process_is_seen_by_one_that_knew_the_shorter_plan(shared: Ground) -> None:
    other = shared.another()
    await shared.add(task())
    await shared.happens("AAAAAA", CLAIM, grew("a"))
    assert await other.transact(lambda unit: unit.tasks.peek("AAAAAA"))
    put = await shared.happens("AAAAAA", grew("b"), *sent("a"))
    assert await other.transact(lambda unit: unit.tasks.peek("AAAAAA")) == put


async def test_what_began_while_it_is_planned_is_ready_to_be_sent_and_to_be_planned(ground: Ground) -> None:
    """The dispatcher finds the early nodes; the planner's successor finds the task once the claim is over."""
    await ground.add(task())
    grown = await ground.happens("AAAAAA", CLAIM, grew("a"))
    assert (grown.state, grown.planned_at) == (TaskState.PLANNING, None)

    def found(unit: UnitOfWork) -> list[list[str]]:
        both = (unit.tasks.lock_ready(START, 9), unit.tasks.lock_received(FAR, 9))
        return [[one.id for one in tasks] for tasks in both]

    assert await ground.do(found) == [["AAAAAA"], ["AAAAAA"]]
    await ground.happens("AAAAAA", *sent("a"))
    assert await ground.do(found) == [[], ["AAAAAA"]]
    await ground.happens("AAAAAA", done("a"))  # all there is has ended, and still it is not settled
    assert await ground.do(found) == [[], ["AAAAAA"]]
    await ground.happens("AAAAAA", e.Planned(plan=chain("a"), at=START, by="p1"))
    assert await ground.do(found) == [[], []]
    assert await ground.do(lambda unit: [one.id for one in unit.tasks.lock_settled(START, 9)]) == ["AAAAAA"]


async def test_what_began_before_the_question_goes_on_while_its_person_thinks(ground: Ground) -> None:
    await ground.add(task())
    asked = await ground.happens("AAAAAA", CLAIM, grew("a"), e.QuestionAsked(question="?", at=START, by="p1"))
    assert asked.state is TaskState.WAITING
    assert await ground.do(lambda unit: [one.id for one in unit.tasks.lock_ready(START, 9)]) == ["AAAAAA"]
    assert await ground.do(lambda unit: unit.tasks.lock_received(FAR, 9)) == []


async def test_a_task_with_something_approved_and_something_not_is_seen(ground: Ground) -> None:
    mixed = planned(plan(node("a", approval=True), node("b")))
    assert mixed.state is TaskState.RUNNING
    await ground.add(mixed)
    assert await ground.do(lambda unit: [one.id for one in unit.tasks.lock_ready(START, 9)]) == ["AAAAAA"]
    await ground.happens("AAAAAA", *sent("b"))
    await ground.happens("AAAAAA", done("b"))
    assert await ground.do(lambda unit: unit.tasks.lock_ready(START, 9)) == []


async def test_a_lost_critical_subtask_brings_the_task_back_to_its_planner(shared: Ground) -> None:
    await shared.add(released(planned(plan(node("a", critical=True), rounds_left=1)), "a"))
    lost = e.Failed(key="a", attempt=1, exec_id=None, agent="echo", failure=Failure(code="x"), at=START, jitter=0.0)
    put = await shared.happens("AAAAAA", lost)
    assert put.state is TaskState.PLANNING
    assert await reread(shared) == put
    assert await shared.do(lambda unit: [one.id for one in unit.tasks.lock_received(START, 9)]) == ["AAAAAA"]
    claim = e.PlanningStarted(until=FAR, by="p2")
    put = await shared.happens("AAAAAA", claim, e.Planned(plan=chain("b"), at=START, by="p2"))
    assert await reread(shared) == put
    assert await places(shared) == [(0, "a"), (1, "b")]


async def test_an_answer_is_judged_and_the_round_after_it_begins_from_a_settled_task(shared: Ground) -> None:
    await shared.add(released(planned(plan(node("a"), rounds_left=1)), "a"))
    await shared.happens("AAAAAA", done("a"))
    put = await shared.happens("AAAAAA", e.Dissatisfied(why="thin", at=START))
    assert (put.state, put.settled_at) == (TaskState.PLANNING, None)
    assert await reread(shared) == put

    def found(unit: UnitOfWork) -> list[int]:
        return [len(unit.tasks.lock_received(START, 9)), len(unit.tasks.lock_settled(START, 9))]

    assert await shared.do(found) == [1, 0]


async def test_a_question_is_asked_and_answered(ground: Ground) -> None:
    await ground.add(task())
    await ground.happens("AAAAAA", CLAIM, e.QuestionAsked(question="which?", at=START, by="p1"))
    assert await ground.do(lambda unit: unit.tasks.asking(SCOPE, task().route)) == "AAAAAA"
    assert await ground.do(lambda unit: unit.tasks.lock_received(FAR, 9)) == []
    put = await ground.happens("AAAAAA", e.QuestionAnswered(reply="this", at=START))
    assert put.dialogue == (Exchange(said="which?", reply="this"),)
    assert await ground.do(lambda unit: unit.tasks.asking(SCOPE, task().route)) is None
    assert await ground.do(lambda unit: unit.tasks.lock_received(START, 9)) == [put]


@pytest.mark.parametrize("ending", [e.CancelRequested(at=START), e.DeadlinePassed(at=FAR)])
async def test_a_question_nobody_answers_ends_with_its_task(ground: Ground, ending: e.Event) -> None:
    await ground.add(task())
    await ground.happens("AAAAAA", CLAIM, e.QuestionAsked(question="which?", at=START, by="p1"))
    await ground.happens("AAAAAA", ending)
    assert await ground.do(lambda unit: unit.tasks.asking(SCOPE, task().route)) is None
    await ground.happens("AAAAAA", e.Answered(answer=Answer(statements=(), author=Author.RULES), at=START))
    assert await ground.do(lambda unit: unit.tasks.asking(SCOPE, task().route)) is None
