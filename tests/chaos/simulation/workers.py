"""Agents: workers as ours are, and a listener that knows nothing but task and result."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from domain import events as e
from tests.chaos.simulation.broker import BEATS, STAR, Broker, Letter
from tests.chaos.simulation.engine import Killed, Program
from tests.chaos.simulation.letters import Job, Said

BEAT_S, GRANT_S = 5.0, 10.0


@dataclass(kw_only=True)
class Nature:
    """What a subtask is to whoever runs it, and what the world outside has seen of it."""

    kinds: dict[tuple[str, str], str]  # short, long, external, poison or deadly
    acted: Counter[tuple[str, str]] = field(default_factory=Counter)  # external effects, as the outside counts them
    execs: dict[str, Job] = field(default_factory=dict)

    def kind(self, task: str, key: str) -> str:
        """What a subtask is; a child of a map is what the map is."""
        return self.kinds.get((task, key)) or self.kinds[task, key.rpartition(".")[0]]


class Worker:
    """One worker process.

    Args:
        name: its name.
        broker: the broker.
        nature: what there is to do.
        without: mechanisms that are taken away.
    """

    def __init__(self, name: str, agent: str, broker: Broker, nature: Nature, without: str) -> None:
        self._name, self._agent, self._broker, self._nature, self._without = name, agent, broker, nature, without
        self._random = broker.engine.random

    def programs(self) -> list[Program]:
        self._broker.listen(self._name)
        return [self._listener() if self._agent == "old" else self._works()]

    def _tick(self) -> float:
        """Usually no time at all; now and then the whole machine stands still."""
        is_stopped = self._random.random() < 0.004 * (self._broker.odds[0] > 0)
        return self._random.uniform(40, 90) if is_stopped else self._random.uniform(0.001, 0.02)

    def _works(self) -> Program:
        while True:
            letter = self._broker.take(self._agent, self._name)
            if letter is None:
                yield 0.5
                continue
            yield self._tick()
            if letter.redelivered:
                yield from self._say("handback", letter.body, None)
                self._broker.ack(self._name, letter)
                continue
            exec_id = f"{self._name}-{len(self._nature.execs)}"
            self._nature.execs[exec_id] = letter.body
            yield from self._runs(letter, exec_id)

    def _runs(self, letter: Letter, exec_id: str) -> Program:
        job: Job = letter.body
        match self._nature.kind(job.task, job.key):
            case "poison":
                raise Killed
            case "short":
                yield self._random.uniform(0.1, 0.9)
                yield from self._reports(job, exec_id)
                self._broker.ack(self._name, letter)
            case kind:
                yield from self._say("claim" if kind == "external" else "started", job, exec_id)
                self._broker.ack(self._name, letter)
                yield from self._acts(job, exec_id) if kind == "external" else self._lasts(job, exec_id, kind)

    def _lasts(self, job: Job, exec_id: str, kind: str) -> Program:
        left_s = self._random.uniform(8, 40)
        while left_s > 0:
            yield min(left_s, BEAT_S)
            left_s -= BEAT_S
            if kind == "deadly":
                raise Killed
            if (e.Stop, exec_id) in self._orders():
                return
            self._beat(job, exec_id)
        yield self._tick()
        yield from self._reports(job, exec_id)

    def _acts(self, job: Job, exec_id: str) -> Program:
        """Wait for the go-ahead; without it, promise not to act."""
        until = self._broker.engine.now + GRANT_S
        granted = "grant" in self._without
        while not granted and self._broker.engine.now < until:
            yield 0.3
            granted = (e.Grant, exec_id) in self._orders()
        if not granted:
            yield from self._say("handback", job, exec_id)
            return
        yield self._tick()
        self._nature.acted[job.task, job.key] += 1
        yield self._tick()
        yield from self._reports(job, exec_id)

    def _orders(self) -> list[object]:
        return self._broker.orders.get(self._name, [])

    def _beat(self, job: Job, exec_id: str) -> None:
        self._broker.publish(BEATS, self._said("beat", job, exec_id))

    def _reports(self, job: Job, exec_id: str) -> Program:
        kind = "success" if self._random.random() < 0.9 else "error"
        yield from self._say(kind, job, exec_id)

    def _say(self, kind: str, job: Job, exec_id: str | None) -> Program:
        """Again and again until the broker confirmed it, which may be once too often."""
        said = self._said(kind, job, exec_id)
        yield self._tick()
        while not self._broker.publish(STAR, said):
            yield self._random.uniform(0.2, 1.5)
        yield self._tick()

    def _said(self, kind: str, job: Job, exec_id: str | None) -> Said:
        return Said(kind=kind, job=job, agent=self._agent, worker=self._name, attempt=job.attempt, exec_id=exec_id)

    def _listener(self) -> Program:
        """Runs whatever it gets, says the result once without looking whether it arrived, then acknowledges."""
        while True:
            letter = self._broker.take(self._agent, self._name)
            if letter is None:
                yield 0.5
                continue
            yield self._random.uniform(0.1, 3.0)
            self._broker.publish(STAR, Said(kind="success", job=letter.body, agent=self._agent))
            yield self._tick()
            self._broker.ack(self._name, letter)
