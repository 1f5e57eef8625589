"""What a chat platform must be able to do for us. A new platform is one file (or folder) that implements `Platform`;
everything else, from splitting to delivery under crashes, is done for it."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from bot.drawing.rich_text import RichText
from bot.post import Action, Post
from bot.reply import Accepted, Reply
from domain.chat import ChatMessage
from domain.task import Place, Upload

Say = Callable[[Reply], Coroutine[Any, Any, None]]
"""Shows a reply where it was asked for, in the platform's own way (a message, a follow-up, a short notice). It never
raises: what cannot be said is logged."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast a platform lets a bot write. Zero: as fast as it likes.

    Args:
        private_s: seconds between two edits in a private chat; what is urgent may go in between.
        group_s: the same in a group.
        group_per_minute: messages and edits together in one group.
        overall_per_s: messages and edits together in all chats.
    """

    private_s: float = 0.0
    group_s: float = 0.0
    group_per_minute: int = 0
    overall_per_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What a platform can take.

    Args:
        measure: how long a text is to the platform, in its own unit, once it is rendered.
        max_text: the longest text of one message in that unit.
        max_caption: the longest text beside a file, in that unit.
        max_file_bytes: the largest file that can be sent.
        max_upload_bytes: the largest file that can be fetched.
        columns: how many monospaced characters fit into a line on a telephone.
        max_parts: an answer of more messages than this is sent as a file.
        card_lines: how many subtasks a card shows before it leaves some out.
        pace: how fast it lets us write.
        sends_once: sending again under the same nonce is harmless, so a message may be sent with its content; elsewhere
            a placeholder is sent, written down, and then filled by an edit, which may be repeated.
        has_buttons: what can be pressed is shown; elsewhere it is said what to type.
        has_forms: it can ask for a text in a form.
    """

    measure: Callable[[RichText], int] = lambda text: len(text.text)
    max_text: int = 4096
    max_caption: int = 1024
    max_file_bytes: int = 10 * 2**20
    max_upload_bytes: int = 10 * 2**20
    columns: int = 36
    max_parts: int = 6
    card_lines: int = 12
    pace: Pace = Pace()
    sends_once: bool = False
    has_buttons: bool = True
    has_forms: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Press:
    """A button of ours was pressed, or a form that one opened was filled in (`text`).

    `key` is the platform's id of the press; `message_id` that of the message with the button. `action` was read from
    what came with it and proves nothing: who may is decided by `user_id`.
    """

    key: str
    platform: str
    bot_id: str
    chat_id: str
    user_id: str
    message_id: str
    action: Action
    received_at: datetime
    thread_id: str = ""
    is_group: bool = False
    locale: str = ""
    text: str = ""


class Door(Protocol):
    """Where a platform hands in what it received. Its methods return once what came is committed, so that the platform
    can be told that it was taken; they wait for a database that is away. Duplicates are harmless."""

    async def take(self, message: ChatMessage, say: Say) -> Accepted | Reply | None:
        """A message (also: an edited one) of somebody, whoever it is.

        Returns what came of it. A reply is said through `say` as well, a little later; an empty one follows when
        it is there. None: nothing will be said.
        """
        ...

    async def pressed(self, press: Press, say: Say) -> None:
        """A button or a form."""
        ...

    async def suggest(self, platform: str, user_id: str, typed: str) -> list[tuple[str, str]]:
        """Ids of somebody's own tasks that begin with what was typed, with what each is about; newest first."""
        ...

    async def suggest_schedules(self, platform: str, user_id: str, typed: str) -> list[tuple[str, str]]:
        """What can be done with somebody's own schedules, as it is written behind /schedule and begins with what was
        typed; with what each is about."""
        ...


class Platform(Protocol):
    """One bot on one platform.

    Sending and editing raise, by what can be done about it:
        Flooded: wait `retry_after_s`, then try again.
        Unavailable: no connection, or the platform's own trouble; whether the message is there is not known.
        MessageGone: what was to be edited is not there any more.
        Unreachable: nothing will ever arrive in this place (blocked, chat gone, topic closed, not allowed to write).
        Misconfigured: the token does not count any more.
    A refused markup is not an error: the text goes out plain.
    """

    @property
    def name(self) -> str:
        """`platform` of its messages and places."""
        ...

    @property
    def bot_id(self) -> str:
        """Which bot it is, should there be several; known once `run` has begun, and from the token before."""
        ...

    @property
    def traits(self) -> Traits:
        """What it can take."""
        ...

    async def run(self, door: Door) -> None:
        """Receive until cancelled, or until nothing more can come (a terminal that was closed), and hand everything in.

        Raises Misconfigured when the token is refused or somebody else receives with it; Unavailable when the platform
        is away for good (it is started again)."""
        ...

    async def send(self, place: Place, post: Post, nonce: str, *, is_repeat: bool = False) -> str:
        """Post a new message. Returns its id.

        Args:
            place: where.
            post: what.
            nonce: its name; where `traits.sends_once`, the same one is posted once, however often this is called.
            is_repeat: it was tried before, and nobody knows how that ended: look for it first, where that is possible.
        """
        ...

    async def edit(self, place: Place, message_id: str, post: Post) -> None:
        """Make a message of ours show this. One that shows it already is fine."""
        ...

    async def busy(self, place: Place) -> None:
        """Show for some seconds that something is being written. Never raises."""
        ...

    async def fetch(self, upload: Upload, into: Path) -> None:
        """Write a file that somebody sent to `into`. Raises Refused when it can never be had (too large, expired)."""
        ...
