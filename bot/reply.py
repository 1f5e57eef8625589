"""What is said at once, without a task."""

from __future__ import annotations

from dataclasses import dataclass

from bot.post import Button
from domain.answer import Answer
from domain.card import Card
from domain.texts import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The message is a task, now or since an earlier arrival of the same update; or, with `is_reply`, the answer to a
    task's question or an addition to it."""

    task_id: str
    is_new: bool
    is_reply: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """Said at once, without a task: plain text, and for a platform that can draw them a card, an answer and buttons.

    Args:
        text: plain, not Markdown.
        card: drawn above the text.
        answer: drawn below it.
        buttons: rows of them, under the last message.
        is_refusal: the message could not be accepted.
        is_notice: short, about a button that was pressed: a platform with fleeting notices shows it as one.
        is_private: only for whoever asked, where a platform can do that in a group.
        language: of the text.
        edits: it takes the place of the message whose button was pressed (the next page of a list, a changed preview).
        preview: the code of the plan preview that it shows, so that its message can be found by it.
    """

    text: str = ""
    card: Card | None = None
    answer: Answer | None = None
    buttons: tuple[tuple[Button, ...], ...] = ()
    is_refusal: bool = False
    is_notice: bool = False
    is_private: bool = False
    language: Language = "en"
    edits: bool = False
    preview: str = ""
