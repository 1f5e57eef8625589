"""Telegram's small HTML, read as strictly as Telegram does."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.telegram_server.markdown import MarkupError
from tests.telegram_server.model import Json
from tests.telegram_server.text import units

_TAGS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
    "tg-emoji": "custom_emoji",
}
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_ENTITY = re.compile(r"&(?:#(?:x([0-9a-fA-F]{1,7})|([0-9]{1,8}))|([a-zA-Z]+));?")
_START = re.compile(r"<([^\s>]*)((?:\s+[^\s=>/\"']+(?:\s*=\s*(?:\"[^\"]*\"|'[^']*'|[A-Za-z0-9.-]+))?)*)\s*>")
_ATTRIBUTE = re.compile(r"([^\s=>/\"']+)(?:\s*=\s*(\"[^\"]*\"|'[^']*'|[A-Za-z0-9.-]+))?")
_END = re.compile(r"</([^\s>]*)\s*>")


@dataclass(slots=True)
class _Open:
    tag: str
    attributes: dict[str, str]
    offset: int
    begin: int


def parse_html(source: str) -> tuple[str, list[Json]]:
    """Plain text and entities of HTML; raises MarkupError."""
    return _Reader(source).read()


class _Reader:
    def __init__(self, source: str) -> None:
        self._source = source
        self._at = 0
        self._result = ""
        self._open: list[_Open] = []
        self._entities: list[Json] = []

    def read(self) -> tuple[str, list[Json]]:
        while self._at < len(self._source):
            mark = self._source.find("<", self._at)
            end = mark if mark >= 0 else len(self._source)
            self._result += _decoded(self._source[self._at : end])
            self._at = end
            if mark >= 0:
                self._tag()
        if self._open:
            raise MarkupError(f'Can\'t find end tag corresponding to start tag "{self._open[-1].tag}"')
        for entity in self._entities:
            entity.pop("_language", None)
        self._entities.sort(key=lambda entity: (entity["offset"], -entity["length"]))
        return self._result, self._entities

    def _tag(self) -> None:
        if self._source.startswith("/", self._at + 1):
            self._end_tag()
        else:
            self._start_tag()

    def _where(self) -> str:
        return f"at byte offset {len(self._source[: self._at].encode())}"

    def _start_tag(self) -> None:
        name = re.match(r"<([^\s>]*)", self._source[self._at :])
        tag = name.group(1).lower() if name else ""
        if not re.search(r"[\s>]", self._source[self._at :]):
            raise MarkupError(f"Unclosed start tag {self._where()}")
        if tag not in _TAGS:
            raise MarkupError(f'Unsupported start tag "{tag}" {self._where()}')
        match = _START.match(self._source, self._at)
        if not match:
            raise MarkupError(f'Unclosed start tag "{tag}" {self._where()}')
        attributes = {
            key.lower(): _decoded(value.strip("\"'")) if value else "" for key, value in _ATTRIBUTE.findall(match[2])
        }
        if tag == "span" and attributes.get("class") != "tg-spoiler":
            raise MarkupError(f'Tag "span" must have class "tg-spoiler" {self._where()}')
        self._open.append(_Open(tag, attributes, units(self._result), len(self._result)))
        self._at = match.end()

    def _end_tag(self) -> None:
        if not self._open:
            raise MarkupError(f"Unexpected end tag {self._where()}")
        match = _END.match(self._source, self._at)
        if not match:
            raise MarkupError(f"Unclosed end tag {self._where()}")
        opened, ended = self._open[-1], match[1].lower()
        if ended and ended != opened.tag:
            raise MarkupError(
                f'Unmatched end tag {self._where()}, expected "</{opened.tag}>", found "</{ended}>"',
            )
        self._open.pop()
        self._at = match.end()
        self._close(opened)

    def _close(self, opened: _Open) -> None:
        length = units(self._result) - opened.offset
        if length <= 0:
            return
        kind = _TAGS[opened.tag]
        entity: Json = {"type": kind, "offset": opened.offset, "length": length}
        if kind == "text_link":
            entity["url"] = opened.attributes.get("href") or self._result[opened.begin :]
        elif kind == "custom_emoji":
            entity["custom_emoji_id"] = opened.attributes.get("emoji-id", "")
        elif kind == "blockquote" and "expandable" in opened.attributes:
            entity["type"] = "expandable_blockquote"
        elif kind in {"code", "pre"}:
            self._join_code(entity, opened)
            return
        self._entities.append(entity)

    def _join_code(self, entity: Json, opened: _Open) -> None:
        """`<pre><code class="language-x">` is one entity."""
        language = opened.attributes.get("class", "").removeprefix("language-")
        inner = self._entities[-1] if self._entities else None
        if (
            entity["type"] == "pre"
            and inner
            and inner["type"] == "code"
            and (inner["offset"], inner["length"]) == (entity["offset"], entity["length"])
        ):
            inner["type"] = "pre"
            if opened_language := inner.pop("_language", ""):
                inner["language"] = opened_language
            return
        if entity["type"] == "code" and language and self._open and self._open[-1].tag == "pre":
            entity["_language"] = language
        self._entities.append(entity)


def _decoded(text: str) -> str:
    return _ENTITY.sub(_character, text) if "&" in text else text


def _character(match: re.Match[str]) -> str:
    hexadecimal, decimal, name = match.groups()
    if name:
        return _NAMED.get(name, match.group())
    code = int(hexadecimal, 16) if hexadecimal else int(decimal)
    is_sign = 0 < code < 0x10FFFF and not 0xD800 <= code <= 0xDFFF
    return chr(code) if is_sign else match.group()
