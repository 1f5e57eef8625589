"""The routes around a bot's account: itself, people, guilds, commands, and answers to interactions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.discord_server import shapes
from tests.discord_server.access import Access
from tests.discord_server.chat import Chat
from tests.discord_server.commands import Commands
from tests.discord_server.gateway import Gateway
from tests.discord_server.interactions import Answers
from tests.discord_server.opcodes import Intent
from tests.discord_server.refusals import refusal, wrong_form
from tests.discord_server.rest import Ask, Route, snowflake
from tests.discord_server.world import APPLICATION_ID, Interaction, Message

_APP = "/applications/{application_id}/commands"
_GUILD_APP = "/applications/{application_id}/guilds/{guild_id}/commands"
_HOOK = "/webhooks/{application_id}/{token}"
_HOOK_MESSAGE = _HOOK + "/messages/{message_id}"

_NO_PICTURES: dict[str, Any] = {"icon": None, "banner": None, "owner": False, "permissions": "0", "features": []}


class AccountRoutes:
    """Who the bot is, who others are, and where it is."""

    def __init__(self, chat: Chat, access: Access, gateway: Gateway) -> None:
        self._chat = chat
        self._world = chat.world
        self._access = access
        self._gateway = gateway

    def routes(self) -> list[Route]:
        return [
            Route("GET", "/gateway", lambda _ask: {"url": self._gateway.url}, is_public=True),
            Route("GET", "/gateway/bot", self.gateway_bot),
            Route("GET", "/users/@me", lambda _ask: shapes.own_user(self._world)),
            Route("GET", "/users/@me/guilds", self.own_guilds),
            Route("POST", "/users/@me/channels", self.open_dm),
            Route("GET", "/users/{user_id}", self.user),
            Route("GET", "/oauth2/applications/@me", self.application),
            Route("GET", "/applications/@me", self.application),
            Route("GET", "/guilds/{guild_id}", self.guild),
            Route("GET", "/guilds/{guild_id}/channels", self.channels),
            Route("GET", "/guilds/{guild_id}/roles", self.roles),
            Route("GET", "/guilds/{guild_id}/threads/active", self.active_threads),
            Route("GET", "/guilds/{guild_id}/members/{user_id}", self.member),
            Route("DELETE", "/users/@me/guilds/{guild_id}", self.leave),
        ]

    def gateway_bot(self, _ask: Ask) -> Any:
        limit = {"total": 1000, "remaining": 1000, "reset_after": 0, "max_concurrency": 1}
        return {"url": self._gateway.url, "shards": 1, "session_start_limit": limit}

    def application(self, _ask: Ask) -> Any:
        sees = bool(self._gateway.enabled & Intent.MESSAGE_CONTENT)
        return shapes.application(self._world, sees_content=sees)

    def user(self, ask: Ask) -> Any:
        found = self._world.users.get(ask.number("user_id"))
        if found is None:
            raise refusal(10013)
        return shapes.user(found)

    def open_dm(self, ask: Ask) -> Any:
        found = self._world.users.get(snowflake("recipient_id", str((ask.body or {}).get("recipient_id"))))
        if found is None or found.is_bot:
            raise refusal(50033)
        return shapes.channel(self._world, self._chat.places.open_dm(found))

    def own_guilds(self, _ask: Ask) -> Any:
        mine = [guild for guild in self._world.guilds.values() if self._world.bot.id in guild.members]
        return [{**_NO_PICTURES, "id": str(guild.id), "name": guild.name} for guild in mine]

    def guild(self, ask: Ask) -> Any:
        return shapes.short_guild(self._access.guild(ask.number("guild_id")))

    def channels(self, ask: Ask) -> Any:
        guild = self._access.guild(ask.number("guild_id"))
        own = [c for c in self._world.channels.values() if c.guild_id == guild.id and c.thread is None]
        return [shapes.channel(self._world, one) for one in own]

    def roles(self, ask: Ask) -> Any:
        return [shapes.role(one) for one in self._access.guild(ask.number("guild_id")).roles.values()]

    def active_threads(self, ask: Ask) -> Any:
        threads = self._world.threads_of(self._access.guild(ask.number("guild_id")))
        active = [one for one in threads if one.thread and not one.thread.is_archived]
        return {"threads": [shapes.channel(self._world, one) for one in active], "members": [], "has_more": False}

    def member(self, ask: Ask) -> Any:
        found = self._access.guild(ask.number("guild_id")).members.get(ask.number("user_id"))
        if found is None:
            raise refusal(10007)
        return shapes.member(found)

    def leave(self, ask: Ask) -> None:
        guild = self._access.guild(ask.number("guild_id"))
        del guild.members[self._world.bot.id]
        self._chat.places.guild_event("GUILD_DELETE", guild)


class CommandRoutes:
    """Registering application commands, global and per guild."""

    def __init__(self, commands: Commands, access: Access) -> None:
        self._commands = commands
        self._access = access

    def routes(self) -> list[Route]:
        return [route for path in (_APP, _GUILD_APP) for route in self._under(path)]

    def _under(self, path: str) -> list[Route]:
        one = path + "/{command_id}"
        return [
            Route("GET", path, self._scoped(lambda guild, _ask: self._commands.listed(guild))),
            Route("PUT", path, self._scoped(lambda guild, ask: self._commands.overwrite(guild, ask.body, ask.call))),
            Route("POST", path, self._scoped(lambda guild, ask: self._commands.create(guild, ask.body, ask.call))),
            Route("GET", one, self._scoped(lambda guild, ask: self._commands.one(guild, ask.number("command_id")))),
            Route("PATCH", one, self._scoped(self._update)),
            Route("DELETE", one, self._scoped(self._remove)),
        ]

    def _update(self, guild: int | None, ask: Ask) -> Any:
        return self._commands.update(guild, ask.number("command_id"), ask.body or {}, ask.call)

    def _remove(self, guild: int | None, ask: Ask) -> None:
        self._commands.remove(guild, ask.number("command_id"))

    def _scoped(self, act: Callable[[int | None, Ask], Any]) -> Callable[[Ask], Any]:
        def inner(ask: Ask) -> Any:
            if ask.number("application_id") != APPLICATION_ID:
                raise wrong_form("application_id", "APPLICATION_UNKNOWN", "Unknown application")
            guild = None
            if "guild_id" in ask.params:
                guild = self._access.guild(ask.number("guild_id")).id
            return act(guild, ask)

        return inner


class AnswerRoutes:
    """Callbacks and webhooks of interactions: the token in the path is all they need."""

    def __init__(self, answers: Answers, chat: Chat) -> None:
        self._answers = answers
        self._chat = chat

    def routes(self) -> list[Route]:
        return [
            Route("POST", "/interactions/{interaction_id}/{token}/callback", self.respond, is_public=True),
            Route("POST", _HOOK, self.followup, is_public=True),
            Route("GET", _HOOK_MESSAGE, self.get, is_public=True),
            Route("PATCH", _HOOK_MESSAGE, self.edit, is_public=True),
            Route("DELETE", _HOOK_MESSAGE, self.delete, is_public=True),
        ]

    def respond(self, ask: Ask) -> Any:
        shape = self._answers.respond(ask.number("interaction_id"), ask.params["token"], ask.body, ask.files, ask.call)
        return shape if ask.query.get("with_response") in {"1", "true"} else None

    def followup(self, ask: Ask) -> Any:
        return self._shape(self._answers.followup(self._interaction(ask), ask.body, ask.files, ask.call))

    def get(self, ask: Ask) -> Any:
        return self._shape(self._answers.message(self._interaction(ask), ask.params["message_id"]))

    def edit(self, ask: Ask) -> Any:
        interaction = self._interaction(ask)
        return self._shape(self._answers.edit(interaction, ask.params["message_id"], ask.body, ask.files, ask.call))

    def delete(self, ask: Ask) -> None:
        self._chat.delete(self._answers.message(self._interaction(ask), ask.params["message_id"]))

    def _interaction(self, ask: Ask) -> Interaction:
        return self._answers.by_token(ask.params["token"], ask.call)

    def _shape(self, message: Message) -> Any:
        return shapes.message(self._chat.world, message, self._chat.cdn)
