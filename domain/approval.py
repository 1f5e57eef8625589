"""What exactly a person is asked to allow, and the offer to allow it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

from domain.ends import node_of, waits_for_approval
from domain.errors import Refused
from domain.outputs import outputs_for
from domain.reference import resolve
from domain.task import Subtask, Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """One subtask's skill and parameters as they were shown to somebody, to be allowed or refused once.

    `code` names it on buttons and cannot be guessed; `digest` is of what was shown.
    """

    code: str
    task_id: str
    key: str
    digest: str
    made_at: datetime
    expires_at: datetime
    decided_by: str | None = None
    decided_at: datetime | None = None
    is_allowed: bool | None = None


def awaiting(task: Task) -> list[Subtask]:
    """The subtasks for which only a person's approval is missing, in the order of the plan."""
    return [sub for sub in task.subtasks.values() if waits_for_approval(task, sub)]


def filled(task: Task, key: str) -> Mapping[str, Any]:
    """The parameters as the agent would get them; as planned when that cannot be worked out."""
    node = node_of(task, key)
    try:
        return dict(resolve(dict(node.params), outputs_for(task, node.id)))
    except Refused:
        return node.params


def digest(task: Task, key: str) -> str:
    """A name of exactly what would run: the task, the subtask, its skill and its parameters, in one canonical text."""
    shown = [task.scope.tenant, task.id, key, node_of(task, key).skill, filled(task, key)]
    canonical = json.dumps(shown, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return blake2b(canonical.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
