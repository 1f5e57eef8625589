"""What is known of the workers that are out there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from domain.skill import SkillSpec


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
