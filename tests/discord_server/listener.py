"""What the bot says on the websocket, understood or refused with Discord's close codes."""

from __future__ import annotations

import asyncio
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import orjson

from tests.discord_server.opcodes import (
    ACK,
    HEARTBEAT,
    IDENTIFY,
    INVALID,
    KNOWN_INTENTS,
    MAX_EVENTS_PER_MINUTE,
    MAX_PAYLOAD_BYTES,
    MEMBERS,
    PRESENCE,
    PRIVILEGED,
    RESUME,
    VOICE,
    Session,
)
from tests.discord_server.wire import Socket

if TYPE_CHECKING:
    from tests.discord_server.gateway import Gateway

Json = dict[str, Any]


class Listener:
    """Of one connection."""

    def __init__(self, gateway: Gateway, socket: Socket) -> None:
        self._gateway = gateway
        self._socket = socket

    def expect_heartbeat(self) -> None:
        if self._socket.alarm is not None:
            self._socket.alarm.cancel()
        if self._gateway.checks_heartbeats:
            patience_s = self._gateway.heartbeat_interval_ms / 1000 * 1.5
            self._socket.alarm = asyncio.get_running_loop().call_later(patience_s, self._miss_heartbeat)

    def _miss_heartbeat(self) -> None:
        self._gateway.transcript.violated(
            "heartbeat_missed", f"none for {self._gateway.heartbeat_interval_ms * 1.5:.0f} ms"
        )
        self._socket.close(4009)

    def receive(self, text: str) -> None:
        if len(text.encode()) > MAX_PAYLOAD_BYTES:
            return self._refuse(4002, f"{len(text.encode())} bytes")
        now = self._gateway.clock.now()
        self._socket.received.append(now)
        if len(self._socket.received) > MAX_EVENTS_PER_MINUTE and now - self._socket.received[0] < timedelta(minutes=1):
            return self._refuse(4008, "more than 120 events in a minute")
        try:
            payload = orjson.loads(text)
        except orjson.JSONDecodeError:
            return self._refuse(4002, "not JSON")
        return self._understand(payload.get("op"), payload.get("d"))

    def _refuse(self, code: int, why: str) -> None:
        self._gateway.transcript.violated(f"gateway_{code}", why)
        self._socket.close(code)

    def _understand(self, op: Any, data: Any) -> None:
        if op == HEARTBEAT:
            self._heartbeat()
        elif op == IDENTIFY:
            self._identify(data)
        elif op == RESUME:
            self._resume(data)
        elif op not in {PRESENCE, VOICE, MEMBERS}:
            self._refuse(4001, f"opcode {op}")
        elif self._socket.session is None:
            self._refuse(4003, f"opcode {op} before IDENTIFY")
        elif op == MEMBERS:
            self._gateway.emit(self._socket.session, "GUILD_MEMBERS_CHUNK", self._gateway.members(data))

    def _heartbeat(self) -> None:
        self.expect_heartbeat()
        self._gateway.transcript.counts["heartbeat"] += 1
        if self._gateway.faults.acks:
            self._socket.send({"op": ACK})
        self._gateway.transcript.tell()

    def _identify(self, data: Json) -> None:
        intents = data.get("intents", 0)
        self._gateway.transcript.note("identify", f"intents {intents}")
        if self._socket.session is not None:
            return self._refuse(4005, "IDENTIFY twice")
        if data.get("token") != self._gateway.token:
            return self._socket.close(4004)
        if intents & ~KNOWN_INTENTS:
            return self._refuse(4013, f"intents {intents:b}")
        if intents & PRIVILEGED & ~self._gateway.enabled:
            return self._socket.close(4014)
        if self._is_too_often():
            return self._socket.send({"op": INVALID, "d": False})
        return self._start(intents)

    def _is_too_often(self) -> bool:
        now = self._gateway.clock.now()
        times = self._gateway.identified
        too_soon = bool(times) and now - times[-1] < timedelta(seconds=5)
        too_many = len(times) == times.maxlen and now - times[0] < timedelta(days=1)
        times.append(now)
        if self._gateway.is_relaxed or not (too_soon or too_many):
            return False
        self._gateway.transcript.violated(
            "identify_too_often", "1000 a day" if too_many else "less than 5 s after the last"
        )
        return True

    def _start(self, intents: int) -> None:
        session = Session(secrets.token_hex(16), intents)
        self._gateway.sessions[session.id] = session
        session.socket, self._socket.session = self._socket, session
        resume_url = self._gateway.url.replace("/gateway", "/resume")
        self._gateway.emit(
            session, "READY", self._gateway.ready() | {"session_id": session.id, "resume_gateway_url": resume_url}
        )
        for guild in self._gateway.guilds(session):
            self._gateway.emit(session, "GUILD_CREATE", guild)
        self._gateway.transcript.note("ready", session.id)

    def _resume(self, data: Json) -> None:
        self._gateway.transcript.note("resume", f"seq {data.get('seq')}")
        if data.get("token") != self._gateway.token:
            return self._socket.close(4004)
        if not self._socket.path.endswith("/resume"):
            self._gateway.transcript.violated("resume_elsewhere", "RESUME goes to resume_gateway_url")
        session = self._gateway.sessions.get(str(data.get("session_id")))
        sequence = data.get("seq") or 0
        if session is not None and sequence > session.sequence:
            return self._refuse(4007, f"sequence {sequence} was never sent")
        if session is None or self._gateway.is_over(session) or (session.sent and session.sent[0][0] > sequence + 1):
            return self._socket.send({"op": INVALID, "d": False})
        return self._replay(session, sequence)

    def _replay(self, session: Session, sequence: int) -> None:
        if session.socket is not None:
            session.socket.session = None
            session.socket.close(4000)
        session.socket, self._socket.session, session.left_at = self._socket, session, None
        for number, payload in session.sent:
            if number > sequence:
                self._socket.send(payload)
        self._gateway.emit(session, "RESUMED", {})
        self._gateway.transcript.note("resumed", session.id)
