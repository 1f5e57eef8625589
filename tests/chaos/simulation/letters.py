"""What is said between the dispatcher and workers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Job:
    """An attempt as an agent gets it."""

    task: str
    key: str
    attempt: int


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a worker says about an attempt; a listener of the old kind says neither attempt nor execution."""

    kind: str
    job: Job
    agent: str
    worker: str = ""
    attempt: int | None = None
    exec_id: str | None = None
