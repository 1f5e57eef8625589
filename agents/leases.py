"""The executions of a worker that are under way, and the orders that reach them."""

from __future__ import annotations

from collections.abc import Iterator

import structlog

from agents.execution import Cut, Execution
from domain.messages import Holding, Order

log = structlog.get_logger()


class Leases:
    """Executions by their id."""

    def __init__(self) -> None:
        self._running: dict[str, Execution] = {}

    def __iter__(self) -> Iterator[Execution]:
        return iter(list(self._running.values()))

    def add(self, execution: Execution) -> None:
        """An execution begins."""
        self._running[execution.exec_id] = execution

    def remove(self, execution: Execution) -> None:
        """It ended, reported and all."""
        del self._running[execution.exec_id]

    def holding(self) -> list[Holding]:
        """The leases that heartbeats extend."""
        return [execution.holding for execution in self if execution.is_lasting]

    def obey(self, order: Order) -> None:
        """Carry out an order; one for an execution that is over comes too late and means nothing."""
        execution = self._running.get(order.exec_id)
        if execution is None or execution.message.task_id != order.task_id:
            log.info("order_too_late", type=order.type, subtask=order.task_id)
            return
        match order.type:
            case "grant":
                execution.grant()
            case "stop":
                log.info("attempt_stopped", subtask=order.task_id, exec_id=order.exec_id)
                execution.cut(Cut.STOPPED)
