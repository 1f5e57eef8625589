"""Messages of ours in a chat, as the database remembers them: what was sent for which task, and where it is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from domain.task import Place


class PostKind(StrEnum):
    """What a message of ours is for."""

    CARD = "card"  # the live progress of a task; edited until it is over
    ANSWER = "answer"  # one part of the answer's text
    FILE = "file"  # one file of the answer
    ASK = "ask"  # what a task needs of its person: audible


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """One message of ours. It is written down before it is sent, so that nobody sends it twice without knowing.

    Args:
        task_id: what it is about.
        kind: what it is for.
        part: which one of its kind, from 0.
        place: where.
        about: what of the task it is about, where there can be several: an offer's code.
        nonce: its name towards the platform, the same at every try (at most 25 characters, for Discord).
        message_id: the platform's id, once the message is known to be there.
        is_filled: it shows what it is meant to show; before that it may be a placeholder without content.
    """

    task_id: str
    kind: PostKind
    part: int
    place: Place
    nonce: str
    about: str = ""
    message_id: str | None = None
    is_filled: bool = False
