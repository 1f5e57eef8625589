"""The chat platforms that the settings configure: each led by one process, with its door, its delivery, its files."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from app.clock import zone_of
from app.parts import platform_of, store_of
from app.planning import preview
from app.wiring import House
from domain.ports import Store
from domain.task import Place

if TYPE_CHECKING:
    from bot.access import Access
    from bot.commands import Commands
    from bot.controls import Controls
    from bot.delivery import DeliveryLoop
    from bot.door import FrontDoor
    from bot.governor import Governor
    from bot.intake import Intake
    from bot.platform import Platform
    from bot.platforms.discord import DiscordSettings
    from bot.platforms.telegram import TelegramSettings
    from bot.scheduling.book import ScheduleBook

Work = Callable[[], Awaitable[None]]
Paced = tuple["Platform", "Governor"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Reception:
    """What stands behind every door of this process: who is let in, and who does what is asked."""

    access: Access
    intake: Intake
    commands: Commands
    controls: Controls
    book: ScheduleBook


def reception(house: House) -> Reception:
    """Wire what takes messages in."""
    from bot.access import Access, AccessSettings
    from bot.commands import Commands, Means
    from bot.controls import Controls
    from bot.intake import Intake, IntakeSettings
    from bot.scheduling.book import BookSettings, ScheduleBook

    settings = house.settings
    known = AccessSettings(
        users=settings.users,
        chats=settings.chats,
        per_minute=settings.user_rate,
        open_tasks=settings.user_tasks,
        tenant=settings.tenant,
    )
    taking = IntakeSettings(tenant=settings.tenant, deadline_s=settings.task_deadline_s, check=known.limits.check)
    store = store_of(house, "bot")
    intake = Intake(store, house.control_bus, house.clock, house.entropy, taking)
    access = Access(house.store, house.clock, house.entropy, known)
    keeping = BookSettings(
        tenant=settings.tenant,
        zone=zone_of(settings.timezone),
        per_person=settings.user_schedules,
        grace_s=settings.schedule_grace_s,
    )
    means = Means(
        intake=intake,
        store=store,
        bus=house.control_bus,
        clock=house.clock,
        entropy=house.entropy,
        access=access,
        preview=preview(house),
        book=ScheduleBook(house.store, house.clock, house.entropy, keeping),
        approval_s=settings.approval_s,
    )
    return Reception(access=access, intake=intake, commands=Commands(means), controls=Controls(means), book=means.book)


def door(house: House, *, says_inline: bool = False) -> FrontDoor:
    """The way in; enter it."""
    from bot.door import DoorSettings, FrontDoor, Inside, Outside

    behind = reception(house)
    outside = Outside(store=house.store, bus=house.control_bus, clock=house.clock)
    inside = Inside(gate=behind.access, desk=behind.commands, panel=behind.controls)
    return FrontDoor(outside, inside, DoorSettings(tenant=house.settings.tenant, says_inline=says_inline))


def delivery(house: House, platform: Platform, governor: Governor) -> DeliveryLoop:
    """What shows cards and answers on a platform."""
    from bot.delivery import Bot, DeliveryLoop, DeliverySettings, Outside
    from bot.files import files_of

    outside = Outside(store=house.store, bus=house.control_bus, clock=house.clock, entropy=house.entropy)
    writing = Bot(platform=platform_of(house, platform), governor=governor, find=files_of(house.workspace))
    return DeliveryLoop(outside, writing, DeliverySettings(approval_s=house.settings.approval_s))


def chats(house: House) -> Mapping[str, Work]:
    """The work of each configured platform, by its name."""
    makers: dict[str, Callable[[House], Paced]] = {}
    if house.settings.telegram_bot_token is not None:
        makers["telegram"] = _telegram
    if house.settings.discord_bot_token is not None:
        makers["discord"] = _discord
    return {name: partial(_led, house, make) for name, make in makers.items()}


async def _led(house: House, make: Callable[[House], Paced]) -> None:
    """Be the one process that speaks for a bot, whenever no other is."""
    from bot.leading import Leadership

    platform, governor = make(house)
    name = f"{platform.name}:{platform.bot_id}"
    leadership = Leadership(house.store, house.clock, name, house.process_id, house.settings.lead_s)
    await leadership.while_leading(partial(_served, house, platform, governor))


async def _served(house: House, platform: Platform, governor: Governor) -> None:
    """Receive, deliver and fetch until cancelled; one that fails ends the others."""
    from bot.fetching import FetchLoop, FetchSettings, Outside

    outside = Outside(store=house.store, bus=house.control_bus, clock=house.clock)
    fetching = FetchLoop(outside, platform, house.workspace, FetchSettings())
    async with door(house) as way_in, asyncio.TaskGroup() as group:
        group.create_task(delivery(house, platform, governor).run())
        group.create_task(fetching.run())
        await platform.run(way_in)


class Bookmarks:
    """How far the chats of one bot were read, in the database.

    Args:
        store: the database.
        bot_id: which bot on Discord.
    """

    def __init__(self, store: Store, bot_id: str) -> None:
        self._store = store
        self._bot_id = bot_id

    async def seen(self, place: Place, message_id: str) -> None:
        """Everything up to this message was taken."""
        await self._store.transact(lambda uow: uow.cursors.seen(place, message_id))

    async def all(self) -> Mapping[str, str]:
        """The last message taken, by chat id."""
        return await self._store.transact(lambda uow: uow.cursors.all("discord", self._bot_id))


def telegram_settings(house: House) -> TelegramSettings | None:
    """How Telegram is reached; None when it is not configured."""
    from bot.platforms.telegram import TelegramSettings

    settings = house.settings
    if settings.telegram_bot_token is None:
        return None
    secret = settings.telegram_webhook_secret
    return TelegramSettings(
        token=settings.telegram_bot_token.get_secret_value(),
        base_url=settings.telegram_api_base_url or "",
        webhook_url=settings.telegram_webhook_url or "",
        webhook_secret=secret.get_secret_value() if secret else "",
        webhook_listen=settings.telegram_webhook_listen,
    )


def discord_settings(house: House) -> DiscordSettings | None:
    """How Discord is reached; None when it is not configured."""
    from bot.platforms.discord import DiscordSettings

    settings = house.settings
    if settings.discord_bot_token is None:
        return None
    token = settings.discord_bot_token.get_secret_value()
    return DiscordSettings(token=token, base_url=settings.discord_api_base_url or "")


def _telegram(house: House) -> Paced:
    from bot.governor import Governor
    from bot.platforms.telegram import TRAITS, Telegram

    governor = Governor(TRAITS.pace, house.clock)
    settings = telegram_settings(house)
    assert settings is not None, "only made when there is a token"  # noqa: S101 -- see `chats`
    return Telegram(settings, house.clock, governor), governor


def _discord(house: House) -> Paced:
    from bot.governor import Governor
    from bot.platforms.discord import TRAITS, Discord, bot_id_of

    governor = Governor(TRAITS.pace, house.clock)
    settings = discord_settings(house)
    assert settings is not None, "only made when there is a token"  # noqa: S101 -- see `chats`
    bookmarks = Bookmarks(house.store, bot_id_of(settings.token))
    return Discord(settings, house.clock, governor, bookmarks), governor
