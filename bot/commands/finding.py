"""Which task is meant: by its id, or the only one that fits. Somebody else's is as unknown as none."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from bot.commands.means import Asker, may_see
from domain.errors import NotFound, Refused
from domain.ids import read_task_id
from domain.ports import TaskLine, UnitOfWork
from domain.safe_text import safe_line
from domain.task import FINAL_TASK, Task, TaskState

OPEN = frozenset(TaskState) - FINAL_TASK
LISTED = 10
_TYPED = 40  # characters of what was typed that are said again

May = Callable[[Asker, Task], bool]


def read_step(typed: str) -> tuple[str, str | None]:
    """A task's id and the step behind it, as in `7KQ2M4 a` and `7KQ2M4.a`; what is missing is empty and None."""
    name, *steps = re.split(r"[.\s]+", typed.strip(), maxsplit=1)
    return name, "".join(steps) or None


def named(uow: UnitOfWork, asker: Asker, typed: str, may: May = may_see) -> Task:
    """The task of this id, not locked. Raises NotFound, the same for an unknown id and for one that is not theirs."""
    task_id = read_task_id(typed)
    task = uow.tasks.find(asker.scope, task_id) or uow.tasks.peek(task_id) if task_id else None
    if task is None or not may(asker, task):
        raise NotFound("error.not_found", task=safe_line(typed, _TYPED))
    return task


def held(uow: UnitOfWork, asker: Asker, typed: str, may: May) -> Task:
    """The task of this id as it stands, held for change. Raises NotFound as `named` does."""
    task = named(uow, asker, typed, may)
    return uow.tasks.lock([task.id]).get(task.id, task)


def newest(uow: UnitOfWork, asker: Asker) -> Task:
    """The newest task of theirs that is open, else the newest. Raises Refused when they have none."""
    for states in (OPEN, ()):
        lines = uow.tasks.recent(asker.scope, 1, states=states)
        if lines:
            return named(uow, asker, lines[0].id)
    raise Refused("chat.no_tasks")


def open_ones(uow: UnitOfWork, asker: Asker) -> list[TaskLine]:
    """Their newest tasks that are not over."""
    return uow.tasks.recent(asker.scope, LISTED, states=OPEN)


def meant(uow: UnitOfWork, asker: Asker, states: Collection[TaskState], none: str) -> str:
    """The id of their only task in one of these states.

    Raises:
        Refused: there is none (`none` is the sentence for that), or there are several.
    """
    fitting = [line.id for line in uow.tasks.recent(asker.scope, LISTED, states=states)]
    if not fitting:
        raise Refused(none)
    if len(fitting) > 1:
        raise Refused("chat.which_one", tasks=", ".join(fitting))
    return fitting[0]
