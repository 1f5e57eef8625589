"""A world from a seed: tasks, people, processes, chaos for a while, then calm; and what was promised."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import partial
from random import Random

from domain import events as e
from domain.ends import Step, put
from domain.progress import step
from domain.task import FINAL_TASK, IN_FLIGHT, Outcome, Scope, SubtaskState, Task, TaskState
from tests.chaos.simulation.broker import NUDGES, Broker
from tests.chaos.simulation.control import Control
from tests.chaos.simulation.engine import Engine, Program
from tests.chaos.simulation.rows import Rows
from tests.chaos.simulation.scripts import Playwright
from tests.chaos.simulation.workers import Nature, Worker
from tests.unit.domain import build as b

CHAOS_S = 100.0  # then everything works
RECOVERED_S = 700.0  # and by then everything is answered
QUIET_S = 60.0  # watched on for what comes late


class World:
    """Everything there is.

    Args:
        seed: what decides everything.
        without: mechanisms that are taken away, to see whether that is noticed: sweep (the periodic look at the
            rows), reaper (of leases), republish (of what the broker lost), late timers (for what outlives the
            deadline), fence (the compare-and-set), grant (before an effect), unknown (as an end of its own), claim
            (that only its holder's word counts).
    """

    def __init__(self, seed: int, without: str = "") -> None:
        self.without = without
        random = Random(seed)  # noqa: S311 -- a simulation, not a secret
        self.engine = Engine(random, self._risk)
        self.broker = Broker(engine=self.engine, odds=(0.03, 0.05, 0.02))
        self.rows = Rows(decide=DECISIONS.get(without, step))
        self.nature = Nature(kinds={})
        ids = [f"TASK0{number}" for number in range(3)]
        self.scripts = {name: Playwright(random, self.nature, name, without).script() for name in ids}
        self.over_at = CHAOS_S + RECOVERED_S
        for number in range(random.choice([1, 1, 2])):
            name = f"control{number}"
            self.engine.process(name, partial(self._control, name), partial(self.broker.gone, name))
        for name, agent in (("w1", "new"), ("w2", "new"), ("w3", "new"), ("w4", "old")):
            worker = Worker(name, agent, self.broker, self.nature, without)
            self.engine.process(name, worker.programs, partial(self.broker.gone, name))
        self.engine.process("outside", lambda: [self._chaos(), *map(self._person, self.scripts)], lambda: None)

    def run(self) -> list[str]:
        """Let it happen. Returns every promise that was broken."""
        self.engine.run(self._is_over)
        return self.rows.broken + [broken for task in self.rows.tasks.values() for broken in self._broken(task)]

    def _is_over(self) -> bool:
        ends = [task.state in FINAL_TASK for task in self.rows.tasks.values()]
        if self.engine.now > CHAOS_S and all(ends) and len(ends) == len(self.scripts):
            self.over_at = min(self.over_at, self.engine.now + QUIET_S)
        return self.engine.now >= self.over_at

    def _risk(self, name: str) -> float:
        if name == "outside" or self.engine.now > CHAOS_S:
            return 0.0
        return 0.004 if name.startswith("control") else 0.012

    def _control(self, name: str) -> list[Program]:
        return Control(name, self.rows, self.broker, self.scripts, self.without).programs()

    def _person(self, task_id: str) -> Program:
        """Asks, approves sooner or later, sometimes thinks better of it."""
        random = self.engine.random
        yield random.uniform(0, CHAOS_S / 2)
        asked_at, deadline_s = self.engine.now, random.choice([30.0, 30.0, 60.0, 1e6, 1e6, 1e6])
        scope = Scope(tenant="t", owner=f"console:{random.randint(1, 2)}")
        deadline_at = b.at(asked_at + deadline_s)
        self.rows.add(b.received(id=task_id, scope=scope, created_at=b.at(asked_at), deadline_at=deadline_at))
        patience_s = random.choice([1e9, 1e9, 1e9, 1e9, random.uniform(0, 80)])
        while self.rows.tasks[task_id].state not in FINAL_TASK:
            yield random.uniform(0.5, 4.0)
            if self.engine.now > asked_at + patience_s:
                self.rows.happen(task_id, e.CancelRequested(at=b.at(self.engine.now)))
            if self.rows.tasks[task_id].state is TaskState.WAITING and random.random() < 0.4:
                self.rows.happen(task_id, e.Approved(at=b.at(self.engine.now)))
                yield 0.01
                self.broker.publish(NUDGES, task_id)
            if self.rows.tasks[task_id].question is not None and random.random() < 0.4:
                self.rows.happen(task_id, e.QuestionAnswered(reply="that one", at=b.at(self.engine.now)))

    def _chaos(self) -> Program:
        random = self.engine.random
        while self.engine.now < CHAOS_S:
            yield random.uniform(5, 50)
            self.broker.goes_down()
            yield random.uniform(0.1, 15)
            self.broker.comes_up(empty=random.random() < 0.3)
        self.broker.odds = (0.0, 0.0, 0.0)

    # --- what was promised ---

    def _broken(self, task: Task) -> list[str]:
        broken = [f"{task.id} is stuck in {task.state}: {b.states(task)}"] if task.state not in FINAL_TASK else []
        if self.rows.answers[task.id] > 1:
            broken.append(f"{task.id} was answered {self.rows.answers[task.id]} times")
        done = Counter(
            ended.key
            for task_id, ended in self.rows.attempts
            if (task_id, ended.outcome) == (task.id, Outcome.SUCCEEDED)
        )
        broken += [f"{task.id}.{key} succeeded {times} times" for key, times in done.items() if times > 1]
        for sub in task.subtasks.values():
            acted, kind = self.nature.acted[task.id, sub.key], self.nature.kind(task.id, sub.key)
            if acted > 1:
                broken.append(f"{task.id}.{sub.key} acted {acted} times")
            if kind == "external" and sub.attempt and sub.state is SubtaskState.SUCCEEDED and not acted:
                broken.append(f"{task.id}.{sub.key} says it acted and did not")
            if acted and sub.state in (SubtaskState.SKIPPED, SubtaskState.CANCELLED):
                broken.append(f"{task.id}.{sub.key} acted and says it was {sub.state}")
            job = self.nature.execs.get(sub.result.summary) if sub.result else None
            if job is not None and (job.task, job.key, job.attempt) != (task.id, sub.key, sub.attempt):
                broken.append(f"{task.id}.{sub.key} has the result of {job}")
        return broken


def unfenced(task: Task, event: e.Event) -> Step:
    """`step` without its compare-and-set: whoever speaks of a subtask in flight is believed."""
    sub = task.subtasks.get(getattr(event, "key", ""))
    if sub is None or sub.state not in IN_FLIGHT or isinstance(event, e.Released | e.TimedOut | e.LeaseExpired):
        return step(task, event)
    event = replace(event, attempt=sub.attempt)
    if isinstance(event, e.Started | e.Claimed):
        return step(put(task, [replace(sub, lease=event.lease)]), event)
    if isinstance(event, e.Succeeded | e.Divided | e.Failed | e.HandedBack) and sub.lease is not None:
        event = replace(event, exec_id=sub.lease.exec_id)
    return step(task, event)


def unclaimed(task: Task, event: e.Event) -> Step:
    """`step` in which any planner is believed."""
    if isinstance(event, e.PlanGrew | e.Planned | e.PlanFailed | e.QuestionAsked):
        event = replace(event, by=task.claimed_by)
    return step(task, event)


DECISIONS = {"fence": unfenced, "claim": unclaimed}
