"""What a chat message must be to become a request."""

from __future__ import annotations

import re

from domain.chat import MAX_REQUEST
from domain.errors import Refused

_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029]")
_UNREADABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufffd]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_MANY = 10  # one unreadable character in so many is an accident, more is not text


def request_text(text: str) -> str:
    """The request in a message: line ends made alike, stray control characters dropped, everything else kept.

    Raises:
        Refused: it is empty, longer than MAX_REQUEST, or not text.
    """
    if len(text) > MAX_REQUEST:
        raise Refused("chat.too_long", limit=MAX_REQUEST)
    if _SURROGATES.search(text) or len(_UNREADABLE.findall(text)) * _MANY > len(text):
        raise Refused("chat.not_text")
    kept = _UNREADABLE.sub("", _LINE_ENDS.sub("\n", text)).strip()
    if not kept:
        raise Refused("chat.empty")
    return kept
