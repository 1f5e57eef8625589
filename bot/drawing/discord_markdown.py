"""Styled text as Discord takes it: Markdown of its own kind, everything that is not styled escaped so that it looks as
it is (https://docs.discord.com/developers/reference#message-formatting)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.drawing.rich_text import RichText, Span, Style, flattened, part

ZERO_WIDTH = "\u200b"
_MARKS = {Style.BOLD: "**", Style.ITALIC: "_", Style.STRIKE: "~~"}
_MARKUP = re.compile(
    r"[\\*_~`|<@\[\]]"
    r"|:(?!\s)"  # of addresses, and of the names of emoji
    r"|(?<![^\n\u2068])(?P<before>[ \t]*)(?:(?P<number>\d+)(?=[.)]\s)|(?=[#+>-]))"  # headings, lists, quotes, subtext
)
_LANGUAGE = re.compile(r"[A-Za-z0-9_+.#-]{1,32}")
_TICKS = re.compile("(?<=`)(?=`)")
_FENCE = re.compile("(?<=``)(?=`)")


def discord_markdown(text: RichText) -> str:
    """The text as Discord Markdown."""
    flat = flattened(text)
    return "".join(_quotes(flat)) if any(span.style is Style.QUOTE for span in flat.spans) else _drawn(flat)


def discord_length(text: RichText) -> int:
    """How long a text is to Discord, its markup included; in UTF-16 units, the larger of what it might count in."""
    return len(discord_markdown(text).encode("utf-16-le", "surrogatepass")) // 2


def _quotes(text: RichText) -> Iterator[str]:
    """Quoted lines and what stands between them."""
    end = 0
    for span in text.spans:
        if span.style is Style.QUOTE and span.start >= end:
            yield _drawn(part(text, end, span.start))
            inside = _drawn(part(text, span.start, span.end))
            yield "\n".join(f"> {line}" for line in inside.split("\n"))
            end = span.end
    yield _drawn(part(text, end, len(text.text)))


def _drawn(text: RichText) -> str:
    """Text without quotes."""
    writer = _Writer(text.text)
    for span in text.spans:
        if span.style is not Style.QUOTE:
            writer.begin(span)
    return writer.finished()


class _Writer:
    """Writes a text from its beginning to its end, span by span."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._open: list[Span] = []
        self._drawn: list[str] = []
        self._is_behind_mark = False
        self._has_closed = False

    def begin(self, span: Span) -> None:
        self._go_to(span.start)
        if span.style in _MARKS:
            self._put_mark(_MARKS[span.style])
            self._open.append(span)
        elif span.style is Style.BLOCK:
            self._drawn.append(_block(self._text, span))
            self._at = span.end
        else:
            self._put_mark(_code(self._text[span.start : span.end]))
            self._at = span.end

    def finished(self) -> str:
        self._go_to(len(self._text))
        return "".join(self._drawn)

    def _go_to(self, position: int) -> None:
        while self._open and self._open[-1].end <= position:
            span = self._open.pop()
            self._put_plain(span.end)
            self._put_mark(_MARKS[span.style])
            self._has_closed = True
        self._put_plain(position)

    def _put_plain(self, end: int) -> None:
        """An italic must not seem to end within a word."""
        if end > self._at:
            plain = _escaped(self._text, self._at, end)
            is_in_word = self._has_closed and self._drawn[-1] == "_" and _is_word(plain[0])
            self._drawn += [ZERO_WIDTH, plain] if is_in_word else [plain]
            self._at = end
            self._is_behind_mark = False

    def _put_mark(self, mark: str) -> None:
        """A mark right behind a sign of its kind could be read as one with it; a struck text must not touch a `_`."""
        last = self._drawn[-1][-1] if self._drawn else ""
        is_alike = last == mark[0] and (self._is_behind_mark or mark[0] == "~")
        is_touching = last == "~" and mark[0] == "_" and self._is_behind_mark
        self._drawn += [ZERO_WIDTH, mark] if is_alike or is_touching else [mark]
        self._is_behind_mark = True
        self._has_closed = False


def _is_word(char: str) -> bool:
    return char.isascii() and (char.isalnum() or char == "_")


def _escaped(text: str, start: int, end: int) -> str:
    pieces: list[str] = []
    for match in _MARKUP.finditer(text, start, end):
        is_at_line_start = match["before"] is not None
        pieces += (text[start : match.start()], f"{match[0]}\\" if is_at_line_start else f"\\{match[0]}")
        start = match.end()
    return "".join([*pieces, text[start:end]])


def _block(text: str, span: Span) -> str:
    language = span.language if _LANGUAGE.fullmatch(span.language) else ""
    lead = "" if span.start == 0 or text[span.start - 1] == "\n" else "\n"
    return f"{lead}```{language}\n{_FENCE.sub(ZERO_WIDTH, text[span.start : span.end])}\n```"


def _code(shown: str) -> str:
    """A span never has three backticks together: at the beginning of a line that would be a block."""
    if "`" not in shown:
        return f"`{shown}`"
    shown = _TICKS.sub(ZERO_WIDTH, shown)
    before, after = (" " if shown[at] == "`" else "" for at in (0, -1))
    return f"``{before}{shown}{after}``"
