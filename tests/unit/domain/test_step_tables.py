"""Every state against every event. A cell says the state afterwards and, behind a colon, the effects:
Dispatch, Record, Grant, Stop, settlE, Anew. A dot is "nothing happens", a bare `S` is "only told to stop". The event
`again` is a failure that may be tried again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from domain import events as e
from domain.plan import Node
from domain.progress import step
from domain.task import FINAL_TASK, SubtaskState, Task, TaskState
from tests.unit.domain import build as b

LETTERS = {"Dispatch": "D", "RecordAttempt": "R", "Grant": "G", "Stop": "S", "Settle": "E", "Replan": "A"}

SUBTASK_EVENTS: dict[str, Callable[..., e.Event]] = {
    "released": b.released,
    "started": b.started,
    "claimed": b.claimed,
    "beat": b.beat,
    "succeeded": b.succeeded,
    "divided": b.divided,
    "failed": b.failed,
    "again": lambda key="a", attempt=1, **more: b.failed(key, attempt, retryable=True, **more),
    "back": b.handed_back,
    "timed_out": b.timed_out,
    "expired": b.lease_expired,
    "gone": b.holder_gone,
}

PURE = """
             released      started  claimed    beat     succeeded    divided    failed    again    back     timed_out  expired  gone
pending      .             .        .          .        .            .          .         .        .        .          .        .
ready        dispatched:D  .        .          .        .            .          .         .        .        .          .        .
ready_again  dispatched:D  S        S          S        .            .          .         .        .        .          .        .
backing_off  .             S        S          S        .            .          .         .        .        .          .        .
dispatched   .             running  running:G  .        succeeded:R  pending:R  failed:R  ready:R  ready:R  ready:R    .        .
running      .             running  running:G  running  succeeded:R  pending:R  failed:R  ready:R  ready:R  ready:RS   ready:R  ready:R
succeeded    .             S        S          S        .            .          .         .        .        .          .        .
failed       .             S        S          S        .            .          .         .        .        .          .        .
skipped      .             S        S          S        .            .          .         .        .        .          .        .
cancelled    .             S        S          S        .            .          .         .        .        .          .        .
unknown      .             S        S          S        .            .          .         .        .        .          .        .
"""  # noqa: E501 -- a table

EXTERNAL = """
            released      started  claimed    beat     succeeded    divided    failed    again     back     timed_out   expired    gone
unapproved  .             .        .          .        .            .          .         .         .        .           .          .
ready       dispatched:D  .        .          .        .            .          .         .         .        .           .          .
dispatched  .             running  running:G  .        succeeded:R  pending:R  failed:R  failed:R  ready:R  ready:R     .          .
running     .             running  running:G  running  succeeded:R  pending:R  failed:R  failed:R  ready:R  unknown:RS  unknown:R  unknown:R
unknown     .             S        S          S        .            .          .         .         .        .           .          .
"""  # noqa: E501 -- a table

TASK_EVENTS: dict[str, Callable[[], e.Event]] = {
    "planning": b.plan_started,
    "grew": lambda: b.plan_grew(b.node("a")),
    "planned": lambda: b.plan_of(b.node("a")),
    "answer": b.plan_of,
    "plan_failed": b.plan_failed,
    "no_model": b.model_gone,
    "asked": b.asked,
    "replied": b.replied,
    "missed": b.dissatisfied,
    "approved": b.approved,
    "cancel": b.cancelled,
    "deadline": b.deadline,
    "too_late": b.too_late,
    "answering": b.answering,
    "answered": b.answered,
}

# A star is "settled": only the answer is missing. `growing` is a plan that is not whole, `asking` a task whose question
# is open, `left` a settled task that may be planned once more, `held` one that an aggregator works on.
TASK = """
           planning  grew      planned  answer      plan_failed  no_model  asked    replied     missed      approved  cancel        deadline      too_late    answering  answered
received   planning  planning  running  running*:E  running*:E   planning  waiting  .           .           .         running*:E    running*:E    running*:E  .          .
planning   planning  planning  running  running*:E  running*:E   planning  waiting  .           .           .         running*:E    running*:E    running*:E  .          .
growing    planning  .         running  running     running      planning  waiting  .           .           .         running*:E    running*:E    running*:E  .          .
asking     .         .         .        .           .            .         .        received:A  .           .         running*:E    running*:E    running*:E  .          .
running    .         .         .        .           .            .         .        .           .           .         running*:RSE  running*:RSE  .           .          .
waiting    .         .         .        .           .            .         .        .           .           running   running*:E    running*:E    running*:E  .          .
settled    .         .         .        .           .            .         .        .           .           .         .             .             .           running*   answered*
left       .         .         .        .           .            .         .        .           planning:A  .         .             .             .           running*   answered*
held       .         .         .        .           .            .         .        .           .           .         .             .             .           running*   answered*
answered   .         .         .        .           .            .         .        .           .           .         .             .             .           .          .
failed     .         .         .        .           .            .         .        .           .           .         .             .             .           .          .
cancelled  .         .         .        .           .            .         .        .           .           .         .             .             .           .          .
"""  # noqa: E501 -- a table

STEERING_EVENTS: dict[str, Callable[[], e.Event]] = {
    "reworded": b.reworded,
    "fetched": b.fetched,
    "amended": b.amended,
    "dropped": b.dropped,
    "denied": b.denied,
}

# `files` is a received task whose file is on its way.
STEERING = """
           reworded    fetched     amended     dropped       denied
