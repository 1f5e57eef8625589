"""From a request to its answer: rules first, then flood control, then the effect; and the faults around it."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.telegram_server.faults import Fault, Trouble
from tests.telegram_server.flood import Key
from tests.telegram_server.methods import METHODS, Method
from tests.telegram_server.parameters import Upload, read_parameters
from tests.telegram_server.transcript import Request
from tests.telegram_server.violations import ApiError, Code, too_many
from tests.telegram_server.world import Call, World

_BEFORE = {Trouble.TOO_MANY, Trouble.ERROR, Trouble.RESET, Trouble.GARBAGE}
_FOR_EVER_S = 3600
_PHRASES = {500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Gateway Timeout"}


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: JSON, or a page, or nothing but a reset connection."""

    status: int
    body: dict[str, Any] = field(default_factory=dict)
    page: bytes = b""
    is_reset: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request as it came in. `is_gone`: the client hung up."""

    method: str
    given: dict[str, Any]
    is_gone: Callable[[], bool]


class Dispatcher:
    """Answers calls."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._count = 0

    async def answer(self, arrival: Arrival) -> Answer:
        """Carry out a call and keep it in the transcript."""
        request = self._begin(arrival)
        answer = await self._answer(arrival, request)
        self._end(request, answer)
        return answer

    async def refuse(self, arrival: Arrival, error: ApiError) -> Answer:
        """Answer with an error before anything is looked at, such as a wrong token."""
        request = self._begin(arrival)
        self._world.refused(self._call(arrival, request), error)
        answer = _failure(error)
        self._end(request, answer)
        return answer

    def _begin(self, arrival: Arrival) -> Request:
        self._count += 1
        known = METHODS.get(arrival.method.lower())
        request = Request(
            number=self._count,
            method=known.name if known else arrival.method,
            at=self._world.now(),
            parameters={},
        )
        if self._world.transcript.keeps_requests:
            self._world.transcript.requests.append(request)
        return request

    def _end(self, request: Request, answer: Answer) -> None:
        request.status = answer.status
        request.description = answer.body.get("description", "")
        request.answered_at = self._world.now()
        self._world.transcript.counts[request.method, answer.status] += 1
        self._world.changed()

    def _call(self, arrival: Arrival, request: Request) -> Call:
        files = {name: value for name, value in arrival.given.items() if isinstance(value, Upload)}
        plain = tuple(
            (name, str(value)) for name, value in sorted(arrival.given.items()) if not isinstance(value, Upload)
        )
        return Call(
            request=request,
            parameters={},
            files=files,
            fingerprint=hash((request.method, plain)),
            is_gone=arrival.is_gone,
        )

    async def _answer(self, arrival: Arrival, request: Request) -> Answer:
        call = self._call(arrival, request)
        fault: Fault | None = None
        try:
            method = self._method(arrival)
            call.parameters = request.parameters = read_parameters(method.wanted, arrival.given)
            chat_id = call.get("chat_id")
            request.chat_id = chat_id if isinstance(chat_id, int) else None
            self._refuse_banned(call)
            fault = self._world.faults.next(method.name, request.chat_id, call.parameters)
            if fault:
                request.trouble = str(fault.trouble)
                if early := await self._before(fault, call, method):
                    return early
            result = await self._carry_out(method, call)
        except ApiError as error:
            self._world.refused(call, error)
            return _failure(error)
        request.result = result
        if arrival.is_gone():
            self._world.lost.add(call.fingerprint)
        return await self._after(fault, result) if fault else Answer(200, {"ok": True, "result": result})

    def _method(self, arrival: Arrival) -> Method:
        method = METHODS.get(arrival.method.lower())
        if method is None:
            raise ApiError(404, "Not Found: method not found", code=Code.UNKNOWN_METHOD)
        return method

    def _refuse_banned(self, call: Call) -> None:
        """Those whose earlier call met a 429 of a fault."""
        refusal = self._world.flood.refuse(_method_key(call), self._seconds(), call.fingerprint)
        if refusal:
            raise too_many(refusal.retry_after, Code.FLOOD_IGNORED if refusal.is_ignored else None)

    def _seconds(self) -> float:
        return self._world.now().timestamp()

    async def _carry_out(self, method: Method, call: Call) -> Any:
        effect = method.prepare(self._world, call)
        if method.is_metered:
            self._meter(call)
        result = effect()
        if inspect.isawaitable(result):
            result = await result
        if call.chat:
            self._world.untell("chat", call.chat.id)
        return result

    def _meter(self, call: Call) -> None:
        chat = call.chat
        assert chat, f"{call.method} is metered but concerns no chat"
        refusal = self._world.flood.spend(
            ("chat", chat.id),
            is_group=chat.user is None,
            now=self._seconds(),
            cost=call.cost,
            fingerprint=call.fingerprint,
        )
        if refusal:
            raise too_many(refusal.retry_after, Code.FLOOD_IGNORED if refusal.is_ignored else None)

    # --- faults -------------------------------------------------------------------------------------------------

    async def _before(self, fault: Fault, call: Call, method: Method) -> Answer | None:
        if fault.trouble not in _BEFORE:
            self._world.lost.add(call.fingerprint)
        if fault.trouble is Trouble.SLOW:
            await asyncio.sleep(fault.delay_s)
        elif fault.trouble is Trouble.TOO_MANY:
            is_chat = method.is_metered and call.request.chat_id is not None
            key = ("chat", call.request.chat_id) if is_chat else _method_key(call)
            self._world.flood.ban(key, self._seconds(), fault.retry_after, call.fingerprint)
            return _failure(too_many(fault.retry_after))
        elif fault.trouble in _BEFORE:
            return _broken(fault)
        return None

    async def _after(self, fault: Fault, result: Any) -> Answer:
        answer = None if fault.trouble is Trouble.SLOW else await self.hinder(fault)
        return answer or Answer(200, {"ok": True, "result": result})

    async def hinder(self, fault: Fault) -> Answer | None:
        """What a client gets instead of its answer, or nothing but time lost."""
        if fault.trouble in (Trouble.SLOW, Trouble.SLOW_AFTER):
            await asyncio.sleep(fault.delay_s)
        elif fault.trouble is Trouble.HANG_AFTER:
            await asyncio.sleep(_FOR_EVER_S)
        else:
            return _broken(fault)
        return None


def _method_key(call: Call) -> Key:
    return "method", call.method, call.request.chat_id


def _broken(fault: Fault) -> Answer:
    if fault.trouble in (Trouble.RESET, Trouble.RESET_AFTER):
        return Answer(-1, is_reset=True)
    if fault.trouble in (Trouble.GARBAGE, Trouble.GARBAGE_AFTER):
        return Answer(200, page=b"<html><body>We'll be right back</body></html>")
    status = fault.status
    return Answer(status, {"ok": False, "error_code": status, "description": _PHRASES.get(status, "Error")})


def _failure(error: ApiError) -> Answer:
    body: dict[str, Any] = {"ok": False, "error_code": error.status, "description": error.description}
    if error.parameters:
        body["parameters"] = dict(error.parameters)
    return Answer(error.status, body)
