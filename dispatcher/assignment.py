"""Which agent gets an attempt, and the message it gets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from dispatcher.policy import Policy
from domain.agents import Offer, Worker, announced, offers
from domain.ids import SubtaskId, traceparent
from domain.messages import Context, TaskContent, TaskMessage, TaskMetadata, Upstream
from domain.plan import Node
from domain.reference import resolve
from domain.skill import Catalogue, Effect
from domain.task import Subtask, SubtaskState, Task


@dataclass(frozen=True, slots=True)
class Agents:
    """Which agents can be asked for each skill: those alive, else those only known of.

    `claiming` are those that said hello: they know to claim before they act on the world outside.
    """

    alive: Mapping[str, Sequence[str]]
    known: Mapping[str, Sequence[str]]
    claiming: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, workers: Iterable[Worker], alive_since: datetime, configured: Sequence[Offer]) -> Agents:
        """From everything ever heard, and the operator's configuration for agents that announce nothing."""
        workers = list(workers)
        alive = [worker for worker in workers if worker.last_seen >= alive_since]
        return cls(
            alive=_by_skill(offers(alive, configured)),
            known=_by_skill([*announced(workers), *configured]),
            claiming={**_by_skill(announced(workers)), **_by_skill(announced(alive))},
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

    @property
    def names(self) -> set[str]:
        """Every agent there is."""
        return {agent for agents in self.known.values() for agent in agents}


def _by_skill(offered: Iterable[Offer]) -> Mapping[str, Sequence[str]]:
    return Catalogue.of(offered).agents


def task_message(task: Task, key: str, policy: Policy, span_bits: int) -> TaskMessage:
    """The message of the current attempt of a dispatched subtask; the same whenever it is made again.

    Raises Refused when a parameter refers to an output that does not exist.
    """
    assert task.plan is not None, "a dispatched subtask has a plan"  # noqa: S101 -- an invariant of the type, not input
    node, sub = task.plan.by_id[key], task.subtasks[key]
    sent_at = sub.dispatched_at or task.created_at
    ttl_s = min(policy.dispatch_ttl_s, max(1.0, (task.deadline_at - sent_at).total_seconds()))
    return TaskMessage(
        task_id=str(SubtaskId(task.id, key)),
        target=sub.agent or "",
        priority=task.plan.urgency[key],
        content=TaskContent(action=node.skill, params=_params(node, task), context=_context(node, task)),
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


def _params(node: Node, task: Task) -> dict[str, object]:
    outputs = {
        other: sub.result.output if sub.result else None
        for other in node.dependencies
        if (sub := task.subtasks[other]).state is SubtaskState.SUCCEEDED
    }
    filled: dict[str, object] = resolve(dict(node.params), outputs)
    return filled


def _context(node: Node, task: Task) -> Context:
    upstream = {other: _upstream(task, task.subtasks[other]) for other in node.dependencies}
    return Context(request=task.request, language=task.language, upstream=upstream)


def _upstream(task: Task, sub: Subtask) -> Upstream:
    assert task.plan is not None, "a dispatched subtask has a plan"  # noqa: S101 -- an invariant of the type, not input
    node, result = task.plan.by_id[sub.key], sub.result
    return Upstream(
        skill=node.skill,
        name=node.title,
        summary=result.summary if result else "",
        output=result.output if result else None,
        findings=[asdict(finding) for finding in result.findings] if result else [],
        files=list(result.files) if result else [],
        state=sub.state.value,
        error=sub.failure.code if sub.failure else "",
    )
