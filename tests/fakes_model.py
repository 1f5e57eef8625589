"""Fakes of a language model: a function behind the port, and a strict OpenAI-compatible server on loopback."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any

from domain.errors import ModelDown
from domain.model import Completion, Prompt
from domain.ports import Listener


class FunctionModel:
    """`domain.ports.Model` answered by a function of the prompt; remembers every prompt. A listener hears the
    answer in small pieces."""

    def __init__(self, answer: Callable[[Prompt], str | Completion | ModelDown]) -> None:
        self._answer = answer
        self.prompts: list[Prompt] = []

    async def complete(self, prompt: Prompt, listener: Listener | None = None) -> Completion:
        self.prompts.append(prompt)
        answer = self._answer(prompt)
        if isinstance(answer, ModelDown):
            raise answer
        completion = answer if isinstance(answer, Completion) else Completion(text=answer, model="fake")
        if listener is not None:
            for piece in in_pieces(completion.text):
                listener.heard(piece)
                await asyncio.sleep(0)
        return completion


def in_pieces(text: str, size: int = 4) -> list[str]:
    """A text as a model would send it: about a token at a time."""
    return [text[start : start + size] for start in range(0, len(text), size)]


def scripted(*answers: str | Completion | ModelDown) -> FunctionModel:
    """A model that gives these answers in order, and must not be asked more often."""
    left = list(answers)
    return FunctionModel(lambda _prompt: left.pop(0))


# --- what the server says -----------------------------------------------------------------------------------------


class Fault(Enum):
    """What may happen in the midst of a stream."""

    HANG = auto()  # nothing comes any more
    RESET = auto()  # the connection is reset
    CUT = auto()  # the connection is closed in the midst of the body
    END = auto()  # the body ends as if all were well


Piece = bytes | float | Fault
"""Bytes to send, seconds to wait, or what goes wrong."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What the server sends: a completion, in pieces if the client wants it so; else a stream as scripted; else a body.

    `cut` closes the connection after half of the body; `hang` never answers.
    """

    code: int = 200
    body: str | bytes = ""
    headers: Mapping[str, str] = field(default_factory=lambda: {"content-type": "application/json"})
    completion: Mapping[str, Any] | None = None
    stream: tuple[Piece, ...] = ()
    cut: bool = False
    hang: bool = False


USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}
DONE = b"data: [DONE]\n\n"


def said(
    text: str | None, finish: str | None = "stop", usage: Mapping[str, Any] | None = USAGE, **message: Any
) -> Reply:
    """A chat completion."""
    choice = {"index": 0, "finish_reason": finish, "message": {"role": "assistant", "content": text, **message}}
    document: dict[str, Any] = {"id": "c1", "object": "chat.completion", "created": 1, "model": "m"}
    return Reply(completion={**document, "choices": [choice], **({"usage": usage} if usage else {})})


def called(arguments: str, name: str = "submit_plan", text: str | None = None) -> Reply:
    """A completion that calls a tool."""
    call = {"id": "t1", "type": "function", "function": {"name": name, "arguments": arguments}}
    return said(text, finish="tool_calls", tool_calls=[call])


def in_one_piece(reply: Reply) -> Reply:
    """The same completion from a server that cannot stream and does not say so."""
    return Reply(body=json.dumps(reply.completion))


def refused(code: int, message: str, *, kind: str = "invalid_request_error", **headers: str) -> Reply:
    """An error as OpenAI words it."""
    body = json.dumps({"error": {"message": message, "type": kind, "param": None, "code": None}})
    return Reply(code=code, body=body, headers={"content-type": "application/json", **headers})


def streamed(*pieces: Piece) -> Reply:
    """A stream exactly as scripted."""
    return Reply(stream=pieces)


def event(document: Any) -> bytes:
    """One server-sent event."""
    return b"data: " + json.dumps(document, ensure_ascii=False).encode() + b"\n\n"


def chunk(text: str | None = None, finish: str | None = None, **delta: Any) -> bytes:
    """A chunk of a streamed completion."""
    content = {} if text is None else {"content": text}
    choice = {"index": 0, "finish_reason": finish, "delta": {**content, **delta}}
    return event({"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": [choice]})


def as_events(completion: Mapping[str, Any], *, with_usage: bool) -> Iterator[bytes]:
    """A completion as it is streamed."""
    (choice,) = completion["choices"]
    yield chunk("", role="assistant")
    for name, value in choice["message"].items():
        if name == "tool_calls":
            yield from _call_events(value)
        elif name != "role" and isinstance(value, str):
            yield from (chunk(**{name: piece} if name != "content" else {"text": piece}) for piece in in_pieces(value))
    if choice["finish_reason"]:
        yield chunk(finish=choice["finish_reason"])
    if with_usage and "usage" in completion:
        yield event({"id": "c1", "object": "chat.completion.chunk", "choices": [], "usage": completion["usage"]})
    yield DONE


def _call_events(calls: list[dict[str, Any]]) -> Iterator[bytes]:
    for index, call in enumerate(calls):
        function = call["function"]
        yield chunk(tool_calls=[{**call, "index": index, "function": {**function, "arguments": ""}}])
        for piece in in_pieces(function["arguments"]):
            yield chunk(tool_calls=[{"index": index, "function": {"arguments": piece}}])


# --- the server ---------------------------------------------------------------------------------------------------


class Gate:
    """Holds every event of every stream until it is let through."""

    def __init__(self) -> None:
        self._permits = asyncio.Semaphore(0)

    def let(self, count: int = 1) -> None:
        for _ in range(count):
            self._permits.release()

    async def passed(self) -> None:
        await self._permits.acquire()


@dataclass(kw_only=True)
class ModelServer:
    """The server. `answer` gets each valid request's document; `requests` keeps them all, `keys` the keys sent,
    `in_flight` and `peak` count calls that are being answered."""

    answer: Callable[[dict[str, Any]], Reply]
    gate: Gate | None = None
    base_url: str = ""
    requests: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    in_flight: int = 0
    peak: int = 0
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    serving: set[Any] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.serving.add(asyncio.current_task())
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            headers = {
                name.casefold(): value.strip()
                for name, _, value in (line.partition(":") for line in head.split("\r\n")[1:])
            }
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            reply, request = self._reply(head.split("\r\n")[0], headers, body)
            self.arrived.set()
            await self._send(writer, reply, request)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.in_flight -= 1
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()
            self.serving.discard(asyncio.current_task())

    async def end(self) -> None:
        """Leave no connection behind."""
        self.closing.set()
        serving = tuple(self.serving)
        for connection in serving:
            connection.cancel()
        if serving:
            await asyncio.wait(serving)

    def _reply(self, line: str, headers: Mapping[str, str], body: bytes) -> tuple[Reply, dict[str, Any]]:
        if line != "POST /v1/chat/completions HTTP/1.1":
            return refused(404, f"unknown: {line}"), {}
        if not headers.get("authorization", "").startswith("Bearer "):
            return refused(401, "no key"), {}
        document = json.loads(body)
        if problem := problem_of(document):
            return refused(400, problem), document
        self.requests.append(document)
        self.keys.append(headers["authorization"].removeprefix("Bearer "))
        return self.answer(document), document

    async def _send(self, writer: asyncio.StreamWriter, reply: Reply, request: Mapping[str, Any]) -> None:
        if reply.hang:
            await self.closing.wait()
        elif reply.stream:
            await self._stream(writer, reply.stream)
        elif reply.completion and request.get("stream"):
            with_usage = request.get("stream_options") == {"include_usage": True}
            await self._stream(writer, as_events(reply.completion, with_usage=with_usage))
        else:
            await self._whole(writer, reply)

    async def _whole(self, writer: asyncio.StreamWriter, reply: Reply) -> None:
        text = json.dumps(reply.completion) if reply.completion else reply.body
        body = text.encode() if isinstance(text, str) else text
        headers = {**reply.headers, "content-length": str(len(body)), "connection": "close"}
        head = f"HTTP/1.1 {reply.code} X\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        writer.write(head.encode() + b"\r\n" + (body[: len(body) // 2] if reply.cut else body))
        await writer.drain()

    async def _stream(self, writer: asyncio.StreamWriter, pieces: Any) -> None:
        headers = "content-type: text/event-stream\r\ntransfer-encoding: chunked\r\nconnection: close\r\n"
        writer.write(f"HTTP/1.1 200 X\r\n{headers}\r\n".encode())
        for piece in pieces:
            if isinstance(piece, float):
                await asyncio.sleep(piece)
            elif isinstance(piece, bytes):
                if self.gate is not None:
                    await self.gate.passed()
                writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
                await writer.drain()
            elif await self._fail(writer, piece):
                return
        writer.write(b"0\r\n\r\n")
        await writer.drain()

    async def _fail(self, writer: asyncio.StreamWriter, fault: Fault) -> bool:
        """Whether the body is to be left unfinished."""
        if fault is Fault.HANG:
            await self.closing.wait()
        elif fault is Fault.RESET:
            linger = struct.pack("ii", 1, 0)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            writer.transport.abort()
        return fault is not Fault.END


_KNOWN = {
    *("model", "messages", "temperature", "max_tokens", "max_completion_tokens", "response_format"),
    *("stream", "stream_options", "tools", "tool_choice"),
}


def problem_of(document: dict[str, Any]) -> str | None:
    """What OpenAI's own server would refuse."""
    if unknown := set(document) - _KNOWN:
        return f"Unrecognized request arguments supplied: {', '.join(sorted(unknown))}"
    if "stream_options" in document and not document.get("stream"):
        return "'stream_options' is only allowed when 'stream' is true"
    if {"max_tokens", "max_completion_tokens"} <= set(document):
        return "max_tokens and max_completion_tokens cannot both be set"
    return _bad_messages(document) or _bad_format(document) or _bad_tools(document)


