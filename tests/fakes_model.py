"""Fakes of a language model: a function behind the port, and a strict OpenAI-compatible server on loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from domain.errors import ModelDown
from domain.model import Completion, Prompt


class FunctionModel:
    """`domain.ports.Model` answered by a function of the prompt; remembers every prompt."""

    def __init__(self, answer: Callable[[Prompt], str | Completion | ModelDown]) -> None:
        self._answer = answer
        self.prompts: list[Prompt] = []

    async def complete(self, prompt: Prompt) -> Completion:
        self.prompts.append(prompt)
        answer = self._answer(prompt)
        if isinstance(answer, ModelDown):
            raise answer
        return answer if isinstance(answer, Completion) else Completion(text=answer, model="fake")


def scripted(*answers: str | Completion | ModelDown) -> FunctionModel:
    """A model that gives these answers in order, and must not be asked more often."""
    left = list(answers)
    return FunctionModel(lambda _prompt: left.pop(0))


# --- over HTTP ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What the server sends. `cut` closes the connection after half of the body; `hang` never answers."""

    code: int = 200
    body: str | bytes = ""
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    cut: bool = False
    hang: bool = False


def said(text: str | None, finish: str | None = "stop", **message: Any) -> Reply:
    """A chat completion."""
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text, **message}}
    usage = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
    document = {"id": "c1", "object": "chat.completion", "created": 1, "choices": [choice], "usage": usage}
    return Reply(body=json.dumps({**document, "model": "m"}))


def refused(code: int, message: str, **headers: str) -> Reply:
    """An error as OpenAI words it."""
    body = json.dumps({"error": {"message": message, "type": "invalid_request_error", "param": None, "code": None}})
    return Reply(code=code, body=body, headers={"content-type": "application/json", **headers})


_KNOWN = {"model", "messages", "temperature", "max_tokens", "max_completion_tokens", "response_format", "stream"}


@dataclass(kw_only=True)
class ModelServer:
    """The server. `answer` gets each valid request's document; `requests` keeps them all, `keys` the keys sent."""

    answer: Callable[[dict[str, Any]], Reply]
    base_url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    closing: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            headers = {
                name.casefold(): value.strip()
                for name, _, value in (line.partition(":") for line in head.split("\r\n")[1:])
            }
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            await self._send(writer, self._reply(head.split("\r\n")[0], headers, body))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    def _reply(self, line: str, headers: Mapping[str, str], body: bytes) -> Reply:
        if line != "POST /v1/chat/completions HTTP/1.1":
            return refused(404, f"unknown: {line}")
        if not headers.get("authorization", "").startswith("Bearer "):
            return refused(401, "no key")
        document = json.loads(body)
        if problem := _problem(document):
            return refused(400, problem)
        self.requests.append(document)
        self.keys.append(headers["authorization"].removeprefix("Bearer "))
        return self.answer(document)

    async def _send(self, writer: asyncio.StreamWriter, reply: Reply) -> None:
        if reply.hang:
            await self.closing.wait()
            return
        body = reply.body.encode() if isinstance(reply.body, str) else reply.body
        headers = {**reply.headers, "content-length": str(len(body)), "connection": "close"}
        head = f"HTTP/1.1 {reply.code} X\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(head.encode() + b"\r\n" + (body[: len(body) // 2] if reply.cut else body))
        await writer.drain()


def _problem(document: Any) -> str | None:
    """What OpenAI's own server would refuse."""
    if unknown := set(document) - _KNOWN:
        return f"Unrecognized request arguments supplied: {', '.join(sorted(unknown))}"
    messages = document.get("messages")
    if not isinstance(document.get("model"), str) or not isinstance(messages, list) or not messages:
        return "model and messages are required"
    if any(message.get("role") not in {"system", "user", "assistant"} for message in messages):
        return "a role is wrong"
    if any(not isinstance(message.get("content"), str) for message in messages):
        return "content must be a string"
    wants_json = document.get("response_format") == {"type": "json_object"}
    if wants_json and not any("json" in message["content"].casefold() for message in messages):
        return "'messages' must contain the word 'json' to use 'response_format' of type 'json_object'"
    return None


@asynccontextmanager
async def model_server(answer: Callable[[dict[str, Any]], Reply]) -> AsyncIterator[ModelServer]:
    """Run a server on a free port of loopback."""
    fake = ModelServer(answer=answer)
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    fake.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield fake
    finally:
        fake.closing.set()
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def scripted_server(*replies: Reply) -> AsyncIterator[ModelServer]:
    """A server that gives these replies in order; asked more often, it answers 418."""
    left = list(replies)
    async with model_server(lambda _request: left.pop(0) if left else refused(418, "script is over")) as server:
        yield server
