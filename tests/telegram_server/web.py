"""The HTTP side: requests in, answers out, files down."""

from __future__ import annotations

import json
import socket
import struct
from pathlib import PurePosixPath
from typing import Any

import orjson
from aiohttp import BodyPartReader, web

from tests.telegram_server.dispatch import Answer, Arrival, Dispatcher
from tests.telegram_server.parameters import Upload
from tests.telegram_server.violations import ApiError, Code
from tests.telegram_server.world import World

_SLACK = 1024 * 1024  # what the other fields and the boundaries of a multipart body may take


DOWNLOAD = "download"  # what faults call the way down of a file


class TooLarge(Exception):
    """A body beyond the limit."""


class Web:
    """The routes of the Bot API."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._dispatcher = Dispatcher(world)

    def add_to(self, app: web.Application) -> None:
        app.router.add_route("*", "/bot{token}/{method}", self._call)
        app.router.add_get("/file/bot{token}/{path:.+}", self._download)

    async def _call(self, request: web.Request) -> web.StreamResponse:
        arrival = Arrival(request.match_info["method"], {}, lambda: _is_gone(request))
        if refusal := self._wrong_token(request.match_info["token"]):
            await request.read()
            return _response(request, await self._dispatcher.refuse(arrival, refusal))
        try:
            arrival.given.update(await _given(request, self._world.rules.max_upload))
        except TooLarge:
            error = ApiError(413, "Request Entity Too Large", code=Code.FILE_TOO_BIG)
            return _response(request, await self._dispatcher.refuse(arrival, error))
        except ValueError:
            error = ApiError(400, "Bad Request: can't parse the body", code=Code.BAD_PARAMETER)
            return _response(request, await self._dispatcher.refuse(arrival, error))
        return _response(request, await self._dispatcher.answer(arrival))

    def _wrong_token(self, token: str) -> ApiError | None:
        world = self._world
        if token == world.token and not world.is_revoked:
            return None
        return ApiError(401, "Unauthorized", told=("token", token))

    async def _download(self, request: web.Request) -> web.StreamResponse:
        if self._wrong_token(request.match_info["token"]):
            return _json(401, {"ok": False, "error_code": 401, "description": "Unauthorized"})
        path = request.match_info["path"]
        fault = self._world.faults.next(DOWNLOAD, None, {"path": path})
        if fault and (answer := await self._dispatcher.hinder(fault)):
            return _response(request, answer)
        if (stored := self._world.files.get(PurePosixPath(path).stem)) and stored.path == path:
            return web.Response(body=stored.data, content_type="application/octet-stream")
        return _json(404, {"ok": False, "error_code": 404, "description": "Not Found"})


async def _given(request: web.Request, max_upload: int) -> dict[str, Any]:
    """Parameters from the query, and from a body of any of the kinds the Bot API takes."""
    given: dict[str, Any] = dict(request.query)
    if request.content_type == "multipart/form-data":
        given.update(await _multipart(request, max_upload))
    elif request.content_type == "application/json":
        body = orjson.loads(await request.read())
        if not isinstance(body, dict):
            raise ValueError("an object is wanted")
        given.update(body)
    elif request.can_read_body:
        given.update(await request.post())
    return given


async def _multipart(request: web.Request, max_upload: int) -> dict[str, Any]:
    if (request.content_length or 0) > max_upload + _SLACK:
        async for _chunk in request.content.iter_chunked(1 << 16):
            pass
        raise TooLarge
    given: dict[str, Any] = {}
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        name = part.name or ""
        data = bytes(await part.read())
        if part.filename is None:
            given[name] = data.decode()
        elif len(data) > max_upload:
            raise TooLarge
        else:
            mime = part.headers.get("Content-Type", "application/octet-stream")
            given[name] = Upload(part.filename, mime, data)
    return given


def _is_gone(request: web.Request) -> bool:
    return request.transport is None or request.transport.is_closing()


def _response(request: web.Request, answer: Answer) -> web.StreamResponse:
    if answer.is_reset:
        reset(request)
        return web.Response()
    if answer.page:
        return web.Response(status=answer.status, body=answer.page, content_type="text/html")
    return _json(answer.status, answer.body)


def _json(status: int, body: dict[str, Any]) -> web.Response:
    return web.Response(status=status, body=_dumped(body), content_type="application/json")


def _dumped(body: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(body)
    except TypeError:  # integers beyond 64 bits
        return json.dumps(body).encode()


def reset(request: web.Request) -> None:
    """End the connection with a TCP reset, as a crash on the way would."""
    transport = request.transport
    if transport is None:
        return
    sock = transport.get_extra_info("socket")
    if sock is not None:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
