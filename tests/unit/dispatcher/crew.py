"""Who there is to be asked."""

from __future__ import annotations

from datetime import timedelta

from domain.agents import Worker
from domain.skill import SkillSpec
from tests.fakes import START


def worker(agent: str, *skills: SkillSpec, seen_s: float = 0.0) -> Worker:
    return Worker(
        agent=agent,
        worker=f"{agent}-1",
        incarnation="i",
        slots=1,
        skills=skills,
        status="idle",
        current_task=None,
        last_seen=START + timedelta(seconds=seen_s),
    )
