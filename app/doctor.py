"""Look at everything that is configured, and say the exact fix for what does not work."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from app.wiring import House, sqlite_file
from domain.errors import XingshuError
from domain.model import Prompt, Purpose
from domain.texts import Language, say

# Forms from https://core.telegram.org/bots/api#authorizing-your-bot and
# https://discord.com/developers/docs/reference#authentication.
_TELEGRAM = re.compile(r"\d{6,}:[\w-]{30,}")
_DISCORD = re.compile(r"[\w-]{20,}\.[\w-]{5,}\.[\w-]{25,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """How one part is. `detail` names the fix when it is not well."""

    part: str
    is_well: bool
    detail: str


async def examine(house: House, language: Language) -> list[Finding]:
    """Check database, broker, model, tokens and workspace, each on its own."""
    checks: dict[str, Callable[[House, Language], Awaitable[str]]] = {
        "database": _database,
        "broker": _broker,
        "model": _model,
        "telegram": _telegram,
        "discord": _discord,
        "workspace": _workspace,
    }
    return [await _checked(part, check, house, language) for part, check in checks.items()]


async def _checked(
    part: str, check: Callable[[House, Language], Awaitable[str]], house: House, language: Language
) -> Finding:
    try:
        return Finding(part=part, is_well=True, detail=await check(house, language))
    except XingshuError as error:
        return Finding(part=part, is_well=False, detail=error.say(language))


class _NotWell(XingshuError):
    """Only the sentence matters."""


async def _database(house: House, language: Language) -> str:
    from storage import check

    file = sqlite_file(house.settings.database_url)
    if file is not None and not file.exists():
        return say("cli.database_new", language, path=file)
    return await asyncio.to_thread(check, house.settings.database_url)


async def _broker(house: House, language: Language) -> str:
    from messaging import check

    url = house.settings.amqp_url
    return say("cli.embedded", language) if url is None else await check(url.get_secret_value(), language)


async def _model(house: House, language: Language) -> str:
    if house.model is None:
        return say("cli.model_off", language)
    prompt = Prompt(purpose=Purpose.AGENT, system="Reply with the word ok.", user="ok?", max_tokens=16)
    completion = await house.model.complete(prompt)
    return say("cli.model_on", language, model=completion.model)


async def _telegram(house: House, language: Language) -> str:
    token = house.settings.telegram_bot_token
    return _token(house, language, (token.get_secret_value() if token else None, _TELEGRAM, "TELEGRAM_BOT_TOKEN"))


async def _discord(house: House, language: Language) -> str:
    token = house.settings.discord_bot_token
    return _token(house, language, (token.get_secret_value() if token else None, _DISCORD, "DISCORD_BOT_TOKEN"))


def _token(house: House, language: Language, of: tuple[str | None, re.Pattern[str], str]) -> str:
    token, form, name = of
    if token is None:
        return say("cli.token_off", language)
    if not form.fullmatch(token):
        raise _NotWell("cli.token_bad", name=name)
    if not house.settings.allowed_users:
        raise _NotWell("cli.nobody_allowed")
    return say("cli.token_good", language)


async def _workspace(house: House, language: Language) -> str:
    return say("cli.workspace_good", language, path=house.checked_workspace())
