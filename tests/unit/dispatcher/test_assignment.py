from __future__ import annotations

from datetime import timedelta

import pytest

from dispatcher.assignment import MAX_PARAMS, MAX_SUMMARY, Agents, task_message
from dispatcher.policy import Policy
from domain import events as e
from domain.errors import Refused
from domain.growth import children
from domain.progress import run
from domain.skill import Effect, SkillSpec
from domain.task import Failure, Finding, Result
from messaging.envelope import MAX_BYTES, encode
from tests.builders import node, plan, planned, released
from tests.fakes import START
from tests.unit.dispatcher.crew import worker

POLICY = Policy()
DEPLOY, ECHO = SkillSpec(name="deploy", description=""), SkillSpec(name="echo", description="")


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


# --- what becomes of what was divided -------------------------------------------------------------------------


def unfolded(*outputs: object, **result: object):
    """A task whose map `m` over two items has brought these outputs, and whose `z` is sent next."""
    mapped = plan(node("a"), node("m", "a", name="Map", for_each="{{a.output}}"), node("z", "m"))
    task = released(done(mapped, Result(summary="s", output=["x", "y"]), "a"), "m.1", "m.2")
    for number, output in enumerate(outputs, start=1):
        brought = Result(**{"summary": f"s{number}", "output": output, **result})
        event = e.Succeeded(key=f"m.{number}", attempt=1, exec_id=None, agent="echo", result=brought, at=START)
        task = run(task, [event])[0]
    return released(task, "z")


def test_of_a_map_all_outputs_findings_and_files_are_handed_down():
    findings = (Finding(severity="low", message="m"),)
    upstream = task_message(unfolded(1, 2, findings=findings, files=("f",)), "z", POLICY, 7).content.context.upstream
    assert list(upstream) == ["m"]
    assert (upstream["m"].output, upstream["m"].files, len(upstream["m"].findings)) == ([1, 2], ["f"], 2)
    assert (upstream["m"].name, upstream["m"].state, upstream["m"].is_clipped) == ("Map", "succeeded", False)


def test_of_a_sub_plan_what_it_came_to_is_handed_down_with_what_was_said_about_it():
    task = released(planned(plan(node("a"), node("z", "a"))), "a")
    made = children(node("a"), [node("x"), node("y", "x")])
    result = Result(summary="two steps", output="not this")
    task = run(task, [e.Divided(key="a", attempt=1, exec_id=None, agent="echo", nodes=made, result=result, at=START)])[
        0
    ]
    for key, output in (("a.x", 1), ("a.y", 2)):
        done_so = Result(summary="", output=output, files=(key,))
        event = e.Succeeded(key=key, attempt=1, exec_id=None, agent="echo", result=done_so, at=START)
        task = run(released(task, key), [event])[0]
    upstream = task_message(released(task, "z"), "z", POLICY, 7).content.context.upstream["a"]
    assert (upstream.summary, upstream.output, upstream.files) == ("two steps", 2, ["a.x", "a.y"])


# --- messages that somebody can read --------------------------------------------------------------------------


def test_what_is_too_large_for_a_message_is_left_out_the_largest_first():
    the_plan = plan(node("a"), node("b"), node("c"), node("z", "a", "b", "c"))
    task = released(planned(the_plan), "a", "b", "c")
    for key, size in (("a", 200_000), ("b", 300_000), ("c", 400_000)):
        brought = Result(summary=key * 1000, output=key * size, findings=(Finding(severity="low", message="m"),))
        event = e.Succeeded(key=key, attempt=1, exec_id=None, agent="echo", result=brought, at=START)
        task = run(task, [event])[0]
    message = task_message(released(task, "z"), "z", POLICY, 7)
    upstream = message.content.context.upstream
    assert [(key, step.is_clipped) for key, step in upstream.items()] == [("a", False), ("b", False), ("c", True)]
    assert (upstream["c"].output, upstream["c"].findings, upstream["c"].summary) == (None, [], "c" * MAX_SUMMARY)
    assert (upstream["b"].output, len(upstream["b"].findings)) == ("b" * 300_000, 1)
    assert len(encode(message)) < MAX_BYTES


def test_parameters_that_no_message_can_hold_are_refused():
    the_plan = plan(node("a"), node("z", "a", params={"all": "{{a.output}}"}))
    task = released(done(the_plan, Result(summary="", output="x" * MAX_PARAMS), "a"), "z")
    with pytest.raises(Refused) as refused:
        task_message(task, "z", POLICY, 7)
    assert refused.value.key == "failure.params_too_large"


def test_a_part_of_what_is_too_large_can_still_be_referred_to():
    the_plan = plan(node("a"), node("z", "a", params={"one": "{{a.output.rows[1]}}"}))
    big = {"rows": ["x" * 900_000, "small"]}
    task = released(done(the_plan, Result(summary="", output=big), "a"), "z")
    content = task_message(task, "z", POLICY, 7).content
    assert content.params == {"one": "small"}
    assert content.context.upstream["a"].is_clipped


def test_whatever_an_agent_returned_its_size_can_be_told():
    odd = {"half": "\ud83d", "huge": 10**400, "nan": float("nan"), "deep": [[[[]]]]}
    the_plan = plan(node("a"), node("z", "a", params={"all": "{{a.output}}"}))
    task = released(done(the_plan, Result(summary="\ud83d", output=odd), "a"), "z")
    assert encode(task_message(task, "z", POLICY, 7))
