"""Buttons and forms as Discord has them. What a press means travels in the custom id, so it outlives the process."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import discord

from bot.post import Action, Button, Look, Verb
from domain.texts import Language, say

# https://docs.discord.com/developers/components/reference
MAX_ROWS, MAX_IN_ROW, MAX_LABEL = 5, 5, 80
MAX_TITLE, MAX_TYPED = 45, 4000
FIELD = "text"

_STYLES = {
    Look.PLAIN: discord.ButtonStyle.secondary,
    Look.GOOD: discord.ButtonStyle.success,
    Look.BAD: discord.ButtonStyle.danger,
}
_FORMS = {
    Verb.EDIT: ("discord.form_edit", "discord.field_edit"),
    Verb.REPLY: ("discord.form_reply", "discord.field_reply"),
}


def view_of(rows: Sequence[Sequence[Button]]) -> discord.ui.View | None:
    """The buttons; what does not fit is left out. None for no buttons."""
    fitting = [(button, row) for row, buttons in enumerate(rows[:MAX_ROWS]) for button in buttons[:MAX_IN_ROW]]
    if not fitting:
        return None
    view = discord.ui.View(timeout=None)
    drawn: set[str] = set()
    for button, row in fitting:
        custom_id = str(button.action)
        if custom_id not in drawn:  # Discord refuses a message that has the same one twice
            drawn.add(custom_id)
            view.add_item(_drawn(button, row))
    view.stop()  # else the library keeps every view it ever sent
    return view


def _drawn(button: Button, row: int) -> discord.ui.Button[discord.ui.View]:
    label = button.label[:MAX_LABEL] or "…"
    return discord.ui.Button(label=label, style=_STYLES[button.look], custom_id=str(button.action), row=row)


def form_for(action: Action, language: Language) -> discord.ui.Modal:
    """The form that asks for the text an action needs."""
    title, field_label = _FORMS[action.verb]
    form = discord.ui.Modal(title=say(title, language)[:MAX_TITLE], custom_id=str(action))
    field: discord.ui.TextInput[discord.ui.Modal] = discord.ui.TextInput(
        label=say(field_label, language)[:MAX_TITLE],
        style=discord.TextStyle.paragraph,
        custom_id=FIELD,
        max_length=MAX_TYPED,
    )
    form.add_item(field)
    form.stop()  # as above
    return form


def typed_in(data: dict[str, Any]) -> str:
    """What somebody wrote into a form of ours."""
    rows = data.get("components") or []
    fields = chain.from_iterable(row.get("components") or [row.get("component") or {}] for row in rows)
    return next((str(field.get("value") or "") for field in fields if field.get("custom_id") == FIELD), "")
