"""What was being worked on when a process died in which everything runs: a failed try for each, so that a step which
kills its process is given up like any other, and does not kill every next one.

On a broker of its own the broker knows who took what. In one process a file does: a slot for each skill that runs, with
the name of its subtask, written without a sync, as it has to outlive the process and not the machine.
"""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import structlog

from domain import events as e
from domain.ids import SubtaskId
from domain.progress import step
from domain.task import Attempt, Failure, SubtaskState, Task

if TYPE_CHECKING:
    from agents.skill import Call, Delegation, Skill
    from domain.ports import Entropy, Store, UnitOfWork
    from domain.skill import SkillSpec
    from domain.task import Result

log = structlog.get_logger()

SLOT = 128  # bytes; a longer name stays unknown


class Running:
    """The file of this process, and what the files of dead ones say.

    Args:
        folder: where the processes of one deployment have theirs; made when it is not there.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._died = tuple(_of_the_dead(folder))
        self._path = folder / f"{os.getpid()}-{secrets.token_hex(4)}"
        self._file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        fcntl.flock(self._file, fcntl.LOCK_EX)
        self._free: list[int] = []
        self._slots = 0

    def take_died(self) -> tuple[str, ...]:
        """What dead processes worked on; the first time it is asked for."""
        died, self._died = self._died, ()
        return died

    def begin(self, subtask: str) -> int:
        """A subtask is being worked on; its slot."""
        if self._free:
            slot = self._free.pop()
        else:
            slot, self._slots = self._slots, self._slots + 1
        self._write(slot, subtask.encode())
        return slot

    def end(self, slot: int) -> None:
        """It is over, however that was."""
        self._write(slot, b"")
        self._free.append(slot)

    def close(self) -> None:
        """The process leaves in good order."""
        self._path.unlink(missing_ok=True)
        os.close(self._file)

    def _write(self, slot: int, name: bytes) -> None:
        os.pwrite(self._file, (name if len(name) <= SLOT else b"").ljust(SLOT), slot * SLOT)


def _of_the_dead(folder: Path) -> Iterator[str]:
    """What those worked on who hold their file no longer. The files go with it."""
    for path in folder.iterdir():
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                continue
            content = file.read()
            path.unlink()
        names = (content[at : at + SLOT].strip().decode(errors="replace") for at in range(0, len(content), SLOT))
        yield from filter(None, names)


@dataclass(frozen=True, slots=True)
class NotedSkill:
    """`agents.skill.Skill` that notes what it works on."""

    skill: Skill
    running: Running

    @property
    def spec(self) -> SkillSpec:
        """See the port."""
        return self.skill.spec

    async def run(self, call: Call) -> Result | Delegation:
        """See the port."""
        slot = self.running.begin(call.key)
        try:
            return await self.skill.run(call)
        finally:
            self.running.end(slot)


async def blame(store: Store, entropy: Entropy, now: datetime, died: tuple[str, ...]) -> None:
    """Count a failed try for whatever a dead process worked on. What held a lease is left to that."""
    names = [name for name in map(SubtaskId.read, died) if name is not None]
    if names:
        await store.transact(partial(_blamed, names=names, now=now, entropy=entropy))
        log.warning("died_at_work", subtasks=[str(name) for name in names])


def _blamed(uow: UnitOfWork, names: list[SubtaskId], now: datetime, entropy: Entropy) -> None:
    for task in uow.tasks.lock({name.task for name in names}).values():
        after, attempts = task, list[Attempt]()
        for name in names:
            failed = _failed(after, name, now, entropy.jitter())  # each its own: not to meet again
            after, effects = step(after, failed) if failed else (after, ())
            attempts += [effect.attempt for effect in effects if isinstance(effect, e.RecordAttempt)]
        if after is not task:
            uow.tasks.put(after, attempts)


def _failed(task: Task, name: SubtaskId, now: datetime, jitter: float) -> e.Failed | None:
    sub = task.subtasks.get(name.key) if name.task == task.id else None
    if sub is None or sub.state is not SubtaskState.DISPATCHED or sub.agent is None:
        return None
    failure = Failure(code="crashed", retryable=True)
    return e.Failed(
        key=name.key, attempt=sub.attempt, exec_id=None, agent=sub.agent, failure=failure, at=now, jitter=jitter
    )
