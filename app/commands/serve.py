"""`serve` and `worker`: processes that work until they are stopped."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from app.exits import ANSWERED, tell, terminal_language
from app.roles import check_roles, performing, read_roles, stop_signal, work_as
from app.settings import Settings
from app.wiring import house
from domain.errors import Misconfigured
from domain.texts import say

log = structlog.get_logger()


async def serve(settings: Settings, *, roles: Sequence[str]) -> int:
    """Perform roles until SIGTERM or Ctrl-C."""
    language = terminal_language()
    async with house(settings) as here:
        performed = read_roles(roles)
        check_roles(here, performed)
        stopped = stop_signal()
        async with performing(here, performed):
            log.info("serving", roles=list(performed), process=here.process_id)
            tell(say("cli.serving", language, roles=", ".join(performed)))
            await stopped.wait()
            tell(say("cli.stopping", language))
    return ANSWERED


async def worker(settings: Settings, *, agents: Sequence[str], concurrency: int | None) -> int:
    """Be workers of these agents until SIGTERM or Ctrl-C."""
    async with house(settings) as here:
        if here.is_embedded:
            raise Misconfigured("cli.needs_broker")
        stopped = stop_signal()
        log.info("working", agents=list(agents), process=here.process_id)
        tell(say("cli.serving", terminal_language(), roles=", ".join(agents)))
        await work_as(here, agents, concurrency, stopped)
    return ANSWERED
