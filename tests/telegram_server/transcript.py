"""Everything that happened, for tests to ask about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.telegram_server.model import Chat, Message
from tests.telegram_server.violations import Code, Violation


@dataclass(slots=True, kw_only=True, eq=False)
class Request:
    """One call. `status` is 0 while it runs, and what was answered then; `trouble` is the fault it met.

    `result` is what a call that took effect returned, whether or not the client got to know.
    """

    number: int
    method: str
    at: datetime
    parameters: dict[str, Any]
    chat_id: int | None = None
    status: int = 0
    description: str = ""
    trouble: str = ""
    result: Any = None
    answered_at: datetime | None = None

    @property
    def is_ok(self) -> bool:
        return self.status == 200

    def __str__(self) -> str:
        text = str(self.parameters.get("text") or self.parameters.get("caption") or "")[:60]
        outcome = f"{self.status} {self.description}".strip() if self.status else "running"
        return f"#{self.number} {self.method} chat={self.chat_id} {text!r} -> {outcome} {self.trouble}".rstrip()


@dataclass(eq=False)
class Transcript:
    """Calls and violations in order. `chats` is what they are about. With `keeps_requests` off only counts are kept."""

    chats: dict[int, Chat]
    now: Callable[[], datetime]
    keeps_requests: bool = True
    requests: list[Request] = field(default_factory=list)
    counts: Counter[tuple[str, int]] = field(default_factory=Counter)
    _violations: list[Violation] = field(default_factory=list)
    overdue: Callable[[], Iterable[Violation]] = field(default=tuple)

    # --- calls --------------------------------------------------------------------------------------------------

    def calls(self, *methods: str, chat: Chat | int | None = None, ok: bool | None = None) -> list[Request]:
        """The calls of these methods (none: all) in that chat, those that went well or not."""
        wanted = {method.lower() for method in methods}
        chat_id = _id(chat)
        return [
            request
            for request in self.requests
            if (not wanted or request.method.lower() in wanted)
            and chat_id in (None, request.chat_id)
            and ok in (None, request.is_ok)
        ]

    def count(self, method: str, status: int | None = None) -> int:
        """How often a method was called (and answered so); works without kept requests too."""
        return sum(
            number
            for (name, answered), number in self.counts.items()
            if name.lower() == method.lower() and status in (None, answered)
        )

    # --- violations ---------------------------------------------------------------------------------------------

    def violate(self, code: Code, detail: str, *, method: str = "", chat_id: int | None = None) -> None:
        """Record something that must not happen."""
        self._violations.append(
            Violation(code=code, at=self.now(), detail=detail, method=method, chat_id=chat_id),
        )

    def violations(self, *codes: Code | str, without: Iterable[Code | str] = ()) -> list[Violation]:
        """What must not have happened: of these codes (none: all), `without` those."""
        left_out = set(map(str, without))
        wanted = set(map(str, codes))
        return [
            violation
            for violation in (*self._violations, *self.overdue())
            if (not wanted or str(violation.code) in wanted) and str(violation.code) not in left_out
        ]

    def forget_violations(self) -> None:
        self._violations.clear()

    # --- what people see ----------------------------------------------------------------------------------------

    def shown(self, chat: Chat | int) -> list[Message]:
        """What a chat looks like now: its messages, oldest first, those deleted left out."""
        return [message for message in self._chat(chat).messages.values() if not message.is_deleted]

    def texts(self, chat: Chat | int) -> list[str]:
        """The texts of a chat as they are now."""
        return [message.text for message in self.shown(chat)]

    def by_bot(self, chat: Chat | int | None = None, *, is_deleted: bool = False) -> list[Message]:
        """The bot's own messages of a chat (None: of all chats), on request those that were deleted too."""
        chats = self.chats.values() if chat is None else [self._chat(chat)]
        return [
            message
            for each in chats
            for message in each.messages.values()
            if message.is_ours and (is_deleted or not message.is_deleted)
        ]

    def audible(self, chat: Chat | int | None = None) -> list[Message]:
        """The bot's messages that rang, also those that were deleted since."""
        return [message for message in self.by_bot(chat, is_deleted=True) if not message.is_silent]

    def last(self, chat: Chat | int) -> Message:
        """The newest message of the bot in a chat."""
        messages = self.by_bot(chat)
        assert messages, f"the bot wrote nothing in {chat}: {self.tail()}"
        return messages[-1]

    def tail(self, count: int = 12) -> str:
        """The last calls, for the message of a failed test."""
        return "\n".join(map(str, self.requests[-count:])) or "(no calls)"

    def _chat(self, chat: Chat | int) -> Chat:
        return chat if isinstance(chat, Chat) else self.chats[chat]

    def edits(self, chat: Chat | int | None = None) -> Iterator[tuple[Message, int]]:
        """How often each of the bot's messages was edited."""
        for message in self.by_bot(chat, is_deleted=True):
            yield message, message.edits


def _id(chat: Chat | int | None) -> int | None:
    return chat.id if isinstance(chat, Chat) else chat
