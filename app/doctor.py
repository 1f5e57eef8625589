"""Look at everything that is configured, and say the exact fix for what does not work."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from app.chats import discord_settings, telegram_settings
from app.wiring import House, sqlite_file
from bot.lists import backlog_text
from domain.agents import SILENCE
from domain.backlog import trouble, with_depths
from domain.errors import XingshuError
from domain.model import Prompt, Purpose
from domain.texts import Language, say


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
        "queues": _queues,
        "letters": _letters,
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
    settings = telegram_settings(house)
    if settings is None:
        return say("cli.token_off", language)
    from bot.platforms.telegram import probe

    return await _known(house, language, probe(settings, language))


async def _discord(house: House, language: Language) -> str:
    settings = discord_settings(house)
    if settings is None:
        return say("cli.token_off", language)
    from bot.platforms.discord import probe

    return await _known(house, language, probe(settings, language))


async def _known(house: House, language: Language, standing: Awaitable[str]) -> str:
    """How a platform stands, and whether anybody could use it."""
    stands = await standing
    if not house.settings.users and not await house.store.transact(lambda uow: uow.people.known()):
        raise _NotWell("cli.nobody_allowed")
    return stands


async def _queues(house: House, language: Language) -> str:
    """Raises when something waits that nobody takes; what a broker or a database that is not well has is not known."""
    if not await _has_rows(house, language):
        return say("cli.queues_empty", language)
    now = house.clock.now()
    waiting, alive = await house.store.transact(
        lambda uow: (uow.registry.backlogs(), {worker.agent for worker in uow.registry.alive(now - SILENCE)})
    )
    agents = {backlog.agent for backlog in waiting} | alive
    found = with_depths(waiting, {} if house.is_embedded else await house.control_bus.depths(agents))
    told = [one.agent + backlog_text(one, language, now) for one in found]
    if any(trouble(one, alive, now, house.settings.backlog_s) for one in found):
        raise _NotWell("cli.queues_stuck", queues="; ".join(told))
    return "; ".join(told) or say("cli.queues_empty", language)


async def _has_rows(house: House, language: Language) -> bool:
    """Whether there is a database of this version."""
    try:
        await _database(house, language)
    except XingshuError:
        return False
    file = sqlite_file(house.settings.database_url)
    return file is None or file.exists()


async def _letters(house: House, language: Language) -> str:
    """Raises when some wait to be looked at; without a database of this version there are none yet."""
    has_rows = await _has_rows(house, language)
    if has_rows and (count := await house.store.transact(lambda uow: uow.dead.open_count())):
        raise _NotWell("cli.letters_open", count=count)
    return say("dead.none", language)


async def _workspace(house: House, language: Language) -> str:
    return say("cli.workspace_good", language, path=house.checked_workspace())
