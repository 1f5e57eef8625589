"""Application commands: what may be registered. Source: interactions/application-commands."""

from __future__ import annotations

import re
from typing import Any

from tests.discord_server.refusals import Form, refusal
from tests.discord_server.transcript import Call, Transcript
from tests.discord_server.world import APPLICATION_ID, World

_NAME = re.compile(r"^[-_'\w]{1,32}$")
_COMMAND = frozenset(
    {
        "contexts", "default_member_permissions", "description", "description_localizations", "dm_permission",
        "handler", "id", "integration_types", "name", "name_localizations", "nsfw", "options", "type",
    }
)  # fmt: skip
_OPTION = frozenset(
    {
        "autocomplete", "channel_types", "choices", "description", "description_localizations", "max_length",
        "max_value",
        "min_length", "min_value", "name", "name_localizations", "options", "required", "type",
    }
)  # fmt: skip
_LOCALES = frozenset(
    [
        "id",
        "da",
        "de",
        "en-GB",
        "en-US",
        "es-ES",
        "es-419",
        "fr",
        "hr",
        "it",
        "lt",
        "hu",
        "nl",
        "no",
        "pl",
        "pt-BR",
        "ro",
        "fi",
        "sv-SE",
        "vi",
        "tr",
        "cs",
        "el",
        "bg",
        "ru",
        "uk",
        "hi",
        "th",
        "zh-CN",
        "ja",
        "zh-TW",
        "ko",
    ]
)
MAX_COMMANDS, MAX_CREATES_A_DAY, MAX_CHARACTERS = 100, 200, 8000


