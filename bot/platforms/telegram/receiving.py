"""Receiving, polled or brought: what comes is handed to the door, and counts as taken once that has it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import structlog
from telegram import ChatMemberUpdated, Update
from telegram.error import TelegramError
from telegram.ext import Updater

from bot.platform import Door
from bot.platforms.telegram.faults import fault
from bot.platforms.telegram.menu import keep_menu
from bot.platforms.telegram.polling import GRACE_S, UPDATES, DurableBot, Gate
from bot.platforms.telegram.presses import Presses
from bot.platforms.telegram.reading import Albums, message_of
from bot.platforms.telegram.sending import Sending
from bot.platforms.telegram.settings import TelegramSettings
from bot.platforms.telegram.traits import POLL_S
from bot.platforms.telegram.tray import Tray
from bot.platforms.telegram.voice import Voice
from bot.platforms.telegram.watch import Watch
from bot.platforms.telegram.webhook import webhook
from bot.platforms.telegram.wording import Me
from domain.errors import Misconfigured, Unavailable, XingshuError
from domain.ports import Clock

log = structlog.get_logger()

TRIES = 3  # of an update that the door stumbles over
PAUSE_S = 1.0
STUCK_S = 120.0  # the door takes an update within that, unless nothing at all gets through
LOOK_S = 300.0  # between two looks whether the webhook still is ours
_STATES = {"kicked": "removed", "left": "left", "restricted": "restricted"}  # of us in a group


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """What receiving works with."""

    bot: DurableBot
    sending: Sending
    voice: Voice
    presses: Presses
    albums: Albums
    clock: Clock


class Receiving:
    """Receives once, until cancelled or until nothing more can come.

    Args:
        parts: the bot and what belongs to it.
        settings: which way updates come.
        door: takes them.
        me: who we are.
    """

    def __init__(self, parts: Parts, settings: TelegramSettings, door: Door, me: Me) -> None:
        self._parts = parts
        self._settings = settings
        self._door = door
        self._me = me
        self._group = asyncio.TaskGroup()
        self._watch = Watch(parts.clock)
        self._tray = Tray(self._group, parts.clock, self._taken)

    async def run(self) -> XingshuError:
        """Receive; returns why nothing more comes."""
        async with self._group:
            menu = self._group.create_task(keep_menu(self._parts.bot))
            self._parts.bot.receive_through(Gate(tray=self._tray, watch=self._watch))
            try:
                failure: XingshuError = await (self._brought() if self._settings.webhook_url else self._polled())
            except TelegramError as error:
                failure = fault(error)
            except XingshuError as error:
                failure = error
            self._tray.drop()
            menu.cancel()
        return failure

    # --- the two ways -------------------------------------------------------------------------------------------------

    async def _polled(self) -> Misconfigured:
        updater = Updater(self._parts.bot, self._tray)
        await updater.initialize()
        try:
            await updater.start_polling(timeout=POLL_S, allowed_updates=UPDATES, error_callback=_told_already)
            return await self._watch.over()
        finally:
            if updater.running:
                await updater.stop()

    async def _brought(self) -> Misconfigured:
        url, secret = self._settings.webhook_url, self._settings.webhook_secret
        async with webhook(self._settings, self._take):
            try:
                await self._parts.bot.set_webhook(url, allowed_updates=UPDATES, secret_token=secret)
                looking = self._group.create_task(self._look(url))
                failure = await self._watch.over()
                looking.cancel()
            finally:
                await self._tray.settled(GRACE_S)
        return failure

    async def _take(self, update: Update) -> None:
        await self._tray.begin(update)

    async def _look(self, url: str) -> None:
        """See whether the webhook still is ours; another program may have taken it away."""
        while not self._watch.is_over:
            await self._parts.clock.sleep(LOOK_S)
            try:
                info = await self._parts.bot.get_webhook_info()
            except TelegramError as error:
                self._watch.failed(error)
            else:
                self._watch.well()
                if info.url != url:
                    self._watch.taken_over()

    # --- one update ---------------------------------------------------------------------------------------------------

    async def _taken(self, update: Update) -> None:
        """Hand an update in, until the door has it. One that it stumbles over again and again is passed over."""
        tries = 0
        while tries < TRIES:
            before = self._tray.taken
            try:
                async with asyncio.timeout(STUCK_S):
                    await self._hand_in(update)
            except Unavailable as error:
                log.warning("telegram_update_waits", update=update.update_id, error=str(error))
            except TimeoutError:
                if self._tray.taken > before:  # where nothing gets through, it is not this update's fault
                    tries += 1
                    log.warning("telegram_update_stuck", update=update.update_id, tries=tries)
            except Exception:  # the outermost edge of one update: a defect must not stop all others
                tries += 1
                log.exception("telegram_update_failed", update=update.update_id, tries=tries)
            else:
                return
            await self._parts.clock.sleep(PAUSE_S)
        log.error("telegram_update_skipped", update=update.update_id)

    async def _hand_in(self, update: Update) -> None:
        if update.callback_query is not None:
            await self._parts.presses.take(update.callback_query, self._door, self._group)
        elif update.my_chat_member is not None:
            _tell_state(update.my_chat_member)
        else:
            await self._message(update)

    async def _message(self, update: Update) -> None:
        if update.message is not None and update.message.migrate_to_chat_id:
            self._parts.sending.moved(update.message.chat.id, update.message.migrate_to_chat_id)
        incoming = message_of(update, self._me, self._parts.albums, self._parts.clock.now())
        if incoming is not None:
            say = self._parts.voice.to_message(incoming.message, is_unusable=incoming.is_unusable)
            await self._door.take(incoming.message, say)


def _told_already(_error: TelegramError) -> None:
    """The watch has told it; python-telegram-bot would with a traceback at every try."""


def _tell_state(change: ChatMemberUpdated) -> None:
    """Say what became of us in a chat."""
    state = change.new_chat_member.status
    if change.chat.type == change.chat.PRIVATE:
        named = "blocked" if state == "kicked" else "open"
    else:
        named = _STATES.get(state, "added" if change.old_chat_member.status in {"left", "kicked"} else state)
    log.info("telegram_chat", chat=change.chat.id, state=named, by=change.from_user.id)
