"""Bytes of a file as text, and back in the same encoding."""

from __future__ import annotations

from dataclasses import dataclass

from agents.workspace import shown
from domain.errors import Refused

_LOOKED_AT = 8192  # bytes in which a text file has no NUL
_MARKS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


@dataclass(frozen=True, slots=True, kw_only=True)
class TextFile:
    """A decoded file. `text` has line breaks as they stand in it."""

    text: str
    encoding: str = "utf-8"

    @property
    def newline(self) -> str:
        """How its lines end."""
        return "\r\n" if "\r\n" in self.text else "\n"

    def with_text(self, text: str) -> bytes:
        """Other text in the same encoding; in UTF-8 when that has no room for it."""
        try:
            return text.encode(self.encoding)
        except UnicodeEncodeError:
            return text.encode("utf-8", errors="replace")


def decoded(content: bytes, path: str) -> TextFile:
    """Read UTF-8, UTF-16 with its mark, or GB 18030. Raises Refused for what is no text."""
    marked = next((encoding for mark, encoding in _MARKS if content.startswith(mark)), None)
    if marked is None and b"\0" in content[:_LOOKED_AT]:
        raise Refused("skill.not_text", path=shown(path))
    for encoding in (marked,) if marked else ("utf-8", "gb18030"):
        try:
            return TextFile(text=content.decode(encoding), encoding=encoding)
        except UnicodeDecodeError:
            continue
    raise Refused("skill.not_text", path=shown(path))
