"""Text that a platform would make something of by itself, made code: addresses, mentions and commands stay dead.

Telegram makes links of anything like `name.tld`, so that README.md leads to Moldova, and calls whoever `@name` names;
both platforms follow addresses to show what is there. Nothing of that happens in code.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import replace

from bot.drawing.rich_text import SOFT, RichText, Span, Style, in_order, inserted
from domain.safe_text import safe

_TAIL = r"[!-;=?-\[\]^_a-{}~]*[A-Za-z0-9/=&#%~+$-]"
_ADDRESS = rf"[a-zA-Z][a-zA-Z0-9+.-]{{1,31}}://{_TAIL}|(?<![A-Za-z0-9])www\.{_TAIL}"
_LABELS = r"(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,24}"
_NAME = rf"(?<![A-Za-z0-9_@./:\\-]){_LABELS}(?![A-Za-z0-9_-]|\.[A-Za-z0-9])(?:[/?#:]{_TAIL})?"
_MENTION = r"(?<![A-Za-z0-9_])@[A-Za-z0-9_]{3,32}(?![A-Za-z0-9_])"
_WITH_ID = r"(?<![A-Za-z0-9_/.])/[a-z_]{2,32} [0-9A-HJKMNP-TV-Z]{6}(?![A-Za-z0-9_])"
_COMMAND = r"(?<![A-Za-z0-9_/<>])\.{0,2}/[A-Za-z0-9_]{1,64}(?![A-Za-z0-9_/<>])"
_OURS = re.compile(f"{_ADDRESS}|{_NAME}|{_MENTION}|{_WITH_ID}")
_OUTSIDE = re.compile(f"{_OURS.pattern}|{_COMMAND}")
_ISOLATES = re.compile("[\u2068\u2069]")


def ours(text: str) -> RichText:
    """A sentence of the catalogue with its values, which are safe already. Commands can be tapped, unless a task id
    belongs to them, which a tap would leave out: as code they can be copied whole."""
    return _coded(RichText(text), _OURS)


def outside(text: str) -> RichText:
    """Words of people, models and agents, safe already: nothing of them can be tapped."""
    return inert(RichText(text))


def inert(text: RichText) -> RichText:
    """The same for text that is styled."""
    return _coded(text, _OUTSIDE)


def cleaned(text: str) -> str:
    """`safe` for a piece of a line: without the isolates, which belong around the whole. Safe text stays as it is."""
    return _ISOLATES.sub("", safe(_ISOLATES.sub("", text)))


def isolated(text: RichText) -> RichText:
    """Lines with right-to-left letters set apart, so that they do not reorder what stands beside them."""
    pieces: list[tuple[int, str]] = []
    start = 0
    for line in text.text.split("\n"):
        if safe(line) != line:
            pieces += ((start, "\u2068"), (start + len(line), "\u2069"))
        start += len(line) + 1
    return inserted(text, pieces) if pieces else text


def _coded(text: RichText, active: re.Pattern[str]) -> RichText:
    hard = [span for span in text.spans if span.style in (Style.CODE, Style.BLOCK)]
    found = [Span(start=start, end=end, style=Style.CODE) for start, end in _found(text.text, hard, active)]
    if not found:
        return text
    hard = list(in_order([*hard, *found]))
    others = (span for span in text.spans if span.style not in (Style.CODE, Style.BLOCK))
    return RichText(text.text, in_order([*hard, *_clear_of(others, hard)]))


def _found(text: str, hard: Sequence[Span], active: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """Where something active stands outside of code."""
    for match in active.finditer(text):
        behind = bisect_right(hard, match.start(), key=lambda span: span.end)
        if behind == len(hard) or hard[behind].start >= match.end():
            yield match.span()


def _clear_of(spans: Iterator[Span], hard: Sequence[Span]) -> Iterator[Span]:
    """Spans that neither begin nor end within code, as they would cross it."""
    for span in spans:
        start, end = span.start, span.end
        if span.style in SOFT:
            start = _edge(hard, start, is_start=True)
            end = _edge(hard, end, is_start=False)
        if start < end:
            yield replace(span, start=start, end=end)


def _edge(hard: Sequence[Span], position: int, *, is_start: bool) -> int:
    at = bisect_right(hard, position, key=lambda span: span.end)
    if at == len(hard) or not hard[at].start < position < hard[at].end:
        return position
    return hard[at].end if is_start else hard[at].start
