"""What Discord accepts as components of messages and modals. Source: components/reference, discord-api-spec."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tests.discord_server.refusals import Form
from tests.discord_server.world import controls

ROW, BUTTON, SELECT, INPUT, LABEL, TEXT = 1, 2, 3, 4, 18, 10
SELECTS = frozenset({3, 5, 6, 7, 8})
_V2 = frozenset({1, 9, 10, 12, 13, 14, 17})
_LINK_STYLE, _PREMIUM_STYLE = 5, 6
_KNOWN = frozenset(
    {
        "type", "id", "custom_id", "style", "label", "disabled", "url", "sku_id", "emoji", "components", "placeholder",
        "min_values", "max_values", "required", "options", "default_values", "channel_types", "value", "min_length",
        "max_length", "description", "component", "content", "accessory", "media", "items", "divider", "spacing",
        "accent_color", "spoiler", "file", "name", "size", "default",
    }
)  # fmt: skip


def check_components(form: Form, path: str, value: Any, *, is_v2: bool) -> list[dict[str, Any]]:
    """Those of a message; wrong ones go to the form."""
    rows = form.items(path, value, 0, 40 if is_v2 else 5)
    rows = [form.record(f"{path}.{at}", row) for at, row in enumerate(rows)]
    if is_v2:
        _check_v2(form, path, rows)
    for at, row in enumerate(rows):
        if row.get("type") == ROW:
            _row(form, f"{path}.{at}.components", row)
        elif not is_v2 or row.get("type") not in _V2:
            form.wrong(f"{path}.{at}.type", "BASE_TYPE_CHOICES", 'Value of field "type" must be one of (1,).')
    _unique(form, path, rows)
    for component in _everything(rows):
        form.known(path, component, _KNOWN)
    return _numbered(rows)


def _check_v2(form: Form, path: str, rows: list[dict[str, Any]]) -> None:
    everything = list(_everything(rows))
    if len(everything) > 40:
        form.wrong(path, "COMPONENT_MAX_TOTAL", "The maximum number of components in total is 40")
    if sum(len(item.get("content") or "") for item in everything if item.get("type") == TEXT) > 4000:
        form.wrong(
            path,
            "COMPONENT_DISPLAYABLE_TEXT_SIZE_EXCEEDED",
            "Components displayable text size exceeds maximum size of 4000",
        )


def _everything(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for row in rows:
        yield row
        yield from _everything(row.get("components") or [])
        yield from _everything([row[key] for key in ("accessory", "component") if row.get(key)])


def _row(form: Form, path: str, row: dict[str, Any]) -> None:
    inner = [form.record(path, item) for item in form.items(path, row.get("components"), 1, 5)]
    kinds = {item.get("type") for item in inner}
    if kinds & SELECTS and len(inner) > 1:
        form.wrong(path, "COMPONENT_LAYOUT_WIDTH_EXCEEDED", "The specified component exceeds the maximum width")
    for at, item in enumerate(inner):
        if item.get("type") == BUTTON:
            _button(form, f"{path}.{at}", item)
        elif item.get("type") in SELECTS:
            _select(form, f"{path}.{at}", item)
        else:
            form.wrong(
                f"{path}.{at}.type", "BASE_TYPE_CHOICES", 'Value of field "type" must be one of (2, 3, 5, 6, 7, 8).'
            )


def _button(form: Form, path: str, button: dict[str, Any]) -> None:
    form.text(f"{path}.label", button.get("label"), 0, 80)
    style = button.get("style")
    if style not in range(1, 7):
        form.wrong(f"{path}.style", "BASE_TYPE_CHOICES", 'Value of field "style" must be one of (1, 2, 3, 4, 5, 6).')
    if style == _LINK_STYLE:
        form.text(f"{path}.url", button.get("url"), 1, 512)
        if button.get("custom_id"):
            form.wrong(
                path,
                "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE",
                "A custom id and url cannot both be specified",
            )
    elif style != _PREMIUM_STYLE:
        form.text(f"{path}.custom_id", button.get("custom_id"), 1, 100)
        if not (button.get("label") or button.get("emoji")):
            form.wrong(path, "BUTTON_COMPONENT_INVALID", "A button must have a label or an emoji")


def _select(form: Form, path: str, select: dict[str, Any]) -> None:
    form.text(f"{path}.custom_id", select.get("custom_id"), 1, 100)
    form.text(f"{path}.placeholder", select.get("placeholder"), 0, 150)
    if select.get("type") != SELECT:
        return
    options = form.items(f"{path}.options", select.get("options"), 1, 25)
    for at, option in enumerate(options):
        form.text(f"{path}.options.{at}.label", option.get("label"), 1, 100)
        form.text(f"{path}.options.{at}.value", option.get("value"), 1, 100)
        form.text(f"{path}.options.{at}.description", option.get("description"), 0, 100)
    values = [option.get("value") for option in options]
    if len(set(values)) < len(values):
        form.wrong(
            f"{path}.options", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "The specified option value is already used"
        )
    if (select.get("max_values") or 1) > max(len(options), 1):
        form.wrong(f"{path}.max_values", "SELECT_COMPONENT_MAX_VALUES", "Cannot be greater than the number of options")


def _unique(form: Form, path: str, rows: list[dict[str, Any]]) -> None:
    seen: set[str] = set()
    for item in controls(rows):
        custom_id = item.get("custom_id")
        if custom_id and custom_id in seen:
            form.wrong(path, "COMPONENT_CUSTOM_ID_DUPLICATED", "Component custom id cannot be duplicated")
        seen.add(custom_id or "")


def _numbered(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Discord gives every component an id."""
    for number, item in enumerate(_everything(rows), 1):
        item.setdefault("id", number)
    return rows


