"""The people's side over HTTP, for a server that runs as a process of its own: `POST /control/<act>` with JSON."""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any

import orjson
from aiohttp import web

from tests.discord_server.people import Impossible
from tests.discord_server.server import DiscordServer
from tests.discord_server.world import USUAL, Attachment, Channel, Interaction, Message, Permission, User

Json = dict[str, Any]
_SETTINGS = {
    "limits": frozenset({"is_on", "global_per_second", "max_invalid", "grace_s"}),
    "gateway": frozenset({"enabled", "heartbeat_interval_ms", "is_relaxed", "checks_heartbeats", "resume_window_s"}),
    "gateway.faults": frozenset({"acks", "loses_events", "duplicates", "reorders", "refuses"}),
    "chat": frozenset({"nonce_window_s"}),
    "transcript": frozenset({"keep_calls"}),
}


class Control:
    """Every method without an underscore is an act; its keywords are the JSON. Ids stand for what they name."""

    def __init__(self, server: DiscordServer) -> None:
        self._server = server
        self._people = server.people
        self._world = server.world

    def attach(self, app: web.Application) -> None:
        app.router.add_post("/control/{act}", self._serve)

    # -- places

    def user(self, name: str, locale: str = "en-US", number: int | None = None) -> Json:
        return {"id": self._people.user(name, locale=locale, id=number).id}

    def guild(self, name: str, members: list[int], bot_permissions: int = USUAL, number: int | None = None) -> Json:
        people = [self._world.users[one] for one in members]
        return {"id": self._people.guild(name, *people, bot_permissions=bot_permissions, id=number).id}

    def channel(self, guild: int, name: str, number: int | None = None) -> Json:
        return {"id": self._people.channel(self._world.guilds[guild], name, id=number).id}

    def thread(self, channel: int, user: int, name: str, message: int | None = None) -> Json:
        found = None if message is None else self._message(message)
        return {"id": self._people.thread(self._world.channels[channel], name, self._world.users[user], found).id}

    def dm(self, user: int) -> Json:
        return {"id": self._people.dm(self._world.users[user]).id}

    # -- messages

    def say(
        self, channel: int, user: int, text: str, reply_to: int | None = None, files: list[list[str]] | None = None
    ) -> Json:
        """Files are [name, base64]."""
        target = None if reply_to is None else self._message(reply_to)
        uploads = [(name, base64.b64decode(content)) for name, content in files or []]
        where, who = self._world.channels[channel], self._world.users[user]
        return shown(self._people.say(where, who, text, reply_to=target, files=uploads))

    def edit(self, message: int, text: str) -> Json:
        return shown(self._people.edit(self._message(message), text))

    def delete(self, message: int) -> Json:
        self._people.delete(self._message(message))
        return {}

    # -- interactions

    def slash(self, channel: int, user: int, name: str, options: Json | None = None) -> Json:
        """An attachment among the options is [name, base64]; a person {"user": id}."""
        filled = {key: self._option(value) for key, value in (options or {}).items()}
        return self._shown(self._people.slash(self._world.channels[channel], self._world.users[user], name, **filled))

    def complete(self, channel: int, user: int, name: str, focused: str, options: Json | None = None) -> Json:
        where, who = self._world.channels[channel], self._world.users[user]
        return self._shown(self._people.complete(where, who, name, focused, **(options or {})))

    def press(self, message: int, user: int, custom_id: str = "", label: str = "", **more: Any) -> Json:
        """By `custom_id` or by `label`; `values` of a select; `is_forged`."""
        found = self._message(message)
        wanted = custom_id or self._people.label(found, label)
        return self._shown(self._people.press(found, self._world.users[user], wanted, **more))

    def submit(self, interaction: int, typed: dict[str, str]) -> Json:
        return self._shown(self._people.submit(self._interaction(interaction), typed))

    # -- closing doors

    def archive(self, thread: int, is_locked: bool = False) -> Json:  # noqa: FBT001, FBT002 -- always by keyword
        self._people.archive(self._world.channels[thread], is_locked=is_locked)
        return {}

    def remove_channel(self, channel: int) -> Json:
        self._people.remove_channel(self._world.channels[channel])
        return {}

    def remove_bot(self, guild: int) -> Json:
        self._people.remove_bot(self._world.guilds[guild])
        return {}

    def deny(self, channel: int, permission: str) -> Json:
        """By name, as SEND_MESSAGES."""
        self._people.deny(self._world.channels[channel], Permission[permission])
        return {}

    def takes_dms(self, user: int, yes: bool) -> Json:  # noqa: FBT001 -- always by keyword
        self._world.users[user].takes_dms = yes
        return {}

    def revoke_token(self) -> Json:
        self._server.revoke_token()
        return {}

    # -- trouble

    def fault(self, kind: str, route: str, **more: Any) -> Json:
        """See `Fault`."""
        self._server.faults.add(kind, route, **more)
        return {}

    def clear_faults(self) -> Json:
        self._server.faults.clear()
        return {}

    def cut(self, how: str, **more: Any) -> Json:
        """`drop`, `reconnect`, `invalidate` (is_resumable), `close` (code), `ask_heartbeat`, `forget_sessions`."""
        if how not in {"drop", "reconnect", "invalidate", "close", "ask_heartbeat", "forget_sessions"}:
            raise Impossible(f"no way {how!r} to cut")
        getattr(self._server.gateway, how)(**more)
        return {}

    def set(self, part: str, **values: Any) -> Json:
        """Change settings of `limits`, `gateway`, `gateway.faults`, `chat`, `transcript`."""
        target: Any = self._server
        for name in part.split("."):
            target = getattr(target, name)
        for name, value in values.items():
            if name not in _SETTINGS[part]:
                raise Impossible(f"{part} has no {name}")
            setattr(target, name, value)
        return {}

    # -- looking

    def state(self) -> Json:
        """Where to connect, what is counted, what was broken."""
        return {
            "api_url": self._server.api_url,
            "token": self._server.token,
            "counts": dict(self._server.transcript.counts),
            "violations": [asdict(one) for one in self._server.violations],
            "is_connected": bool(self._server.gateway.connected),
        }

    def calls(self) -> Json:
        return {"calls": [asdict(one) for one in self._server.transcript.calls]}

    def messages(self, channel: int) -> Json:
        """All of a channel, oldest first, deleted and ephemeral ones too."""
        return {"messages": [shown(one) for one in self._world.channels[channel].messages.values()]}

    def interaction(self, number: int) -> Json:
        return self._shown(self._interaction(number))

    async def wait_ready(self, times: int = 1, timeout: float = 10.0) -> Json:  # noqa: ASYNC109 -- part of the question
        await self._server.wait_ready(times, timeout)
        return {}

    async def wait_message(self, channel: int, having: str = "", timeout: float = 10.0) -> Json:  # noqa: ASYNC109
        return shown(await self._server.wait_message(self._world.channels[channel], having, timeout))

    async def wait_answer(self, number: int, timeout: float = 10.0) -> Json:  # noqa: ASYNC109
        return self._shown(await self._server.wait_answer(self._interaction(number), timeout))

    async def wait_response(self, number: int, timeout: float = 10.0) -> Json:  # noqa: ASYNC109
        return shown(await self._server.wait_response(self._interaction(number), timeout))

    # -- parts

    async def _serve(self, request: web.Request) -> web.Response:
        name = request.match_info["act"]
        act: Callable[..., Json | Awaitable[Json]] | None = getattr(self, name, None)
        if act is None or name.startswith("_") or name == "attach":
            return _answer(404, {"error": f"no act {name}"})
        try:
            result = act(**(orjson.loads(await request.read() or b"{}")))
            return _answer(200, result if isinstance(result, dict) else await result)
        except TimeoutError as error:
            return _answer(408, {"error": str(error)})
        except (Impossible, KeyError, TypeError, ValueError) as error:
            return _answer(400, {"error": f"{type(error).__name__}: {error}"})

    def _message(self, number: int) -> Message:
        for channel in self._world.channels.values():
            if number in channel.messages:
                return channel.messages[number]
        raise Impossible(f"no message {number}")

    def _interaction(self, number: int) -> Interaction:
        for one in self._world.interactions.values():
            if one.id == number:
                return one
        raise Impossible(f"no interaction {number}")

    def _option(self, value: Any) -> User | Channel | tuple[str, bytes] | Any:
        if isinstance(value, list):
            return value[0], base64.b64decode(value[1])
        return self._world.users[value["user"]] if isinstance(value, dict) else value

    def _shown(self, one: Interaction) -> Json:
        return {
            "id": one.id,
            "type": one.type,
            "answer": one.answer,
            "is_ephemeral": one.is_ephemeral,
            "is_overdue": one.is_overdue,
            "response": None if one.response is None else shown(one.response),
            "followups": [shown(followup) for followup in one.followups],
            "choices": one.choices,
            "modal": one.modal,
        }


def shown(message: Message) -> Json:
    """A message as a test wants to look at it."""
    return {
        "id": message.id,
        "channel": message.channel_id,
        "author": message.author.id,
        "content": message.content,
        "history": message.history,
        "edits": message.edits,
        "notified": message.notified,
        "pinged": sorted(message.pinged),
        "reply_to": message.reply_to,
        "embeds": message.embeds,
        "labels": message.labels,
        "custom_ids": message.custom_ids,
        "files": [_file(one) for one in message.attachments],
        "is_ephemeral": message.is_ephemeral,
        "is_loading": message.is_loading,
        "is_deleted": message.is_deleted,
    }


def _file(one: Attachment) -> Json:
    return {"name": one.filename, "content": base64.b64encode(one.content).decode()}


def _answer(status: int, body: Json) -> web.Response:
    return web.Response(
        status=status, body=orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS), content_type="application/json"
    )
