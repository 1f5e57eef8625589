"""REST, version 10: what every request goes through, in order: transcript, fault, token, rate limit, body, effect."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import orjson
from aiohttp import BodyPartReader, web

from tests.discord_server.faults import Fault, FaultKind, Faults
from tests.discord_server.limits import RateLimits, Verdict, rounded_up
from tests.discord_server.manners import blame
from tests.discord_server.refusals import ApiRefusal, no_such_route, refusal, unauthorized, wrong_form
from tests.discord_server.rules import Upload
from tests.discord_server.transcript import Call, Transcript
from tests.discord_server.wire import reset

PREFIX = "/api/v10"
_MAX_BODY = 110 * 1024 * 1024
_FILE = re.compile(r"^files\[\d+\]$")


@dataclass(slots=True)
class Ask:
    """One request, read: `params` from the path, `query`, `body` (JSON), `files`."""

    call: Call
    params: dict[str, str]
    query: dict[str, str]
    body: Any = None
    files: list[Upload] = field(default_factory=list)

    def number(self, name: str) -> int:
        """An id of the path. Raises the refusal for what is no id."""
        return snowflake(name, self.params[name])


@dataclass(slots=True, frozen=True)
class Route:
    """`act` does the work and returns JSON, None for 204. `is_public`: no token needed, not counted globally."""

    method: str
    path: str
    act: Callable[[Ask], Any]
    is_public: bool = False


class Pipe(Protocol):
    """What REST needs of the server."""

    token: str
    transcript: Transcript
    limits: RateLimits
    faults: Faults


def snowflake(name: str, text: str) -> int:
    if not text.isdecimal():
        raise wrong_form(name, "NUMBER_TYPE_COERCE", f'Value "{text}" is not snowflake.')
    return int(text)


def routed(app: web.Application, routes: list[Route], pipe: Pipe) -> None:
    """Hang the routes into the application; everything else below the prefix is 404, and noticed."""
    for route in routes:
        app.router.add_route(route.method, PREFIX + route.path, _Endpoint(route, pipe).serve)
    nowhere = Route("*", "/{tail:.*}", _nowhere)
    app.router.add_route("*", PREFIX + nowhere.path, _Endpoint(nowhere, pipe).serve)


def _nowhere(_ask: Ask) -> Any:
    raise no_such_route()


class _Reset(Exception):
    """The connection is to be cut instead of an answer."""


class _Endpoint:
    """One route as aiohttp calls it."""

    def __init__(self, route: Route, pipe: Pipe) -> None:
        self._route = route
        self._pipe = pipe

    async def serve(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix(PREFIX)
        name = path if self._route.act is _nowhere else self._route.path
        call = self._pipe.transcript.began(request.method, path, name)
        fault = self._pipe.faults.take(call)
        if fault is not None:
            self._pipe.transcript.tell()
        headers: dict[str, str] = {}
        try:
            status, body = await self._pass(request, call, fault, headers)
        except ApiRefusal as error:
            blame(self._pipe.transcript, call, error)
            status, body = error.http, error.body
        except (_Reset, ConnectionError):  # made up, or the bot went away while it spoke
            self._pipe.transcript.ended(call, 0)
            reset(request.transport)
            return web.Response()
        except Exception as error:
            self._pipe.transcript.violated("server_broke", f"{call}: {error!r}", call)
            raise
        self._pipe.limits.answered(status)
        code = body.get("code") if status >= 400 and isinstance(body, dict) else None
        self._pipe.transcript.ended(call, status, code)
        return _answer(status, body, headers)

    async def _pass(
        self, request: web.Request, call: Call, fault: Fault | None, headers: dict[str, str]
    ) -> tuple[int, Any]:
        if fault is not None and fault.is_before:
            made_up = await self._trouble(fault, call, request, headers)
            if made_up is not None:
                return made_up
        self._authorize(request)
        verdict = self._pipe.limits.admit(call, _major(request), counts_globally=not self._route.is_public)
        headers.update(verdict.headers)
        if verdict.retry_after is not None:
            return _limited(verdict, headers)
        ask = await _read(request, call)
        result = self._act(ask)
        if fault is not None and not fault.is_before:
            made_up = await self._trouble(fault, call, request, headers)
            if made_up is not None:
                return made_up
        return (204, None) if result is None else (200, result)

    def _act(self, ask: Ask) -> Any:
        if self._route.act is _nowhere:
            self._pipe.transcript.violated("unknown_route", str(ask.call), ask.call)
        result = self._route.act(ask)
        ask.call.had_effect = True
        return result

    def _authorize(self, request: web.Request) -> None:
        if self._route.is_public:
            return
        if not self._pipe.token or request.headers.get("Authorization") != f"Bot {self._pipe.token}":
            raise unauthorized()

    async def _trouble(
        self, fault: Fault, call: Call, request: web.Request, headers: dict[str, str]
    ) -> tuple[int, Any] | None:
        await fault.pause()
        if fault.kind in {FaultKind.RESET, FaultKind.RESET_AFTER}:
            raise _Reset
        if fault.kind in {FaultKind.STATUS, FaultKind.STATUS_AFTER}:
            return fault.status, {"message": f"{fault.status}: made up", "code": 0}
        if fault.kind is FaultKind.LIMITED:
            self._pipe.limits.block(call, _major(request), fault.seconds, is_global=fault.is_global)
            return _limited(Verdict(retry_after=fault.seconds, is_global=fault.is_global), headers)
        return None


def _limited(verdict: Verdict, headers: dict[str, str]) -> tuple[int, Any]:
    """429 as Discord sends it: discord.py takes one without Via for a ban by Cloudflare."""
    seconds = float(rounded_up(verdict.retry_after or 0.0))
    headers["Retry-After"] = str(int(seconds) + 1)
    if verdict.is_banned:
        return 429, "<html>error code: 1015</html>"
    headers |= {"Via": "1.1 google", "X-RateLimit-Scope": "global" if verdict.is_global else "user"}
    if verdict.is_global:
        headers["X-RateLimit-Global"] = "true"
    return 429, {"message": "You are being rate limited.", "retry_after": seconds, "global": verdict.is_global}


def _answer(status: int, body: Any, headers: dict[str, str]) -> web.Response:
    if body is None:
        return web.Response(status=status, headers=headers)
    if isinstance(body, str):
        return web.Response(status=status, text=body, content_type="text/html", headers=headers)
    headers["Content-Type"] = "application/json"  # discord.py compares the whole value: no charset
    return web.Response(status=status, body=orjson.dumps(body), headers=headers)


def _major(request: web.Request) -> str:
    """What buckets are kept apart by: channel, guild, or webhook with token."""
    found = request.match_info
    return "/".join(found[key] for key in ("channel_id", "guild_id", "application_id", "token") if key in found)


async def _read(request: web.Request, call: Call) -> Ask:
    """The body as JSON, or as a form with `payload_json` and files."""
    ask = Ask(call, dict(request.match_info), dict(request.query))
    if not request.can_read_body:
        return ask
    if request.content_type == "multipart/form-data":
        await _read_form(request, ask)
    elif request.content_type == "application/json":
        ask.body = _parsed(await request.read())
    else:
        raise ApiRefusal(400, 50035, f"Invalid Content-Type '{request.content_type}'")
    call.body = ask.body
    call.files = [(upload.filename, len(upload.content)) for upload in ask.files]
    return ask


def _parsed(raw: bytes) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError:
        raise refusal(50109) from None


async def _read_form(request: web.Request, ask: Ask) -> None:
    total = 0
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        content = bytes(await part.read(decode=True))
        total += len(content)
        if total > _MAX_BODY:
            raise refusal(40005)
        if part.name == "payload_json":
            ask.body = _parsed(content)
        elif _FILE.match(part.name or ""):
            kind = part.headers.get("Content-Type", "application/octet-stream")
            ask.files.append(Upload(part.name or "", part.filename or "unknown", content, kind))
