"""`xingshu` with one more agent, in a process of its own that is there at once.

Processes are forked from one that has loaded everything. Loading takes a second of a processor, and chaos that waits
for that is no chaos. What runs then is the command itself, from its first line.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import sys
from collections.abc import Mapping, Sequence
from multiprocessing.context import ForkServerProcess
from pathlib import Path

MEMORY = 1536 * 1024**2  # bytes of address space, as a container's limit would be
LOADED = (
    "pytest",  # who runs the tests is looked at by each new process
    *("app.cli", "app.chats", "app.commands.serve", "app.exits", "app.roles", "app.wiring", "llm.client"),
    *("dispatcher.role", "planner.role", "aggregator.role", "agents.worker", "agents.roster"),
    *("messaging.rabbit.transport", "storage.store", "storage.migrations", "alembic.command", "psycopg", "uvloop"),
    *("bot.platforms.telegram.adapter", "bot.platforms.telegram.polling", "bot.delivery.loop", "openai.resources.chat"),
    *(
        "bot.platforms.telegram.receiving",
        "bot.platforms.telegram.sending",
        "planner.planner",
        "tests.chaos.real.skills",
    ),
)

_nursery = multiprocessing.get_context("forkserver")
_nursery.set_forkserver_preload(list(LOADED))


def start(args: Sequence[str], folder: Path, environment: Mapping[str, str], log: Path) -> ForkServerProcess:
    """Begin `xingshu` with these arguments; its output goes to the end of `log`."""
    process = _nursery.Process(target=_run, args=(list(args), folder, dict(environment), log), daemon=True)
    process.start()
    return process


def _run(args: list[str], folder: Path, environment: dict[str, str], log: Path) -> None:
    os.environ.clear()  # noqa: TID251 -- a process begins with what it is given
    os.environ.update(environment)  # noqa: TID251 -- same
    os.chdir(folder)
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    os.dup2(output, 1)
    os.dup2(output, 2)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    from agents import roster
    from app.cli import main
    from tests.chaos.real.skills import AGENT, skills

    roster.BUNDLES = {**roster.BUNDLES, AGENT: skills}
    sys.argv = ["xingshu", *args]
    main()
