"""Answering interactions: three seconds for the first answer, fifteen minutes for the rest.
Source: interactions/receiving-and-responding."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.discord_server import shapes
from tests.discord_server.chat import Chat, Letter
from tests.discord_server.components import check_modal
from tests.discord_server.refusals import Form, refusal, wrong_form
from tests.discord_server.rules import WEBHOOK_FIELDS, Draft, Upload, read_draft, settable
from tests.discord_server.transcript import Call
from tests.discord_server.world import Flag, Interaction, Message

COMMAND, COMPONENT, COMPLETION, FORM = 2, 3, 4, 5
SAY, DEFER, DEFER_UPDATE, UPDATE, CHOICES, MODAL = 4, 5, 6, 7, 8, 9
_ALLOWED = {
    COMMAND: {SAY, DEFER, MODAL},
    COMPONENT: {SAY, DEFER, DEFER_UPDATE, UPDATE, MODAL},
    COMPLETION: {CHOICES},
    FORM: {SAY, DEFER, DEFER_UPDATE, UPDATE},
}
ACK_S, TOKEN_MIN = 3.0, 15.0
_KINDS = {COMMAND: 20, COMPONENT: 19, FORM: 0}


class Answers:
    """`ack_s` and `token_min` are Discord's; tests shorten neither but move the clock."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._world = chat.world
        self._transcript = chat.transcript
        self.ack_s = ACK_S
        self.token_min = TOKEN_MIN
        self._open: list[Interaction] = []

    def opened(self, interaction: Interaction) -> None:
        """Keep an eye on it until it is answered."""
        self._open.append(interaction)

    def sweep(self) -> None:
        """Hold against the bot what it left without an answer for three seconds, unless its connection broke."""
        now = self._world.clock.now()
        for interaction in list(self._open):
            if interaction.answer is not None:
                self._open.remove(interaction)
            elif now - interaction.at > timedelta(seconds=self.ack_s):
                self._open.remove(interaction)
                interaction.was_lost = not interaction.was_delivered or self._lost_between(interaction.at)
                if not interaction.was_lost:
                    self._overdue(interaction, None)

    def respond(self, number: int, token: str, body: Any, files: list[Upload], call: Call) -> dict[str, Any]:
        """The first answer. Raises 10062 when it comes too late, 40060 when there was one."""
        interaction = self._world.interactions.get(token)
        if interaction is None or interaction.id != number:
            raise refusal(10062)
        if interaction.answer is not None:
            self._transcript.violated("second_ack", f"interaction {number}", call)
            raise refusal(40060)
        if self._world.clock.now() - interaction.at > timedelta(seconds=self.ack_s):
            self._overdue(interaction, call)
            raise refusal(10062)
        form = Form()
        body = form.record("", body)
        form.known("", body, frozenset({"type", "data"}))
        kind = body.get("type")
        if kind not in _ALLOWED[interaction.type]:
            form.wrong(
                "type",
                "INTERACTION_APPLICATION_COMMAND_CALLBACK_TYPE",
                f"Type {kind} cannot answer type {interaction.type}",
            )
        form.settle()
        self._answer(interaction, kind, body.get("data") or {}, files, call)
        interaction.answer, interaction.answered_at = kind, self._world.clock.now()
        self._transcript.tell()
        return self._callback_shape(interaction)

    def by_token(self, token: str, call: Call) -> Interaction:
        """What a webhook token stands for. Raises 10015 when nobody knows it (or nothing was answered yet), 50027 when
        the fifteen minutes are over."""
        interaction = self._world.interactions.get(token)
        if interaction is None or interaction.answer is None or interaction.is_overdue:
            raise refusal(10015)
        if self._world.clock.now() - interaction.at > timedelta(minutes=self.token_min):
            self._transcript.violated("token_expired", f"interaction {interaction.id}", call)
            raise refusal(50027)
        return interaction

    def message(self, interaction: Interaction, name: str) -> Message:
        """@original, or one of the followups."""
        if name == "@original":
            found = interaction.response
        else:
            known = [*interaction.followups, *filter(None, [interaction.response])]
            found = next((one for one in known if str(one.id) == name), None)
        if found is None or found.is_deleted:
            raise refusal(10008)
        return found

    def edit(self, interaction: Interaction, name: str, body: Any, files: list[Upload], call: Call) -> Message:
        message = self.message(interaction, name)
        return self._chat.edit(message, read_draft(body, files, WEBHOOK_FIELDS), call)

    def followup(self, interaction: Interaction, body: Any, files: list[Upload], call: Call) -> Message:
        """A further message. The first one after a defer becomes @original, which is deprecated."""
        draft = read_draft(body, files, WEBHOOK_FIELDS)
        if interaction.response is not None and interaction.response.is_loading:
            self._transcript.violated("followup_as_original", "edit @original instead: this way is deprecated", call)
            return self._chat.edit(interaction.response, draft, call)
        flags = settable(draft.flags) | (draft.flags or 0) & Flag.EPHEMERAL
        message = self._say(interaction, draft, flags, call)
        interaction.followups.append(message)
        return message

    def _answer(self, interaction: Interaction, kind: int, data: Any, files: list[Upload], call: Call) -> None:
        if kind in {SAY, UPDATE}:
            self._answer_with_text(interaction, kind, read_draft(data, files, WEBHOOK_FIELDS, "data"), call)
        elif kind == DEFER:
            flags = data.get("flags") or 0
            interaction.is_ephemeral = bool(flags & Flag.EPHEMERAL)
            interaction.response = self._say(interaction, Draft(), flags & Flag.EPHEMERAL | Flag.LOADING, call)
        elif kind == DEFER_UPDATE:
            interaction.response = interaction.message
        elif kind == CHOICES:
            interaction.choices = _checked_choices(interaction, data)
        else:
            form = Form()
            check_modal(form, data)
            form.settle()
            interaction.modal = data

    def _answer_with_text(self, interaction: Interaction, kind: int, draft: Draft, call: Call) -> None:
        if kind == SAY:
            flags = settable(draft.flags) | (draft.flags or 0) & Flag.EPHEMERAL
            interaction.is_ephemeral = bool(flags & Flag.EPHEMERAL)
            interaction.response = self._say(interaction, draft, flags, call)
        elif interaction.message is None:
            raise wrong_form("type", "INTERACTION_NO_MESSAGE", "There is no message to update")
        else:
            interaction.response = self._chat.edit(interaction.message, draft, call)

    def _say(self, interaction: Interaction, draft: Draft, flags: int, call: Call) -> Message:
        return self._chat.post(
            Letter(
                channel=interaction.channel,
                author=self._world.bot,
                draft=draft,
                type=_KINDS[interaction.type] if interaction.response is None else 0,
                flags=flags,
                interaction=interaction,
                call=call,
            )
        )

    def _overdue(self, interaction: Interaction, call: Call | None) -> None:
        if not interaction.is_overdue:
            interaction.is_overdue = True
            name = interaction.data.get("name") or interaction.data.get("custom_id")
            self._transcript.violated("ack_missed", f"no answer to {name!r} in {self.ack_s:g} s", call)

    def _lost_between(self, start: datetime) -> bool:
        end = start + timedelta(seconds=self.ack_s)
        return any(note.kind == "disconnect" and start <= note.at <= end for note in self._transcript.notes)

    def _callback_shape(self, interaction: Interaction) -> dict[str, Any]:
        response = interaction.response
        inner: dict[str, Any] = {"id": str(interaction.id), "type": interaction.type}
        shape: dict[str, Any] = {"interaction": inner}
        if interaction.answer in {SAY, DEFER, UPDATE, DEFER_UPDATE} and response is not None:
            inner |= {
                "response_message_id": str(response.id),
                "response_message_loading": response.is_loading,
                "response_message_ephemeral": response.is_ephemeral,
            }
        if interaction.answer in {SAY, UPDATE} and response is not None:
            body = shapes.message(self._world, response, self._chat.cdn)
            shape["resource"] = {"type": interaction.answer, "message": body}
        return shape


def _checked_choices(interaction: Interaction, data: dict[str, Any]) -> list[dict[str, Any]]:
    """What an autocompletion offers: at most 25, with names of 1-100 characters and values of the option's type."""
    form = Form()
    form.known("data", data, frozenset({"choices"}))
    choices = form.items("data.choices", data.get("choices"), 0, 25)
    is_number = _focused_type(interaction.data.get("options") or []) in {4, 10}
    for at, choice in enumerate(choices):
        path = f"data.choices.{at}"
        form.known(path, choice, frozenset({"name", "value", "name_localizations"}))
        form.text(f"{path}.name", choice.get("name"), 1, 100)
        if not is_number:
            form.text(f"{path}.value", choice.get("value"), 1, 100)
        elif not isinstance(choice.get("value"), int | float):
            form.wrong(f"{path}.value", "NUMBER_TYPE_COERCE", "Value is not a number")
    form.settle()
    return choices


def _focused_type(options: list[dict[str, Any]]) -> int | None:
    for option in options:
        if option.get("focused"):
            return int(option["type"])
        inner = _focused_type(option.get("options") or [])
        if inner is not None:
            return inner
    return None
