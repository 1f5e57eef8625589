"""`serve` and `worker`: processes that work until they are stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import structlog

from app.exits import ANSWERED, MISUSE, tell, terminal_language
from app.roles import Performance, check_roles, performing, read_roles, stop_signal, work_as
from app.settings import Settings
from app.stall import standing_still_ends
from app.wiring import House, house
from domain.errors import Misconfigured, StoreDown
from domain.texts import say

log = structlog.get_logger()

LOOK_AGAIN_S = 3.0


async def serve(settings: Settings, *, roles: Sequence[str]) -> int:
    """Perform roles until SIGTERM or Ctrl-C."""
    language = terminal_language()
    async with house(settings) as here:
        performed = read_roles(roles)
        check_roles(here, performed)
        stopped = stop_signal()
        if performed != ("agents",) and not await _database_there(here, stopped):
            return ANSWERED
        async with performing(here, performed) as performance:
            log.info("serving", roles=list(performed), process=here.process_id)
            tell(say("cli.serving", language, roles=", ".join(performed)))
            if await _in_vain(performance, stopped):
                return MISUSE
            tell(say("cli.stopping", language))
    return ANSWERED


async def _in_vain(performance: Performance, stopped: asyncio.Event) -> bool:
    """Wait to be told to stop. True when there was nothing left to do before that."""
    async with asyncio.TaskGroup() as group:
        ends = {group.create_task(stopped.wait()), group.create_task(performance.in_vain())}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()
    return not stopped.is_set()


async def worker(settings: Settings, *, agents: Sequence[str], concurrency: int | None) -> int:
    """Be workers of these agents until SIGTERM or Ctrl-C."""
    async with house(settings) as here:
        if here.is_embedded:
            raise Misconfigured("cli.needs_broker")
        stopped = stop_signal()
        log.info("working", agents=list(agents), process=here.process_id)
        tell(say("cli.serving", terminal_language(), roles=", ".join(agents)))
        async with standing_still_ends(settings.stall_s):
            await work_as(here, agents, concurrency, stopped)
    return ANSWERED


async def _database_there(here: House, stopped: asyncio.Event) -> bool:
    """Wait for the database, however long it takes; False when told to stop meanwhile."""
    while not stopped.is_set():
        try:
            await asyncio.to_thread(here.examine_store)
            await asyncio.to_thread(lambda: here.store)
        except StoreDown as error:
            log.warning("database_missing", error=str(error), cause=repr(error.__cause__))
            tell(error.say(terminal_language()))
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_AGAIN_S):
                    await stopped.wait()
        else:
            return True
    return False
