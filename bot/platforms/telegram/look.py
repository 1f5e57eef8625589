"""A post as the Bot API wants it: text with entities, never markup; buttons; links that fetch nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from telegram import InlineKeyboardButton, InlineKeyboardMarkup, LinkPreviewOptions, MessageEntity, ReplyParameters
from telegram.constants import KeyboardButtonStyle

from bot.drawing.entities import entities
from bot.drawing.rich_text import RichText
from bot.platforms.telegram.traits import BUTTONS, ROW
from bot.post import Button, Look, Post

NO_PREVIEW = LinkPreviewOptions(is_disabled=True)
_STYLES = {Look.GOOD: KeyboardButtonStyle.SUCCESS, Look.BAD: KeyboardButtonStyle.DANGER}


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """What every method that shows something takes."""

    text: str
    entities: tuple[MessageEntity, ...]
    keyboard: InlineKeyboardMarkup | None


def drawn(post: Post, *, is_plain: bool = False) -> Drawn:
    """The post with its styles, or as plain text."""
    return Drawn(
        text=post.text.text,
        entities=() if is_plain else _entities(post.text),
        keyboard=_keyboard(post.buttons),
    )


def reply_to(post: Post) -> ReplyParameters | None:
    """What the post answers. If that is gone, it goes out all the same."""
    if not post.reply_to.isdecimal():
        return None
    return ReplyParameters(message_id=int(post.reply_to), allow_sending_without_reply=True)


def _entities(text: RichText) -> tuple[MessageEntity, ...]:
    return tuple(
        MessageEntity(type=entity.type, offset=entity.offset, length=entity.length, language=entity.language or None)
        for entity in entities(text)
    )


def _keyboard(rows: Iterable[tuple[Button, ...]]) -> InlineKeyboardMarkup | None:
    cut = [row[start : start + ROW] for row in rows for start in range(0, len(row), ROW)]
    shown = [[_button(button) for button in row] for row in _first(cut, BUTTONS)]
    return InlineKeyboardMarkup(shown) if shown else None


def _button(button: Button) -> InlineKeyboardButton:
    return InlineKeyboardButton(button.label, callback_data=str(button.action), style=_STYLES.get(button.look))


def _first(rows: Iterable[tuple[Button, ...]], count: int) -> list[tuple[Button, ...]]:
    """Whole rows, until there would be more than `count` buttons."""
    kept: list[tuple[Button, ...]] = []
    for row in rows:
        count -= len(row)
        if count < 0:
            break
        kept.append(row)
    return kept
