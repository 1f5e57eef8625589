"""Long text in several messages, cut where it hurts least and never inside of what is seen as one character.

A code block or a quote that is cut is closed at the end of a part and opened again in the next.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence

from wcwidth import grapheme_boundary_before

from bot.drawing.rich_text import RichText, Span, Style, part, stripped

Measure = Callable[[RichText], int]

FULL_ENOUGH = (0.5, 0.2)  # a part is filled so far at least; if that cannot be, so far; else a word is cut in two
LOOKAHEAD = 64  # characters behind a part that decide whether it can end there
_BLOCK_END = re.compile(r"(?=\n[ \t]*\n)")
_LINE_END = re.compile(r"(?=\n)")
_SENTENCE_END = re.compile(r"(?<![.!?…])[.!?…]+[\"'”’)\]]*(?=\s)|[。！？；]+[”’」』）]*")
_WORD_END = re.compile(r"(?<=\S)(?=\s)|[，、：）」』]")
_BLANK = re.compile(r"[^\S\n]*")


def split(text: RichText, limit: int, measure: Measure) -> list[RichText]:
    """Parts that each measure at most `limit`, in order; none is blank. Only white space between them is lost.

    Args:
        text: as long as you like.
        limit: of one part; at least 64, so that something fits between the fences of a code block.
        measure: how long a part is to the platform, once it is rendered; never less than its characters.
    """
    parts: list[RichText] = []
    rest = stripped(text)
    while rest.text:
        end = _end(rest, limit, measure)
        parts.append(stripped(part(rest, 0, end)))
        rest = stripped(part(rest, _behind(rest.text, end), len(rest.text)))
    return parts


def beginning(text: RichText, limit: int, measure: Measure) -> RichText:
    """The first of these parts alone."""
    whole = stripped(text)
    return stripped(part(whole, 0, _end(whole, limit, measure))) if whole.text else whole


def _end(text: RichText, limit: int, measure: Measure) -> int:
    """Where the first part ends."""
    if len(text.text) <= limit and measure(text) <= limit:
        return len(text.text)
    window = part(text, 0, limit + LOOKAHEAD)
    end = _furthest(window, limit, measure)
    while end > 1:
        cut = _best(window, end)
        if measure(stripped(part(window, 0, cut))) <= limit:
            return cut
        end = cut - 1
    return 1


def _furthest(text: RichText, limit: int, measure: Measure) -> int:
    """About the most characters that fit."""
    low, high = 1, min(len(text.text), limit + 1)
    while high - low > 1:
        middle = (low + high) // 2
        fits = measure(stripped(part(text, 0, middle))) <= limit
        low, high = (middle, high) if fits else (low, middle)
    return low


def _best(text: RichText, end: int) -> int:
    """The best place to cut at or before `end`."""
    bests = [max(places, default=0) for places in _places(text, end)]
    for share in FULL_ENOUGH:
        for best in bests:
            if best >= share * end:
                return best
    return _between_graphemes(text.text, end)


def _places(text: RichText, end: int) -> Iterator[Iterator[int]]:
    """Ends of blocks, of lines, of sentences and of words up to `end`. What is code has only lines, and a heading stays
    with what it stands above."""
    code = [span for span in text.spans if span.style in (Style.BLOCK, Style.CODE)]
    headings = {span.end for span in text.spans if span.style is Style.BOLD and _begins_line(text.text, span.start)}

    def ends(pattern: re.Pattern[str]) -> Iterator[int]:
        return (match.end() for match in pattern.finditer(text.text, 0, end + 1) if match.end() <= end)

    yield (place for place in ends(_BLOCK_END) if place not in headings and not _inside(place, code))
    yield (place for place in ends(_LINE_END) if place not in headings)
    yield (place for place in ends(_SENTENCE_END) if not _inside(place, code))
    yield (place for place in ends(_WORD_END) if not _inside(place, code))


def _begins_line(text: str, position: int) -> bool:
    return position == 0 or text[position - 1] == "\n"


def _inside(position: int, spans: Sequence[Span]) -> bool:
    at = bisect_right(spans, position, key=lambda span: span.end)
    return at < len(spans) and spans[at].start < position


def _between_graphemes(text: str, end: int) -> int:
    """The last place at or before `end` that is not inside of one visible character; `end` if that one fills it all."""
    return grapheme_boundary_before(text, end + 1) or end if end < len(text) else end


def _behind(text: str, end: int) -> int:
    """Where the next part begins when this one ended there: behind the blanks of a line that was cut."""
    blank = _BLANK.match(text, end)
    return blank.end() if blank and not _begins_line(text, end) else end
