"""Who is to blame when a process dies at work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from app.blame import SLOT, Running, blame
from domain.task import SubtaskState
from storage import open_store
from tests.builders import node, plan, planned
from tests.builders import released as released_at
from tests.fakes import START, CountingEntropy, FakeClock

DYING = """
import os, sys
from pathlib import Path
from app.blame import Running
running = Running(Path(sys.argv[1]))
done = running.begin("AAAAAA.done")
for name in ("AAAAAA.a", "AAAAAA.b"):
    running.begin(name)
running.end(done)
running.begin("AAAAAA." + "x" * 500)
os._exit(9)
"""


def test_what_a_dead_process_worked_on_is_known_to_the_next_once(tmp_path: Path):
    ran = subprocess.run([sys.executable, "-c", DYING, tmp_path], check=False)
    assert ran.returncode == 9
    running = Running(tmp_path)
    assert running.take_died() == ("AAAAAA.a", "AAAAAA.b")
    assert running.take_died() == ()
    running.begin("AAAAAA.c")
    other = Running(tmp_path)  # this process lives: what it works on is not lost
    assert other.take_died() == ()
    running.close()
    assert len("AAAAAA.a") < SLOT


async def test_it_counts_as_a_try_until_there_are_none_left():
    store = open_store("sqlite://", FakeClock())
    await store.transact(lambda uow: uow.tasks.add(planned(plan(node("a", max_attempts=2), node("b")))))
    for state in (SubtaskState.READY, SubtaskState.FAILED):
        task = await store.transact(lambda uow: uow.tasks.put(released_at(uow.tasks.lock(["AAAAAA"])["AAAAAA"], "a")))
        assert task.subtasks["a"].state is SubtaskState.DISPATCHED
        await blame(store, CountingEntropy(0.0), START, ("AAAAAA.a", "AAAAAA.b", "nonsense"))
        task = await store.transact(lambda uow: uow.tasks.lock(["AAAAAA"])["AAAAAA"])
        assert task.subtasks["a"].state is state
        assert task.subtasks["b"].state is SubtaskState.READY  # nobody had sent it
    assert task.subtasks["a"].failure is not None
    assert task.subtasks["a"].failure.code == "crashed"
    await store.close()


class Drawn(CountingEntropy):
    """Another jitter each time."""

    def __init__(self, *jitters: float) -> None:
        super().__init__()
        self._left = iter(jitters)

    def jitter(self) -> float:
        return next(self._left)


async def test_what_died_together_is_not_tried_again_together():
    store = open_store("sqlite://", FakeClock())
    task = released_at(planned(plan(node("a"), node("b"))), "a", "b")
    await store.transact(lambda uow: uow.tasks.add(task))
    await blame(store, Drawn(0.25, 0.75), START, ("AAAAAA.a", "AAAAAA.b"))
    task = await store.transact(lambda uow: uow.tasks.lock(["AAAAAA"])["AAAAAA"])
    waits = [(sub.due_at - START).total_seconds() for sub in task.subtasks.values() if sub.due_at]
    assert waits == [0.25, 0.75]
    await store.close()
