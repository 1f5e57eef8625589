"""What a worker says to the control plane about an attempt."""

from __future__ import annotations

from typing import Literal

import structlog

from agents.endings import Ending
from agents.surroundings import Identity, Ports
from domain.errors import Unavailable
from domain.ids import SubtaskId, trace_id_of
from domain.messages import (
    Hello,
    Notice,
    NoticeMetadata,
    ResultMessage,
    ResultMetadata,
    TaskMessage,
)

log = structlog.get_logger()

RETRY_PAUSE_S = 1.0

Reason = Literal["redelivered", "draining", "declined", "busy"]


def label_log(message: TaskMessage) -> None:
    """Have every log line of the current asyncio task, and of those it starts, say which attempt it is about."""
    subtask = SubtaskId.read(message.task_id)
    structlog.contextvars.bind_contextvars(
        task=subtask.task if subtask else message.task_id,
        subtask=subtask.key if subtask else "",
        agent=message.target,
        attempt=message.metadata.attempt,
        trace=trace_id_of(message.metadata.traceparent),
    )


class Reporter:
    """Says things until the broker confirmed them, however long that takes."""

    def __init__(self, identity: Identity, ports: Ports) -> None:
        self._identity = identity
        self._ports = ports

    async def started(self, message: TaskMessage, exec_id: str) -> None:
        """This execution runs the attempt."""
        await self._confirmed(self._notice("started", message, exec_id=exec_id))

    async def claim(self, message: TaskMessage, exec_id: str) -> None:
        """This execution asks for the go-ahead of an external effect."""
        await self._confirmed(self._notice("claim", message, exec_id=exec_id))

    async def hand_back(self, message: TaskMessage, reason: Reason, exec_id: str = "") -> None:
        """The attempt was not run, or was cut off where it may run again."""
        log.info("handed_back", reason=reason)
        await self._confirmed(self._notice("handback", message, exec_id=exec_id, reason=reason))

    async def result(self, message: ResultMessage, exec_id: str, *, keep: bool) -> None:
        """How the attempt ended. With `keep` it waits in the spool until the broker confirmed it."""
        if keep:
            self._ports.spool.put(exec_id, message)
        await self._confirmed(message)
        if keep:
            self._ports.spool.remove(exec_id)

    async def send_unsent(self) -> None:
        """Send what an earlier incarnation could not."""
        for exec_id, message in self._ports.spool.waiting(self._identity.agent):
            await self._confirmed(message)
            self._ports.spool.remove(exec_id)

    def result_of(self, message: TaskMessage, exec_id: str, ending: Ending, duration_s: float) -> ResultMessage:
        """Put an ending into a message."""
        return ResultMessage(
            task_id=message.task_id,
            source=self._identity.agent,
            status=ending.status,
            content=ending.content,
            metadata=ResultMetadata(
                completed_at=self._ports.clock.now(),
                duration=round(duration_s, 6),
                attempt=message.metadata.attempt,
                exec_id=exec_id,
                worker=self._identity.worker,
                traceparent=message.metadata.traceparent,
            ),
        )

    def _notice(
        self, kind: Literal["started", "claim", "handback"], message: TaskMessage, *, exec_id: str, reason: str = ""
    ) -> Notice:
        return Notice(
            task_id=message.task_id,
            type=kind,
            source=self._identity.agent,
            metadata=NoticeMetadata(
                attempt=message.metadata.attempt,
                exec_id=exec_id,
                worker=self._identity.worker,
                reason=reason,
                traceparent=message.metadata.traceparent,
            ),
        )

    async def _confirmed(self, message: ResultMessage | Notice | Hello) -> None:
        while True:
            try:
                return await self._ports.bus.report(self._identity.agent, message)
            except Unavailable as error:
                log.warning("report_unconfirmed", agent=self._identity.agent, type=message.type, error=error.key)
                await self._ports.clock.sleep(RETRY_PAUSE_S)
