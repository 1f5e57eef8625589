"""What the benchmarks say is only worth something if every node really ran once, and in order."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from random import Random

import pytest

from benchmarks.dags import stock
from benchmarks.dags.ours import embedded
from benchmarks.dags.protocol import Load
from benchmarks.dags.stepping import ClosedLoop
from benchmarks.dags.workloads import WORKLOADS, depends_in_order, plans, tasks_for
from domain.task import Attempt, Outcome, SubtaskState
from storage import open_store
from tests.fakes import START, FakeClock

SIZES = {"chain10": 10, "fan50": 50, "layered": 50, "diamond4": 4}


@pytest.mark.parametrize("workload", WORKLOADS)
def test_workloads_are_what_they_are_called(workload: str):
    many = plans(workload, 7, 200)
    assert all(depends_in_order(dag) for dag in many)
    assert {len(dag) for dag in many} == {SIZES[workload]} if workload in SIZES else set(range(3, 13))
    assert plans(workload, 7, 200) == many


def test_loads_have_about_the_size_asked_for():
    for workload in WORKLOADS:
        subtasks = sum(map(len, plans(workload, 3, tasks_for(workload, 5000))))
        assert 4500 < subtasks < 5500


@pytest.mark.parametrize("workload", WORKLOADS)
def test_closed_loop_runs_every_node_once_and_in_order(workload: str):
    load = Load(workload, seed=5, tasks=20, at_once=4)
    seconds = count()
    loop = ClosedLoop(load, lambda: float(next(seconds)))
    random, sent, ended = Random(1), loop.begin(), set()  # noqa: S311 -- an order
    while not loop.is_over:
        name = sent.pop(random.randrange(len(sent)))
        needed = plans(workload, 5, 20)[name[0]][name[1]]
        assert all((name[0], other) in ended for other in needed)
        assert len({task for task, _ in sent}) <= load.at_once
        ended.add(name)
        sent += loop.end([name])
    report = loop.report()
    assert (report.faults, sent, len(ended), len(report.latencies_s)) == ([], [], report.subtasks, 20)


def test_closed_loop_notices_what_ran_twice_or_early():
    loop = ClosedLoop(Load("chain10", seed=1, tasks=1, at_once=1), lambda: 0.0)
    loop.begin()
    loop.end([(0, 0), (0, 0), (0, 5)])
    assert loop.report().faults == ["0.0 ran twice", "0.5 ran before what it needs"]


@pytest.mark.parametrize("workload", WORKLOADS)
async def test_real_dispatcher_and_worker_do_the_same(workload: str, tmp_path: Path):
    async with embedded(tmp_path) as driver:
        first = await driver.perform(Load(workload, seed=5, tasks=3, at_once=2))
        again = await driver.perform(Load(workload, seed=6, tasks=2, at_once=2))
    assert (first.faults, again.faults) == ([], [])
    assert first.subtasks == sum(map(len, plans(workload, 5, 3)))
    assert (len(first.latencies_s), len(again.latencies_s)) == (3, 2)


async def test_rows_tell_what_did_not_run_once_and_in_order():
    dag = ((), (0,), (1,))
    store = open_store("sqlite://", FakeClock())
    ended = {
        "n0": {"state": SubtaskState.SUCCEEDED, "dispatched_at": START, "finished_at": START + timedelta(seconds=2)},
        "n1": {"state": SubtaskState.SUCCEEDED, "dispatched_at": START + timedelta(seconds=1), "finished_at": START},
        "n2": {"state": SubtaskState.FAILED, "dispatched_at": START + timedelta(seconds=3), "finished_at": START},
    }
    task = stock.planned(1, dag, START, "ann")
    subtasks = {key: replace(sub, **ended[key]) for key, sub in task.subtasks.items()}
    await store.transact(lambda uow: uow.tasks.add(replace(task, subtasks=subtasks)))
    tries = [_try("n0", 1, Outcome.HANDED_BACK), _try("n0", 2), _try("n1", 1), _try("n2", 1), _try("n2", 2)]
    await store.transact(lambda uow: uow.tasks.put(replace(uow.tasks.lock([task.id])[task.id], state="running"), tries))
    found = await stock.faults(store, {task.id: dag, "000ABC": ((),)})
    await store.close()
    assert found == [
        f"{task.id}.n2 ran more than once",
        f"{task.id}.n2 is failed",
        f"{task.id}.n1 ran before what it needs",
        "000ABC.n0 is missing",
    ]


def _try(key: str, number: int, outcome: Outcome = Outcome.SUCCEEDED) -> Attempt:
    return Attempt(
        key=key,
        number=number,
        agent="echo",
        worker=None,
        exec_id=None,
        started_at=START,
        ended_at=START,
        outcome=outcome,
    )
