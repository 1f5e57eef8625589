"""Text from outside, made safe to show: nothing in it can move a cursor, hide, or reorder what stands around it.

Bidirectional controls become visible, invisible characters go, and a line with right-to-left letters is wrapped in an
isolate (Unicode Standard Annex 9, "Explicit Directional Isolates"). Apply it once, where text enters a view.
"""

from __future__ import annotations

import re
import unicodedata

ELLIPSIS = "…"
_ISOLATE, _POP = "\u2068", "\u2069"

# ECMA-48 control sequences and strings: CSI, then OSC and its kin up to their terminator, then two-character escapes.
_TERMINAL = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b[\]PX^_][^\x07\x1b\n]*(?:\x07|\x1b\\)?|\x1b[ -/]*[0-~]")
_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_BIDI = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")
_PICTURE = "\u2190-\u2bff\ufe0f\U0001f000-\U0001faff"
_INVISIBLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200c\u2060-\u2065"
    "\u206a-\u206f\u3164\ufe00-\ufe0d\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
    f"|(?<![{_PICTURE}])\u200d|\u200d(?![{_PICTURE}])"  # a joiner between two pictures makes one emoji of them
    "|(?<=[\ufe0e\ufe0f])[\ufe0e\ufe0f]+"
)
_PILED_MARKS = re.compile("([\u0300-\u036f]{4})[\u0300-\u036f]+")
_RIGHT_TO_LEFT = re.compile("[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufefe\U00010800-\U00010fff\U0001e800-\U0001efff]")


def safe(text: str, limit: int | None = None) -> str:
    """`text` as it may be shown, lines and tabs kept.

    Args:
        text: anything.
        limit: characters to clip to.
    """
    cleaned = _cleaned(text)
    return _isolated(cleaned if limit is None else clipped(cleaned, limit))


def safe_line(text: str, limit: int) -> str:
    """`text` as one line of at most `limit` characters (and the two of an isolate)."""
    return _isolated(clipped(" ".join(_cleaned(text).split()), limit))


def clipped(text: str, limit: int) -> str:
    """At most `limit` characters of `text`, an ellipsis at the cut, never cut inside what is seen as one character."""
    if len(text) <= limit:
        return text
    end = limit - 1
    while end > 0 and _joined(text[end - 1], text[end]):
        end -= 1
    return text[:end].rstrip() + ELLIPSIS


def _cleaned(text: str) -> str:
    if text.isascii() and text.isprintable():  # most of it, and nothing below could change it
        return text
    text = _LINE_ENDS.sub("\n", _TERMINAL.sub("", text))
    text = _INVISIBLE.sub("", _SURROGATES.sub("\ufffd", text))
    return _PILED_MARKS.sub(r"\1", _BIDI.sub(lambda match: f"⟨U+{ord(match[0]):04X}⟩", text))


def _isolated(text: str) -> str:
    if text.isascii() or not _RIGHT_TO_LEFT.search(text):
        return text
    return "\n".join(f"{_ISOLATE}{line}{_POP}" if _RIGHT_TO_LEFT.search(line) else line for line in text.split("\n"))


def _joined(before: str, after: str) -> bool:
    """Whether both belong to one visible character: marks, emoji joined or modified, halves of a flag."""
    is_mark = unicodedata.category(after) in {"Mn", "Me", "Mc"} or "\U0001f3fb" <= after <= "\U0001f3ff"
    is_flag = "\U0001f1e6" <= before <= "\U0001f1ff" and "\U0001f1e6" <= after <= "\U0001f1ff"
    return is_mark or is_flag or "\u200d" in (before, after)
