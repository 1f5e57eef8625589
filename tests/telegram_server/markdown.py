"""MarkdownV2 read as strictly as Telegram does: one mistake refuses the whole message."""

from __future__ import annotations

from dataclasses import dataclass

from tests.telegram_server.model import Json

_RESERVED = set("_*[]()~`>#+-=|{}.!")
_NAMES = {
    "bold": "Bold",
    "italic": "Italic",
    "underline": "Underline",
    "strikethrough": "Strikethrough",
    "spoiler": "Spoiler",
    "code": "Code",
    "pre": "Pre",
    "text_link": "TextUrl",
    "custom_emoji": "CustomEmoji",
    "blockquote": "BlockQuote",
}
_MARKS = {
    "bold": "*",
    "italic": "_",
    "underline": "__",
    "strikethrough": "~",
    "spoiler": "||",
    "code": "`",
    "pre": "```",
    "text_link": "]",
    "custom_emoji": "]",
}
_OPENERS = ("```", "`", "||", "__", "_", "*", "~", "![", "[")
_KINDS = {"![": "custom_emoji", "[": "text_link", **{mark: kind for kind, mark in _MARKS.items() if mark != "]"}}


class MarkupError(Exception):
    """Text that cannot be parsed, in Telegram's words."""


@dataclass(slots=True)
class _Open:
    kind: str
    at: int  # index in the source
    offset: int  # UTF-16 offset in the result
    language: str = ""


def parse_markdown(source: str) -> tuple[str, list[Json]]:
    """Plain text and entities of MarkdownV2; raises MarkupError."""
    return _Reader(source).read()


class _Reader:
    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        self._result: list[str] = []
        self._offset = 0
        self._open: list[_Open] = []
        self._entities: list[Json] = []
        self._line_starts = True

    def read(self) -> tuple[str, list[Json]]:
        while self._at < len(self._source):
            self._step()
        self._end_quote_at_the_end()
        if self._open:
            raise self._unclosed(self._open[-1])
        self._entities.sort(key=lambda entity: (entity["offset"], -entity["length"]))
        return "".join(self._result), self._entities

    def _step(self) -> None:
        sign = self._source[self._at]
        following = self._source[self._at + 1 : self._at + 2]
        if sign == "\\" and following and 0 < ord(following) <= 126:
            self._put(following)
            self._at += 2
        elif self._is_in("code", "pre"):
            self._verbatim(sign)
        elif sign == "\n":
            self._new_line()
        elif sign in _RESERVED:
            self._reserved(sign)
        else:
            self._put(sign)
            self._at += 1

    def _is_in(self, *kinds: str) -> bool:
        return bool(self._open) and self._open[-1].kind in kinds

    def _put(self, sign: str) -> None:
        self._result.append(sign)
        self._offset += 2 if sign > "\uffff" else 1
        if sign != "\r":
            self._line_starts = sign == "\n"

    def _starts(self, mark: str) -> bool:
        return self._source.startswith(mark, self._at)

    def _verbatim(self, sign: str) -> None:
        mark = _MARKS[self._open[-1].kind]
        if self._starts(mark):
            self._at += len(mark)
            self._close()
        elif sign == "`":
            raise self._unclosed(self._open[-1])
        else:
            self._put(sign)
            self._at += 1

    def _new_line(self) -> None:
        quote_ends = any(open_.kind == "blockquote" for open_ in self._open) and not self._source.startswith(
            ">", self._at + 1
        )
        if quote_ends:
            self._close_quote(self._at)
        self._put("\n")
        self._at += 1

    def _close_quote(self, end: int) -> None:
        kind = "blockquote"
        if self._is_in("spoiler") and self._open[-1].at == end - 2:
            self._open.pop()
            kind = "expandable_blockquote"
        if not self._is_in("blockquote"):
            raise self._unclosed(self._open[-1])
        quote = self._open.pop()
        ended = self._offset + (end < len(self._source))
        if ended > quote.offset:
            self._entities.append({"type": kind, "offset": quote.offset, "length": ended - quote.offset})

    def _end_quote_at_the_end(self) -> None:
        if any(open_.kind == "blockquote" for open_ in self._open):
            self._close_quote(len(self._source))

    def _reserved(self, sign: str) -> None:
        if self._open and self._ends_here():
            self._end()
        elif sign == ">":
            self._quote()
        elif opener := next((mark for mark in _OPENERS if self._starts(mark)), None):
            self._begin(opener)
        else:
            raise MarkupError(f"Character '{sign}' is reserved and must be escaped with the preceding '\\'")

    def _ends_here(self) -> bool:
        kind = self._open[-1].kind
        if kind == "italic":
            return self._starts("_") and not self._starts("__")
        return kind in _MARKS and self._starts(_MARKS[kind])

    def _quote(self) -> None:
        if not self._line_starts:
            raise MarkupError("Character '>' is reserved and must be escaped with the preceding '\\'")
        if not any(open_.kind == "blockquote" for open_ in self._open):
            self._open.append(_Open("blockquote", self._at, self._offset))
        self._at += 1

    def _begin(self, opener: str) -> None:
        opened = _Open(_KINDS[opener], self._at, self._offset)
        self._at += len(opener)
        if opened.kind == "pre":
            opened.language = self._language()
        self._open.append(opened)

    def _language(self) -> str:
        end = self._at
        while end < len(self._source) and not self._source[end].isspace() and self._source[end] != "`":
            end += 1
        language = ""
        if end < len(self._source) and self._source[end] != "`":
            language, self._at = self._source[self._at : end], end
        for line_end in ("\r\n", "\n\r", "\n", "\r"):
            if self._starts(line_end):
                self._at += len(line_end)
                break
        return language

    def _end(self) -> None:
        kind = self._open[-1].kind
        self._at += len(_MARKS[kind])
        if kind in {"text_link", "custom_emoji"}:
            self._close(url=self._url(kind))
        else:
            self._close()

    def _url(self, kind: str) -> str:
        if not self._starts("("):
            if kind == "custom_emoji":
                raise MarkupError("The entity must contain a tg://emoji or tg://time URL")
            return ""
        self._at += 1
        begin, url = self._at, ""
        while self._at < len(self._source) and self._source[self._at] != ")":
            if self._source[self._at] == "\\" and self._at + 1 < len(self._source):
                self._at += 1
            url += self._source[self._at]
            self._at += 1
        if self._at >= len(self._source):
            raise MarkupError(f"Can't find end of a URL at byte offset {self._byte(begin)}")
        self._at += 1
        return url

    def _close(self, url: str = "") -> None:
        opened = self._open.pop()
        length = self._offset - opened.offset
        if not length:
            return
        entity: Json = {"type": opened.kind, "offset": opened.offset, "length": length}
        if opened.language:
            entity["language"] = opened.language
        if opened.kind == "text_link":
            if not url:
                return
            entity["url"] = url
        if opened.kind == "custom_emoji":
            entity["custom_emoji_id"] = url.rpartition("id=")[2]
        self._entities.append(entity)

    def _unclosed(self, opened: _Open) -> MarkupError:
        name = "PreCode" if opened.language else _NAMES[opened.kind]
        return MarkupError(f"Can't find end of {name} entity at byte offset {self._byte(opened.at)}")

    def _byte(self, index: int) -> int:
        return len(self._source[:index].encode("utf-8", "surrogatepass"))
