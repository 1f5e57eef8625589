"""How a Telegram bot stands, for whoever looks after it."""

from __future__ import annotations

from urllib.parse import urlsplit

from telegram import User, WebhookInfo
from telegram.error import TelegramError

from bot.platforms.telegram.faults import fault
from bot.platforms.telegram.polling import DurableBot
from bot.platforms.telegram.settings import TelegramSettings, checked
from domain.texts import Language, say


async def probe(settings: TelegramSettings, language: Language = "en") -> str:
    """Ask Telegram who the bot is, how it gets its updates and how many wait. Changes nothing, and disturbs nobody who
    polls.

    Raises Misconfigured when the token or another setting is wrong, Unavailable when Telegram does not answer."""
    bot = DurableBot(checked(settings))
    try:
        await bot.connect()
        return _told(bot.bot, await bot.get_webhook_info(), language)
    except TelegramError as error:
        raise fault(error) from error
    finally:
        await bot.shutdown()


def _told(me: User, hook: WebhookInfo, language: Language) -> str:
    way = say("telegram.by_polling", language)
    if hook.url:
        way = say("telegram.by_webhook", language, host=urlsplit(hook.url).hostname)
    reads = "telegram.reads_all" if me.can_read_all_group_messages else "telegram.reads_addressed"
    standing = say(
        "telegram.standing",
        language,
        name=me.username,
        id=me.id,
        way=way,
        pending=hook.pending_update_count,
        reads=say(reads, language),
    )
    if hook.url and hook.last_error_message:
        return f"{standing}; {say('telegram.webhook_trouble', language, detail=hook.last_error_message)}"
    return standing
