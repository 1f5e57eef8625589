from __future__ import annotations

from datetime import timedelta

import pytest

from dispatcher import reading
from dispatcher.policy import Policy
from domain import events as e
from domain.ids import SubtaskId
from domain.messages import (
    ErrorContent,
    Heartbeat,
    Hello,
    Holding,
    Notice,
    NoticeMetadata,
    ParamEntry,
    ResultContent,
    ResultMessage,
    ResultMetadata,
    SkillEntry,
    UsageEntry,
)
from domain.model import Usage
from domain.progress import run, step
from domain.skill import Catalogue, Effect, ParamType, SkillSpec
from domain.task import Failure, SubtaskState
from tests.builders import chain, node, plan, planned, released, task
from tests.fakes import START

POLICY = Policy()
CATALOGUE = Catalogue.of([("echo", SkillSpec(name="echo", description=""))])
LIGHT = reading.Light(policy=POLICY, catalogue=CATALOGUE, now=START, jitter=0.5)


def result(**changes) -> ResultMessage:
    return ResultMessage(**{"task_id": "AAAAAA.a", "source": "echo", "status": "success", **changes})


def notice(kind: str, **metadata) -> Notice:
    about = NoticeMetadata(**{"attempt": 1, "exec_id": "x1", "worker": "w1", **metadata})
    return Notice(task_id="AAAAAA.a", type=kind, source="echo", metadata=about)


def read(report):
    return reading.event_of(report, released(planned(chain("a", "b")), "a"), LIGHT)


def test_a_success_carries_its_result():
    event = read(
        result(
            content=ResultContent(
                summary="ok",
                output={"n": 1},
                files=["r.md"],
                findings=[{"severity": "high", "message": "m", "where": "a.py:1"}],
            ),
            metadata=ResultMetadata(attempt=1, exec_id="x1"),
        )
    )
    assert isinstance(event, e.Succeeded)
    assert (event.key, event.attempt, event.exec_id, event.agent) == ("a", 1, "x1", "echo")
    assert event.result.output == {"n": 1}
    assert event.result.findings[0].where == "a.py:1"
    assert event.result.files == ("r.md",)


def test_findings_of_any_form_are_taken_as_text():
    event = read(result(content=ResultContent(findings=["plain", {"message": 7}])))
    assert isinstance(event, e.Succeeded)
    assert [(found.severity, found.message) for found in event.result.findings] == [("info", "plain"), ("info", "7")]


SPENT = UsageEntry(model="m", prompt_tokens=5, completion_tokens=1, cached_tokens=2, cost=0.5, seconds=1.5)
USAGE = Usage(model="m", prompt_tokens=5, completion_tokens=1, cached_tokens=2, cost=0.5, seconds=1.5)


def test_what_was_spent_is_read_whether_it_worked_or_not():
    content = ResultContent(usage=[SPENT])
    event = read(result(content=content))
    assert isinstance(event, e.Succeeded)
    assert event.result.usage == (USAGE,)
    event = read(result(status="refused", content=content))
    assert isinstance(event, e.Failed)
    assert event.usage == (USAGE,)
    event = read(result(content=ResultContent(usage=[SPENT], plan={"tasks": "nonsense"})))
    assert isinstance(event, e.Failed)
    assert event.usage == (USAGE,)


def brings(document) -> ResultMessage:
    about = ResultMetadata(attempt=1, exec_id="x1")
    return result(content=ResultContent(summary="two steps", usage=[SPENT], plan=document), metadata=about)


def test_a_plan_is_a_division_of_its_subtask():
    event = read(brings({"tasks": [{"id": "x", "skill": "echo"}, {"id": "y", "skill": "echo", "dependencies": ["x"]}]}))
    assert isinstance(event, e.Divided)
    assert (event.key, event.attempt, event.exec_id, event.agent) == ("a", 1, "x1", "echo")
    assert [node.id for node in event.nodes] == ["a.x", "a.y"]
    assert (event.result.summary, event.result.usage) == ("two steps", (USAGE,))


