"""What is known of the workers that are out there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.skill import SkillSpec

SILENCE = timedelta(seconds=30)  # without a sign for so long, a worker counts as gone; it signs every five seconds

Offer = tuple[str, SkillSpec]
"""An agent, and a skill it can be asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One worker of one agent as last heard of. `skills` is empty for a listener that never said hello."""

    agent: str
    worker: str
    incarnation: str
    slots: int
    skills: tuple[SkillSpec, ...]
    status: str
    current_task: str | None
    last_seen: datetime


def announced(workers: Iterable[Worker]) -> list[Offer]:
    """What workers said they can do."""
    return [(worker.agent, spec) for worker in workers for spec in worker.skills]


def offers(workers: Iterable[Worker], configured: Iterable[Offer]) -> list[Offer]:
    """What can be asked for: what workers announced, and what the operator vouches for where they announce nothing."""
    workers = list(workers)
    silent = {worker.agent for worker in workers if not worker.skills}
    return announced(workers) + [offer for offer in configured if offer[0] in silent]
