"""Text as Telegram counts and cleans it: UTF-16 units, trimmed ends, entities that people's clients would find."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tests.telegram_server.model import Json
from tests.telegram_server.violations import Code, bad_request

MAX_TEXT, MAX_CAPTION, MAX_ENTITIES = 4096, 1024, 100
MAX_BYTES = 1 << 15

_CONTROL = {code: " " for code in range(33) if code not in (10, 13)} | {13: None}
_FOUND = re.compile(
    r"(?P<bot_command>(?<![\w/<>])/[A-Za-z0-9_]{1,64}(?:@[A-Za-z0-9_]{3,32})?(?![\w/<>]))"
    r"|(?P<mention>(?<![\w/])@[A-Za-z0-9_]{3,32}(?!\w))"
    r"|(?P<url>https?://[^\s<>]+)"
    r"|(?P<hashtag>(?<!\w)#\w{1,256})"
)

_USED = {"bold", "italic", "underline", "strikethrough", "spoiler", "code", "pre", "text_link", "text_mention"}
_USED |= {"custom_emoji", "blockquote", "expandable_blockquote", "date_time"}
_FOUND_ONLY = {"mention", "hashtag", "cashtag", "bot_command", "url", "email", "phone_number", "bank_card_number"}
_ARGUMENTS = {
    "pre": {"language": str},
    "text_link": {"url": str},
    "text_mention": {"user": dict},
    "custom_emoji": {"custom_emoji_id": str},
    "date_time": {"unix_time": int, "date_time_format": str},
}
_OPTIONAL = {"language", "date_time_format"}
_STYLES = {"bold", "italic", "underline", "strikethrough", "spoiler"}
_QUOTES = {"blockquote", "expandable_blockquote"}


def units(text: str) -> int:
    """UTF-16 code units: what offsets, lengths and limits are counted in."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def found(text: str) -> list[Json]:
    """Entities that Telegram adds by itself."""
    if not any(sign in text for sign in "/@#:"):
        return []
    return [
        {"type": match.lastgroup, "offset": units(text[: match.start()]), "length": units(match.group())}
        for match in _FOUND.finditer(text)
    ]


def read_entities(given: Iterable[Json]) -> list[Json]:
    """Entities as sent, with those left out that only Telegram may add."""
    entities = []
    for entity in given:
        kind = entity["type"]
        if kind in _FOUND_ONLY:
            continue
        if kind not in _USED:
            raise bad_request("can't parse MessageEntity: Unsupported type specified", Code.BAD_ENTITY)
        _check_arguments(entity, kind)
        entities.append(entity)
    return entities


def _check_arguments(entity: Json, kind: str) -> None:
    wanted = _ARGUMENTS.get(kind, {})
    given = set(entity) - {"type", "offset", "length"}
    if unknown := given - set(wanted):
        raise bad_request(f"can't parse MessageEntity: {kind} has no field {min(unknown)}", Code.UNKNOWN_PARAMETER)
    for name, type_ in wanted.items():
        if name in entity and not isinstance(entity[name], type_):
            raise bad_request(f'can\'t parse MessageEntity: Field "{name}" must be of another type', Code.BAD_ENTITY)
        if name not in entity and name not in _OPTIONAL:
            raise bad_request(f"can't parse MessageEntity: Can't find field \"{name}\"", Code.BAD_ENTITY)


def cleaned(text: str, entities: list[Json]) -> tuple[str, tuple[Json, ...]]:
    """Text and entities as Telegram keeps them: checked against the text, the ends trimmed."""
    entities = sorted((dict(entity) for entity in entities if entity["length"] != 0), key=_outer_first)
    if entities:
        _check_bounds(text, entities)
    text, entities = _without_control(text, entities)
    end = len(text.rstrip(" \n"))
    text = text[:end]
    start = _trimmed_start(text, entities)
    last = units(text) - start
    return text[start:], tuple(_shifted(entities, start, last))


def _outer_first(entity: Json) -> tuple[int, int]:
    return entity["offset"], -entity["length"]


