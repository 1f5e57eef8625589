"""Tasks, subtasks and events for tests: everything has a sensible value, a test names only what it is about."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from domain import events as e
from domain import growth
from domain.answer import Answer, Author, Statement
from domain.ends import Step
from domain.plan import Node, Plan
from domain.progress import run, step
from domain.skill import Effect
from domain.task import FINAL, Failure, Lease, Result, Route, Scope, Subtask, SubtaskState, Task, Upload, UploadState
from tests.fakes import START

S = SubtaskState
AGENT = "ann"
EXEC = "x1"
DEADLINE_S = 600
EXPIRES_S = 60.0
DUE_S, LEASE_S = 70, 40  # when an attempt built here is overdue, and when its lease ends
LATE_S = 100  # after both


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def node(key: str, /, *dependencies: str, **more: Any) -> Node:
    return Node(id=key, skill="look", dependencies=dependencies, **more)


def external(key: str, /, *dependencies: str, **more: Any) -> Node:
    return node(key, *dependencies, effect=Effect.EXTERNAL, **more)


def writing(key: str, /, *dependencies: str, **more: Any) -> Node:
    return node(key, *dependencies, effect=Effect.IDEMPOTENT, **more)


def received(**more: Any) -> Task:
    values: dict[str, Any] = {
        "id": "7K2QXM",
        "scope": Scope(tenant="t", owner="console:1"),
        "route": Route(platform="console", bot_id="b", chat_id="c"),
        "request": "look around",
        "language": "en",
        "trace_id": "0" * 31 + "1",
        "created_at": START,
        "deadline_at": at(DEADLINE_S),
    }
    return Task(**values | more)


def planned(*nodes: Node, **more: Any) -> Task:
    """A task just planned: what waits for nothing is ready."""
    return step(received(**more), e.Planned(plan=Plan(nodes=nodes), at=at(1)))[0]


def lease(exec_id: str = EXEC, until_s: float = LEASE_S) -> Lease:
    return Lease(exec_id=exec_id, worker="w1", until=at(until_s))


def standing(key: str, state: SubtaskState, **more: Any) -> Subtask:
    """A subtask as it stands in a state, its columns as the rules about them want."""
    if state in (S.PENDING, S.READY):
        return replace(Subtask(key=key, state=state), **more)
    values: dict[str, Any] = {"attempt": 1, "agent": AGENT, "dispatched_at": at(1), "approved": True}
    if state in (S.DISPATCHED, S.RUNNING):
        values |= {"due_at": at(DUE_S)}
    if state is S.RUNNING:
        values |= {"lease": lease(), "started_at": at(2)}
    if state in FINAL:
        values |= {"finished_at": at(9)}
    if state is S.SUCCEEDED:
        values |= {"result": Result(summary="done")}
    if state in (S.FAILED, S.UNKNOWN, S.SKIPPED, S.CANCELLED):
        values |= {"failure": Failure(code="error")}
    return Subtask(**{"key": key, "state": state, **values, **more})


def with_subs(task: Task, **states: SubtaskState | Subtask) -> Task:
    """The task with these subtasks in these states."""
    subs = {key: value if isinstance(value, Subtask) else standing(key, value) for key, value in states.items()}
    return replace(task, subtasks={**task.subtasks, **subs})


def states(task: Task) -> dict[str, str]:
    return {key: sub.state.value for key, sub in task.subtasks.items()}


def ends(task: Task, *keys: str, end: Callable[..., e.Event] | None = None, seconds: float = 0) -> Step:
    """Release these one after another and let them end, as succeeded unless said."""
    happened: list[e.Event] = []
    for key in keys:
        number = task.subtasks[key].attempt + 1
        happened += [released(key, at=at(10 + seconds)), (end or succeeded)(key, number, at=at(20 + seconds))]
    return run(task, happened)


def names(effects: tuple[e.Effect, ...]) -> list[str]:
    return [type(effect).__name__ for effect in effects]


def do(task: Task, *happened: e.Event) -> Step:
    return run(task, happened)


# --- events ---------------------------------------------------------------------------------------------------


def released(key: str = "a", **more: Any) -> e.Released:
    return e.Released(**{"key": key, "agent": AGENT, "at": at(10), "due_at": at(DUE_S)} | more)


def started(key: str = "a", attempt: int = 1, **more: Any) -> e.Started:
    values = {"lease": lease(until_s=45), "at": at(12), "due_at": at(DUE_S + 5)}
    return e.Started(**{"key": key, "attempt": attempt} | values | more)


def claimed(key: str = "a", attempt: int = 1, **more: Any) -> e.Claimed:
    values = {"lease": lease(until_s=45), "at": at(12), "due_at": at(DUE_S + 5)}
    return e.Claimed(**{"key": key, "attempt": attempt} | values | more)


def beat(key: str = "a", attempt: int = 1, **more: Any) -> e.Beat:
    return e.Beat(**{"key": key, "attempt": attempt, "lease": lease(until_s=50)} | more)


def succeeded(key: str = "a", attempt: int | None = 1, **more: Any) -> e.Succeeded:
    values = {"exec_id": EXEC, "agent": AGENT, "result": Result(summary="done"), "at": at(20)}
    return e.Succeeded(**{"key": key, "attempt": attempt} | values | more)


def divided(key: str = "a", attempt: int | None = 1, *nodes: Node, **more: Any) -> e.Divided:
    """An agent brought a plan of `nodes`, or of one called `x`."""
    made = growth.children(node(key), nodes or (node("x"),))
    values = {"exec_id": EXEC, "agent": AGENT, "nodes": made, "result": Result(summary="in parts"), "at": at(20)}
    return e.Divided(**{"key": key, "attempt": attempt} | values | more)


def failed(key: str = "a", attempt: int | None = 1, *, retryable: bool = False, **more: Any) -> e.Failed:
    failure = Failure(code="refused", message="no", retryable=retryable)
    values = {"exec_id": EXEC, "agent": AGENT, "failure": failure, "at": at(20), "jitter": 0.5}
    return e.Failed(**{"key": key, "attempt": attempt} | values | more)


def handed_back(key: str = "a", attempt: int | None = 1, **more: Any) -> e.HandedBack:
    return e.HandedBack(**{"key": key, "attempt": attempt, "exec_id": EXEC, "at": at(20)} | more)


def timed_out(key: str = "a", attempt: int = 1, **more: Any) -> e.TimedOut:
    return e.TimedOut(**{"key": key, "attempt": attempt, "at": at(LATE_S), "jitter": 0.5} | more)


def lease_expired(key: str = "a", attempt: int = 1, **more: Any) -> e.LeaseExpired:
    return e.LeaseExpired(**{"key": key, "attempt": attempt, "at": at(LATE_S), "jitter": 0.5} | more)


def holder_gone(key: str = "a", attempt: int = 1, **more: Any) -> e.HolderGone:
    return e.HolderGone(**{"key": key, "attempt": attempt, "exec_id": EXEC, "at": at(20), "jitter": 0.5} | more)


def plan_started(by: str | None = None) -> e.PlanningStarted:
    return e.PlanningStarted(until=at(300), by=by)


def plan_grew(*nodes: Node, by: str | None = None) -> e.PlanGrew:
    return e.PlanGrew(nodes=nodes, author="model", at=at(4), by=by)


def plan_of(*nodes: Node, by: str | None = None, **more: Any) -> e.Planned:
    return e.Planned(plan=Plan(nodes=nodes, **more), at=at(5), by=by)


def plan_failed(by: str | None = None) -> e.PlanFailed:
    return e.PlanFailed(failure=Failure(code="no_plan"), at=at(5), by=by)


def model_gone(by: str | None = None, **more: Any) -> e.ModelGone:
    failure = Failure(code="no_plan", message="no model")
    waits = {"patience_s": 60.0, "retry_after_s": 0.0, "jitter": 0.5}
    return e.ModelGone(**{"cause": "m1: HTTP 503", "failure": failure, "at": at(5), "by": by} | waits | more)


def asked(by: str | None = None) -> e.QuestionAsked:
    return e.QuestionAsked(question="Which one?", at=at(6), by=by)


def replied(reply: str = "the second") -> e.QuestionAnswered:
    return e.QuestionAnswered(reply=reply, at=at(7))


def dissatisfied(why: str = "no totals") -> e.Dissatisfied:
    return e.Dissatisfied(why=why, at=at(60))


FILE = Upload(ref="f1", name="a.csv", path="inbox/AAAAAA/a.csv")
THERE = replace(FILE, state=UploadState.THERE)


def reworded(*uploads: Upload, until: datetime | None = None) -> e.Reworded:
    return e.Reworded(request="other", language="zh", uploads=uploads, until=until)


def fetched(*uploads: Upload) -> e.Fetched:
    return e.Fetched(uploads=uploads or (THERE,))


def amended(text: str = "also the tests") -> e.Amended:
    return e.Amended(text=text, at=at(8))


def dropped(key: str = "a") -> e.StepDropped:
    return e.StepDropped(key=key, at=at(8))


def denied(*keys: str) -> e.Denied:
    return e.Denied(keys=frozenset(keys or "a"), at=at(8))


def approved() -> e.Approved:
    return e.Approved(at=at(15))


def cancelled() -> e.CancelRequested:
    return e.CancelRequested(at=at(30))


def deadline() -> e.DeadlinePassed:
    return e.DeadlinePassed(at=at(DEADLINE_S))


def too_late() -> e.Expired:
    return e.Expired(at=at(EXPIRES_S))


def answering() -> e.AnsweringStarted:
    return e.AnsweringStarted(until=at(900))


def answered(text: str = "so it is") -> e.Answered:
    return e.Answered(answer=Answer(statements=(Statement(text=text),), author=Author.RULES), at=at(700))
