"""The gateway, version 10: sessions that outlive their connections. Source: events/gateway, topics/opcodes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from aiohttp import web

from tests.discord_server.listener import Listener
from tests.discord_server.opcodes import DISPATCH, HEARTBEAT, HELLO, INVALID, PRIVILEGED, RECONNECT, Intent, Session
from tests.discord_server.transcript import Transcript
from tests.discord_server.wire import Socket
from tests.discord_server.world import Clock

Json = dict[str, Any]


class GatewayFaults:
    """Trouble on the websocket. `acks` False: a zombie; `loses_events`: what happens while the bot is away is not
    replayed; `duplicates`: so many next events come twice; `reorders`: so many come after the one that follows;
    `refuses`: no websocket at all."""

    def __init__(self) -> None:
        self.acks = True
        self.loses_events = False
        self.duplicates = 0
        self.reorders = 0
        self.refuses = False
        self.held: Json | None = None


class Gateway:
    """`enabled` are the privileged intents switched on for the application. `is_relaxed`: IDENTIFY may come as often as
    it likes. `checks_heartbeats` off is for loops whose time jumps."""

    def __init__(self, clock: Clock, transcript: Transcript) -> None:
        self.clock = clock
        self.transcript = transcript
        self.token = ""
        self.url = ""
        self.enabled = int(PRIVILEGED)
        self.heartbeat_interval_ms = 41_250
        self.is_relaxed = False
        self.checks_heartbeats = True
        self.resume_window_s = 180.0
        self.faults = GatewayFaults()
        self.sessions: dict[str, Session] = {}
        self.sockets: list[Socket] = []
        self.ready: Callable[[], Json] = dict
        self.guilds: Callable[[Session], list[Json]] = lambda _session: []
        self.members: Callable[[Json], Json] = dict
        self.identified: deque[datetime] = deque(maxlen=1000)

    @property
    def connected(self) -> list[Session]:
        """Sessions that can be reached now."""
        return [session for session in self.sessions.values() if session.socket is not None]

    async def serve(self, request: web.Request) -> web.StreamResponse:
        """One websocket, to its end."""
        if self.faults.refuses:
            return web.Response(status=503)
        socket = Socket(request)
        await socket.open()
        self.transcript.note("connect", request.path)
        if request.query.get("v") != "10" or request.query.get("encoding", "json") != "json":
            socket.close(4012)
        self.sockets.append(socket)
        socket.send({"op": HELLO, "d": {"heartbeat_interval": self.heartbeat_interval_ms}, "s": None, "t": None})
        listener = Listener(self, socket)
        listener.expect_heartbeat()
        try:
            await socket.run(listener.receive)
        finally:
            self.sockets.remove(socket)
            self._left(socket)
        return socket.response

    def dispatch(self, event: str, data: Json, intent: int = 0, bare: Callable[[Json], Json] | None = None) -> bool:
        """Send an event to every session that asked for `intent`; `bare` takes away the content from those that may not
        see it. True when somebody was there to get it."""
        was_sent = False
        for session in list(self.sessions.values()):
            if self.is_over(session):
                del self.sessions[session.id]
                continue
            if intent and not session.intents & intent:
                continue
            shown = data if bare is None or session.intents & Intent.MESSAGE_CONTENT else bare(data)
            self.emit(session, event, shown)
            was_sent |= session.socket is not None
        return was_sent

    def drop(self) -> None:
        """Cut every connection (TCP reset)."""
        for socket in self.sockets:
            socket.abort()

    def close(self, code: int) -> None:
        """Close every connection with a code."""
        for socket in self.sockets:
            socket.close(code)

    def reconnect(self) -> None:
        """Opcode 7."""
        for socket in self.sockets:
            socket.send({"op": RECONNECT, "d": None})

    def invalidate(self, *, is_resumable: bool) -> None:
        """Opcode 9."""
        for session in self.connected:
            if not is_resumable:
                self.sessions.pop(session.id)
            if session.socket is not None:
                session.socket.send({"op": INVALID, "d": is_resumable})

    def ask_heartbeat(self) -> None:
        """Opcode 1 from the server."""
        for socket in self.sockets:
            socket.send({"op": HEARTBEAT, "d": None})

    def forget_sessions(self) -> None:
        """Whoever is away now cannot resume."""
        self.sessions = {session.id: session for session in self.connected}

    def emit(self, session: Session, event: str, data: Json) -> None:
        if session.socket is None and self.faults.loses_events:
            return
        count = 1
        if self.faults.duplicates and event != "READY":
            self.faults.duplicates -= 1
            count = 2
        for _ in range(count):
            session.sequence += 1
            payload = {"op": DISPATCH, "t": event, "s": session.sequence, "d": data}
            session.sent.append((session.sequence, payload))
            self._send(session, payload)

    def _send(self, session: Session, payload: Json) -> None:
        if session.socket is None:
            return
        if self.faults.reorders and self.faults.held is None:
            self.faults.reorders -= 1
            self.faults.held = payload
            return
        session.socket.send(payload)
        if self.faults.held is not None:
            session.socket.send(self.faults.held)
            self.faults.held = None

    def is_over(self, session: Session) -> bool:
        return session.left_at is not None and self.clock.now() - session.left_at > timedelta(
            seconds=self.resume_window_s
        )

    def _left(self, socket: Socket) -> None:
        self.transcript.note("disconnect", f"{socket.close_code}")
        session = socket.session
        if session is None or session.socket is not socket:
            return
        session.socket, session.left_at = None, self.clock.now()
        if socket.was_closed_by_client and socket.close_code in {1000, 1001}:
            self.sessions.pop(session.id, None)
        self.transcript.tell()