def _bad_messages(document: Mapping[str, Any]) -> str | None:
    messages = document.get("messages")
    if not isinstance(document.get("model"), str) or not isinstance(messages, list) or not messages:
        return "model and messages are required"
    if any(message.get("role") not in {"system", "user", "assistant"} for message in messages):
        return "a role is wrong"
    if any(not isinstance(message.get("content"), str) for message in messages):
        return "content must be a string"
    return None


def _bad_format(document: Mapping[str, Any]) -> str | None:
    wanted = document.get("response_format")
    if wanted is None:
        return None
    if wanted == {"type": "json_object"}:
        if any("json" in message["content"].casefold() for message in document["messages"]):
            return None
        return "'messages' must contain the word 'json' to use 'response_format' of type 'json_object'"
    described = wanted.get("json_schema") if wanted.get("type") == "json_schema" else None
    if not isinstance(described, dict) or not isinstance(described.get("schema"), dict) or not described.get("name"):
        return "Invalid 'response_format'"
    if described.get("strict") and (flaw := _not_strict(described["schema"])):
        return f"Invalid schema for response_format '{described['name']}': {flaw}"
    return None


def _bad_tools(document: Mapping[str, Any]) -> str | None:
    names = [tool["function"]["name"] for tool in document.get("tools", ()) if tool.get("type") == "function"]
    choice = document.get("tool_choice")
    if choice is None and not names:
        return None
    if choice is None or choice.get("function", {}).get("name") not in names:
        return "Invalid 'tool_choice': no such tool"
    return None


