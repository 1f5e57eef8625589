"""A language model for whole processes: the strict server on loopback, in a thread of its own."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from tests.fakes_model import ModelServer, Reply, model_server, said

Answer = Callable[[dict[str, Any]], Reply]


@contextmanager
def talking(answer: Answer) -> Iterator[ModelServer]:
    """The server while the block runs."""
    loop = asyncio.new_event_loop()
    started: list[ModelServer] = []
    is_up, over = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with model_server(answer) as server:
            started.append(server)
            is_up.set()
            await over.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    is_up.wait()
    try:
        yield started[0]
    finally:
        loop.call_soon_threadsafe(over.set)
        thread.join()
        loop.close()


def settings_for(server: ModelServer) -> dict[str, str]:
    return {"OPENAI_BASE_URL": server.base_url, "XINGSHU_MODEL": "m", "XINGSHU_MODEL_PRICES": "m=1/2"}


def is_planning(request: Mapping[str, Any]) -> bool:
    return "You plan work" in request["messages"][0]["content"]


def is_answering(request: Mapping[str, Any]) -> bool:
    return "judge and write the answer" in request["messages"][0]["content"]


def told(request: Mapping[str, Any]) -> str:
    """All that was said to the model but the rules."""
    return "\n".join(message["content"] for message in request["messages"][1:])


def plan_of(*tasks: Mapping[str, Any]) -> str:
    return json.dumps({"tasks": list(tasks)})


def step(key: str, skill: str, *dependencies: str, **params: Any) -> dict[str, Any]:
    listed = [{"name": name, "value": str(value)} for name, value in params.items()]
    return {"id": key, "name": f"step {key}", "skill": skill, "params": listed, "dependencies": list(dependencies)}


def answer_of(text: str, *sources: str, verdict: str = "satisfied", missing: str = "") -> Reply:
    statements = [{"text": text, "sources": list(sources)}]
    return said(json.dumps({"verdict": verdict, "missing": missing, "statements": statements}))
