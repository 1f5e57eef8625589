"""python-telegram-bot's bot, made durable: an update is confirmed only after it was taken, and none can block others.

The library's `Updater` asks for updates, puts them into its queue, and confirms them by asking on from the last one.
The queue is our `Tray`; here the asking waits until it is empty. What does not come to an end does not hold up the
rest: then Telegram is asked from the first update on that is not taken, so that it stays unconfirmed, and what is new
is picked out.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import structlog
from telegram import Update
from telegram.error import InvalidToken, TelegramError
from telegram.ext import ExtBot
from telegram.request import HTTPXRequest

from bot.platforms.telegram.faults import fault, token_refused
from bot.platforms.telegram.settings import TelegramSettings
from bot.platforms.telegram.traits import CONNECTIONS, MEDIA_TIMEOUT_S, TIMEOUT_S
from bot.platforms.telegram.tray import Tray
from bot.platforms.telegram.watch import Watch

log = structlog.get_logger()

UPDATES = ("message", "edited_message", "callback_query", "my_chat_member")
PATIENCE_S = 0.5  # how long all of the last updates are waited for before new ones are looked for beside them
LONGEST_S = 2.0  # that becomes, as long as there are none
GRACE_S = 3.0  # how long the last ones are waited for when receiving ends
NOTHING = timedelta(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """What stands between asking and confirming, while the bot receives."""

    tray: Tray
    watch: Watch


class DurableBot(ExtBot[None]):
    """The bot of one token. It sends at any time; it receives through a gate."""

    def __init__(self, settings: TelegramSettings) -> None:
        super().__init__(
            settings.token,
            base_url=settings.methods_url,
            base_file_url=settings.files_url,
            request=_connections(CONNECTIONS),
            get_updates_request=_connections(2),  # the call that waits, and the one that ends it
        )
        self._gate: Gate | None = None

    async def connect(self) -> None:
        """Learn who it is. Raises Misconfigured when the token does not count, Unavailable when nobody answers."""
        is_refused = False
        try:
            await self.initialize()
        except InvalidToken:  # its text is the token: it must not be the context of what is raised
            is_refused = True
        except TelegramError as error:
            raise fault(error) from error
        if is_refused:
            raise token_refused()

    def receive_through(self, gate: Gate) -> None:
        """Ask for updates this way from now on."""
        self._gate = gate

    async def get_updates(self, *args: Any, **how: Any) -> tuple[Update, ...]:
        """Updates that are new. Before that, everything that was handed out is waited for."""
        if self._gate is None:
            return await super().get_updates(*args, **how)
        if how.get("timeout") == NOTHING:
            return await self._confirmed(self._gate, how)
        patience_s = PATIENCE_S
        while True:
            await self._gate.tray.settled(patience_s)
            updates = await self._asked(self._gate, how)
            if updates or self._gate.tray.lowest is None:
                return updates
            patience_s = min(2 * patience_s, LONGEST_S)

    async def _asked(self, gate: Gate, how: dict[str, Any]) -> tuple[Update, ...]:
        gate.watch.begin()
        try:
            updates = await self._beside(gate.tray, how)
        except TelegramError as error:
            gate.watch.failed(error)
            if gate.watch.is_over:
                await asyncio.Event().wait()  # asking again would tell the same; whoever watches ends this
            raise
        gate.watch.well()
        return updates

    async def _beside(self, tray: Tray, how: dict[str, Any]) -> tuple[Update, ...]:
        """All that there is; if something lies in the tray still, what is new beside it, at once."""
        lowest = tray.lowest
        if lowest is None:
            tray.clear()
            return await super().get_updates(**how)
        found = await super().get_updates(**{**how, "offset": min(lowest, how.get("offset") or lowest), "timeout": 0})
        return tuple(update for update in found if tray.is_new(update.update_id))

    async def _confirmed(self, gate: Gate, how: dict[str, Any]) -> tuple[Update, ...]:
        """The last call, which only confirms: as far as everything was taken. What it fails to do is no harm."""
        await gate.tray.settled(GRACE_S)
        if not gate.watch.is_over:
            try:
                async with asyncio.timeout(GRACE_S):
                    await self._beside(gate.tray, how)
            except (TelegramError, TimeoutError) as error:
                log.info("telegram_not_confirmed", error=type(error).__name__)
        return ()

    async def _do_post(self, endpoint: str, data: dict[str, Any], **timeouts: Any) -> Any:
        """All calls pass here. An update that cannot be read is handed on as one of no kind, so that it is passed over;
        the library would ask for it again for ever."""
        result = await super()._do_post(endpoint, data, **timeouts)
        if endpoint != "getUpdates":
            return result
        if not isinstance(result, list):
            raise TelegramError("Invalid server response")
        return [readable for raw in result if (readable := readable_update(raw)) is not None]


def readable_update(raw: object) -> dict[str, Any] | None:
    """An update as JSON that can be read: without its content if that cannot; None when it has no number."""
    number = raw.get("update_id") if isinstance(raw, dict) else None
    if not isinstance(raw, dict) or not isinstance(number, int):
        log.error("telegram_update_unreadable", update=None)
        return None
    try:
        Update.de_json(raw, None)
    except Exception as error:  # noqa: BLE001 -- whatever the library makes of JSON that is not as documented
        log.error("telegram_update_unreadable", update=number, error=f"{type(error).__name__}: {error}"[:200])  # noqa: TRY400
        return {"update_id": number}
    return raw


def _connections(count: int) -> HTTPXRequest:
    return HTTPXRequest(
        connection_pool_size=count,
        connect_timeout=TIMEOUT_S,
        read_timeout=TIMEOUT_S,
        write_timeout=TIMEOUT_S,
        pool_timeout=TIMEOUT_S,
        media_write_timeout=MEDIA_TIMEOUT_S,
    )