def _not_strict(schema: Any) -> str | None:
    """The first object that OpenAI's strict mode refuses: every key must be required, and no other allowed."""
    if isinstance(schema, list):
        return next(filter(None, map(_not_strict, schema)), None)
    if not isinstance(schema, dict):
        return None
    types = schema.get("type")
    if types == "object" or (isinstance(types, list) and "object" in types):
        if schema.get("additionalProperties") is not False:
            return "'additionalProperties' is required to be supplied and to be false."
        if set(schema.get("required", ())) != set(schema.get("properties", {})):
            return "'required' is required to be supplied and to be an array including every key in properties."
    return _not_strict(list(schema.values()))


@asynccontextmanager
async def model_server(
    answer: Callable[[dict[str, Any]], Reply], *, gate: Gate | None = None
) -> AsyncIterator[ModelServer]:
    """Run a server on a free port of loopback."""
    fake = ModelServer(answer=answer, gate=gate)
    server = await asyncio.start_server(fake.serve, "127.0.0.1", 0)
    fake.base_url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield fake
    finally:
        server.close()
        await fake.end()
        await server.wait_closed()


@asynccontextmanager
async def scripted_server(*replies: Reply, gate: Gate | None = None) -> AsyncIterator[ModelServer]:
    """A server that gives these replies in order; asked more often, it answers 418."""
    left = list(replies)

    def next_one(_request: dict[str, Any]) -> Reply:
        return left.pop(0) if left else refused(418, "script is over")

    async with model_server(next_one, gate=gate) as server:
        yield server
