"""Updates that Telegram brings: only with the secret, and told 200 once they are taken."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from structlog.testing import capture_logs

from bot.platform import Press
from bot.platforms.telegram.webhook import BODY_S, HEADER, MAX_BODY
from domain.chat import ChatMessage
from domain.errors import Misconfigured
from tests.integration.telegram_bot import Here, RememberingDoor, bot_of, running, server, virtual

SECRET = "a-secret-of-some-length"
UPDATE = {
    "update_id": 1,
    "message": {
        "message_id": 1,
        "date": 1,
        "chat": {"id": 5, "type": "private"},
        "from": {"id": 5, "is_bot": False, "first_name": "Eve"},
        "text": "as Eve",
    },
}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        return int(listening.getsockname()[1])


@dataclass
class Hooked:
    """A bot behind a webhook."""

    on: Here
    port: int

    async def request(self, text: str | bytes) -> int:
        """Send something raw; the status of the answer, 0 when the connection ends without one."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(text if isinstance(text, bytes) else text.encode())
            line = await reader.readline()
            return int(line.split()[1]) if line else 0
        finally:
            writer.close()

    async def post(self, update: object, secret: str | None = SECRET, path: str = "/telegram") -> int:
        body = update if isinstance(update, bytes) else json.dumps(update).encode()
        header = "" if secret is None else f"{HEADER}: {secret}\r\n"
        head = f"POST {path} HTTP/1.1\r\nHost: x\r\n{header}Content-Type: application/json\r\n"
        return await self.request(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)


@asynccontextmanager
async def hooked() -> AsyncIterator[Hooked]:
    port = free_port()
    async with server() as telegram:
        door = RememberingDoor(changed=telegram.world.changed)
        listen = f"127.0.0.1:{port}"
        url = f"http://{listen}/telegram"
        bot = bot_of(telegram, webhook_url=url, webhook_secret=SECRET, webhook_listen=listen)
        async with running(bot, door) as task:
            await telegram.until(lambda: telegram.world.webhook.url)
            yield Hooked(Here(telegram, door, bot, task), port)


@virtual
async def test_messages_come_in_once_they_are_taken():
    async with hooked() as hook:
        people = hook.on.telegram.people
        ada = people.user()
        chat = people.private(ada)
        taken = asyncio.Event()

        async def slow(_what: ChatMessage | Press) -> None:
            await taken.wait()

        hook.on.door.before = slow
        people.say(chat, ada, "one")
        people.say(chat, ada, "two")
        await hook.on.telegram.until(lambda: hook.on.telegram.updates.recent[0].deliveries == 1)
        assert len(hook.on.telegram.updates.pending) == 2
        taken.set()
        await hook.on.heard(2)
        await hook.on.telegram.until(lambda: not hook.on.telegram.updates.pending)
        assert hook.on.door.texts == ["one", "two"]
        assert hook.on.telegram.transcript.violations() == []
        asked = hook.on.telegram.transcript.calls("setWebhook")[0].parameters
        assert not asked.get("drop_pending_updates")
        assert asked["allowed_updates"] == ["message", "edited_message", "callback_query", "my_chat_member"]


@virtual
async def test_what_was_not_taken_comes_again():
    async with server() as telegram:
        ada = telegram.people.user()
        telegram.people.say(telegram.people.private(ada), ada, "important")
        listen = f"127.0.0.1:{free_port()}"
        how = {"webhook_url": f"http://{listen}/", "webhook_secret": SECRET, "webhook_listen": listen}
        reached = asyncio.Event()

        async def never(_what: object) -> None:
            reached.set()
            await asyncio.Event().wait()

        async with running(bot_of(telegram, **how), RememberingDoor(before=never)):
            await reached.wait()
        assert telegram.updates.pending
        door = RememberingDoor(changed=telegram.world.changed)
        async with running(bot_of(telegram, **how), door):
            await telegram.until(lambda: door.texts == ["important"], 120)
            await telegram.until(lambda: not telegram.updates.pending, 120)


