"""The names our messages have towards a platform: the same at every try, and another one for another message."""

from __future__ import annotations

from domain.post import PostKind

MAX_NONCE = 25  # characters: Discord's limit

_LETTERS = {PostKind.CARD: "c", PostKind.ANSWER: "a", PostKind.FILE: "f", PostKind.ASK: "s"}


def first_nonce(task_id: str, kind: PostKind, what: str) -> str:
    """The name of a message the first time it is sent. `what` tells it from the task's others of its kind: a number,
    or a code of ten characters."""
    return f"{task_id}-{_LETTERS[kind]}{what}-0"


def next_nonce(nonce: str) -> str:
    """The name of what takes the place of a message that is gone."""
    return f"{nonce.rpartition('-')[0]}-{generation(nonce) + 1}"


def generation(nonce: str) -> int:
    """How many messages in its place are gone."""
    return int(nonce.rpartition("-")[2])


def is_of(nonce: str, what: str) -> bool:
    """Whether it is the name of that message, or of one in its place."""
    return nonce.split("-")[1][1:] == what
