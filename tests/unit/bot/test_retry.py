from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from bot.retry import carried
from domain import events as e
from domain.plan import Node, Plan
from domain.progress import step
from domain.task import SubtaskState, TaskState
from tests.fakes import START
from tests.unit.aggregator.samples import task_of


@given(st.lists(st.lists(st.integers(0, 8), max_size=3), min_size=1, max_size=8), st.data())
def test_what_is_carried_never_rests_on_what_runs_again(edges: list[list[int]], data: st.DataObject) -> None:
    nodes = tuple(
        Node(id=str(place), skill="s", dependencies=tuple({str(other) for other in others if other < place}))
        for place, others in enumerate(edges)
    )
    plan = Plan(nodes=nodes)
    finals = st.sampled_from([SubtaskState.SUCCEEDED, SubtaskState.FAILED, SubtaskState.SKIPPED])
    task = task_of(plan)
    subs = {key: replace(sub, state=data.draw(finals)) for key, sub in task.subtasks.items()}
    subs["0"] = replace(subs["0"], state=SubtaskState.FAILED)
    task = replace(task, subtasks=subs, state=TaskState.ANSWERED, settled_at=START)
    key = data.draw(st.sampled_from([None, *subs]))
    kept = carried(task, key)
    assert all(set(plan.by_id[name].dependencies) <= kept.keys() for name in kept)
    assert kept.items() <= subs.items()
    assert key not in kept
    assert key or all(sub.state is SubtaskState.SUCCEEDED for sub in kept.values())
    again, _ = step(task_of(None), e.Planned(plan=plan, at=START, carried=kept))
    assert any(sub.state is SubtaskState.READY for sub in again.subtasks.values())
