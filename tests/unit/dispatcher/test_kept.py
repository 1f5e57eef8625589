"""Results that are used again: when, for whom, for how long, and what that looks like afterwards."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from dispatcher import kept
from dispatcher.assignment import Agents
from dispatcher.policy import Policy
from domain.agents import Worker
from domain.model import Purpose, Usage
from domain.release import Window
from domain.skill import Effect, SkillSpec
from domain.task import Result, Scope, SubtaskState, Task
from storage import SqlStore
from tests.builders import SCOPE, node, plan, planned
from tests.fakes import START
from tests.unit.dispatcher.crew import worker
from tests.unit.dispatcher.turns import failed, keep, report, sent, stored, succeeded, take

PURE = SkillSpec(name="pure", description="counts words", cache_s=60)
BOB = Scope(tenant="main", owner="console:bob")


def crew(spec: SkillSpec = PURE) -> Agents:
    return Agents.of([worker("echo", spec, SkillSpec(name="echo", description=""))], START, [])


def pure(key: str, *dependencies: str, **changes: Any):
    return node(key, *dependencies, **{"skill": "pure", "cache_s": 60, "params": {"text": "t"}, **changes})


async def run_once(store: SqlStore, task: Task, **result: Any) -> None:
    """Have the task's `a` done by an agent."""
    await keep(store, task)
    assert sent(await take(store, agents=crew())) == [f"{task.id}.a"]
    await take(store, report(succeeded("a", **{"output": 7, **result}), task_id=task.id), agents=crew())


async def again(store: SqlStore, task: Task, *, agents: Agents | None = None, at_s: float = 1) -> list[str]:
    """What is sent for another task."""
    await keep(store, task)
    return sent(await take(store, agents=agents or crew(), at_s=at_s))


async def test_a_kept_result_ends_a_subtask_without_a_message(store):
    await run_once(store, planned(plan(pure("a")), "AAAAAA", request="first"))
    await keep(store, planned(plan(pure("a")), "BBBBBB", request="second"))
    decided = await take(store, agents=crew(), at_s=1)
    assert (decided.messages, decided.settled, decided.changed) == ([], ["BBBBBB"], ["BBBBBB"])
    sub = (await stored(store, "BBBBBB")).subtasks["a"]
    assert (sub.state, sub.agent, sub.attempt) == (SubtaskState.SUCCEEDED, "cache", 1)
    assert sub.result == Result(summary="ok", output=7)
    (attempt,) = await store.transact(lambda uow: uow.tasks.attempts("BBBBBB"))
    assert (attempt.agent, attempt.skill, attempt.outcome) == ("cache", "pure", "succeeded")


async def test_what_it_makes_ready_follows_in_the_same_turn(store):
    await run_once(store, planned(plan(pure("a"))))
    await keep(store, planned(plan(pure("a"), node("b", "a"), pure("c", "b")), "BBBBBB"))
    assert sent(await take(store, agents=crew())) == ["BBBBBB.b"]


async def test_a_whole_chain_of_kept_results_is_one_turn(store):
    chain = plan(pure("a"), pure("b", "a", params={"text": "{{a.output}}"}))
    await run_once(store, planned(chain))
    await take(store, report(succeeded("b", output=8)), agents=crew())
    await keep(store, planned(chain, "BBBBBB"))
    decided = await take(store, agents=crew())
    assert (decided.messages, decided.settled) == ([], ["BBBBBB"])
    assert (await stored(store, "BBBBBB")).subtasks["b"].result == Result(summary="ok", output=8)


async def test_a_hit_is_in_the_books_under_the_model_that_made_it_and_free(store):
    usage = (Usage(model="m", prompt_tokens=10, cost=0.5),)
    await run_once(store, planned(plan(pure("a"))), usage=usage)
    await again(store, planned(plan(pure("a")), "BBBBBB"))
    (booked,) = await store.transact(lambda uow: uow.calls.spent_on(SCOPE, "BBBBBB"))
    assert (booked.purpose, booked.model, booked.calls, booked.hits, booked.cost) == (Purpose.AGENT, "m", 0, 1, 0.0)
    measured = await store.transact(lambda uow: uow.tasks.measured(START - timedelta(hours=1)))
    assert measured["pure"].attempts == 1  # nobody worked the second time


@pytest.mark.parametrize(
    "other",
    [
        {"scope": BOB},
        {"scope": replace(SCOPE, tenant="other")},
        {"language": "zh"},
        {"is_fresh": True},
        {"the_plan": plan(pure("a", params={"text": "other"}))},
        {"the_plan": plan(pure("a", skill="echo"))},
        {"the_plan": plan(pure("a", cache_s=0))},
        {"the_plan": plan(pure("a", effect=Effect.IDEMPOTENT))},
    ],
    ids=lambda other: "-".join(str(value)[-30:] for value in other.values()),
)
async def test_another_owner_language_parameter_or_wish_is_another_result(store, other: dict[str, Any]):
    await run_once(store, planned(plan(pure("a"))))
    changed = {**other}
    task = planned(changed.pop("the_plan", plan(pure("a"))), "BBBBBB", **changed)
    assert await again(store, task) == ["BBBBBB.a"]


