"""Which agent gets an attempt, and the message it gets."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cached_property
from itertools import islice
from typing import Any

from pydantic_core import PydanticSerializationError, to_json

from dispatcher.policy import Policy
from domain.agents import Offer, Worker, announced, offers
from domain.errors import Refused
from domain.ids import SubtaskId, traceparent
from domain.messages import Context, TaskContent, TaskMessage, TaskMetadata, Upstream
from domain.outputs import output_of, outputs_for
from domain.plan import Node, Plan
from domain.ranking import UNMEASURED, Durations
from domain.reference import references, resolve
from domain.skill import Catalogue, Effect
from domain.task import Subtask, Task

# A receiver reads messages of up to 1 MiB, and one that nobody can read would be handed back again and again. These
# two and a long request stay below that.
MAX_PARAMS = 384 * 1024  # bytes of the parameters, with what they refer to
MAX_HANDED = 512 * 1024  # bytes of what dependencies brought
MAX_FINDINGS = 500  # handed down of one dependency
MAX_SUMMARY = 500  # characters that are left of what is too large


@dataclass(frozen=True)
class Agents:
    """Which agents can be asked for each skill: those alive, else those only known of.

    `claiming` are those that said hello: they know to claim before they act on the world outside. `catalogue` is what
    the living offer, `digests` the fingerprints of those skills in it whose results may be kept, `durations` what
    skills took so far.
    """

    alive: Mapping[str, Sequence[str]]
    known: Mapping[str, Sequence[str]]
    claiming: Mapping[str, Sequence[str]]
    catalogue: Catalogue
    digests: Mapping[str, str]
    durations: Durations = UNMEASURED

    @classmethod
    def of(cls, workers: Iterable[Worker], alive_since: datetime, configured: Sequence[Offer]) -> Agents:
        """From everything ever heard, and the operator's configuration for agents that announce nothing."""
        workers = list(workers)
        alive = [worker for worker in workers if worker.last_seen >= alive_since]
        catalogue = Catalogue.of(offers(alive, configured))
        return cls(
            alive=catalogue.agents,
            known=_by_skill([*announced(workers), *configured]),
            claiming={**_by_skill(announced(workers)), **_by_skill(announced(alive))},
            catalogue=catalogue,
            digests={spec.name: digest(asdict(spec)) for spec in catalogue if spec.cache_s > 0},
        )

    def choose(self, node: Node, chance: int) -> str | None:
        """An agent for a subtask; of several equally good ones, whichever `chance` falls on.

        An external effect never goes to a listener that cannot claim it: its time-out would repeat the action.
        """
        is_external = node.effect is Effect.EXTERNAL
        agents = (
            self.claiming.get(node.skill) if is_external else self.alive.get(node.skill) or self.known.get(node.skill)
        )
        return agents[chance % len(agents)] if agents else None

    @cached_property
    def greeting(self) -> frozenset[str]:
        """Agents that said hello: they say `started` too, when work lasts."""
        return frozenset(agent for agents in self.claiming.values() for agent in agents)

    @property
    def names(self) -> set[str]:
        """Every agent there is."""
        return {agent for agents in self.known.values() for agent in agents}


def _by_skill(offered: Iterable[Offer]) -> Mapping[str, Sequence[str]]:
    return Catalogue.of(offered).agents


