"""Applying what a person decided to a task, and telling whom it concerns."""

from __future__ import annotations

from dataclasses import dataclass

from bot.aftermath import tell
from domain import events as e
from domain.ports import ControlBus, UnitOfWork
from domain.progress import step
from domain.task import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A task before and after something was decided about it, and what that asks for."""

    before: Task
    after: Task
    effects: tuple[e.Effect, ...] = ()

    @property
    def is_one(self) -> bool:
        """Whether anything is different now."""
        return self.after is not self.before


def changed(uow: UnitOfWork, task: Task, event: e.Event) -> Change:
    """Apply an event to a task held for change, and save what came of it."""
    after, effects = step(task, event)
    if after is task:
        return Change(before=task, after=task)
    attempts = [effect.attempt for effect in effects if isinstance(effect, e.RecordAttempt)]
    return Change(before=task, after=uow.tasks.put(after, attempts), effects=effects)


async def announce(bus: ControlBus, change: Change) -> None:
    """Tell workers and roles, once it is committed."""
    if change.is_one:
        await tell(bus, change.after.id, change.effects)