def test_an_answer_instead_of_a_plan_is_the_output():
    event = read(brings({"answer": "it is 4"}))
    assert isinstance(event, e.Divided)
    assert (event.nodes, event.result.output) == ((), "it is 4")
    task, _ = step(released(planned(chain("a")), "a"), event)
    assert task.subtasks["a"].state is SubtaskState.SUCCEEDED


@pytest.mark.parametrize(
    "document", [{}, {"tasks": [{"id": "x", "skill": "fly to the moon"}]}, {"tasks": 7}, {"question": "?"}]
)
def test_a_plan_that_cannot_be_run_fails_for_good_and_says_why(document):
    begun = released(planned(chain("a"), language="zh"), "a")
    event = reading.event_of(brings(document), begun, LIGHT)
    assert isinstance(event, e.Failed)
    assert (event.failure.code, event.failure.retryable) == ("bad_plan", False)
    assert event.failure.message
    assert not event.failure.message.isascii()  # in the language of the task


def test_a_plan_brought_too_deep_is_refused():
    deep = planned(
        plan(node("a"), node("a.b", parent="a"), node("a.b.c", parent="a.b"), node("a.b.c.d", parent="a.b.c"))
    )
    report = brings({"tasks": [{"id": "x", "skill": "echo"}]}).model_copy(update={"task_id": "AAAAAA.a.b.c.d"})
    event = reading.event_of(report, deep, LIGHT)
    assert isinstance(event, e.Failed)
    assert (event.failure.code, event.failure.retryable) == ("too_deep", False)


def test_an_error_word_of_a_foreign_listener_may_be_tried_again():
    event = read(result(status="oops", content=ResultContent(summary="no luck")))
    assert isinstance(event, e.Failed)
    assert event.failure == Failure(code="oops", message="no luck", retryable=True)


def test_our_workers_say_whether_to_try_again():
    content = ResultContent(error=ErrorContent(message="no such file", retryable=False, retry_after_s=3))
    event = read(result(status="refused", content=content))
    assert isinstance(event, e.Failed)
    assert event.failure == Failure(code="refused", message="no such file", retry_after_s=3)


def test_started_gets_a_lease_and_the_timeout_of_its_node():
    event = read(notice("started"))
    assert isinstance(event, e.Started)
    assert event.lease.until == START + timedelta(seconds=POLICY.lease_s)
    assert event.due_at == START + timedelta(seconds=60 + POLICY.grace_s)


def test_another_agents_notice_is_nothing():
    about = NoticeMetadata(attempt=1, exec_id="x1", worker="w1")
    foreign = Notice(task_id="AAAAAA.a", type="handback", source="mallory", metadata=about)
    assert read(foreign) is None


def test_a_claim_is_a_claim():
    assert isinstance(read(notice("claim")), e.Claimed)


@pytest.mark.parametrize(
    ("reason", "counts"),
    [("redelivered", True), ("declined", True), ("draining", False), ("busy", False), ("expired", False)],
)
def test_only_refusals_count_against_a_message(reason, counts):
    event = read(notice("handback", reason=reason, exec_id=""))
    assert isinstance(event, e.HandedBack)
    assert (event.counts, event.exec_id) == (counts, None)


def test_reports_about_unknown_subtasks_are_nothing():
    assert read(result(task_id="AAAAAA.zzz")) is None
    assert read(result(task_id="not an id")) is None
    assert reading.event_of(result(), task(), LIGHT) is None


def test_dead_letters_come_back():
    name = SubtaskId("AAAAAA", "a")
    assert reading.died("expired", name, 2, START) == e.HandedBack(
        key="a", attempt=2, exec_id=None, at=START, counts=False
    )
    assert reading.died("rejected", name, 2, START).counts is True


