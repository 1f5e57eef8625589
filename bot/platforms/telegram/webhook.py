"""Updates that Telegram brings. It is told 200 after the update was taken; otherwise it brings it again.

The secret is looked at before the body is read, and in constant time: whoever does not know it can make us do nothing.
"""

from __future__ import annotations

import hmac
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus
from urllib.parse import urlsplit

import structlog
import tornado.httpserver
import tornado.web
from telegram import Update

from bot.platforms.telegram.polling import readable_update
from bot.platforms.telegram.settings import TelegramSettings
from domain.errors import Misconfigured

log = structlog.get_logger()
Take = Callable[[Update], Awaitable[None]]

MAX_BODY = 256 * 1024  # bytes; an update has some thousand
BODY_S = 5.0
HEADER = "X-Telegram-Bot-Api-Secret-Token"


@asynccontextmanager
async def webhook(settings: TelegramSettings, take: Take) -> AsyncIterator[None]:
    """Listen while the block runs; `take` returns when an update need not come again.

    Raises Misconfigured when the port cannot be had."""
    path = urlsplit(settings.webhook_url).path or "/"
    given = {"secret": settings.webhook_secret, "take": take}
    app = tornado.web.Application([(path, _Hook, given)], log_function=lambda _request: None)
    server = tornado.httpserver.HTTPServer(
        app, max_body_size=MAX_BODY, body_timeout=BODY_S, idle_connection_timeout=60.0
    )
    server.add_socket(_listening(settings))
    try:
        yield
    finally:
        server.stop()
        await server.close_all_connections()


def _listening(settings: TelegramSettings) -> socket.socket:
    address = settings.listens_at
    try:
        listening = socket.create_server(address, family=socket.AF_INET6 if ":" in address[0] else socket.AF_INET)
    except OSError as error:
        listen, detail = settings.webhook_listen, error.strerror or type(error).__name__
        raise Misconfigured("telegram.cannot_listen", listen=listen, detail=detail) from error
    listening.setblocking(False)  # noqa: FBT003 -- the standard library's
    return listening


@tornado.web.stream_request_body
class _Hook(tornado.web.RequestHandler):
    """One request."""

    SUPPORTED_METHODS = ("POST",)

    def initialize(self, secret: str, take: Take) -> None:
        self._secret = secret
        self._take = take
        self._body = bytearray()

    def prepare(self) -> None:
        given = self.request.headers.get(HEADER, "")
        if not hmac.compare_digest(given.encode(), self._secret.encode()):
            log.warning("telegram_webhook_refused", address=self.request.remote_ip)
            raise tornado.web.HTTPError(HTTPStatus.FORBIDDEN)

    def data_received(self, chunk: bytes) -> None:
        self._body += chunk

    async def post(self) -> None:
        update = _read(bytes(self._body))
        if update is not None:
            await self._take(update)

    def write_error(self, status_code: int, **_kwargs: object) -> None:
        self.finish()

    def log_exception(self, *_args: object) -> None:
        """What is refused was logged; what fails is logged by `take`."""


def _read(body: bytes) -> Update | None:
    """The update; one that cannot be read has no content. None when it is none at all: it is not asked for again."""
    try:
        raw = json.loads(body)
    except (ValueError, RecursionError):
        log.error("telegram_update_unreadable", bytes=len(body))  # noqa: TRY400 -- where it broke says nothing
        return None
    known = readable_update(raw)
    return None if known is None else Update.de_json(known, None)
