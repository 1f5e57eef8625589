"""The JSON documents of an answer's body: the events of a stream, or the one document some servers send instead."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from llm.failures import unusable

MAX_BYTES = 32 * 2**20  # an answer is never that large
_LINE_END = re.compile(rb"[\r\n]+")
_FIELDS = (b":", b"event:", b"id:", b"retry:")  # of server-sent events that say nothing; ":" is a comment
_BOM = b"\xef\xbb\xbf"


class Documents:
    """Reads bytes as they come; every `data:` line is one document.

    More forgiving than the standard, as servers are: no blank lines between events, no end of the last line, a byte
    order mark, any content type.
    """

    def __init__(self) -> None:
        self._size = 0
        self._rest = b""
        self._plain: list[bytes] = []

    def feed(self, piece: bytes) -> Iterator[Any]:
        """The documents these bytes complete. Raises CallFailed for what is no JSON, or far too much."""
        self._size += len(piece)
        if self._size > MAX_BYTES:
            raise unusable("the answer is far too long")
        *lines, self._rest = _LINE_END.split(self._rest + piece)
        for line in lines:
            yield from self._read(line)

    def end(self) -> Iterator[Any]:
        """The document that was not an event, or not ended. Raises CallFailed as `feed` does."""
        yield from self._read(self._rest)
        if whole := b"\n".join(self._plain).strip():
            yield _parsed(whole)

    def _read(self, line: bytes) -> Iterator[Any]:
        line = line.removeprefix(_BOM)
        if line.startswith(b"data:"):
            data = line[5:].strip()
            if data and data != b"[DONE]":
                yield _parsed(data)
        elif not line.startswith(_FIELDS):
            self._plain.append(line)


def _parsed(data: bytes) -> Any:
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise unusable("the answer is not JSON") from error
