from __future__ import annotations

from datetime import timedelta

import pytest

from dispatcher.assignment import Agents, task_message
from dispatcher.policy import Policy
from domain import events as e
from domain.agents import Worker
from domain.errors import Refused
from domain.progress import run
from domain.skill import Effect, SkillSpec
from domain.task import Failure, Finding, Result
from tests.builders import node, plan, planned, released
from tests.fakes import START

POLICY = Policy()
DEPLOY, ECHO = SkillSpec(name="deploy", description=""), SkillSpec(name="echo", description="")


def worker(agent: str, *skills: SkillSpec, seen_s: float = 0.0) -> Worker:
    return Worker(
        agent=agent, worker=f"{agent}-1", incarnation="i", slots=1, skills=skills, status="idle", current_task=None,
        last_seen=START + timedelta(seconds=seen_s),
    )  # fmt: skip


def test_the_living_are_asked_first():
    agents = Agents.of([worker("old", ECHO, seen_s=-100), worker("new", ECHO)], START, [])
    assert {agents.choose(node("x", skill="echo"), chance) for chance in range(4)} == {"new"}
    assert agents.names == {"old", "new"}


def test_chance_picks_among_the_living():
    agents = Agents.of([worker("a", ECHO), worker("b", ECHO)], START, [])
    assert [agents.choose(node("x", skill="echo"), chance) for chance in range(3)] == ["a", "b", "a"]


def test_a_silent_agent_still_has_a_queue():
    agents = Agents.of([worker("old", ECHO, seen_s=-100)], START, [])
    assert agents.choose(node("x", skill="echo"), 0) == "old"


def test_configuration_vouches_for_listeners_that_announce_nothing():
    configured = [("yunce", DEPLOY)]
    assert Agents.of([], START, configured).choose(node("x", skill="deploy"), 0) == "yunce"
    assert Agents.of([worker("yunce")], START, configured).alive == {"deploy": ("yunce",)}


def test_an_effect_waits_for_the_one_that_can_claim_it_whoever_else_is_alive():
    deploy = node("x", skill="deploy", effect=Effect.EXTERNAL)
    workers = [worker("echo", ECHO), worker("ops", DEPLOY, seen_s=-100), worker("yunce")]
    assert Agents.of(workers, START, [("yunce", DEPLOY)]).choose(deploy, 0) == "ops"
    assert Agents.of([worker("yunce")], START, [("yunce", DEPLOY)]).choose(deploy, 0) is None


def test_nobody_offers_it():
    assert Agents.of([worker("a", ECHO)], START, []).choose(node("x", skill="deploy"), 0) is None


def done(the_plan, result: Result, *keys: str):
    task = released(planned(the_plan), *keys)
    reports = [e.Succeeded(key=key, attempt=1, exec_id=None, agent="echo", result=result, at=START) for key in keys]
    return run(task, reports)[0]


def test_references_are_filled_in_and_upstream_handed_down():
    the_plan = plan(
        node("a", name="Look"), node("b", "a", params={"n": "{{a.output.rows}}", "t": "saw {{a.output.rows}}"})
    )
    result = Result(
        summary="5 rows", output={"rows": 5}, findings=(Finding(severity="low", message="m"),), files=("f",)
    )
    task = released(done(the_plan, result, "a"), "b")
    message = task_message(task, "b", POLICY, 7)
    assert message.content.params == {"n": 5, "t": "saw 5"}
    upstream = message.content.context.upstream["a"]
    assert (upstream.summary, upstream.output, upstream.name, upstream.files) == ("5 rows", {"rows": 5}, "Look", ["f"])
    assert upstream.findings == [{"severity": "low", "message": "m", "where": ""}]


def test_the_envelope_says_which_attempt_and_how_long():
    task = released(planned(plan(node("a", timeout_s=9, max_attempts=4))), "a")
    about = task_message(task, "a", POLICY, 7).metadata
    assert (about.attempt, about.retry_count, about.max_retries, about.timeout_s) == (1, 0, 3, 9)
    assert about.expire_at - about.created_at == timedelta(seconds=POLICY.dispatch_ttl_s)
    assert about.traceparent == f"00-{task.trace_id}-0000000000000007-01"


def test_no_message_outlives_its_task():
    task = released(planned(plan(node("a")), deadline_at=START + timedelta(seconds=20)), "a")
    about = task_message(task, "a", POLICY, 7).metadata
    assert about.expire_at == START + timedelta(seconds=20)


def test_the_same_attempt_makes_the_same_message():
    task = released(planned(plan(node("a"))), "a")
    assert task_message(task, "a", POLICY, 7) == task_message(task, "a", POLICY, 7)


def test_a_reference_into_nothing_is_refused():
    the_plan = plan(node("a"), node("b", "a", params={"n": "{{a.output.nope}}"}))
    task = released(done(the_plan, Result(summary="", output={}), "a"), "b")
    with pytest.raises(Refused) as refused:
        task_message(task, "b", POLICY, 7)
    assert refused.value.key == "failure.bad_reference"


def test_what_failed_upstream_is_said():
    the_plan = plan(node("a", max_attempts=1), node("b", "a", when="any_failed"))
    task = released(planned(the_plan), "a")
    failure = Failure(code="crashed")
    failed = e.Failed(key="a", attempt=1, exec_id=None, agent="echo", failure=failure, at=START, jitter=0)
    task = released(run(task, [failed])[0], "b")
    upstream = task_message(task, "b", POLICY, 7).content.context.upstream["a"]
    assert (upstream.state, upstream.error, upstream.output) == ("failed", "crashed", None)
