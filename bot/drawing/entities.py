"""Styled text as Telegram takes it: plain characters, and entities that say how some of them look. Nothing has to be
escaped, and nothing that was said can be read as markup (https://core.telegram.org/bots/api#messageentity)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import accumulate

from bot.drawing.rich_text import RichText, Span, Style, flattened

MAX_ENTITIES = 100  # of one message; Telegram leaves out the others
TYPES = {
    Style.BOLD: "bold",
    Style.ITALIC: "italic",
    Style.STRIKE: "strikethrough",
    Style.CODE: "code",
    Style.BLOCK: "pre",
    Style.QUOTE: "blockquote",
}
_WEIGHTS = (Style.BLOCK, Style.QUOTE, Style.CODE, Style.BOLD, Style.ITALIC, Style.STRIKE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Entity:
    """How `length` UTF-16 units from `offset` on look. `type` is the Bot API's name, `language` that of a `pre`."""

    type: str
    offset: int
    length: int
    language: str = ""


def entities(text: RichText) -> list[Entity]:
    """The entities of a text, as Telegram wants them: nested properly, none in or around code, quotes not within one
    another, none empty or ending in white space, at most a hundred of them (the least needed are left out)."""
    if not text.spans:
        return []
    spans = [_ended(text.text, span) for span in flattened(text).spans]
    if len(spans) > MAX_ENTITIES:
        weighty = sorted(range(len(spans)), key=lambda index: (_WEIGHTS.index(spans[index].style), index))
        spans = [spans[index] for index in sorted(weighty[:MAX_ENTITIES])]
    units = _units(text.text)
    return [_entity(span, units) for span in spans]


def utf16_length(text: RichText) -> int:
    """How long a text is to Telegram: in UTF-16 units, after its markup was taken out."""
    return len(text.text.encode("utf-16-le", "surrogatepass")) // 2


def _entity(span: Span, units: Callable[[int], int]) -> Entity:
    start = units(span.start)
    return Entity(type=TYPES[span.style], offset=start, length=units(span.end) - start, language=span.language)


def _ended(text: str, span: Span) -> Span:
    """Without white space at its end, of which Telegram would cut it."""
    shown = text[span.start : span.end].rstrip()
    return Span(start=span.start, end=span.start + len(shown), style=span.style, language=span.language)


def _units(text: str) -> Callable[[int], int]:
    """From characters to UTF-16 units."""
    if text.isascii() or max(text) <= "\uffff":
        return int
    return [0, *accumulate(2 if char > "\uffff" else 1 for char in text)].__getitem__