async def test_what_needs_a_person_is_never_taken_from_before(store):
    await run_once(store, planned(plan(pure("a"))))
    assert await again(store, planned(plan(pure("a", approval=True)), "BBBBBB")) == []
    assert (await stored(store, "BBBBBB")).subtasks["a"].state is SubtaskState.READY


async def test_what_came_before_it_is_part_of_the_question(store):
    def task(name: str) -> Task:
        return planned(plan(node("x"), pure("a", "x")), name)

    async def run_with(name: str, output: str) -> list[str]:
        await keep(store, task(name))
        assert sent(await take(store, agents=crew())) == [f"{name}.x"]
        return sent(await take(store, report(succeeded("x", output=output), task_id=name), agents=crew()))

    assert await run_with("AAAAAA", "one") == ["AAAAAA.a"]
    await take(store, report(succeeded("a")), agents=crew())
    assert await run_with("BBBBBB", "two") == ["BBBBBB.a"]
    assert await run_with("CCCCCC", "one") == []


async def test_it_is_used_as_long_as_its_skill_says(store):
    await run_once(store, planned(plan(pure("a"))))
    assert await again(store, planned(plan(pure("a")), "BBBBBB"), at_s=59.9) == []
    assert await again(store, planned(plan(pure("a")), "CCCCCC"), at_s=60) == ["CCCCCC.a"]


@pytest.mark.parametrize("change", [{"description": "counts letters"}, {"output_schema": {"type": "object"}}])
async def test_a_skill_that_is_announced_otherwise_is_another_one(store, change: dict[str, Any]):
    await run_once(store, planned(plan(pure("a"))))
    task = planned(plan(pure("a")), "BBBBBB")
    assert await again(store, task, agents=crew(replace(PURE, **change))) == ["BBBBBB.a"]


async def test_a_skill_nobody_alive_announces_has_no_kept_results(store):
    await run_once(store, planned(plan(pure("a"))))
    silent: Worker = worker("echo", PURE, seen_s=-100)
    task = planned(plan(pure("a")), "BBBBBB")
    assert await again(store, task, agents=Agents.of([silent], START, [])) == ["BBBBBB.a"]


async def test_a_fresh_result_takes_the_place_of_the_old(store):
    await run_once(store, planned(plan(pure("a"))), output="old")
    await run_once(store, planned(plan(pure("a")), "BBBBBB", is_fresh=True), output="new")
    await again(store, planned(plan(pure("a")), "CCCCCC"))
    result = (await stored(store, "CCCCCC")).subtasks["a"].result
    assert result is not None
    assert result.output == "new"


@pytest.mark.parametrize(
    "result",
    [{"files": ("r.md",)}, {"output": "x" * kept.MAX_TEXT}, {"output": "half \ud83d"}],
    ids=["files", "large", "unwritable"],
)
async def test_what_may_be_gone_or_cannot_be_written_is_not_kept(store, result: dict[str, Any]):
    await run_once(store, planned(plan(pure("a"))), **result)
    assert await again(store, planned(plan(pure("a")), "BBBBBB")) == ["BBBBBB.a"]


async def test_failures_and_late_results_are_not_kept(store):
    await keep(store, planned(plan(pure("a", max_attempts=1), pure("b", params={"text": "b"}))))
    await take(store, agents=crew())
    await take(store, report(failed("a"), succeeded("b", attempt=9)), agents=crew())
    task = planned(plan(pure("a"), pure("b", params={"text": "b"})), "BBBBBB")
    assert await again(store, task) == ["BBBBBB.a", "BBBBBB.b"]


async def test_a_kept_text_of_another_version_is_passed_over(store):
    await run_once(store, planned(plan(pure("a"))))

    def spoil(uow: Any) -> None:
        key = kept.KeptResults(uow.cache, crew(), START)._key(planned(plan(pure("a"))), pure("a"))
        assert key is not None
        assert uow.cache.get(SCOPE, key, START)
        uow.cache.put(SCOPE, key, "result", '{"gone": 1}', START + timedelta(days=1))

    await store.transact(spoil)
    assert await again(store, planned(plan(pure("a")), "BBBBBB")) == ["BBBBBB.a"]


async def test_the_agent_of_such_a_skill_is_told_nothing_its_key_does_not_hold(store):
    """The request is not in the key: the next time it is another one."""
    await keep(store, planned(plan(pure("a"), node("b")), request="the request"))
    decided = await take(store, agents=crew())
    requests = {message.task_id: message.content.context.request for message in decided.messages}
    assert requests == {"AAAAAA.a": "", "AAAAAA.b": "the request"}


async def test_kept_results_take_no_place_in_the_window(store):
    await run_once(store, planned(plan(pure("a"))))
    wide = plan(*(pure(f"n{number}") for number in range(10)))
    await keep(store, planned(wide, "BBBBBB"))
    decided = await take(store, agents=crew(), policy=Policy(window=Window(per_task=2, total=2)))
    assert (decided.messages, decided.settled) == ([], ["BBBBBB"])
