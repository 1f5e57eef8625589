"""Who is there, and what they have before them, as the stages see it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from domain.agents import Worker
from domain.backlog import Backlog


class Registry(Protocol):
    """Workers and control-plane processes, by what they last said."""

    def hello(self, worker: Worker) -> None:
        """A worker (re)appeared. Replaces what was known of it, and forgets workers silent for a day."""
        ...

    def left_by(self, worker: Worker) -> list[str]:
        """Tasks in which a worker of this name holds leases, if the hello of `worker` begins a later life of it than
        the last one did (`domain.lives`); else none."""
        ...

    def beat(self, beats: Sequence[Worker]) -> None:
        """Workers are alive. One never heard of is added; known skills are kept."""
        ...

    def gone(self, agent: str, worker: str) -> None:
        """A worker said good-bye."""
        ...

    def alive(self, since: datetime) -> list[Worker]:
        """Workers heard of at or after `since`, by agent and worker."""
        ...

    def backlogs(self) -> list[Backlog]:
        """What every agent that has something sent or running has before it, by agent; without its queue's depth."""
        ...

    def process_seen(self, role: str, process_id: str, at: datetime) -> None:
        """A process is performing a role of the control plane."""
        ...

    def process_gone(self, process_id: str) -> None:
        """A process ended in good order."""
        ...

    def roles_alive(self, since: datetime) -> set[str]:
        """Roles some process performed at or after `since`."""
        ...
