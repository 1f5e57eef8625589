"""The menu of commands that Telegram shows beside the text field, in each language; written only when it changed."""

from __future__ import annotations

import structlog
from telegram import Bot, BotCommand, BotCommandScope, BotCommandScopeAllGroupChats, BotCommandScopeDefault
from telegram.constants import BotCommandLimit
from telegram.error import TelegramError

from bot.commands.words import menu
from domain.people import Role
from domain.texts import Language

log = structlog.get_logger()

ABOUT = int(BotCommandLimit.MAX_DESCRIPTION)

IN_GROUPS = frozenset({"ask", "status", "tasks", "cancel", "approve", "deny", "help"})
SCOPES: tuple[tuple[BotCommandScope, frozenset[str] | None], ...] = (
    (BotCommandScopeDefault(), None),
    (BotCommandScopeAllGroupChats(), IN_GROUPS),
)
LANGUAGES: tuple[tuple[str | None, Language], ...] = ((None, "en"), ("zh", "zh"))  # no code: everybody else


async def keep_menu(bot: Bot) -> None:
    """Have the menus as they should be. A bot without them works all the same, so trouble is only logged."""
    try:
        for scope, names in SCOPES:
            for code, language in LANGUAGES:
                await _keep(bot, scope, code, commands(language, names))
    except TelegramError as error:
        log.warning("telegram_menu_not_set", error=type(error).__name__, detail=error.message)


def commands(language: Language, names: frozenset[str] | None = None) -> tuple[BotCommand, ...]:
    """What every member may use; of that only `names`, if there are any."""
    offered = menu(Role.MEMBER, language)
    return tuple(BotCommand(name, about[:ABOUT]) for name, about in offered if names is None or name in names)


async def _keep(bot: Bot, scope: BotCommandScope, code: str | None, wanted: tuple[BotCommand, ...]) -> None:
    if tuple(await bot.get_my_commands(scope, code)) != wanted:
        await bot.set_my_commands(wanted, scope, code)
        log.info("telegram_menu_set", scope=scope.type, language=code or "")