def test_beats_extend_each_lease_held():
    beat = Heartbeat(
        agent="echo",
        worker="w1",
        holding=[Holding(task_id="AAAAAA.a", attempt=1, exec_id="x1"), Holding(task_id="bad", attempt=1, exec_id="x2")],
    )
    found = list(reading.beats(beat, POLICY, START))
    assert [(task_id, event.key, event.lease.exec_id) for task_id, event in found] == [("AAAAAA", "a", "x1")]


def half() -> float:
    return 0.5


def test_timers_that_went_off():
    begun = released(planned(chain("a", "b")), "a")
    later = START + timedelta(minutes=3)
    assert reading.overdue(begun, START, START, half) == []
    assert reading.overdue(begun, later, later, half) == [e.TimedOut(key="a", attempt=1, at=later, jitter=0.5)]
    ended = begun.deadline_at
    assert reading.overdue(begun, ended, ended, half)[0] == e.DeadlinePassed(at=ended)


def test_what_a_greeting_agent_never_started_comes_back_and_costs_no_try():
    begun = released(planned(chain("a", "b")), "a")
    later = START + timedelta(minutes=3)
    back = e.HandedBack(key="a", attempt=1, exec_id=None, at=later)
    assert reading.overdue(begun, later, later, half, {"echo"}) == [back]
    assert step(begun, back)[0].subtasks["a"].failures == 0


def test_nothing_in_flight_is_given_up_while_nobody_could_be_heard():
    begun = released(planned(chain("a", "b")), "a")
    later = START + timedelta(minutes=3)
    assert reading.overdue(begun, later, START, half) == []


def test_a_granted_effect_still_ends_after_the_deadline():
    """Its worker died: the deadline spares it, the lease does not."""
    claim = read(notice("claim"))
    ended = START + timedelta(minutes=31)
    held, _ = step(released(planned(plan(node("a", effect=Effect.EXTERNAL))), "a"), e.Approved(at=START))
    held = run(held, [e.Released(key="a", agent="echo", at=START, due_at=ended), claim])[0]
    gone = reading.overdue(held, ended, ended, half)
    assert [type(event).__name__ for event in gone] == ["DeadlinePassed", "LeaseExpired"]
    assert run(held, gone)[0].subtasks["a"].state is SubtaskState.UNKNOWN


def test_a_lease_only_ends_while_its_clock_runs():
    held, _ = step(released(planned(chain("a")), "a"), read(notice("started")))
    later = START + timedelta(seconds=31)
    assert reading.overdue(held, later, START, half) == []
    assert reading.overdue(held, later, later, half) == [e.LeaseExpired(key="a", attempt=1, at=later, jitter=0.5)]


def test_what_was_lost_together_is_not_tried_again_at_one_moment():
    held = released(planned(plan(node("a"), node("b"))), "a", "b")
    later = START + timedelta(minutes=3)
    gone = reading.overdue(held, later, later, iter([0.25, 0.75]).__next__)
    assert [event.jitter for event in gone] == [0.25, 0.75]


def test_a_hello_announces_typed_skills():
    entry = SkillEntry(
        name="deploy",
        effect="external",
        aliases=["ship"],
        cache_s=60,
        params=[ParamEntry(name="n", type="integer"), ParamEntry(name="q", type="made-up")],
    )
    worker = reading.announced(Hello(agent="ops", worker="w", skills=[entry], slots=3), START)
    assert worker.skills[0].effect is Effect.EXTERNAL
    assert [param.type for param in worker.skills[0].params] == [ParamType.INTEGER, ParamType.ANY]
    assert (worker.skills[0].aliases, worker.skills[0].cache_s) == (("ship",), 60)
    assert worker.slots == 3


def test_a_nameless_listener_is_its_agents_only_worker():
    worker = reading.alive(Heartbeat(agent="yunce", status="busy", current_task="AAAAAA.a"), START)
    assert (worker.worker, worker.status, worker.current_task) == ("yunce", "busy", "AAAAAA.a")