def _without_control(text: str, entities: list[Json]) -> tuple[str, list[Json]]:
    """Control characters become spaces; carriage returns go, and entities move up."""
    if "\r" in text:
        for entity in entities:
            start, end = entity["offset"], entity["offset"] + entity["length"]
            before = _returns_before(text, start)
            entity["offset"] = start - before
            entity["length"] = end - _returns_before(text, end) - entity["offset"]
    return text.translate(_CONTROL), entities


def _returns_before(text: str, offset: int) -> int:
    at = count = 0
    for sign in text:
        if at >= offset:
            break
        count += sign == "\r"
        at += 2 if sign > "\uffff" else 1
    return count


def _trimmed_start(text: str, entities: list[Json]) -> int:
    limit = entities[0]["offset"] if entities else len(text)
    start = 0
    while start < min(limit, len(text)) and text[start] in " \n":
        start += 1
    return start


def _shifted(entities: list[Json], start: int, last: int) -> Iterator[Json]:
    for entity in entities:
        offset = entity["offset"] - start
        length = min(entity["length"], last - offset)
        if length > 0:
            yield {**entity, "offset": offset, "length": length}


def _check_bounds(text: str, entities: list[Json]) -> None:
    ends = _boundaries(text)
    size = units(text)
    for entity in entities:
        offset, length = entity["offset"], entity["length"]
        if not 0 <= offset <= 1_000_000:
            raise bad_request(f"receive an entity with incorrect offset {offset}", Code.BAD_ENTITY)
        if not 0 <= length <= 1_000_000:
            raise bad_request(f"receive an entity with incorrect length {length}", Code.BAD_ENTITY)
        if offset > size:
            raise bad_request(
                f"entity begins after the end of the text at UTF-16 offset {offset}",
                Code.BAD_ENTITY,
            )
        if offset not in ends:
            raise bad_request(
                f"entity begins in a middle of a UTF-16 symbol at byte offset {_byte(text, offset)}", Code.BAD_ENTITY
            )
        if offset + length > size:
            raise bad_request(
                f"entity beginning at UTF-16 offset {offset} ends after the end of the text at UTF-16 offset"
                f" {offset + length}",
                Code.BAD_ENTITY,
            )
        if offset + length not in ends:
            raise bad_request(
                f"entity beginning at UTF-16 offset {offset} ends in a middle of a UTF-16 symbol at byte offset"
                f" {_byte(text, offset + length)}",
                Code.BAD_ENTITY,
            )


def _boundaries(text: str) -> set[int] | range:
    size = units(text)
    if size == len(text):
        return range(size + 1)
    ends, at = {0}, 0
    for sign in text:
        at += 2 if sign > "\uffff" else 1
        ends.add(at)
    return ends


def _byte(text: str, offset: int) -> int:
    """The first byte behind the symbol that `offset` points into."""
    at = count = 0
    for sign in text:
        if at >= offset:
            break
        at += 2 if sign > "\uffff" else 1
        count += len(sign.encode("utf-8", "surrogatepass"))
    return count


def nesting_faults(entities: Iterable[Json]) -> Iterator[str]:
    """What the documentation of entities forbids and Telegram mends silently by leaving formatting out."""
    open_: list[Json] = []
    for entity in sorted(entities, key=_outer_first):
        while open_ and entity["offset"] >= open_[-1]["offset"] + open_[-1]["length"]:
            open_.pop()
        if open_ and (fault := _nesting_fault(entity, open_)):
            yield fault
        open_.append(entity)


def _nesting_fault(entity: Json, open_: list[Json]) -> str | None:
    parent = open_[-1]
    kind, outer = entity["type"], {other["type"] for other in open_}
    if entity["offset"] + entity["length"] > parent["offset"] + parent["length"]:
        return f"{kind} overlaps {parent['type']}"
    if outer & {"code", "pre"}:
        same = entity["offset"] == parent["offset"] and entity["length"] == parent["length"]
        return f"{kind} in {parent['type']}" + (" (same place)" if same else "")
    if kind in {"code", "pre"} and outer - _QUOTES:
        return f"{kind} in {parent['type']}"
    if kind in outer or (kind in _QUOTES and outer & _QUOTES):
        return f"{kind} in {kind}"
    plain = _STYLES | _QUOTES
    if kind not in plain and outer - plain:
        return f"{kind} in {parent['type']}"
    return None
