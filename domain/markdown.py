"""Markdown (https://spec.commonmark.org/0.31.2/) from text nobody vouches for.

`literal` and `fenced` show data exactly as it is; `tamed` keeps the layout of what a model wrote but takes away
links, images and HTML, so that nothing is fetched and nothing can be clicked unseen. Addresses become code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import reduce

_PUNCTUATION = r"!-/:-@\[-`{-~"
_URL = r"(?:\b[a-zA-Z][a-zA-Z0-9+.-]{1,31}://|\bwww\.)[^\s`<>|\\]*[^\s`<>|\\()\[\].,;:!?'\"*_]"
_ENTITY = r"&(?=#?\w{1,32};)"
_ADDRESS = re.compile(f"({_URL})")
_ACTIVE = re.compile(
    rf"\\(?=[{_PUNCTUATION}]|$)|`|{_ENTITY}|<(?=[a-zA-Z/!?])|\](?=[(\[:]|$)"
    r"|(?<!\s)\*|\*(?!\s)|(?<![^\W_])_|_(?![^\W_])|~(?=~)|(?<=~)~"
)
_BLOCK_START = re.compile(r"^(?:(\d{1,9})(?=[.)](?:\s|$))|(?=#{1,6}(?:\s|$)|>|[-+](?:\s|$)|[-=:|][-=:|\s]*$))")
_CODE = re.compile(
    r"^(?P<fence>`{3,}|~{3,})[^`\n]*\n(?:.*\n)*? {0,3}(?P=fence)[`~]*[ \t]*$"
    r"|(?<![`\\])(?P<ticks>`{1,3})(?!`)[^`\n|]+(?P=ticks)(?!`)",  # in a table row a bar would end the code
    re.MULTILINE,
)
_TEMPTING = re.compile(rf"(?P<escaped>\\[{_PUNCTUATION}])|(?P<url>{_URL})|[`\[<]|{_ENTITY}|~(?=~~)|\\$", re.MULTILINE)
_ESCAPED = re.compile(rf"\\([{_PUNCTUATION}])")


def literal(text: str) -> str:
    """Markdown that shows the line or lines of `text` as they are. Indentation goes."""
    return "\n".join(_literal_line(line.strip()) for line in text.split("\n"))


def prose(text: str) -> str:
    """Like `literal`, and line breaks stay line breaks."""
    return re.sub(r"(?<=[^\n])\n(?=[^\n])", "  \n", literal(text))


def code(text: str) -> str:
    """One line of `text` as a code span."""
    ticks = "`" * (_longest_run(text) + 1)
    padding = " " if "`" in (text[:1], text[-1:]) else ""
    return f"{ticks}{padding}{text}{padding}{ticks}"


def fenced(text: str) -> str:
    """`text` as a code block. Ends with a line break, so that what follows cannot touch the fence."""
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}text\n{text}\n{fence}\n"


def tamed(markdown: str) -> str:
    """Markdown of a model without links, images and HTML; code stays as it is."""
    pieces = [text if is_code else _TEMPTING.sub(_disarmed, text) for is_code, text in _pieces(markdown)]
    text = reduce(_beside, pieces).rstrip()
    return text + "\n" if text.endswith(("```", "~~~")) else text


def readable(markdown: str) -> str:
    """Markdown as plain text for a place that draws none: only the escapes go."""
    return "".join(text if is_code else _ESCAPED.sub(r"\1", text) for is_code, text in _pieces(markdown))


def _literal_line(line: str) -> str:
    pieces = _ADDRESS.split(line)
    pieces[::2] = [_ACTIVE.sub(r"\\\g<0>", piece) for piece in pieces[::2]]
    pieces[1::2] = [code(address) for address in pieces[1::2]]
    return _BLOCK_START.sub(r"\1\\", "".join(pieces))


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)


def _pieces(markdown: str) -> Iterator[tuple[bool, str]]:
    """(is code, text) in order. What a renderer takes for code may be called text here, never the other way round."""
    end = 0
    for match in _CODE.finditer(markdown):
        yield False, markdown[end : match.start()]
        yield True, match[0]
        end = match.end()
    yield False, markdown[end:]


def _beside(before: str, after: str) -> str:
    """Two pieces, so that the ticks at the end of one and at the beginning of the other stay two runs."""
    is_touching = before.endswith("`") and after.startswith("`")
    return f"{before} {after}" if is_touching else before + after


def _disarmed(match: re.Match[str]) -> str:
    if match["escaped"]:
        return match[0]
    return code(match["url"]) if match["url"] else f"\\{match[0]}"
