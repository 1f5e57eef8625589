"""Styled text, the same for every platform: characters, and which of them look how."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum


class Style(StrEnum):
    """How a span looks. What a platform cannot draw it leaves plain."""

    BOLD = "bold"
    ITALIC = "italic"
    STRIKE = "strike"
    CODE = "code"  # within a line
    BLOCK = "block"  # lines of code, monospaced
    QUOTE = "quote"


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """Characters `start` to `end` (exclusive, in code points) of a text; `language` of a BLOCK, if it is known."""

    start: int
    end: int
    style: Style
    language: str = ""


@dataclass(frozen=True, slots=True)
class RichText:
    """Text with spans, in the order they begin, the longer first; they nest or are apart, none crosses another."""

    text: str
    spans: tuple[Span, ...] = ()


NOTHING = RichText("")
SOFT = frozenset({Style.BOLD, Style.ITALIC, Style.STRIKE})
"""Styles that nest in one another at will, and of which code takes no notice."""

_OUTER_FIRST = (Style.QUOTE, Style.BOLD, Style.ITALIC, Style.STRIKE, Style.BLOCK, Style.CODE)


def in_order(spans: Iterable[Span]) -> tuple[Span, ...]:
    """Spans as a RichText wants them."""
    return tuple(sorted(spans, key=lambda span: (span.start, -span.end, _OUTER_FIRST.index(span.style))))


def styled(text: RichText | str, style: Style, language: str = "") -> RichText:
    """All of a text in one more style. An empty one stays as it is."""
    rich = RichText(text) if isinstance(text, str) else text
    if not rich.text:
        return rich
    whole = Span(start=0, end=len(rich.text), style=style, language=language)
    return RichText(rich.text, in_order((whole, *rich.spans)))


def joined(parts: Iterable[RichText], between: str = "") -> RichText:
    """One text behind the other, with `between` in between."""
    pieces: list[str] = []
    spans: list[Span] = []
    end = 0
    for number, part in enumerate(parts):
        gap = between if number else ""
        end += len(gap)
        spans += [_moved(span, end) for span in part.spans] if end else part.spans
        pieces += (gap, part.text)
        end += len(part.text)
    return RichText("".join(pieces), tuple(spans))


def part(text: RichText, start: int, end: int) -> RichText:
    """Characters `start` to `end` (exclusive), with what is left of the spans there."""
    spans = (
        replace(span, start=max(span.start, start) - start, end=min(span.end, end) - start)
        for span in text.spans
        if span.start < end and span.end > start
    )
    return RichText(text.text[start:end], in_order(spans))


def stripped(text: RichText) -> RichText:
    """Without blank lines before and white space behind; the indentation of the first line stays."""
    end = len(text.text.rstrip())
    blank = len(text.text) - len(text.text.lstrip())
    start = text.text.rfind("\n", 0, min(blank, end)) + 1
    return text if (start, end) == (0, len(text.text)) else part(text, min(start, end), end)


def inserted(text: RichText, pieces: Sequence[tuple[int, str]]) -> RichText:
    """The text with pieces put in at positions, in order. A piece at the edge of a span stays outside of it, except
    that a quote takes in what is put before it, as it goes by whole lines."""
    places = [position for position, _ in pieces]
    sums = [0]
    for _, piece in pieces:
        sums.append(sums[-1] + len(piece))

    def moved(span: Span) -> Span:
        before = (bisect_left if span.style is Style.QUOTE else bisect_right)(places, span.start)
        return replace(span, start=span.start + sums[before], end=span.end + sums[bisect_left(places, span.end)])

    return RichText("".join(_woven(text.text, pieces)), in_order(map(moved, text.spans)))


def flattened(text: RichText) -> RichText:
    """The same look with no style in or around code, none at white space, and none within itself: what platforms whose
    code takes no other style can draw."""
    hard = [span for span in text.spans if span.style in (Style.CODE, Style.BLOCK)]
    ends = dict.fromkeys(Style, 0)
    kept: list[Span] = []
    for span in text.spans:
        if span.style in SOFT:
            if span.end > ends[span.style]:
                kept += (_trimmed(text.text, piece) for piece in _around(span, hard))
                ends[span.style] = span.end
        else:
            kept.append(span)
    return RichText(text.text, in_order(span for span in kept if text.text[span.start : span.end].strip()))


def _around(span: Span, hard: Sequence[Span]) -> Iterator[Span]:
    """What of a span lies outside of code."""
    start = span.start
    for code in hard[bisect_right(hard, span.start, key=lambda one: one.end) :]:
        if code.start >= span.end:
            break
        yield replace(span, start=start, end=max(start, code.start))
        start = code.end
    yield replace(span, start=min(start, span.end))


def _trimmed(text: str, span: Span) -> Span:
    shown = text[span.start : span.end]
    start = span.start + len(shown) - len(shown.lstrip())
    return replace(span, start=start, end=max(start, span.start + len(shown.rstrip())))


def _moved(span: Span, by: int) -> Span:
    return replace(span, start=span.start + by, end=span.end + by)


def _woven(text: str, pieces: Iterable[tuple[int, str]]) -> Iterator[str]:
    end = 0
    for position, piece in pieces:
        yield text[end:position]
        yield piece
        end = position
    yield text[end:]
