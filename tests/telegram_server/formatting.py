"""The text and the buttons of a call, checked as Telegram checks them."""

from __future__ import annotations

from tests.telegram_server.hypertext import parse_html
from tests.telegram_server.markdown import MarkupError, parse_markdown
from tests.telegram_server.model import Json
from tests.telegram_server.text import (
    MAX_BYTES,
    MAX_CAPTION,
    MAX_ENTITIES,
    MAX_TEXT,
    cleaned,
    nesting_faults,
    read_entities,
    units,
)
from tests.telegram_server.violations import Code, bad_request
from tests.telegram_server.world import Call, World

_ACTIONS = {"callback_data", "url", "web_app", "login_url", "switch_inline_query", "switch_inline_query_current_chat"}
_ACTIONS |= {"switch_inline_query_chosen_chat", "copy_text", "callback_game", "pay"}
MAX_ROW, MAX_BUTTONS, MAX_CALLBACK_BYTES = 8, 100, 64

Formatted = tuple[str, tuple[Json, ...]]


def message_text(world: World, call: Call, *, is_edit: bool) -> Formatted:
    """The text of a message: never empty, at most 4096 UTF-16 units after parsing."""
    text, entities = formatted(world, call, call.parameters["text"], call.parameters)
    if not text:
        raise bad_request("text must be non-empty", Code.TEXT_EMPTY)
    if units(text) > MAX_TEXT:
        raise bad_request("MESSAGE_TOO_LONG" if is_edit else "message is too long", Code.TEXT_TOO_LONG)
    return text, entities


def caption(world: World, call: Call, fields: Json, *, is_edit: bool = False) -> Formatted:
    """The caption of a file, which may be empty."""
    given = {**fields, "entities": fields.get("caption_entities")}
    text, entities = formatted(world, call, fields.get("caption", ""), given)
    if units(text) > MAX_CAPTION:
        raise bad_request("MEDIA_CAPTION_TOO_LONG" if is_edit else "message caption is too long", Code.CAPTION_TOO_LONG)
    return text, entities


def formatted(world: World, call: Call, text: str, fields: Json) -> Formatted:
    """Text with entities, from markup or as given."""
    if len(text.encode("utf-8")) > MAX_BYTES:
        raise bad_request("text is too long", Code.TEXT_TOO_LONG)
    mode = fields.get("parse_mode")
    if text and mode:
        text, entities = _parsed(text, mode)
    else:
        entities = read_entities(fields.get("entities") or [])
    for fault in nesting_faults(entities):
        world.violate(Code.BAD_NESTING, fault, call)
    if len(entities) > MAX_ENTITIES:
        world.violate(Code.TOO_MANY_ENTITIES, f"{len(entities)} entities", call)
        entities = sorted(entities, key=lambda entity: entity["offset"])[:MAX_ENTITIES]
    return cleaned(text, entities)


def _parsed(text: str, mode: str) -> tuple[str, list[Json]]:
    parse = {"markdownv2": parse_markdown, "html": parse_html}.get(mode.lower())
    if parse is None:
        raise bad_request("unsupported parse_mode", Code.BAD_PARAMETER)
    try:
        return parse(text)
    except MarkupError as error:
        raise bad_request(f"can't parse entities: {error}", Code.BAD_MARKUP) from None


def checked_markup(given: Json | None) -> Json | None:
    """A keyboard within Telegram's limits; an empty one is none."""
    if not given:
        return None
    if "inline_keyboard" not in given:
        _check_size(given.get("keyboard", []))
        return given
    rows = [row for row in given["inline_keyboard"] if row]
    _check_size(rows)
    for row in rows:
        for button in row:
            _check_button(button)
    return {"inline_keyboard": rows} if rows else None


def _check_size(rows: list[list[Json]]) -> None:
    if any(len(row) > MAX_ROW for row in rows) or sum(map(len, rows)) > MAX_BUTTONS:
        raise bad_request("reply markup is too long", Code.KEYBOARD_TOO_BIG)


def _check_button(button: Json) -> None:
    if not button["text"].strip():
        raise bad_request("inline keyboard button text must be non-empty", Code.BAD_BUTTON)
    actions = _ACTIONS & set(button)
    data = button.get("callback_data")
    if not actions or data == "":
        raise bad_request(
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard", Code.BAD_BUTTON
        )
    if len(actions) > 1:
        raise bad_request(f"a button has one action, not {sorted(actions)}", Code.BAD_BUTTON)
    if data is not None and len(data.encode()) > MAX_CALLBACK_BYTES:
        raise bad_request("BUTTON_DATA_INVALID", Code.BAD_BUTTON)
    if button.get("style") not in (None, "primary", "success", "danger"):
        raise bad_request("can't parse inline keyboard button: invalid button style specified", Code.BAD_BUTTON)


def check_preview(world: World, call: Call) -> None:
    """A bot that shows what models and pages say must not have Telegram fetch links of it."""
    if not (call.get("link_preview_options") or {}).get("is_disabled"):
        world.violate(Code.LINK_PREVIEW, "link previews are not switched off", call)
