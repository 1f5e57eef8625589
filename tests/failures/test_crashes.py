"""A named crash point, the process that dies there, the same process started again, and what was promised."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from tests.failures.ground import Ground
from tests.failures.sides import Side, on_sides

pytestmark = [pytest.mark.process, pytest.mark.timeout(180)]


@dataclass(frozen=True)
class Crash:
    """One row of the failure model at one crash point.

    `plan` is asked for; `runs` is how often its first step may have run: what only reads may run again, and begins
    while its plan is still being written.
    """

    row: str
    point: str
    plan: str = "read"
    runs: tuple[int, ...] = (1,)

    def __str__(self) -> str:
        return f"{self.row}-{self.point}"


CRASHES = [
    Crash("F1", "intake.commit.before"),
    Crash("F2", "intake.commit.after"),
    Crash("F5", "chat.card.after", plan="slow"),
    Crash("F6", "model.plan.before"),
    Crash("F6", "model.plan.after", runs=(1, 2)),
    Crash("F6", "planner.claim.after"),
    Crash("F6", "planner.plan.before", runs=(1, 2)),
    Crash("F6", "planner.grow.after", plan="pair", runs=(1, 2)),
    Crash("F11", "planner.plan.after", runs=(1, 2)),
    Crash("F11", "dispatcher.commit.before"),
    Crash("F11", "dispatcher.publish.before"),
    Crash("F12", "dispatcher.publish.after", runs=(1, 2)),
    Crash("F16", "agent.take.after"),
    Crash("F16", "agent.skill.before"),
    Crash("F16", "agent.ack.before", plan="slow", runs=(1, 2)),
    Crash("F17", "agent.skill.after", runs=(2,)),
    Crash("F17", "agent.started.after", plan="slow", runs=(2,)),
    Crash("F20", "agent.result.before", runs=(2,)),
    Crash("F20", "agent.result.after", plan="slow", runs=(1, 2)),
    Crash("F21", "dispatcher.ack.before"),
    Crash("F22", "dispatcher.take.after", plan="pair", runs=(1, 2)),
    Crash("F22", "dispatcher.commit.after:2", plan="pair", runs=(1, 2)),
    Crash("F22", "dispatcher.publish.before:2", plan="pair", runs=(1, 2)),
    Crash("F25", "aggregator.claim.after"),
    Crash("F25", "aggregator.answer.before"),
    Crash("F25", "aggregator.answer.after"),
    Crash("F25", "model.answer.after", plan="pair"),
    Crash("F25", "chat.stub.before"),
    Crash("F25", "chat.stub.after"),
    Crash("F25", "chat.answer.before"),
    Crash("F25", "chat.answer.after"),
    Crash("F25", "chat.edit.before", plan="slow", runs=(1, 2)),
]


@pytest.mark.parametrize(("side", "crash"), on_sides(CRASHES))
def test_whatever_dies_where_there_is_one_answer(here: Ground, side: Side, crash: Crash):
    here.arm(crash.point)
    request = here.telegram.ask(crash.plan, crash.row)
    dead = here.crash(crash.point)
    here.start(dead)
    task = here.check_answered_once(request)
    assert task["state"] == "answered"
    assert {subtask["state"] for subtask in task["subtasks"]} == {"succeeded"}
    assert len(here.deeds(request)) in crash.runs
    assert here.script.plans_asked.count(request.word) <= 2
