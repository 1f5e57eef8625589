"""What keeps the promises, each taken out of the real code in one place, to see that its absence is noticed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from agents.consumption import Consumption
from agents.execution import Execution
from aggregator import role as aggregator
from dispatcher import reading, returning
from dispatcher.assignment import Agents
from dispatcher.outgoing import Outgoing
from dispatcher.role import Dispatcher
from domain import attempts, progress
from domain import events as e
from domain.ends import Step, barred, end, node_of, put, record
from domain.retry import RetryPolicy
from domain.task import IN_FLIGHT, Outcome, Subtask, SubtaskState, Task, TaskState
from tests.chaos.simulation import chat
from tests.twins.chats import MemoryInbox, MemoryPosts
from tests.twins.tasks import MemoryTasks

Patch = pytest.MonkeyPatch


@contextmanager
def without(name: str) -> Iterator[None]:
    """While this lasts, one mechanism is missing; none for an empty name."""
    with pytest.MonkeyPatch.context() as patch:
        if name:
            MECHANISMS[name](patch)
        yield


def _sweep(patch: Patch) -> None:
    """The rows are looked at when a nudge comes, and never because time has passed."""
    greet = Dispatcher._greet

    async def greet_quietly(self: Dispatcher, *given: Any) -> None:
        awake, self._awake = self._awake, asyncio.Event()
        await greet(self, *given)
        self._awake = awake

    async def for_ever(_self: Dispatcher) -> float:
        return 1e9

    patch.setattr(Dispatcher, "_greet", greet_quietly)
    patch.setattr(Dispatcher, "_pause_s", for_ever)


def _timers(patch: Patch) -> None:
    """Neither deadlines nor timeouts go off; leases still do."""

    def overdue(*given: Any) -> list[e.Event]:
        return [gone for gone in told(*given) if isinstance(gone, e.LeaseExpired)]

    told = reading.overdue
    patch.setattr(reading, "overdue", overdue)


def _reaper(patch: Patch) -> None:
    """A lease never ends, neither by time nor because its holder came back as somebody else."""

    def overdue(*given: Any) -> list[e.Event]:
        return [gone for gone in told(*given) if not isinstance(gone, e.LeaseExpired)]

    told = reading.overdue
    patch.setattr(reading, "overdue", overdue)
    patch.setattr(returning, "left_behind", lambda *_, **__: ())


def _republish(patch: Patch) -> None:
    """What the broker did not confirm, or lost, is not sent again, nor given up before its work could be over.

    Either alone only takes longer.
    """

    async def resend(_self: Outgoing, _agents: Any, *, lost_all: bool) -> None:
        """Nothing."""

    patch.setattr(Outgoing, "resend", resend)
    patch.setattr(Agents, "greeting", frozenset())


def _generation(patch: Patch) -> None:
    """A broker that lost its queues is not noticed, nor what it lost given up before its work could be over."""
    resend = Outgoing.resend

    async def resend_some(self: Outgoing, agents: Any, *, lost_all: bool) -> None:
        await resend(self, agents, lost_all=False)

    patch.setattr(Outgoing, "resend", resend_some)
    patch.setattr(Agents, "greeting", frozenset())


def _fence(patch: Patch) -> None:
    """Whoever speaks of a subtask in flight is believed."""

    def holds(sub: Subtask, _attempt: int, exec_id: str) -> bool:
        return sub.state in IN_FLIGHT and exec_id != ""

    def reported(task: Task, event: Any) -> Subtask | None:
        sub = task.subtasks.get(event.key)
        return sub if sub is not None and sub.state in IN_FLIGHT else None

    patch.setattr(attempts, "_holds", holds)
    patch.setattr(attempts, "_reported", reported)


def _grant(patch: Patch) -> None:
    """An external effect is claimed, and not waited for."""

    async def go_ahead(self: Execution) -> bool:
        await self._hold(self._desk.reporter.claim)
        self._is_granted = True
        return True

    patch.setattr(Execution, "_go_ahead", go_ahead)


def _unknown(patch: Patch) -> None:
    """An external effect of which nobody knows whether it happened is tried again like anything else."""

    def try_again(task: Task, sub: Subtask, outcome: Outcome, event: Any) -> Step:
        node, failures = node_of(task, sub.key), sub.failures + 1
        sub = replace(sub, failures=failures)
        policy = RetryPolicy(max_attempts=node.max_attempts)
        again = policy.retry_at(failures, sub.failure or attempts._lost("error"), event.at, event.jitter)
        if again is None or again >= task.deadline_at or barred(task, sub):
            return end(task, sub, SubtaskState.FAILED, outcome, event.at)
        return put(task, [attempts._ready_again(sub, again)]), (record(task, sub, outcome, event.at),)

    patch.setattr(attempts, "_try_again", try_again)


def _handback(patch: Patch) -> None:
    """A redelivered message is run like any other."""
    runnable = Consumption._runnable

    def run_anyway(self: Consumption, intake: Any, arrival: Any, group: Any) -> Any:
        fresh = replace(arrival, redelivered=False)
        intake._open[id(fresh)] = intake._open.pop(id(arrival))
        return runnable(self, intake, fresh, group)

    patch.setattr(Consumption, "_runnable", run_anyway)


def _claim(patch: Patch) -> None:
    """Any planner is believed, not only the one that holds the task."""
    patch.setattr(progress, "_is_theirs", lambda task, _by: progress._is_planned_now(task))


def _ask_again(patch: Patch) -> None:
    """A model that was away is never asked again."""
    patch.setattr(MemoryTasks, "lock_postponed", lambda *_: [])


def _answer(patch: Patch) -> None:
    """An answer is written whatever stands there."""

    def freeze(uow: Any, task: Task, written: Any, now: datetime) -> Any:
        held = uow.tasks.lock([task.id])[task.id]
        answer = getattr(written, "answer", written)
        return uow.tasks.put(replace(held, state=TaskState.ANSWERED, answer=answer, answered_at=now))

    patch.setattr(aggregator, "_freeze", freeze)


def _inbox(patch: Patch) -> None:
    """The same update may become any number of tasks."""
    patch.setattr(MemoryInbox, "claim", lambda *_: None)
    patch.setattr(MemoryInbox, "known", lambda *_: None)


def _intent(patch: Patch) -> None:
    """That a message is about to be sent is not written down before."""
    patch.setattr(MemoryPosts, "intend", lambda _self, posted: posted)


def _stub(patch: Patch) -> None:
    """An answer is sent as it is, where a repeated send is a second message."""
    patch.setattr(chat, "traits_of", lambda server: replace(server.traits, sends_once=True))


def _dead_letters(patch: Patch) -> None:
    """What died in a queue is nobody's business."""

    async def ignore(_self: Dispatcher) -> None:
        """Nothing."""

    patch.setattr(Dispatcher, "_dead_letters", ignore)


MECHANISMS: Mapping[str, Callable[[Patch], None]] = {
    "sweep": _sweep,
    "timers": _timers,
    "reaper": _reaper,
    "republish": _republish,
    "generation": _generation,
    "fence": _fence,
    "grant": _grant,
    "unknown": _unknown,
    "handback": _handback,
    "claim": _claim,
    "ask_again": _ask_again,
    "answer": _answer,
    "inbox": _inbox,
    "intent": _intent,
    "stub": _stub,
}
