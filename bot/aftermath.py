"""What others must hear once a decision is committed. All of it may be lost: rows and leases say the same."""

from __future__ import annotations

from collections.abc import Iterable

import structlog

from domain import events as e
from domain.errors import Unavailable
from domain.ids import SubtaskId
from domain.messages import Nudge, Order
from domain.ports import ControlBus

log = structlog.get_logger()


async def tell(bus: ControlBus, task_id: str, effects: Iterable[e.Effect]) -> None:
    """Stop workers whose lease ended, then point the roles to a task that changed or settled.

    Args:
        bus: the broker.
        task_id: the task the effects are about.
        effects: what `step` returned; attempts to record are for the transaction and not looked at here.
    """
    effects = tuple(effects)
    for effect in effects:
        if isinstance(effect, e.Stop):
            await _stop(bus, task_id, effect)
    # “planned” too: what was approved can be sent, and what was cancelled made room.
    nudges = [Nudge(kind="changed", task_id=task_id), Nudge(kind="planned", task_id=task_id)]
    if any(isinstance(effect, e.Settle) for effect in effects):
        nudges.append(Nudge(kind="settled", task_id=task_id))
    if any(isinstance(effect, e.Replan) for effect in effects):
        nudges.append(Nudge(kind="received", task_id=task_id))
    await bus.nudge(nudges)


async def _stop(bus: ControlBus, task_id: str, stop: e.Stop) -> None:
    order = Order(type="stop", task_id=str(SubtaskId(task_id, stop.key)), exec_id=stop.lease.exec_id)
    try:
        await bus.order(stop.agent, stop.lease.worker, order)
    except Unavailable as error:  # its next heartbeat is answered with a stop
        log.warning("stop_not_sent", task=task_id, subtask=stop.key, agent=stop.agent, error=str(error))
