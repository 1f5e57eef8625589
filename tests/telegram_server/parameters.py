"""What a method may be called with. Unlike Telegram, which ignores them, this server refuses names it does not know."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.telegram_server.violations import ApiError, Code, bad_request

Reader = Callable[[Any], Any]
_INTEGER = re.compile(r"[+-]?\d{1,19}")


class Unreadable(Exception):
    """A value of the wrong type; says what was wanted."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A file in a multipart body."""

    name: str
    mime: str
    data: bytes


def integer(value: Any) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        return int(value)
    raise Unreadable("an Integer")


def chat(value: Any) -> int | str:
    if isinstance(value, str) and value.startswith("@"):
        return value
    return integer(value)


def string(value: Any) -> str:
    if not isinstance(value, str):
        raise Unreadable("a String")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise Unreadable("a String encoded in UTF-8") from None
    return value


def boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if value in {"true", "True", "1", "yes"}:
        return True
    if value in {"false", "False", "0", "no"}:
        return False
    raise Unreadable("a Boolean")


def number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise Unreadable("a Float") from None


def anything(value: Any) -> Any:
    return value


def file(value: Any) -> Upload | str:
    return value if isinstance(value, Upload) else string(value)


@dataclass(frozen=True, slots=True)
class Fields:
    """A JSON object with these fields and no others."""

    required: Mapping[str, Reader] = field(default_factory=dict)
    optional: Mapping[str, Reader] = field(default_factory=dict)

    def __call__(self, value: Any) -> dict[str, Any]:
        given = _parsed(value)
        if not isinstance(given, dict):
            raise Unreadable("an Object")
        read = {}
        for name, content in given.items():
            reader = self.required.get(name) or self.optional.get(name)
            if reader is None:
                raise bad_request(f'unknown field "{name}"', Code.UNKNOWN_PARAMETER)
            read[name] = _read(name, reader, content)
        for name in self.required:
            if name not in read:
                raise bad_request(f'can\'t find field "{name}"', Code.MISSING_PARAMETER)
        return read


def array(item: Reader) -> Reader:
    """A JSON array."""

    def read(value: Any) -> list[Any]:
        given = _parsed(value)
        if not isinstance(given, list):
            raise Unreadable("an Array")
        return [item(element) for element in given]

    return read


def _parsed(value: Any) -> Any:
    if not isinstance(value, str | bytes):
        return value
    try:
        return orjson.loads(value)
    except orjson.JSONDecodeError:
        raise Unreadable("JSON") from None


def _read(name: str, reader: Reader, value: Any) -> Any:
    try:
        return reader(value)
    except Unreadable as error:
        raise bad_request(f'field "{name}" must be {error}', Code.BAD_PARAMETER) from None


_MISSING = {
    "chat_id": "chat_id is empty",
    "text": "message text is empty",
    "document": "there is no document in the request",
    "photo": "there is no photo in the request",
    "message_id": "message identifier is not specified",
    "file_id": "file_id not specified",
    "action": "wrong parameter action in request",
}


