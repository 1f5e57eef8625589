"""One message of ours before it is sent, for any platform; and what its buttons say when they are pressed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from bot.drawing.rich_text import RichText
from domain.card import Card

MAX_PRESS = 64  # bytes: Telegram's callback_data, the shortest of the platforms


class Verb(StrEnum):
    """What a button asks for. Its letter travels with the button, so it never changes its meaning."""

    CANCEL = "c"  # a task
    DETAILS = "s"  # of a task: /status
    RETRY = "r"  # a task, or one step of it
    ALLOW = "a"  # an offer, by its code
    DENY = "d"  # an offer, by its code
    PAGE = "t"  # of /tasks: which filter, which page
    RUN = "p"  # a preview, by its code
    DROP = "x"  # one step of a preview
    EDIT = "e"  # the request of a preview: asks for a text
    DISCARD = "q"  # a preview
    REPLY = "w"  # to a task's question: asks for a text
    SCHEDULE = "h"  # a schedule: what /schedule does with it


ASKING = frozenset({Verb.EDIT, Verb.REPLY})
"""What needs a text first: a platform with forms opens one at once, before any work; others say how to reply."""

_PRESS = re.compile(r"([a-z]):([\w-]{1,40})(?::([^\s]{0,40}))?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What a pressed button asks for. `subject` is a task id, a code or a filter; `argument` a step or a page."""

    verb: Verb
    subject: str
    argument: str = ""

    def __str__(self) -> str:
        """As it travels with a button. Fits MAX_PRESS as long as subject and argument are ids of ours."""
        return f"{self.verb}:{self.subject}" + (f":{self.argument}" if self.argument else "")

    @classmethod
    def read(cls, data: str) -> Action | None:
        """What a platform handed back; None when it is not ours (anybody can send anything)."""
        match = _PRESS.fullmatch(data)
        if match is None or match[1] not in set(Verb):
            return None
        return cls(verb=Verb(match[1]), subject=match[2], argument=match[3] or "")


class Look(StrEnum):
    """How a button looks, where a platform can."""

    PLAIN = "plain"
    GOOD = "good"
    BAD = "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """Something to press. `label` is in the reader's language."""

    label: str
    action: Action
    look: Look = Look.PLAIN


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file that goes out. `name` is what its reader sees. Either `path`, which was checked to lie in the workspace,
    or `content` says what is in it."""

    name: str
    path: Path | None = None
    content: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One message.

    Args:
        text: what it says; measured and short enough for its platform. With an attachment, what stands beside it.
        buttons: rows of them.
        attachment: the one file it carries.
        is_silent: nobody's telephone rings.
        reply_to: the platform's id of the message it answers; empty for none. One that is gone is no obstacle.
        card: what it was drawn from, for a platform that draws cards its own way; with the first part of an answer the
            card of the finished task.
        markdown: what `text` was made of, for a platform that draws Markdown its own way.
        task_id: the task it is about, if it is about one.
    """

    text: RichText
    buttons: tuple[tuple[Button, ...], ...] = ()
    attachment: Attachment | None = None
    is_silent: bool = True
    reply_to: str = ""
    card: Card | None = None
    markdown: str = ""
    task_id: str = ""
