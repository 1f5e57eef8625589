"""The planner and the aggregator, as loops over the rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from domain import events as e
from domain.answer import Answer, Author, Statement
from domain.plan import Plan
from domain.task import Failure, Task
from tests.chaos.simulation.broker import NUDGES, Broker
from tests.chaos.simulation.engine import Program
from tests.chaos.simulation.rows import Rows
from tests.chaos.simulation.scripts import Script, is_safe
from tests.unit.domain.build import at

CLAIM_S = 20.0


class Planner:
    """Writes plans, some piece by piece, and answers.

    Args:
        name: of its process.
        rows: the database.
        broker: whom to nudge.
        scripts: what it will write for each task.
    """

    def __init__(self, name: str, rows: Rows, broker: Broker, scripts: Mapping[str, Script]) -> None:
        self._name = f"{name} since {broker.engine.now}"  # one that comes back is somebody else
        self._rows, self._broker, self._scripts = rows, broker, scripts
        self._random = broker.engine.random

    def programs(self) -> list[Program]:
        return [self._plans(), self._answers()]

    @property
    def _now(self) -> datetime:
        return at(self._broker.engine.now)

    def _until(self) -> datetime:
        return at(self._broker.engine.now + CLAIM_S)

    def _thinks(self) -> float:
        """Usually a moment; now and then so long that its claim is over."""
        return self._random.uniform(15, 60) if self._random.random() < 0.08 else self._random.uniform(0.1, 1.5)

    def _is_free(self, task: Task) -> bool:
        return task.claimed_until is None or task.claimed_until <= self._now

    def _plans(self) -> Program:
        while True:
            for task_id in [task.id for task in self._rows.open()]:
                task = self._rows.tasks[task_id]
                if task.planned_at is None and task.settled_at is None and not task.question and self._is_free(task):
                    self._rows.happen(task.id, e.PlanningStarted(until=self._until(), by=self._name))
                    yield from self._plan(task)
            yield 1.0

    def _plan(self, task: Task) -> Program:
        script, count = self._scripts[task.id], len(task.plan.misses) if task.plan else 0
        yield self._thinks()
        if script.asks and not task.dialogue:
            self._rows.happen(task.id, e.QuestionAsked(question="Which?", at=self._now, by=self._name))
            return
        plan = script.plan(self._name, count)
        if script.streams:
            yield from self._stream(task, plan)
        if self._random.random() < 0.05:
            failure = Failure(code="no_plan")
            self._rows.happen(task.id, e.PlanFailed(failure=failure, at=self._now, by=self._name))
        else:
            self._rows.happen(task.id, e.Planned(plan=plan, at=self._now, by=self._name))
        yield 0.01
        self._broker.publish(NUDGES, task.id)

    def _stream(self, task: Task, plan: Plan) -> Program:
        """One safe node after the other, each as soon as it is written."""
        for node in plan.nodes:
            if is_safe(node):
                piece = e.PlanGrew(nodes=(node,), author=plan.author, at=self._now, by=self._name)
                self._rows.happen(task.id, piece)
                self._broker.publish(NUDGES, task.id)
            yield self._thinks()

    def _answers(self) -> Program:
        while True:
            for task_id in list(self._rows.tasks):
                task = self._rows.tasks[task_id]
                if task.settled_at is not None and task.answer is None and self._is_free(task):
                    self._rows.happen(task.id, e.AnsweringStarted(until=self._until()))
                    yield self._random.uniform(0.2, 2.0)
                    self._judge(self._rows.tasks[task_id])
            yield 1.0

    def _judge(self, task: Task) -> None:
        if self._scripts[task.id].disappoints and task.plan and task.plan.rounds_left and not task.cancelled_at:
            self._rows.happen(task.id, e.Dissatisfied(why="no totals", at=self._now))
            if self._rows.tasks[task.id].settled_at is None:
                return
        answer = Answer(statements=(Statement(text=self._name),), author=Author.RULES)
        self._rows.happen(task.id, e.Answered(answer=answer, at=self._now))
