"""What people do: write, edit, use commands, press buttons, fill in forms."""

from __future__ import annotations

from typing import Any

from tests.discord_server import shapes
from tests.discord_server.chat import Chat, Letter
from tests.discord_server.commands import Commands
from tests.discord_server.interactions import COMMAND, COMPLETION, COMPONENT, FORM, Answers
from tests.discord_server.rules import Draft, Mentions, Upload
from tests.discord_server.slash import Filler
from tests.discord_server.town import Town
from tests.discord_server.world import Channel, Interaction, Kind, Message, Permission, User, controls


class Impossible(AssertionError):
    """A person could not do that: the test is wrong, or the bot offered something else."""


class People(Town):
    """Everything returns at once; what the bot makes of it is waited for with `wait_for`."""

    def __init__(self, chat: Chat, answers: Answers, commands: Commands) -> None:
        super().__init__(chat)
        self._answers = answers
        self._commands = commands

    def say(
        self,
        channel: Channel,
        person: User,
        text: str,
        *,
        reply_to: Message | None = None,
        files: list[tuple[str, bytes]] | None = None,
    ) -> Message:
        """Write a message; mentions in it take effect, a reply mentions whom it answers."""
        self._present(channel, person)
        uploads = [Upload(f"files[{at}]", name, content) for at, (name, content) in enumerate(files or [])]
        draft = Draft(content=text.strip(), files=uploads, mentions=Mentions())
        if reply_to is not None:
            draft.reference = {"message_id": str(reply_to.id)}
        return self._chat.post(Letter(channel=channel, author=person, draft=draft))

    def edit(self, message: Message, text: str) -> Message:
        return self._chat.edit(message, Draft(content=text.strip()))

    def delete(self, message: Message) -> None:
        self._chat.delete(message)

    def react(self, message: Message, person: User, emoji: str) -> None:
        self._chat.react(message, person, emoji, is_added=True)

    def slash(self, channel: Channel, person: User, name: str, /, **options: Any) -> Interaction:
        """Use a command; `name` may go on with a group and a subcommand, as in `tasks list`. An attachment is given as
        `(filename, content)`, a person or channel as itself. Raises `Impossible` for what Discord would refuse."""
        data = self._command_data(channel, person, name, options)
        return self._interact(COMMAND, channel, person, data)

    def complete(self, channel: Channel, person: User, name: str, focused: str, /, **options: Any) -> Interaction:
        """Type into an option that completes itself."""
        data = self._command_data(channel, person, name, options, focused)
        return self._interact(COMPLETION, channel, person, data)

    def press(
        self,
        message: Message,
        person: User,
        custom_id: str,
        *,
        values: list[str] | None = None,
        is_forged: bool = False,
    ) -> Interaction:
        """Press a button or choose of a select. Forged: as a changed client could, with any custom_id."""
        found = [one for one in controls(message.components) if one.get("custom_id") == custom_id]
        if not is_forged:
            self._can_press(message, person, found, custom_id, values)
        component = found[0] if found else {"type": 2, "id": 1}
        data: dict[str, Any] = {
            "custom_id": custom_id,
            "component_type": component["type"],
            "id": component.get("id", 1),
        }
        if component["type"] != 2:
            data["values"] = values or []
        return self._interact(COMPONENT, self._world.channels[message.channel_id], person, data, message)

    def label(self, message: Message, label: str) -> str:
        """The custom_id of the button with that label."""
        for one in controls(message.components):
            if one.get("label") == label:
                return str(one["custom_id"])
        raise Impossible(f"no button {label!r}, only {message.labels}")

    def submit(self, form: Interaction, typed: dict[str, str]) -> Interaction:
        """Fill in the form an interaction was answered with; what is typed by custom_id."""
        fields = dict(typed)
        if form.modal is None:
            raise Impossible("there is no form to fill in")
        rows = [_filled(row, fields) for row in form.modal["components"]]
        if fields:
            raise Impossible(f"no fields {sorted(fields)}")
        data = {"custom_id": form.modal["custom_id"], "components": rows, "resolved": {}}
        return self._interact(FORM, form.channel, form.user, data, form.message)

    def _present(self, channel: Channel, person: User) -> None:
        if channel.kind is Kind.DM:
            if channel.recipient is not person:
                raise Impossible(f"{person.name} is not in this conversation")
        elif not self._world.permissions(person, channel) & Permission.VIEW_CHANNEL:
            raise Impossible(f"{person.name} cannot see #{channel.name}")

    def _command_data(
        self, channel: Channel, person: User, name: str, options: dict[str, Any], focused: str | None = None
    ) -> dict[str, Any]:
        self._present(channel, person)
        root, *rest = name.removeprefix("/").split()
        command = self._commands.named(root, channel.guild_id)
        if command is None:
            raise Impossible(f"no command /{root}")
        try:
            return Filler(self._world, channel, self._chat.cdn).fill(command, rest, options, focused)
        except ValueError as error:
            raise Impossible(f"/{name}: {error}") from None

    def _can_press(
        self, message: Message, person: User, found: list[dict[str, Any]], custom_id: str, values: list[str] | None
    ) -> None:
        self._present(self._world.channels[message.channel_id], person)
        if message.is_deleted:
            raise Impossible("the message is gone")
        if message.is_ephemeral and (message.interaction is None or message.interaction.user is not person):
            raise Impossible("the message is for somebody else")
        if not found:
            raise Impossible(f"no component {custom_id!r}, only {message.custom_ids}")
        if found[0].get("disabled"):
            raise Impossible(f"{custom_id!r} is switched off")
        offered = {option["value"] for option in found[0].get("options") or []}
        if found[0]["type"] == 3 and not set(values or []) <= offered:
            raise Impossible(f"{values} are not all among {sorted(offered)}")

    def _interact(
        self, kind: int, channel: Channel, person: User, data: dict[str, Any], message: Message | None = None
    ) -> Interaction:
        number = self._world.snowflakes.next()
        interaction = Interaction(
            id=number,
            token=f"aW50ZXJhY3Rpb24{number}",
            type=kind,
            user=person,
            channel=channel,
            at=self._world.clock.now(),
            data=data,
            guild=self._world.guild_of(channel),
            message=message,
        )
        self._world.interactions[interaction.token] = interaction
        shape = shapes.interaction(self._world, interaction, self._chat.cdn)
        interaction.was_delivered = self._chat.gateway.dispatch("INTERACTION_CREATE", shape)
        self._answers.opened(interaction)
        self._chat.transcript.tell()
        return interaction


def _filled(row: dict[str, Any], fields: dict[str, str]) -> dict[str, Any]:
    """One row or label of a form with what was typed, as the submit event has it."""
    if row["type"] == 10:
        return {"type": 10, "id": row.get("id", 1)}
    if row["type"] == 18:
        return {"type": 18, "id": row.get("id", 1), "component": _typed(row["component"], fields)}
    return {"type": 1, "id": row.get("id", 1), "components": [_typed(one, fields) for one in row["components"]]}


def _typed(item: dict[str, Any], fields: dict[str, str]) -> dict[str, Any]:
    custom_id = item["custom_id"]
    value = fields.pop(custom_id, item.get("value") or "")
    low, high = item.get("min_length") or 0, item.get("max_length") or 4000
    if not value and item.get("required", True):
        raise Impossible(f"{custom_id!r} must be filled in")
    if value and not low <= len(value) <= high:
        raise Impossible(f"{custom_id!r} takes {low}-{high} characters")
    shape: dict[str, Any] = {"type": item["type"], "id": item.get("id", 1), "custom_id": custom_id}
    return shape | ({"value": value} if item["type"] == 4 else {"values": [value]})