received   received:A  .           received:A  .             .
files      received:A  received:A  received:A  .             .
planning   received:A  .           received:A  .             .
growing    .           .           planning:A  planning      .
asking     .           .           .           .             .
running    .           .           planning:A  running*:RSE  .
waiting    .           .           planning:A  running*:E    running*:E
settled    .           .           .           .             .
left       .           .           .           .             .
held       .           .           .           .             .
answered   .           .           .           .             .
failed     .           .           .           .             .
cancelled  .           .           .           .             .
"""


def cells(table: str) -> list[tuple[str, str, str]]:
    """(state, event, outcome) of every cell."""
    head, *rows = (line.split() for line in table.strip().splitlines())
    return [(row[0], event, cell) for row in rows for event, cell in zip(head, row[1:], strict=True)]


def judged(before: Task, event: e.Event, describe: Callable[[Task], str]) -> str:
    after, effects = step(before, event)
    letters = "".join(LETTERS[name] for name in b.names(effects))
    state = "" if after is before else describe(after)
    return f"{state}:{letters}".strip(":") or "."


def subject(state: str, node: Node) -> Task:
    """A task whose subtask `a` stands in `state`; `z` keeps it from settling."""
    task = b.with_subs(b.planned(node, b.node("z")), z=SubtaskState.RUNNING)
    match state:
        case "unapproved":
            sub = b.standing("a", SubtaskState.READY)
        case "ready":
            sub = b.standing("a", SubtaskState.READY, approved=True)
        case "ready_again":
            sub = b.standing("a", SubtaskState.READY, attempt=1, agent=b.AGENT, due_at=b.at(10))
        case "backing_off":
            sub = b.standing("a", SubtaskState.READY, attempt=1, agent=b.AGENT, due_at=b.at(11))
        case _:
            sub = b.standing("a", SubtaskState(state))
    return b.with_subs(task, a=sub)


def state_of_a(task: Task) -> str:
    return task.subtasks["a"].state.value


RUNNING = b.planned(b.node("a")), b.released(), b.started()
STORIES: dict[str, tuple[Task, *tuple[e.Event, ...]]] = {
    "received": (b.received(),),
    "files": (b.received(), b.reworded(b.FILE)),
    "planning": (b.received(), b.plan_started()),
    "growing": (b.received(), b.plan_grew(b.node("a"))),
    "asking": (b.received(), b.asked()),
    "running": RUNNING,
    "waiting": (b.planned(b.external("a")),),
    "settled": (*RUNNING, b.succeeded()),
    "left": (b.received(), b.plan_of(b.node("a"), rounds_left=1), *RUNNING[1:], b.succeeded()),
    "held": (*RUNNING, b.succeeded(), b.answering()),
    "answered": (*RUNNING, b.succeeded(), b.answered()),
    "failed": (b.received(), b.plan_failed(), b.answered()),
    "cancelled": (*RUNNING, b.cancelled(), b.answered()),
}


def in_state(state: str) -> Task:
    return replace(b.do(*STORIES[state])[0], expires_at=b.at(b.EXPIRES_S))


def state_of(task: Task) -> str:
    return task.state.value + ("*" if task.settled_at else "")


@pytest.mark.parametrize(("state", "event", "expected"), cells(PURE))
def test_subtask_without_effect(state: str, event: str, expected: str) -> None:
    assert judged(subject(state, b.node("a")), SUBTASK_EVENTS[event](), state_of_a) == expected


@pytest.mark.parametrize(("state", "event", "expected"), cells(EXTERNAL))
def test_external_subtask(state: str, event: str, expected: str) -> None:
    assert judged(subject(state, b.external("a")), SUBTASK_EVENTS[event](), state_of_a) == expected


@pytest.mark.parametrize(("state", "event", "expected"), cells(TASK))
def test_task(state: str, event: str, expected: str) -> None:
    assert judged(in_state(state), TASK_EVENTS[event](), state_of) == expected


@pytest.mark.parametrize(("state", "event", "expected"), cells(STEERING))
def test_steering(state: str, event: str, expected: str) -> None:
    assert judged(in_state(state), STEERING_EVENTS[event](), state_of) == expected


def test_the_tables_are_complete() -> None:
    assert set(SubtaskState) <= {state for state, _, _ in cells(PURE)}
    assert set(TaskState) <= {state for state, _, _ in cells(TASK)}
    made = {type(make()) for events in (SUBTASK_EVENTS, TASK_EVENTS, STEERING_EVENTS) for make in events.values()}
    assert made == set(e.Event.__args__)


@pytest.mark.parametrize("state", sorted(FINAL_TASK))
@pytest.mark.parametrize("event", SUBTASK_EVENTS)
def test_after_the_end_workers_are_only_told_to_stop(state: str, event: str) -> None:
    task = b.with_subs(in_state(state), a=SubtaskState.SUCCEEDED)
    expected = "S" if event in ("started", "claimed", "beat") else "."
    assert judged(task, SUBTASK_EVENTS[event](), state_of) == expected


@pytest.mark.parametrize("event", SUBTASK_EVENTS)
@pytest.mark.parametrize("state", ["received", "running", "answered"])
def test_a_subtask_nobody_planned_is_ignored(state: str, event: str) -> None:
    assert judged(in_state(state), SUBTASK_EVENTS[event](key="nobody"), state_of) == "."


@pytest.mark.parametrize("state", ["dispatched", "running"])
@pytest.mark.parametrize("attempt", [0, 2])
@pytest.mark.parametrize("event", [name for name in SUBTASK_EVENTS if name != "released"])
def test_another_attempt_is_stale(state: str, attempt: int, event: str) -> None:
    expected = "S" if event in ("started", "claimed", "beat") else "."
    assert judged(subject(state, b.node("a")), SUBTASK_EVENTS[event](attempt=attempt), state_of_a) == expected


@pytest.mark.parametrize("exec_id", ["x2", "", None])
@pytest.mark.parametrize("event", ["succeeded", "failed", "back"])
def test_another_execution_does_not_speak_for_the_holder_of_the_lease(exec_id: str | None, event: str) -> None:
    assert judged(subject("running", b.node("a")), SUBTASK_EVENTS[event](exec_id=exec_id), state_of_a) == "."


@pytest.mark.parametrize("event", ["started", "claimed", "beat"])
@pytest.mark.parametrize("node", [b.node("a"), b.external("a")], ids=["pure", "external"])
def test_another_execution_is_told_to_stop(event: str, node: Node) -> None:
    other = b.lease("x2")
    after, effects = step(subject("running", node), SUBTASK_EVENTS[event](lease=other))
    assert effects == (e.Stop(key="a", agent=b.AGENT, lease=other),)
    assert after.subtasks["a"].lease == b.lease()


@pytest.mark.parametrize("event", ["started", "claimed", "beat"])
def test_an_execution_without_a_name_holds_nothing(event: str) -> None:
    """Two of them could not be told apart."""
    assert judged(subject("dispatched", b.external("a")), SUBTASK_EVENTS[event](lease=b.lease("")), state_of_a) == "S"


@pytest.mark.parametrize("state", ["dispatched", "running"])
@pytest.mark.parametrize("event", ["succeeded", "failed"])
def test_a_result_of_an_agent_it_was_not_sent_to_is_ignored(state: str, event: str) -> None:
    assert judged(subject(state, b.node("a")), SUBTASK_EVENTS[event](agent="mallory"), state_of_a) == "."


@pytest.mark.parametrize(("event", "expected"), [("succeeded", "succeeded:R"), ("failed", "failed:R")])
@pytest.mark.parametrize("attempt", [None, 1])
def test_a_listener_that_knows_neither_attempt_nor_execution_is_heard(
    event: str, expected: str, attempt: int | None
) -> None:
    report = SUBTASK_EVENTS[event](attempt=attempt, exec_id=None)
    assert judged(subject("dispatched", b.node("a")), report, state_of_a) == expected


def test_a_dead_letter_without_an_attempt_hands_back() -> None:
    event = b.handed_back(attempt=None, exec_id=None)
    assert judged(subject("dispatched", b.node("a")), event, state_of_a) == "ready:R"
    assert judged(subject("running", b.node("a")), event, state_of_a) == "."


@pytest.mark.parametrize(("event", "seconds"), [("timed_out", b.DUE_S), ("expired", b.LEASE_S)])
def test_a_timer_goes_off_at_its_time_and_not_before(event: str, seconds: float) -> None:
    make = SUBTASK_EVENTS[event]
    assert judged(subject("running", b.node("a")), make(at=b.at(seconds - 0.001)), state_of_a) == "."
    assert judged(subject("running", b.node("a")), make(at=b.at(seconds)), state_of_a).startswith("ready:R")