class Commands:
    """Those of the application, global (None) and per guild."""

    def __init__(self, world: World, transcript: Transcript) -> None:
        self._world = world
        self._transcript = transcript
        self._creates: dict[int | None, list[float]] = {}

    def listed(self, guild: int | None) -> list[dict[str, Any]]:
        return list(self._world.commands.get(guild, {}).values())

    def named(self, name: str, guild: int | None) -> dict[str, Any] | None:
        """The command people see under that name there: the guild's own before the global one."""
        for scope in dict.fromkeys((guild, None)):
            for command in self._world.commands.get(scope, {}).values():
                if command["name"] == name:
                    return command
        return None

    def overwrite(self, guild: int | None, body: Any, call: Call) -> list[dict[str, Any]]:
        """PUT: exactly these from now on."""
        form = Form()
        if not isinstance(body, list):
            form.wrong("", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
            body = []
        for at, command in enumerate(body):
            _check(form, f"{at}", command)
        names = [(command.get("type") or 1, command.get("name")) for command in body]
        if len(set(names)) < len(names):
            form.wrong("", "APPLICATION_COMMANDS_DUPLICATE_NAME", "Application command names must be unique")
        self._settle(form, call)
        if len(body) > MAX_COMMANDS:
            raise refusal(30032)
        before = {(known["type"], known["name"]): known for known in self.listed(guild)}
        fresh = [self._made(guild, command, before) for command in body]
        if before and fresh == list(before.values()):
            self._transcript.violated(
                "sync_unchanged", f"{len(fresh)} commands registered again without a change", call
            )
        self._count_creates(guild, sum(name not in before for name in names))
        self._world.commands[guild] = {int(command["id"]): command for command in fresh}
        return fresh

    def create(self, guild: int | None, body: Any, call: Call) -> dict[str, Any]:
        """POST: one more, or in the place of the one with its name."""
        form = Form()
        _check(form, "", body)
        self._settle(form, call)
        before = {(known["type"], known["name"]): known for known in self.listed(guild)}
        if (body.get("type") or 1, body["name"]) not in before:
            self._count_creates(guild, 1)
        made = self._made(guild, body, before)
        self._world.commands.setdefault(guild, {})[int(made["id"])] = made
        return made

    def update(self, guild: int | None, number: int, body: dict[str, Any], call: Call) -> dict[str, Any]:
        known = self.one(guild, number)
        form = Form()
        _check(form, "", {**known, **body}, is_known=True)
        self._settle(form, call)
        known |= body | {"version": str(self._world.snowflakes.next())}
        return known

    def one(self, guild: int | None, number: int) -> dict[str, Any]:
        known = self._world.commands.get(guild, {}).get(number)
        if known is None:
            raise refusal(10063)
        return known

    def remove(self, guild: int | None, number: int) -> None:
        self.one(guild, number)
        del self._world.commands[guild][number]

    def _settle(self, form: Form, call: Call) -> None:
        form.settle()
        for name in form.unknown:
            self._transcript.violated("unknown_field", name, call)

    def _made(self, guild: int | None, body: dict[str, Any], before: dict[Any, dict[str, Any]]) -> dict[str, Any]:
        """As Discord keeps it; one that did not change keeps its version."""
        known = before.get((body.get("type") or 1, body["name"]), {})
        command = {
            "type": 1, "description": "", "options": [], "default_member_permissions": None, "nsfw": False,
            "contexts": None, "integration_types": [0], "name_localizations": None, "description_localizations": None,
            **body,
            "id": known.get("id") or str(self._world.snowflakes.next()),
            "application_id": str(APPLICATION_ID),
            "version": known.get("version"),
        }  # fmt: skip
        permissions = command["default_member_permissions"]
        command["default_member_permissions"] = None if permissions is None else str(permissions)
        if guild is not None:
            command["guild_id"] = str(guild)
        if command != known:
            command["version"] = str(self._world.snowflakes.next())
        return command

    def _count_creates(self, guild: int | None, count: int) -> None:
        now = self._world.clock.now().timestamp()
        recent = [at for at in self._creates.get(guild, []) if at > now - 86_400] + [now] * count
        self._creates[guild] = recent
        if len(recent) > MAX_CREATES_A_DAY:
            self._transcript.violated("too_many_creates", f"{len(recent)} commands created in a day")
            raise refusal(30034)


def _check(form: Form, path: str, command: Any, *, is_known: bool = False) -> None:
    command = form.record(path, command)
    dot = f"{path}." if path else ""
    if not is_known:
        form.known(path, command, _COMMAND)
    if (command.get("type") or 1) == 1:
        _name(form, f"{dot}name", command.get("name"))
        form.text(f"{dot}description", command.get("description"), 1, 100)
        if _characters(command) > MAX_CHARACTERS:
            form.wrong(path, "APPLICATION_COMMAND_TOO_LARGE", f"Command exceeds maximum size ({MAX_CHARACTERS})")
        _options(form, f"{dot}options", command.get("options"))
    else:
        form.text(f"{dot}name", command.get("name"), 1, 32)
    _localized(form, dot, command)


def _localized(form: Form, dot: str, part: dict[str, Any]) -> None:
    for key, high in (("name_localizations", 32), ("description_localizations", 100)):
        for locale, text in (part.get(key) or {}).items():
            form.text(f"{dot}{key}.{locale}", text, 1, high)
            if locale not in _LOCALES:
                form.wrong(f"{dot}{key}.{locale}", "BASE_TYPE_CHOICES", "Unknown locale")


def _name(form: Form, path: str, name: Any) -> None:
    text = form.text(path, name, 1, 32)
    if text and (not _NAME.match(text) or text != text.lower()):
        form.wrong(path, "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")


def _options(form: Form, path: str, value: Any) -> None:
    options = form.items(path, value, 0, 25)
    names = [option.get("name") for option in options]
    if len(set(names)) < len(names):
        form.wrong(path, "APPLICATION_COMMAND_OPTIONS_NAME_DUPLICATE", "Option names must be unique")
    had_optional = False
    for at, option in enumerate(options):
        here = f"{path}.{at}"
        form.known(here, option, _OPTION)
        _name(form, f"{here}.name", option.get("name"))
        form.text(f"{here}.description", option.get("description"), 1, 100)
        _localized(form, f"{here}.", option)
        if option.get("required") and had_optional:
            form.wrong(
                here,
                "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
                "Required options must be placed before non-required options",
            )
        had_optional |= option.get("type") not in {1, 2} and not option.get("required")
        _option_choices(form, here, option)
        if option.get("type") in {1, 2}:
            _options(form, f"{here}.options", option.get("options"))


def _option_choices(form: Form, path: str, option: dict[str, Any]) -> None:
    choices = form.items(f"{path}.choices", option.get("choices"), 0, 25)
    if choices and option.get("autocomplete"):
        form.wrong(
            path, "APPLICATION_COMMAND_OPTION_AUTOCOMPLETE_CHOICES", "Autocomplete and choices are mutually exclusive"
        )
    for at, choice in enumerate(choices):
        form.text(f"{path}.choices.{at}.name", choice.get("name"), 1, 100)
        if option.get("type") == 3:
            form.text(f"{path}.choices.{at}.value", choice.get("value"), 1, 100)


def _characters(part: dict[str, Any]) -> int:
    """Names, descriptions and values; of localizations only the longest counts."""
    total = sum(
        max(len(part.get(key) or ""), *map(len, (part.get(f"{key}_localizations") or {}).values()), 0)
        for key in ("name", "description")
    )
    total += sum(
        len(str(choice.get("value") or "")) + len(choice.get("name") or "") for choice in part.get("choices") or []
    )
    return total + sum(map(_characters, part.get("options") or []))
