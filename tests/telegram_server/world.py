"""The state behind the server: who is there, what was said, what is waiting."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol, TypeVar

from tests.telegram_server.faults import Faults
from tests.telegram_server.flood import Flood, Limits
from tests.telegram_server.model import Chat, Content, Json, Kind, Message, StoredFile, User, Version
from tests.telegram_server.parameters import Upload
from tests.telegram_server.transcript import Request, Transcript
from tests.telegram_server.updates import Update, UpdateQueue
from tests.telegram_server.violations import ApiError, Code, Violation

T = TypeVar("T")


class Clock(Protocol):
    """What tells the time."""

    def now(self) -> datetime:
        """The time, aware."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What can be set. `answer_within_s`: a callback query that waited longer is a violation; `query_age_s`: after that
    Telegram takes no answer (the real age is unpublished)."""

    limits: Limits = field(default_factory=Limits)
    has_privacy: bool = True
    answer_within_s: float = 10.0
    query_age_s: float = 60.0
    max_upload: int = 50 * 1024 * 1024
    max_photo: int = 10 * 1024 * 1024
    max_download: int = 20 * 1024 * 1024


@dataclass(slots=True, kw_only=True, eq=False)
class Query:
    """A pressed button. `update` is how the bot hears of it, `answers` what it said."""

    id: str
    user: User
    message: Message
    data: str
    at: datetime
    update: Update | None = None
    answers: list[Json] = field(default_factory=list)


@dataclass(slots=True, kw_only=True, eq=False)
class Call:
    """A request on its way: its parameters as sent and as read, and the chat it turned out to concern."""

    request: Request
    parameters: dict[str, Any]
    files: dict[str, Upload]
    fingerprint: int
    is_gone: Callable[[], bool]
    chat: Chat | None = None
    cost: int = 1

    @property
    def method(self) -> str:
        return self.request.method

    def get(self, name: str, default: Any = None) -> Any:
        return self.parameters.get(name, default)


@dataclass(slots=True)
class Webhook:
    """Where updates are posted to."""

    url: str = ""
    secret: str = ""
    max_connections: int = 40
    last_error_at: datetime | None = None
    last_error: str = ""


class World:
    """Everything the server knows. Changing it wakes those who wait in `until`."""

    def __init__(self, token: str, clock: Clock, rules: Rules, *, keeps_requests: bool = True) -> None:
        self.token = token
        self.is_revoked = False
        self.clock = clock
        self.rules = rules
        self.bot = User(id=int(token.partition(":")[0]), first_name="Xingshu", username="xingshu_test_bot", is_bot=True)
        self.users: dict[int, User] = {self.bot.id: self.bot}
        self.chats: dict[int, Chat] = {}
        self.files: dict[str, StoredFile] = {}
        self.queries: dict[str, Query] = {}
        self.commands: dict[str, list[Json]] = {}
        self.profile: dict[str, str] = {}
        self.drafts: list[Json] = []
        self.actions: list[tuple[datetime, int, str]] = []
        self.reactions: dict[tuple[int, int], list[str]] = {}
        self.webhook = Webhook()
        self.flood = Flood(rules.limits)
        self.faults = Faults()
        self.updates = UpdateQueue(now=clock.now, on_change=self.changed)
        self.transcript = Transcript(self.chats, clock.now, keeps_requests=keeps_requests, overdue=self._overdue)
        self.numbers = itertools.count(1)
        self.account_messages = itertools.count(1)
        self.lost: set[int] = set()  # calls that took effect though the client may not know
        self._told: dict[tuple[Any, ...], tuple[float, set[int]]] = {}
        self._waiting: list[tuple[Callable[[], Any], asyncio.Future[Any]]] = []
        self._is_waking = False

    def now(self) -> datetime:
        return self.clock.now()

    # --- waiting ------------------------------------------------------------------------------------------------

    async def until(self, condition: Callable[[], T | None], timeout_s: float | None = 10.0) -> T:
        """What `condition` gives as soon as it is true; looked at after every change. Fails after `timeout_s`."""
        if value := condition():
            return value
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        entry = (condition, future)
        self._waiting.append(entry)
        try:
            async with asyncio.timeout(timeout_s):
                return await future
        except TimeoutError:
            found = "\n".join(map(str, self.transcript.violations()[-5:]))
            raise AssertionError(f"not within {timeout_s} s; last calls:\n{self.transcript.tail()}\n{found}") from None
        finally:
            if entry in self._waiting:
                self._waiting.remove(entry)

    def changed(self) -> None:
        """Let those who wait look again, when the loop comes round."""
        if self._waiting and not self._is_waking:
            self._is_waking = True
            asyncio.get_running_loop().call_soon(self._look)

    def _look(self) -> None:
        self._is_waking = False
        for condition, future in list(self._waiting):
            if future.done():
                continue
            try:
                value = condition()
            except Exception as error:  # noqa: BLE001 -- goes to the one who waits
                future.set_exception(error)
                continue
            if value:
                future.set_result(value)

    # --- violations ---------------------------------------------------------------------------------------------

    def violate(self, code: Code, detail: str, call: Call | None = None) -> None:
        """Record a violation of the client."""
        method, chat_id = (call.method, call.request.chat_id) if call else ("", None)
        self.transcript.violate(code, detail, method=method, chat_id=chat_id)
        self.changed()

    def refused(self, call: Call, error: ApiError) -> None:
        """Keep what the client was told; being told again is its fault, unless both calls were under way."""
        if error.code:
            self.violate(error.code, error.description, call)
        if error.told is None:
            return
        now = self.now().timestamp()
        first = self._told.get(error.told)
        if first is None:
            self._told[error.told] = (now, {call.fingerprint})
            return
        since, fingerprints = first
        if call.fingerprint in fingerprints or now - since > self.rules.limits.grace_s:
            self.violate(Code.REFUSED_AGAIN, error.description, call)
        fingerprints.add(call.fingerprint)

    def untell(self, *key: Any) -> None:
        """What the client was told is no longer so."""
        self._told.pop(key, None)

    def _overdue(self) -> Iterator[Violation]:
        """Callback queries that the bot got and left without an answer."""
        now = self.now()
        for query in self.queries.values():
            delivered = query.update and query.update.delivered_at
            if delivered and not query.answers and (now - delivered).total_seconds() > self.rules.answer_within_s:
                yield Violation(
                    code=Code.UNANSWERED,
                    at=now,
                    detail=f"query {query.id} {query.data!r} since {delivered}",
                    chat_id=query.message.chat.id,
                )

    # --- messages -----------------------------------------------------------------------------------------------

    def new_chat(self, kind: Kind, chat_id: int, **fields: Any) -> Chat:
        """A chat. Private chats and small groups share one row of message ids, as accounts do at Telegram."""
        is_shared = kind in (Kind.PRIVATE, Kind.GROUP)
        first = 2 if fields.get("is_forum") else 1  # the General topic is number 1
        numbers = self.account_messages if is_shared else itertools.count(first)
        chat = self.chats[chat_id] = Chat(id=chat_id, kind=kind, numbers=numbers, **fields)
        return chat

    def post(self, chat: Chat, sender: User | None, content: Content, **fields: Any) -> Message:
        """A new message."""
        message = Message(
            id=next(chat.numbers),
            chat=chat,
            sender=sender,
            history=[Version(self.now(), content)],
            **fields,
        )
        chat.messages[message.id] = message
        if sender and sender.is_bot:
            chat.last_bot = sender.id
        self.changed()
        return message

    def store(self, upload: Upload, kind: str, size: int | None = None) -> StoredFile:
        """A file, kept under a new id."""
        number = next(self.numbers)
        suffix = upload.name.rpartition(".")[2] if "." in upload.name else "bin"
        file_id = f"{kind}-{number}-{len(upload.data)}"
        stored = StoredFile(
            file_id=file_id,
            unique_id=f"u{number}",
            path=f"{kind}s/{file_id}.{suffix}",
            name=upload.name,
            mime=upload.mime,
            data=upload.data,
            size=len(upload.data) if size is None else size,
        )
        self.files[stored.file_id] = stored
        return stored