def check_modal(form: Form, data: dict[str, Any]) -> None:
    """A form a person fills in: title, and one to five inputs, each in a row (old) or with a label (new)."""
    form.known("data", data, frozenset({"custom_id", "title", "components"}))
    form.text("data.custom_id", data.get("custom_id"), 1, 100)
    form.text("data.title", data.get("title"), 1, 45)
    items = form.items("data.components", data.get("components"), 1, 5)
    for at, item in enumerate(items):
        path = f"data.components.{at}"
        if item.get("type") == ROW:
            inner = form.items(f"{path}.components", item.get("components"), 1, 1)
            _modal_inputs(form, f"{path}.components", inner, needs_label=True)
        elif item.get("type") == LABEL:
            form.text(f"{path}.label", item.get("label"), 1, 45)
            form.text(f"{path}.description", item.get("description"), 0, 100)
            _modal_inputs(form, f"{path}.component", [item.get("component") or {}], needs_label=False)
        elif item.get("type") != TEXT:
            form.wrong(f"{path}.type", "BASE_TYPE_CHOICES", 'Value of field "type" must be one of (1, 10, 18).')
    _unique(form, "data.components", items)
    _numbered(items)


def _modal_inputs(form: Form, path: str, inner: list[dict[str, Any]], *, needs_label: bool) -> None:
    for at, item in enumerate(inner):
        form.text(f"{path}.{at}.custom_id", item.get("custom_id"), 1, 100)
        if item.get("type") in SELECTS:
            _select(form, f"{path}.{at}", item)
        if item.get("type") != INPUT:
            continue
        form.text(f"{path}.{at}.label", item.get("label"), 1 if needs_label else 0, 45)
        form.text(f"{path}.{at}.placeholder", item.get("placeholder"), 0, 100)
        form.text(f"{path}.{at}.value", item.get("value"), 0, 4000)
        if item.get("style") not in {1, 2}:
            form.wrong(f"{path}.{at}.style", "BASE_TYPE_CHOICES", 'Value of field "style" must be one of (1, 2).')
