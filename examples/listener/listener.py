"""A foreign agent: plain pika, nothing of Xingshu's code, written from docs/reference/wire.md alone.

    python listener.py yunce --url amqp://guest:guest@localhost:5672/

It takes tasks from `queue.yunce`, counts the words of `params.text`, publishes the result and then acknowledges the
task. That is all an agent must do; it need not announce itself, say that it started, or know attempts and leases.
"""

import argparse
import json
import time
from collections import Counter
from datetime import UTC, datetime
from typing import Any

import pika
from pika.adapters.blocking_connection import BlockingChannel

TASKS, RESULTS, DEAD, QUEUE = "task_exchange", "result_exchange", "dlx_exchange", "queue.{agent}"
BEAT_S = 5.0


def count_words(params: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The real work: a summary for people, an output for the steps that follow."""
    words = str(params["text"]).split()
    common = Counter(word.lower() for word in words).most_common(3)
    return f"{len(words)} words", {"words": len(words), "common": [word for word, _ in common]}


def listen(agent: str, channel: BlockingChannel) -> None:
    """Work through the agent's queue for ever; show every few seconds that somebody is here."""
    queue = declare(agent, channel)
    for method, _, body in channel.consume(queue, inactivity_timeout=BEAT_S):
        if method is None:
            beat(agent, channel, "idle")
        elif (task := read(body)) is None:
            channel.basic_reject(method.delivery_tag, requeue=False)  # no task: to the dead letters
        else:
            beat(agent, channel, "busy", task["taskId"])
            say(channel, f"result.{agent}", result_of(agent, task), lasting=True)
            channel.basic_ack(method.delivery_tag)  # last: whoever dies before this lets the task come again


def declare(agent: str, channel: BlockingChannel) -> str:
    """Whoever comes first declares; the arguments must be these, for a queue's can never be changed."""
    for exchange in (TASKS, RESULTS, DEAD):
        channel.exchange_declare(exchange, "topic", durable=True)
    dead = {"x-dead-letter-exchange": DEAD, "x-dead-letter-routing-key": f"dead.{agent}"}
    queue = QUEUE.format(agent=agent)
    channel.queue_declare(queue, durable=True, arguments={"x-max-priority": 10, **dead})
    channel.queue_bind(queue, TASKS, f"task.{agent}")
    channel.basic_qos(prefetch_count=1)
    return queue


def read(body: bytes) -> dict[str, Any] | None:
    try:
        task = json.loads(body)
    except ValueError:
        return None
    return task if isinstance(task, dict) and {"taskId", "content"} <= task.keys() else None


def result_of(agent: str, task: dict[str, Any]) -> dict[str, Any]:
    """A result whatever happens: `status` is "success", or a word for what went wrong."""
    began = time.monotonic()
    try:
        summary, output = count_words(task["content"]["params"])
        status, content = "success", {"summary": summary, "output": output}
    except (KeyError, TypeError) as error:
        status, content = "bad_params", {"summary": f"this needs params.text ({error!r})"}
    metadata = {"completedAt": now(), "duration": time.monotonic() - began}
    result = {"taskId": task["taskId"], "type": "result", "source": agent, "target": "star", "status": status}
    return {**result, "content": content, "metadata": metadata}


def beat(agent: str, channel: BlockingChannel, status: str, task_id: str | None = None) -> None:
    message = {"type": "heartbeat", "agent": agent, "status": status, "currentTask": task_id, "timestamp": now()}
    say(channel, f"heartbeat.{agent}", message, lasting=False)


def say(channel: BlockingChannel, key: str, message: dict[str, Any], *, lasting: bool) -> None:
    """Publish. What must last is refused (an exception) when the broker has nowhere to keep it."""
    properties = pika.BasicProperties(content_type="application/json", delivery_mode=2 if lasting else 1)
    channel.basic_publish(RESULTS, key, json.dumps(message).encode(), properties, mandatory=lasting)


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def main() -> None:
    parser = argparse.ArgumentParser(description="A word-counting agent for Xingshu.")
    parser.add_argument("agent", help="the agent's name, e.g. yunce")
    parser.add_argument("--url", default="amqp://guest:guest@localhost:5672/")
    options = parser.parse_args()
    channel = pika.BlockingConnection(pika.URLParameters(options.url)).channel()
    channel.confirm_delivery()  # a result is sent when the broker has it; only then is its task acknowledged
    listen(options.agent, channel)


if __name__ == "__main__":
    main()
