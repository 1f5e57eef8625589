"""Fairness of the release, for any mix of users and tasks."""

from __future__ import annotations

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.attempts import releasable
from domain.plan import Node
from domain.release import Candidate, Window, choose
from domain.skill import Effect
from domain.task import IN_FLIGHT, Scope, SubtaskState, Task
from tests.unit.domain import build as b

NOW = b.at(20)
USERS = [Scope(tenant="t", owner=f"console:{name}") for name in "abc"]
STATES = [SubtaskState.READY, SubtaskState.READY, SubtaskState.DISPATCHED, SubtaskState.RUNNING, SubtaskState.SUCCEEDED]


@st.composite
def crowds(draw: st.DrawFn) -> list[Task]:
    tasks: list[Task] = []
    for number in range(draw(st.integers(0, 6))):
        count = draw(st.integers(1, 5))
        effects = [draw(st.sampled_from([Effect.NONE, Effect.NONE, Effect.EXTERNAL])) for _ in range(count)]
        nodes = [Node(id=f"n{place}", skill="look", effect=effect) for place, effect in enumerate(effects)]
        nodes.append(Node(id="end", skill="look", dependencies=("n0",)))
        task = b.planned(
            *nodes,
            id=f"TASK0{number}",
            scope=draw(st.sampled_from(USERS)),
            created_at=b.at(draw(st.integers(0, 3))),
        )
        subs = {f"n{place}": draw(subtasks(f"n{place}")) for place in range(count)}
        task = b.with_subs(task, **subs)
        if draw(st.booleans()):  # one of its agents brings a plan
            task, _ = b.do(task, b.released("n0"), b.divided("n0", task.subtasks["n0"].attempt + 1))
        tasks.append(task)
    return tasks


@st.composite
def subtasks(draw: st.DrawFn, key: str):
    state = draw(st.sampled_from(STATES))
    due_at = draw(st.sampled_from([None, NOW, b.at(21)])) if state is SubtaskState.READY else b.at(99)
    approved = draw(st.booleans())
    return b.standing(key, state, due_at=None if state is SubtaskState.SUCCEEDED else due_at, approved=approved)


windows = st.builds(Window, per_task=st.integers(0, 4), total=st.integers(0, 12))


@given(crowds(), windows)
@settings(max_examples=100, deadline=None)
def test_release_is_fair_and_within_its_limits(tasks: list[Task], window: Window) -> None:
    flying = {task.id: sum(sub.state in IN_FLIGHT for sub in task.subtasks.values()) for task in tasks}
    in_flight = Counter(dict.fromkeys(USERS, 0))
    for task in tasks:
        in_flight[task.scope] += flying[task.id]
    chosen = choose(tasks, in_flight, window, NOW)
    by_id = {task.id: task for task in tasks}

    assert len({(one.task_id, one.key) for one in chosen}) == len(chosen)
    assert all(releasable(by_id[one.task_id], by_id[one.task_id].subtasks[one.key], NOW) for one in chosen)
    assert len(chosen) <= max(0, window.total - in_flight.total())
    for task in tasks:
        picked = sum(one.task_id == task.id for one in chosen)
        assert picked + flying[task.id] <= max(window.per_task, flying[task.id])

    everything = choose(tasks, in_flight, Window(per_task=window.per_task, total=10**6), NOW)
    assert everything[: len(chosen)] == chosen, "a smaller total only cuts the list short"
    assert len(chosen) == min(len(everything), max(0, window.total - in_flight.total()))
    _took_turns(everything, {task.id: task.scope for task in tasks}, in_flight)


def _took_turns(chosen: list[Candidate], scopes: dict[str, Scope], in_flight: Counter[Scope]) -> None:
    """Each pick went to a user with the least in flight among those who still had something."""
    counted = Counter(in_flight)
    for place, one in enumerate(chosen):
        left = {scopes[other.task_id] for other in chosen[place:]}
        assert counted[scopes[one.task_id]] == min(counted[scope] for scope in left)
        counted[scopes[one.task_id]] += 1
    for scope in set(scopes.values()):
        of_user = [one for one in chosen if scopes[one.task_id] == scope]
        assert of_user == sorted(of_user), "what ought to have begun first goes first"
