"""Wire messages to letters and back.

What arrives is parsed strictly and never trusted; what leaves is written by pydantic's serializer, which is the
fastest way measured (5 µs per KiB) and writes NaN as null and big integers in full.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError

from domain import strict_json
from domain.errors import Malformed
from domain.messages import Heartbeat, Hello, Notice, Nudge, Order, ResultMessage, TaskMessage
from messaging.topology import Topology
from messaging.transport import Letter

M = TypeVar("M")

MAX_BYTES = 2**20
PRIORITIES = {"high": 9, "normal": 4, "low": 1}
MAX_TTL_MS = 2**32 - 1  # RabbitMQ refuses more
MAX_DETAIL = 200


def decode(body: bytes, adapter: TypeAdapter[M]) -> M:
    """Read a message of one kind. Raises Malformed for everything that is not exactly that."""
    if len(body) > MAX_BYTES:
        raise Malformed("error.malformed", detail=f"{len(body)} bytes, of which {MAX_BYTES} may be")
    value = strict_json.loads(body)
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        detail = f"{place}: {first['msg']}" if place else first["msg"]
        raise Malformed("error.malformed", detail=detail[:MAX_DETAIL]) from error


def encode(message: BaseModel) -> bytes:
    """JSON by the names of the wire, without what is None. Whatever a value holds, it is written somehow."""
    try:
        return message.model_dump_json(by_alias=True, exclude_none=True, fallback=str).encode()
    except PydanticSerializationError:  # half of a surrogate pair, which no receiver takes: it becomes a question mark
        plain = message.model_dump(by_alias=True, exclude_none=True)
        return json.dumps(plain, default=_plain, skipkeys=True, ensure_ascii=False).encode(errors="replace")


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def task_letter(topology: Topology, message: TaskMessage) -> Letter:
    """An attempt, to the queue of its agent."""
    metadata = message.metadata
    return Letter(
        exchange=topology.tasks,
        key=f"task.{message.target}",
        body=encode(message),
        priority=PRIORITIES[message.priority],
        ttl_ms=_milliseconds(metadata.expire_at - metadata.created_at),
        message_id=f"{message.task_id}.{metadata.attempt}",
        headers=_trace(metadata.traceparent),
    )


def report_letter(topology: Topology, agent: str, message: ResultMessage | Notice | Hello) -> Letter:
    """What a worker says, to the control plane."""
    trace = None if isinstance(message, Hello) else message.metadata.traceparent
    return Letter(exchange=topology.results, key=f"result.{agent}", body=encode(message), headers=_trace(trace))


def repeated_letter(topology: Topology, agent: str, body: str) -> Letter:
    """What an agent said once, word for word."""
    return Letter(exchange=topology.results, key=f"result.{agent}", body=body.encode(errors="replace"))


def heartbeat_letter(topology: Topology, heartbeat: Heartbeat) -> Letter:
    """A sign of life, which need not outlive the broker."""
    key = f"heartbeat.{heartbeat.agent}"
    return Letter(exchange=topology.results, key=key, body=encode(heartbeat), is_persistent=False)


def order_letter(topology: Topology, to: tuple[str, str], order: Order) -> Letter:
    """An order, to the worker `to` = (agent, worker) alone."""
    return Letter(exchange="", key=topology.orders(*to).name, body=encode(order), is_persistent=False)


def nudge_letter(topology: Topology, nudge: Nudge) -> Letter:
    """A nudge, to whoever listens."""
    return Letter(exchange=topology.events, key=f"event.{nudge.kind}", body=encode(nudge), is_persistent=False)


def _milliseconds(duration: timedelta) -> int:
    return max(0, min(int(duration.total_seconds() * 1000), MAX_TTL_MS))


def _trace(traceparent: str | None) -> dict[str, str]:
    return {} if traceparent is None else {"traceparent": traceparent}