def read_parameters(wanted: Fields, given: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters of a call in their own types. Those that are named in an `attach://` are files, not parameters."""
    attached = {name for name in given if isinstance(given[name], Upload) and _is_attached(name, given)}
    read = {}
    for name, value in given.items():
        if name in attached or value is None or value == "":
            continue
        reader = wanted.required.get(name) or wanted.optional.get(name)
        if reader is None:
            raise bad_request(f'unknown parameter "{name}"', Code.UNKNOWN_PARAMETER)
        read[name] = _read(name, reader, value)
    for name in wanted.required:
        if name not in read:
            raise _missing(name)
    return read


def _is_attached(name: str, given: Mapping[str, Any]) -> bool:
    address = f"attach://{name}"
    return any(address in str(value) for key, value in given.items() if not isinstance(value, Upload))


def _missing(name: str) -> ApiError:
    code = Code.TEXT_EMPTY if name == "text" else Code.MISSING_PARAMETER
    return bad_request(_MISSING.get(name, f'parameter "{name}" is required'), code)


# --- objects of the Bot API that calls carry ----------------------------------------------------------------------

USER = Fields(
    {"id": integer},
    dict.fromkeys(
        ("is_bot", "first_name", "last_name", "username", "language_code", "is_premium", "can_join_groups"), anything
    ),
)
ENTITY = Fields(
    {"type": string, "offset": integer, "length": integer},
    {
        "url": string,
        "user": USER,
        "language": string,
        "custom_emoji_id": string,
        "unix_time": integer,
        "date_time_format": string,
    },
)
ENTITIES = array(ENTITY)
LINK_PREVIEW = Fields(
    {},
    {
        "is_disabled": boolean,
        "url": string,
        "prefer_small_media": boolean,
        "prefer_large_media": boolean,
        "show_above_text": boolean,
    },
)
REPLY = Fields(
    {"message_id": integer},
    {
        "chat_id": chat,
        "allow_sending_without_reply": boolean,
        "quote": string,
        "quote_parse_mode": string,
        "quote_entities": ENTITIES,
        "quote_position": integer,
        "checklist_task_id": integer,
        "poll_option_id": string,
    },
)
BUTTON = Fields(
    {"text": string},
    {
        "callback_data": string,
        "url": string,
        "style": string,
        "icon_custom_emoji_id": string,
        "login_url": anything,
        "web_app": anything,
        "switch_inline_query": string,
        "switch_inline_query_current_chat": string,
        "switch_inline_query_chosen_chat": anything,
        "copy_text": Fields({"text": string}),
        "callback_game": anything,
        "pay": boolean,
    },
)
INLINE = Fields({"inline_keyboard": array(array(BUTTON))})
KEY = Fields({"text": string}, {"style": string, "icon_custom_emoji_id": string, "web_app": anything})
KEYS = Fields(
    {"keyboard": array(array(KEY))},
    {
        "resize_keyboard": boolean,
        "one_time_keyboard": boolean,
        "is_persistent": boolean,
        "selective": boolean,
        "input_field_placeholder": string,
    },
)
FORCE_REPLY = Fields({"force_reply": boolean}, {"selective": boolean, "input_field_placeholder": string})
NO_KEYS = Fields({"remove_keyboard": boolean}, {"selective": boolean})


def markup(value: Any) -> dict[str, Any]:
    """Any kind of reply markup."""
    given = _parsed(value)
    if not isinstance(given, dict):
        raise Unreadable("an Object")
    for name, reader in (("keyboard", KEYS), ("force_reply", FORCE_REPLY), ("remove_keyboard", NO_KEYS)):
        if name in given:
            return reader(given)
    return INLINE(given)


_CAPTIONED = {"caption": string, "parse_mode": string, "caption_entities": ENTITIES, "thumbnail": string}
_SPOILER = {"has_spoiler": boolean, "show_caption_above_media": boolean}
MEDIA = {
    "document": Fields({"type": string, "media": string}, {**_CAPTIONED, "disable_content_type_detection": boolean}),
    "photo": Fields({"type": string, "media": string}, {**_CAPTIONED, **_SPOILER}),
}


def media(value: Any) -> dict[str, Any]:
    """InputMedia of the kinds this server knows."""
    given = _parsed(value)
    if not isinstance(given, dict):
        raise Unreadable("an Object")
    kind = given.get("type")
    if kind not in MEDIA:
        raise bad_request(f'can\'t parse InputMedia: type "{kind}" is unsupported', Code.BAD_PARAMETER)
    return MEDIA[kind](given)


COMMAND = Fields({"command": string, "description": string}, {"is_ephemeral": boolean})
SCOPE = Fields({"type": string}, {"chat_id": chat, "user_id": integer})
REACTION = Fields({"type": string}, {"emoji": string, "custom_emoji_id": string})
