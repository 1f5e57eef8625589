"""A worker comes back in a new life: what its last one held goes on elsewhere at once."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from dispatcher import returning
from dispatcher.turn import Arrived
from domain import events as e
from domain.lives import exec_id, incarnation
from domain.progress import step
from domain.skill import Effect
from domain.task import Lease, Outcome, Subtask, SubtaskState
from storage import SqlStore
from tests.builders import node, plan, planned, released
from tests.fakes import START
from tests.unit.dispatcher.crew import worker
from tests.unit.dispatcher.turns import SPEC, keep, report, stored, take

OLD, NEW = (incarnation(START + timedelta(seconds=n), n) for n in range(2))
OLD_SELF, NEW_SELF = (replace(worker("echo", SPEC), incarnation=life) for life in (OLD, NEW))


def holds(life: str, *, name: str = "echo-1", kind: type[e.Started | e.Claimed] = e.Started) -> e.Event:
    lease = Lease(exec_id=exec_id(life, 1), worker=name, until=START + timedelta(seconds=600))
    return kind(key="a", attempt=1, lease=lease, at=START, due_at=START + timedelta(seconds=900))


async def held(store: SqlStore, holding: e.Event, **changes: object) -> None:
    """A task whose step runs, and a registry that knows the old life."""
    allowed, _ = step(planned(plan(node("a", **changes), node("b", "a"))), e.Approved(at=START))
    await keep(store, released(allowed, "a"))
    await store.transact(lambda uow: uow.registry.hello(OLD_SELF))
    await take(store, report(holding))


async def greeted(store: SqlStore, said: object = NEW_SELF, at_s: float = 1) -> Subtask:
    left = await store.transact(lambda uow: returning.left_behind(uow, [said]))
    now = START + timedelta(seconds=at_s)
    await take(store, Arrived(readers=returning.released(left, now, lambda: 0.5)), at_s=at_s)
    return (await stored(store)).subtasks["a"]


async def test_the_lease_ends_at_once_and_the_try_is_counted(store: SqlStore) -> None:
    await held(store, holds(OLD))
    sub = await greeted(store)
    assert (sub.state, sub.lease, sub.failures) == (SubtaskState.READY, None, 1)
    assert sub.due_at is not None
    assert sub.due_at <= START + timedelta(seconds=2)
    (attempt,) = await store.transact(lambda uow: uow.tasks.attempts("AAAAAA"))
    assert (attempt.outcome, attempt.failure and attempt.failure.code) == (Outcome.LEASE_EXPIRED, "worker_gone")


async def test_what_died_together_is_not_tried_again_together(store: SqlStore) -> None:
    """Else a poison takes whatever it once ran beside with it, each time."""
    await keep(store, released(planned(plan(node("a"), node("b"))), "a", "b"))
    await store.transact(lambda uow: uow.registry.hello(OLD_SELF))
    await take(store, report(holds(OLD), replace(holds(OLD), key="b")))
    left = await store.transact(lambda uow: returning.left_behind(uow, [NEW_SELF]))
    now = START + timedelta(seconds=1)
    await take(store, Arrived(readers=returning.released(left, now, iter([0.25, 0.75]).__next__)), at_s=1)
    waits = {key: sub.due_at - now for key, sub in (await stored(store)).subtasks.items() if sub.due_at}
    assert sorted(wait.total_seconds() for wait in waits.values()) == [0.25, 0.75]


async def test_a_granted_effect_becomes_unknown_and_is_never_repeated(store: SqlStore) -> None:
    await held(store, holds(OLD, kind=e.Claimed), effect=Effect.EXTERNAL)
    sub = await greeted(store)
    assert (sub.state, sub.failure and sub.failure.code) == (SubtaskState.UNKNOWN, "outcome_unknown")


async def test_a_step_that_kills_its_worker_every_time_fails_in_the_end(store: SqlStore) -> None:
    await held(store, holds(OLD), max_attempts=1)
    assert (await greeted(store)).state is SubtaskState.FAILED


@pytest.mark.parametrize(
    ("holding", "said"),
    [
        (holds(OLD), OLD_SELF),  # the same life says hello again, as every minute
        (holds(NEW), NEW_SELF),  # what it has begun already was heard of before its hello
        (holds(OLD), replace(NEW_SELF, incarnation="")),  # it tells no lives apart
        (holds(OLD, name="echo-2"), NEW_SELF),
        (holds(OLD), replace(NEW_SELF, worker="echo-2")),
    ],
)
async def test_nobody_elses_lease_ends(store: SqlStore, holding: e.Event, said: object) -> None:
    await held(store, holding)
    sub = await greeted(store, said)
    assert (sub.state, sub.lease is not None) == (SubtaskState.RUNNING, True)


async def test_a_late_hello_of_an_earlier_life_ends_nothing(store: SqlStore) -> None:
    await held(store, holds(NEW))
    await store.transact(lambda uow: uow.registry.hello(NEW_SELF))
    assert (await greeted(store, OLD_SELF)).state is SubtaskState.RUNNING


async def test_a_lease_that_went_to_somebody_else_meanwhile_stays(store: SqlStore) -> None:
    """Read again under the lock: between the look and the turn the world went on."""
    await held(store, holds(OLD))
    left = await store.transact(lambda uow: returning.left_behind(uow, [NEW_SELF]))
    await take(store, report(e.HandedBack(key="a", attempt=1, exec_id=exec_id(OLD, 1), at=START)))
    now = START + timedelta(seconds=1)
    await take(store, Arrived(readers=returning.released(left, now, lambda: 0.5)), at_s=1)
    assert (await stored(store)).subtasks["a"].failures == 0
