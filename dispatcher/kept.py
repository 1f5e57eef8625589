"""Results that are used again instead of asking an agent, and what that and everything else cost."""

from __future__ import annotations

from dataclasses import asdict, replace
from datetime import datetime, timedelta

import structlog
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from dispatcher.assignment import Agents, digest, may_be_kept, task_content
from domain.errors import Refused
from domain.model import Purpose, Usage
from domain.plan import Node
from domain.ports import AnswerCache, Call
from domain.task import Result, Task

log = structlog.get_logger()

VERSION = 1  # of the key: raised when results of before must not be found any more
MAX_TEXT = 256 * 1024  # characters of a result that is kept

_RESULT: TypeAdapter[Result] = TypeAdapter(Result)


class KeptResults:
    """The kept results of subtasks, inside one transaction.

    A key is a hash of the owner, the skill as it is announced now, and everything its agent is told, so that nothing
    can shape a result and not its key.

    Args:
        cache: where they are kept.
        agents: whose announcements say which skills depend on nothing else.
        now: the time of the turn.
    """

    def __init__(self, cache: AnswerCache, agents: Agents, now: datetime) -> None:
        self._cache = cache
        self._agents = agents
        self._now = now

    def find(self, task: Task, node: Node) -> Result | None:
        """The kept result of a subtask that is about to be sent; with what it cost the first time."""
        key = None if task.is_fresh else self._key(task, node)
        text = None if key is None else self._cache.get(task.scope, key, self._now)
        if text is None:
            return None
        try:
            result = _RESULT.validate_json(text)
        except ValidationError:  # of another version: the new result will take its place
            return None
        log.info("cache_hit", kind="result", skill=node.skill, trace=task.trace_id)
        return result

    def keep(self, task: Task, node: Node) -> None:
        """Keep what a subtask brought. One that names files is not kept: they may change, or be gone."""
        result, key = task.subtasks[node.id].result, self._key(task, node)
        if key is None or result is None or result.files:
            return
        try:
            text = _RESULT.dump_json(result).decode()
        except PydanticSerializationError:  # half of a surrogate pair
            return
        if len(text) <= MAX_TEXT:
            self._cache.put(task.scope, key, "result", text, self._now + timedelta(seconds=node.cache_s))

    def _key(self, task: Task, node: Node) -> str | None:
        announced = self._agents.digests.get(node.skill)
        if announced is None or not may_be_kept(node):
            return None
        try:
            told = task_content(task, node.id).model_dump()
        except Refused:
            return None
        return digest([VERSION, asdict(task.scope), announced, told])


def spent(task: Task, node: Node, usage: Usage, at: datetime) -> Call:
    """A model call that an agent made for a subtask, as the books note it."""
    return Call(scope=task.scope, task_id=task.id, purpose=Purpose.AGENT, usage=usage, at=at, skill=node.skill)


def saved(task: Task, node: Node, result: Result, at: datetime) -> Call:
    """A kept result that was used, as the books note it: under the model that made it, and free."""
    usage = Usage(model=result.usage[-1].model if result.usage else "")
    return replace(spent(task, node, usage, at), is_hit=True)
