"""Numbers of the gateway, and what outlives a connection. Source: topics/opcodes-and-status-codes, events/gateway."""

from __future__ import annotations

from collections import deque
from datetime import datetime
from enum import IntFlag
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.discord_server.wire import Socket

Json = dict[str, Any]
DISPATCH, HEARTBEAT, IDENTIFY, PRESENCE, VOICE, RESUME, RECONNECT, MEMBERS, INVALID, HELLO, ACK = (
    0, 1, 2, 3, 4, 6, 7, 8, 9, 10, 11,
)  # fmt: skip
MAX_PAYLOAD_BYTES, MAX_EVENTS_PER_MINUTE = 4096, 120
KNOWN_INTENTS = 0b11_0011_0001_1111_1111_1111_1111  # bits 0-16, 20, 21, 24, 25


class Intent(IntFlag):
    GUILDS = 1 << 0
    MEMBERS = 1 << 1
    PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    GUILD_REACTIONS = 1 << 10
    DM_MESSAGES = 1 << 12
    DM_REACTIONS = 1 << 13
    MESSAGE_CONTENT = 1 << 15


PRIVILEGED = Intent.MEMBERS | Intent.PRESENCES | Intent.MESSAGE_CONTENT


class Session:
    """One IDENTIFY; what was dispatched stays in `sent` for a RESUME."""

    def __init__(self, number: str, intents: int) -> None:
        self.id = number
        self.intents = intents
        self.sequence = 0
        self.sent: deque[tuple[int, Json]] = deque(maxlen=5000)
        self.socket: Socket | None = None
        self.left_at: datetime | None = None
