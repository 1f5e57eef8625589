"""The mapping of subtasks against a plain one, for any history."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.altered import altered
from domain.subtasks import FEW, Subtasks
from domain.task import FINAL, IN_FLIGHT, Subtask, SubtaskState
from tests.builders import START, task

subs = st.builds(Subtask, key=st.sampled_from("abcdef"), state=st.sampled_from(SubtaskState))
histories = st.lists(st.lists(subs, max_size=4), max_size=12)


def plain(history: list[list[Subtask]]) -> dict[str, Subtask]:
    return {sub.key: sub for together in history for sub in together}


def kept(history: list[list[Subtask]], begun: Subtasks | None = None) -> Subtasks:
    subtasks = begun or Subtasks()
    for together in history:
        subtasks = subtasks.put(together)
    return subtasks


@given(histories)
def test_it_is_the_mapping_it_stands_for_and_counts_what_is_in_it(history):
    expected, subtasks = plain(history), kept(history)
    states = [sub.state for sub in expected.values()]
    assert subtasks == expected
    assert list(subtasks.items()) == list(expected.items())
    assert list(subtasks) == list(expected.keys()) == list(subtasks.keys())
    assert list(subtasks.values()) == list(expected.values())
    assert all(key in subtasks and subtasks.get(key) is subtasks[key] for key in expected)
    assert (len(subtasks), subtasks.get("nobody")) == (len(expected), None)
    assert subtasks.open == sum(state not in FINAL for state in states)
    assert subtasks.in_flight == sum(state in IN_FLIGHT for state in states)
    assert subtasks.ready == states.count(SubtaskState.READY)


@given(histories, histories)
def test_it_tells_what_was_put_since_and_leaves_what_was_there_alone(first, then):
    before = kept(first)
    as_it_was = dict(before)
    after = kept(then, before)
    changed = {sub.key: sub for sub in after.changed_since(before)}
    assert before == as_it_was
    assert changed == {key: sub for key, sub in after.items() if sub is not before.get(key)}


def test_many_changes_of_a_large_plan_are_seen():
    large = Subtasks({f"n{place}": Subtask(key=f"n{place}") for place in range(500)})
    after = kept([[Subtask(key=f"n{place}", state=SubtaskState.READY)] for place in range(3 * FEW)], large)
    assert after.ready == 3 * FEW
    assert sorted(sub.key for sub in after.changed_since(large)) == sorted(f"n{place}" for place in range(3 * FEW))


def test_altered_is_replace():
    whole = task()
    changes = {"version": 7, "planned_at": START, "deadline_at": START + timedelta(days=1)}
    assert altered(whole, **changes) == replace(whole, **changes)
    assert whole == task()
    with pytest.raises(KeyError):
        altered(whole, colour="red")
