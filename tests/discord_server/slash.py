"""A person's use of a command as the event carries it, checked as Discord's client checks it."""

from __future__ import annotations

from typing import Any, cast

from tests.discord_server import shapes
from tests.discord_server.world import Attachment, Channel, Kind, User, World

_TEXT, _INTEGER, _BOOLEAN, _USER, _CHANNEL, _NUMBER, _FILE = 3, 4, 5, 6, 7, 10, 11
_TYPES: dict[int, type | tuple[type, ...]] = {
    _TEXT: str,
    _INTEGER: int,
    _BOOLEAN: bool,
    _USER: User,
    _CHANNEL: Channel,
    _NUMBER: (int, float),
    _FILE: (tuple, list),
}
Json = dict[str, Any]


class Filler:
    """Fills in one command at one place. Raises `ValueError` for what a person could not have sent."""

    def __init__(self, world: World, channel: Channel, cdn: str) -> None:
        self._world = world
        self._channel = channel
        self._cdn = cdn
        self._resolved: Json = {}

    def fill(self, command: Json, rest: list[str], options: Json, focused: str | None = None) -> Json:
        """The `data` of the interaction; `rest` are the names of a group and a subcommand."""
        self._offered(command)
        inner, wrap = command, []
        for name in rest:
            inner = next((one for one in inner["options"] if one["name"] == name and one["type"] in {1, 2}), {})
            if not inner:
                raise ValueError(f"no subcommand {name!r}")
            wrap.append((name, inner["type"]))
        if any(one["type"] in {1, 2} for one in inner.get("options") or []):
            raise ValueError("a subcommand is missing")
        filled = self._filled(inner.get("options") or [], dict(options), focused)
        for name, kind in reversed(wrap):
            filled = [{"name": name, "type": kind, "options": filled}]
        data: Json = {"id": command["id"], "name": command["name"], "type": 1, "options": filled}
        if command.get("guild_id"):
            data["guild_id"] = command["guild_id"]
        if self._resolved:
            data["resolved"] = self._resolved
        return data

    def _offered(self, command: Json) -> None:
        """Whether people see the command there at all."""
        is_dm = self._channel.kind is Kind.DM
        contexts = command.get("contexts")
        if contexts is not None and (1 if is_dm else 0) not in contexts:
            raise ValueError(f"not offered there: contexts {contexts}")
        if contexts is None and is_dm and command.get("dm_permission") is False:
            raise ValueError("not offered in direct messages")
        if not is_dm and not self._world.permissions(self._world.bot, self._channel):
            raise ValueError("the bot is not there")

    def _filled(self, known: list[Json], given: Json, focused: str | None) -> list[Json]:
        filled = []
        for option in known:
            name = option["name"]
            if name == focused:
                if not option.get("autocomplete"):
                    raise ValueError(f"{name} does not complete itself")
                value = str(given.pop(name, ""))
                filled.append({"name": name, "type": option["type"], "value": value, "focused": True})
            elif name in given:
                filled.append({"name": name, "type": option["type"], "value": self._value(option, given.pop(name))})
            elif option.get("required") and focused is None:
                raise ValueError(f"{name} is required")
        if given:
            raise ValueError(f"no options {sorted(given)}")
        return filled

    def _value(self, option: Json, given: object) -> Any:
        name, kind, value = option["name"], option["type"], cast("Any", given)
        if not isinstance(given, _TYPES.get(kind, object)) or (kind == _INTEGER and isinstance(given, bool)):
            raise ValueError(f"{name} is no {value!r}")
        choices = [choice["value"] for choice in option.get("choices") or []]
        if choices and value not in choices:
            raise ValueError(f"{name} is one of {choices}")
        if kind == _TEXT and not option.get("min_length", 0) <= len(value) <= option.get("max_length", 6000):
            raise ValueError(f"{name} has the wrong length")
        if kind in {_INTEGER, _NUMBER} and not option.get("min_value", value) <= value <= option.get(
            "max_value", value
        ):
            raise ValueError(f"{name} is out of range")
        return self._reference(value) if kind in {_USER, _CHANNEL, _FILE} else value

    def _reference(self, value: Any) -> str:
        """People, channels and files travel beside the options."""
        if isinstance(value, User):
            self._beside("users", value.id, shapes.user(value))
            self._member(value)
            return str(value.id)
        if isinstance(value, Channel):
            allowed = int(self._world.permissions(self._world.bot, value))
            self._beside("channels", value.id, shapes.channel(self._world, value) | {"permissions": str(allowed)})
            return str(value.id)
        filename, content = value
        file = Attachment(channel_id=self._channel.id, filename=filename, content=content, is_ephemeral=True)
        self._world.keep(file)
        self._beside("attachments", file.id, shapes.attachment(file, self._cdn, self._world.clock.now()))
        return str(file.id)

    def _member(self, person: User) -> None:
        guild = self._world.guild_of(self._channel)
        if guild is None or person.id not in guild.members:
            return
        shape = shapes.member(guild.members[person.id])
        del shape["user"]
        allowed = int(self._world.permissions(person, self._channel))
        self._beside("members", person.id, shape | {"permissions": str(allowed)})

    def _beside(self, kind: str, number: int, shape: Json) -> None:
        self._resolved.setdefault(kind, {})[str(number)] = shape
