"""The people's side over HTTP, for tests that run the server as a process of its own: POST /control/<act> with JSON.

Chats, users and messages are named by their ids; answers are JSON. See `ACTS` for what there is.
"""

from __future__ import annotations

import base64
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import orjson
from aiohttp import web

from tests.telegram_server.model import Chat, Message, User
from tests.telegram_server.world import Query

if TYPE_CHECKING:
    from tests.telegram_server.server import TelegramServer

Body = dict[str, Any]
Act = Callable[["TelegramServer", Body], Any]


class Control:
    """The route of the control API."""

    def __init__(self, server: TelegramServer) -> None:
        self._server = server

    def add_to(self, app: web.Application) -> None:
        app.router.add_post("/control/{act}", self._act)

    async def _act(self, request: web.Request) -> web.Response:
        act = ACTS.get(request.match_info["act"])
        if act is None:
            return _json({"error": f"no act {request.match_info['act']}; there are {sorted(ACTS)}"}, 404)
        body = orjson.loads(await request.read() or b"{}")
        try:
            result = act(self._server, body)
            if isinstance(result, Awaitable):
                result = await result
        except (AssertionError, KeyError, TypeError, ValueError, IndexError) as error:
            return _json({"error": f"{type(error).__name__}: {error}"}, 400)
        return _json({"result": _plain(result)})


def _json(body: Body, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(body, default=str), content_type="application/json")


def _plain(value: Any) -> Any:
    if isinstance(value, Message):
        return message_view(value)
    if isinstance(value, Chat | User):
        return value.json()
    if isinstance(value, Query):
        return {"id": value.id, "data": value.data, "answers": value.answers}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def message_view(message: Message) -> Body:
    """A message with all it ever showed."""
    return {
        "chat": message.chat.id,
        "message_id": message.id,
        "from": message.sender.id if message.sender else None,
        "is_ours": message.is_ours,
        "is_silent": message.is_silent,
        "is_deleted": message.is_deleted,
        "thread": message.thread,
        "reply_to": message.reply_to,
        "text": message.text,
        "entities": list(message.content.entities),
        "media": message.content.media,
        "file_id": message.content.file and message.content.file.file_id,
        "buttons": message.content.buttons,
        "edits": message.edits,
        "history": [{"at": version.at.timestamp(), "text": version.content.text} for version in message.history],
    }


# --- acts ---------------------------------------------------------------------------------------------------------


def _chat(server: TelegramServer, body: Body) -> Chat:
    return server.world.chats[body.pop("chat")]


def _user(server: TelegramServer, body: Body) -> User:
    return server.world.users[body.pop("user")]


def _message(server: TelegramServer, body: Body) -> Message:
    return _chat(server, body).messages[body.pop("message_id")]


def _group(server: TelegramServer, body: Body) -> Chat:
    members = [server.world.users[number] for number in body.pop("members", [])]
    return server.people.group(*members, **body)


def _private(server: TelegramServer, body: Body) -> Chat:
    user = _user(server, body) if "user" in body else server.people.user(**body.pop("as", {}))
    return server.people.private(user, **body)


def _say(server: TelegramServer, body: Body) -> Message:
    return server.people.say(_chat(server, body), _user(server, body), body.pop("text"), **body)


def _document(server: TelegramServer, body: Body) -> Message:
    """`data` is base64."""
    data = base64.b64decode(body.pop("data"))
    return server.people.document(_chat(server, body), _user(server, body), body.pop("name"), data, **body)


def _album(server: TelegramServer, body: Body) -> list[Message]:
    files = [(name, base64.b64decode(data)) for name, data in body.pop("files")]
    return server.people.album(_chat(server, body), _user(server, body), files, **body)


def _press(server: TelegramServer, body: Body) -> Query:
    return server.people.press(_message(server, body), _user(server, body), **body)


def _forge(server: TelegramServer, body: Body) -> Query:
    return server.people.forge(_message(server, body), _user(server, body), body["data"])