@virtual
@pytest.mark.parametrize(
    "secret", [None, "", " ", "another-secret-of-some-length", SECRET[:-1], SECRET + "x", "ä" * 20]
)
async def test_without_the_secret_nothing_comes_in(secret: str | None):
    async with hooked() as hook:
        with capture_logs() as logs:
            assert await hook.post(UPDATE, secret) == 403
        assert hook.on.door.messages == []
        assert [line["event"] for line in logs] == ["telegram_webhook_refused"]
        assert SECRET not in str(logs)
        assert await hook.post(UPDATE) == 200
        assert hook.on.door.texts == ["as Eve"]


@virtual
async def test_the_secret_is_looked_at_before_the_body():
    async with hooked() as hook:
        head = "POST /telegram HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n"
        assert await hook.request(head) == 403


@virtual
async def test_a_body_in_pieces_has_the_same_limits():
    async with hooked() as hook:
        piece = b"%x\r\n%s\r\n" % (MAX_BODY // 4, b"x" * (MAX_BODY // 4))
        head = b"POST /telegram HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
        secret = f"{HEADER}: {SECRET}\r\n".encode()
        assert await hook.request(head + b"\r\n" + piece * 5) == 403
        assert await hook.request(head + secret + b"\r\n" + piece * 5) in {0, 400, 413}
        body = json.dumps(UPDATE).encode()
        assert await hook.request(head + secret + b"\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)) == 200
        assert hook.on.door.texts == ["as Eve"]


@virtual
async def test_only_there_and_only_post():
    async with hooked() as hook:
        assert await hook.post(UPDATE, path="/") == 404
        assert await hook.request(f"GET /telegram HTTP/1.1\r\nHost: x\r\n{HEADER}: {SECRET}\r\n\r\n") == 405
        assert hook.on.door.messages == []


@virtual
async def test_what_is_too_large_or_too_slow_is_cut_off():
    async with hooked() as hook:
        head = f"POST /telegram HTTP/1.1\r\nHost: x\r\n{HEADER}: {SECRET}\r\n"
        assert await hook.request(f"{head}Content-Length: {MAX_BODY + 1}\r\n\r\n") in {0, 400, 413}
        begun = asyncio.get_running_loop().time()
        assert await hook.request(f"{head}Content-Length: 100\r\n\r\n{{") in {0, 400, 408}
        assert asyncio.get_running_loop().time() - begun <= 2 * BODY_S
        assert hook.on.door.messages == []
        assert await hook.post(UPDATE) == 200


@virtual
@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"null", b'{"update_id": "1"}', b'{"update_id": 1, "message": {}}', b"[" * 10_000, b"\xff"],
)
async def test_what_cannot_be_read_is_not_asked_for_again(body: bytes):
    async with hooked() as hook:
        assert await hook.post(body) == 200
        assert hook.on.door.messages == []


@virtual
async def test_a_webhook_that_another_program_took_away():
    async with hooked() as hook:
        hook.on.telegram.world.webhook.url = ""
        with pytest.raises(Misconfigured, match="same token"):
            await hook.on.task


@virtual
async def test_a_port_that_is_taken_is_said():
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listen = f"127.0.0.1:{listening.getsockname()[1]}"
        async with server() as telegram:
            bot = bot_of(telegram, webhook_url="http://127.0.0.1/t", webhook_secret=SECRET, webhook_listen=listen)
            with pytest.raises(Misconfigured, match="TELEGRAM_WEBHOOK_LISTEN"):
                await bot.run(RememberingDoor())


@virtual
async def test_from_webhook_to_polling_and_back_nothing_is_lost():
    async with hooked() as hook:
        telegram = hook.on.telegram
        ada = telegram.people.user()
        chat = telegram.people.private(ada)
        telegram.people.say(chat, ada, "brought")
        await hook.on.heard(1)
    async with server() as telegram:
        telegram.world.webhook.url = "https://elsewhere.example.org"
        telegram.people.say(telegram.people.private(ada := telegram.people.user()), ada, "asked for")
        door = RememberingDoor(changed=telegram.world.changed)
        async with running(bot_of(telegram), door):
            await telegram.until(lambda: door.texts == ["asked for"])
        assert telegram.world.webhook.url == ""