def digest(document: Any) -> str:
    """A fingerprint of a JSON value."""
    canonical = json.dumps(document, sort_keys=True, default=str, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def may_be_kept(node: Node) -> bool:
    """Whether the result of a node may be used again: its skill says so, and it only reads."""
    return node.cache_s > 0 and node.effect is Effect.NONE and not node.needs_approval


def task_message(
    task: Task, key: str, policy: Policy, span_bits: int, durations: Durations = UNMEASURED
) -> TaskMessage:
    """The message of the current attempt of a dispatched subtask; the same whenever it is made again, but for its
    priority when skills have been measured anew.

    Raises Refused when a parameter refers to an output that does not exist, or is too large to be sent.
    """
    node, sub = _plan_of(task).by_id[key], task.subtasks[key]
    sent_at = sub.dispatched_at or task.created_at
    ttl_s = min(policy.dispatch_ttl_s, max(1.0, (task.deadline_at - sent_at).total_seconds()))
    return TaskMessage(
        task_id=str(SubtaskId(task.id, key)),
        target=sub.agent or "",
        priority=_plan_of(task).ranking(durations).urgency[key],
        content=task_content(task, key),
        metadata=TaskMetadata(
            created_at=sent_at,
            expire_at=sent_at + timedelta(seconds=ttl_s),
            retry_count=sub.failures,
            max_retries=node.max_attempts - 1,
            attempt=sub.attempt,
            timeout_s=node.timeout_s,
            effect=node.effect.value,
            traceparent=traceparent(task.trace_id, span_bits),
        ),
    )


def task_content(task: Task, key: str) -> TaskContent:
    """What a subtask's agent is told, whichever attempt it is. Raises Refused like `task_message`.

    Where the result may be kept, this is all it may depend on, so the request, which is another one the next time, is
    not told.
    """
    node = _plan_of(task).by_id[key]
    params = _params(task, node)
    upstream = _bounded({other: _upstream(task, other) for other in node.dependencies})
    request = "" if may_be_kept(node) else task.request
    return TaskContent(
        action=node.skill, params=params, context=Context(request=request, language=task.language, upstream=upstream)
    )


def _params(task: Task, node: Node) -> dict[str, object]:
    """The parameters with references filled in; most have none."""
    params: dict[str, object] = dict(node.params)
    if any(references(params)):
        params = resolve(params, outputs_for(task, node.id))
    if _size(params) > MAX_PARAMS:
        raise Refused("failure.params_too_large")
    return params


def _plan_of(task: Task) -> Plan:
    assert task.plan is not None, "a dispatched subtask has a plan"  # noqa: S101 -- an invariant of the type, not input
    return task.plan


def _upstream(task: Task, key: str) -> Upstream:
    """What a dependency brought, and what was made of it."""
    node, sub = _plan_of(task).by_id[key], task.subtasks[key]
    results = [one.result for one in _tree(task, key) if one.result]
    findings = (asdict(finding) for result in results for finding in result.findings)
    return Upstream(
        skill=node.skill,
        name=node.title,
        summary=sub.result.summary if sub.result else "",
        output=output_of(task, key),
        findings=list(islice(findings, MAX_FINDINGS)),
        files=list(dict.fromkeys(file for result in results for file in result.files)),
        state=sub.state.value,
        error=sub.failure.code if sub.failure else "",
    )


def _tree(task: Task, key: str) -> Iterator[Subtask]:
    """A subtask and all its children."""
    yield task.subtasks[key]
    for child in _plan_of(task).made.get(key, ()):
        yield from _tree(task, child.id)


def _bounded(upstream: dict[str, Upstream]) -> dict[str, Upstream]:
    """The same, the largest without output and findings where all together are too large.

    A list is left out rather than cut: whoever adds up half of it does not know.
    """
    size = _size([_bulk(step) for step in upstream.values()])
    if size <= MAX_HANDED:
        return upstream
    sizes = {key: _size(_bulk(step)) for key, step in upstream.items()}
    bounded = dict(upstream)
    for key in sorted(sizes, key=sizes.__getitem__, reverse=True):
        if size <= MAX_HANDED:
            break
        summary = upstream[key].summary[:MAX_SUMMARY]
        bounded[key] = upstream[key].model_copy(
            update={"output": None, "findings": [], "summary": summary, "is_clipped": True}
        )
        size -= sizes[key]
    return bounded


def _bulk(step: Upstream) -> object:
    return (step.output, step.findings, step.summary, step.files)


def _size(value: object) -> int:
    """Bytes as JSON, or a few more."""
    try:
        return len(to_json(value, fallback=str))
    except PydanticSerializationError:  # half of a surrogate pair
        return len(json.dumps(value, default=str, skipkeys=True))