def _fault(server: TelegramServer, body: Body) -> bool:
    server.faults.add(body.pop("trouble"), body.pop("method", ""), **body)
    return True


def _updates(server: TelegramServer, body: Body) -> bool:
    """`do` is repeat, hold, release or delay, with its arguments."""
    getattr(
        server.updates, {"repeat": "repeat", "hold": "hold", "release": "release", "delay": "delay"}[body.pop("do")]
    )(**body)
    return True


def _messages(server: TelegramServer, body: Body) -> list[Message]:
    chat = _chat(server, body)
    return [message for message in chat.messages.values() if body.get("deleted") or not message.is_deleted]


def _requests(server: TelegramServer, body: Body) -> list[Body]:
    calls = server.transcript.calls(*body.get("methods", []), chat=body.get("chat"))[body.get("since", 0) :]
    return [
        {
            "number": call.number,
            "method": call.method,
            "at": call.at.timestamp(),
            "chat": call.chat_id,
            "status": call.status,
            "description": call.description,
            "trouble": call.trouble,
            "text": call.parameters.get("text"),
        }
        for call in calls
    ]


def _violations(server: TelegramServer, body: Body) -> list[Body]:
    found = server.transcript.violations(*body.get("codes", []), without=body.get("without", []))
    return [
        {"code": str(v.code), "at": v.at.timestamp(), "detail": v.detail, "method": v.method, "chat": v.chat_id}
        for v in found
    ]


async def _wait(server: TelegramServer, body: Body) -> Any:
    """For a message of the bot in `chat` whose text contains `text` (with `buttons`, or `audible`), or for `calls` of
    `method`; at most `timeout_s`."""

    def is_wanted(message: Message) -> bool:
        return (
            body.get("text", "") in message.text
            and (not body.get("buttons") or bool(message.content.buttons))
            and (not body.get("audible") or not message.is_silent)
            and (not body.get("media") or message.content.media == body["media"])
            and message.id > body.get("after", 0)
        )

    def found() -> Any:
        if "method" in body:
            return server.transcript.count(body["method"], body.get("status")) >= body.get("calls", 1)
        return next(filter(is_wanted, reversed(server.transcript.by_bot(body["chat"]))), None)

    return await server.until(found, body.get("timeout_s", 10.0))


ACTS: dict[str, Act] = {
    "user": lambda server, body: server.people.user(**body),
    "private": _private,
    "group": _group,
    "say": _say,
    "edit": lambda server, body: server.people.edit(_message(server, body), body["text"]),
    "delete": lambda server, body: server.people.delete(_message(server, body)),
    "document": _document,
    "album": _album,
    "forward": lambda server, body: server.people.forward(
        _chat(server, body), _user(server, body), body.pop("texts"), **body
    ),
    "press": _press,
    "forge": _forge,
    "topic": lambda server, body: server.people.topic(_chat(server, body), _user(server, body), **body),
    "close_topic": lambda server, body: server.people.close_topic(
        _chat(server, body), _user(server, body), body["thread"]
    ),
    "delete_topic": lambda server, body: server.people.delete_topic(_chat(server, body), body["thread"]),
    "block": lambda server, body: server.membership.block(_user(server, body)),
    "unblock": lambda server, body: server.membership.unblock(_user(server, body)),
    "set_bot": lambda server, body: server.membership.set_bot(_chat(server, body), body["status"], _user(server, body)),
    "upgrade": lambda server, body: server.membership.upgrade(_chat(server, body), _user(server, body)),
    "revoke_token": lambda server, _body: server.membership.revoke_token(),
    "restore_token": lambda server, _body: server.membership.restore_token(),
    "fault": _fault,
    "clear_faults": lambda server, _body: server.faults.clear(),
    "updates": _updates,
    "messages": _messages,
    "requests": _requests,
    "violations": _violations,
    "commands": lambda server, _body: server.world.commands,
    "query": lambda server, body: server.world.queries[body["id"]],
    "file": lambda server, body: base64.b64encode(server.world.files[body["file_id"]].data).decode(),
    "wait": _wait,
}
