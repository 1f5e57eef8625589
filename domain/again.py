"""Whether a request asks for something anew: then no kept plan, answer or result may be used for it."""

from __future__ import annotations

import re

_AGAIN = re.compile(
    r"\b(?:again|once more|one more time|anew|afresh|fresh(?:ly)?|from scratch|re-?run|re-?do|retry|no cache|"
    r"without (?:the |any )?cache)\b"
    r"|再[来做跑试查算一次]|重[新做来跑试]|(?:不要|不用|别用)缓存",
    re.IGNORECASE,
)


def is_again(text: str) -> bool:
    """Whether somebody wants something done anew, so that nothing kept may be used."""
    return _AGAIN.search(text) is not None
