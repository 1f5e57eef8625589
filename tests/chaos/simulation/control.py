"""The control plane in one process: the dispatcher, as loops over the rows, beside planner and aggregator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from domain import events as e
from domain import growth
from domain.ends import node_of, plan_of
from domain.task import IN_FLIGHT, Failure, Lease, Result, Subtask, Task
from tests.chaos.simulation.broker import BEATS, DEAD, NUDGES, STAR, Broker
from tests.chaos.simulation.engine import Program
from tests.chaos.simulation.letters import Job, Said
from tests.chaos.simulation.planner import Planner
from tests.chaos.simulation.rows import Rows
from tests.chaos.simulation.scripts import Script
from tests.unit.domain.build import at

LEASE_S, SWEEP_S, REPUBLISH_S, TTL_S, GRACE_S = 30.0, 5.0, 5.0, 20.0, 10.0
Told = list[tuple[str, e.Effect]]


class Control:
    """One process of the control plane.

    Args:
        name: its name as a consumer.
        rows: the database.
        broker: the broker.
        scripts: what the planner will write for each task, and agents make of it.
        without: mechanisms that are taken away.
    """

    def __init__(self, name: str, rows: Rows, broker: Broker, scripts: Mapping[str, Script], without: str) -> None:
        self._name, self._rows, self._broker, self._scripts, self._without = name, rows, broker, scripts, without
        self._random = broker.engine.random
        self._born_at = broker.engine.now
        self._generation = -1  # what was published before this process is not known to it
        self._drained_at: float | None = None

    def programs(self) -> list[Program]:
        loops = [self._reports(), self._beats(), self._dead(), self._nudges()]
        loops += Planner(self._name, self._rows, self._broker, self._scripts).programs()
        return loops if "sweep" in self._without else [*loops, self._sweeps()]

    @property
    def _now(self) -> datetime:
        return at(self._broker.engine.now)

    def _in(self, seconds: float) -> datetime:
        return at(self._broker.engine.now + seconds)

    def _tick(self) -> float:
        return self._random.uniform(0.001, 0.02)

    # --- dispatcher ---

    def _reports(self) -> Program:
        """Settle, release, acknowledge, then tell; a crash between any two is made good by somebody's sweep."""
        while True:
            letters = [one for _ in range(4) if (one := self._broker.take(STAR, self._name)) is not None]
            if not letters:
                self._drained_at = self._broker.engine.now if self._broker.up_since is not None else None
                yield 0.3
                continue
            yield self._tick()
            told: Told = []
            for letter in letters:
                told += self._rows.happen(letter.body.job.task, *self._read(letter.body))
            told += self._release()
            yield self._tick()
            for letter in letters:
                self._broker.ack(self._name, letter)
            yield from self._tell(told)

    def _read(self, said: Said) -> list[e.Event]:
        key, now, jitter = said.job.key, self._now, self._random.random()
        task = self._rows.tasks[said.job.task]
        node = node_of(task, key)
        match said.kind:
            case "started" | "claim":
                kind = e.Started if said.kind == "started" else e.Claimed
                due_at = self._in(node.timeout_s + GRACE_S)
                return [kind(key=key, attempt=said.job.attempt, lease=self._lease(said), at=now, due_at=due_at)]
            case "beat":
                return [e.Beat(key=key, attempt=said.job.attempt, lease=self._lease(said))]
            case "handback":
                return [e.HandedBack(key=key, attempt=said.attempt, exec_id=said.exec_id, at=now)]
            case "success":
                return [self._succeeded(task, said)]
            case _:
                failure = Failure(code="error", retryable=True)
                return [e.Failed(**self._about(said), failure=failure, jitter=jitter)]

    def _about(self, said: Said) -> dict[str, Any]:
        about = {"attempt": said.attempt, "exec_id": said.exec_id, "agent": said.agent}
        return {"key": said.job.key, "at": self._now} | about

    def _succeeded(self, task: Task, said: Said) -> e.Event:
        """A result, or a plan in its place, if there is room for it."""
        key, plan, number = said.job.key, plan_of(task), sum(said.job.key.encode())
        result = Result(summary=said.exec_id or "", output=list(range(number % 4)))
        nodes = self._scripts[task.id].parts.get(key)
        if nodes is None:
            return e.Succeeded(**self._about(said), result=result)
        if len(plan.nodes) + len(nodes) > plan.max_nodes or growth.nesting(plan, key) >= growth.MAX_NESTING:
            return e.Failed(**self._about(said), failure=Failure(code="bad_plan"), jitter=0.0)
        return e.Divided(**self._about(said), nodes=growth.children(plan.by_id[key], nodes), result=result)

    def _lease(self, said: Said) -> Lease:
        return Lease(exec_id=said.exec_id or "", worker=said.worker, until=self._in(LEASE_S))

    def _release(self) -> Told:
        return self._rows.release(
            self._now,
            lambda task, key: node_of(task, key).skill,
            lambda task, key: self._in(TTL_S + GRACE_S + node_of(task, key).timeout_s),
        )

    def _tell(self, told: Told) -> Program:
        for task_id, effect in told:
            yield self._tick()
            match effect:
                case e.Dispatch(key=key, attempt=attempt):
                    self._publish(task_id, key, attempt)
                case e.Grant(lease=lease) | e.Stop(lease=lease):
                    self._broker.order(lease.worker, (type(effect), lease.exec_id))
                case _:
                    continue

    def _publish(self, task_id: str, key: str, attempt: int) -> None:
        agent = node_of(self._rows.tasks[task_id], key).skill
        if self._broker.publish(agent, Job(task=task_id, key=key, attempt=attempt), ttl_s=TTL_S):
            self._rows.confirmed.add((task_id, key, attempt))

    def _beats(self) -> Program:
        while True:
            told: Told = []
            while (letter := self._broker.take(BEATS, self._name)) is not None:
                told += self._rows.happen(letter.body.job.task, *self._read(letter.body))
            yield from self._tell(told)
            yield 1.0

    def _dead(self) -> Program:
        while True:
            letter = self._broker.take(DEAD, self._name)
            if letter is None:
                yield 1.5
                continue
            job: Job = letter.body
            back = e.HandedBack(key=job.key, attempt=job.attempt, exec_id=None, at=self._now, counts=False)
            told = self._rows.happen(job.task, back) + self._release()
            yield self._tick()
            self._broker.ack(self._name, letter)
            yield from self._tell(told)

    def _nudges(self) -> Program:
        while True:
            if self._broker.take(NUDGES, self._name) is not None:
                yield from self._tell(self._release())
            yield 0.5

    def _sweeps(self) -> Program:
        """Start-up, recovery and normal running alike."""
        while True:
            told: Told = []
            for task in list(self._rows.open()):
                told += self._rows.happen(task.id, *self._overdue(task))
            told += self._release()
            yield from self._tell(told)
            if "republish" not in self._without:
                yield from self._resend()
            yield SWEEP_S

    def _overdue(self, task: Task) -> Sequence[e.Event]:
        gone: list[e.Event] = [e.DeadlinePassed(at=self._now)] if task.deadline_at <= self._now else []
        if gone and "late timers" in self._without:
            return gone
        for sub in task.subtasks.values():
            if sub.state in IN_FLIGHT and sub.due_at is not None and sub.due_at <= self._now:
                gone.append(e.TimedOut(key=sub.key, attempt=sub.attempt, at=self._now, jitter=self._random.random()))
            elif self._is_silent(sub):
                gone.append(
                    e.LeaseExpired(key=sub.key, attempt=sub.attempt, at=self._now, jitter=self._random.random())
                )
        return gone

    def _is_silent(self, sub: Subtask) -> bool:
        """A lease only ends while its holder could have been heard: the broker is up, this process is too, and
        reports were drained since, all for as long as a lease."""
        since = self._broker.up_since
        if "reaper" in self._without or sub.lease is None or since is None or self._drained_at is None:
            return False
        is_listening = max(since, self._born_at) + LEASE_S <= self._broker.engine.now and self._drained_at >= since
        return is_listening and sub.lease.until <= self._now

    def _resend(self) -> Program:
        before = self._in(-REPUBLISH_S)
        if self._generation != self._broker.generation and self._broker.up_since is not None:
            self._rows.confirmed.clear()
            self._generation, before = self._broker.generation, self._now
        for task_id, key, attempt in list(self._rows.unpublished(before)):
            yield self._tick()
            self._publish(task_id, key, attempt)
