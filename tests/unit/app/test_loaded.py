"""What a process loads at its start is what it keeps in memory for ever: nothing large that it may never need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

LIBRARIES = ("bandit", "discord", "duckdb", "httpx", "matplotlib", "numpy", "openai", "prompt_toolkit", "telegram")
DATABASE = ("alembic", "psycopg", "sqlalchemy", "sqlmodel")

START = """
import asyncio, sys
from contextlib import AsyncExitStack
from pathlib import Path
import app.commands.serve
from app.roles import _control_plane, _workers
from app.settings import Settings
from app.wiring import House

async def start(roles, roster):
    async with AsyncExitStack() as stack:
        house = House(Settings(), stack)
        house.control_bus, house.agent_bus
        _control_plane(house, roles)
        _workers(house, roster)

asyncio.run(start({roles!r}, {roster!r}))
print(*sys.modules)
"""


def loaded(folder: Path, roles: tuple[str, ...], roster: dict[str, tuple[str, ...]]) -> set[str]:
    environment = {
        "AMQP_URL": "amqp://guest:guest@127.0.0.1:1/",
        "XINGSHU_WORKSPACE": str(folder),
        "DATABASE_URL": f"sqlite:///{folder}/x.db",
        "PYTHONPATH": str(Path.cwd()),
    }
    code = START.format(roles=roles, roster=roster)
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=folder, env=environment
    )
    return set(ran.stdout.split())


@pytest.mark.parametrize("agent", ["echo", "files", "writer"])
def test_an_agent_machine_loads_no_database_and_no_library_of_other_agents(tmp_path: Path, agent: str) -> None:
    modules = loaded(tmp_path, (), {agent: (agent,)})
    assert "aiormq" in modules
    assert not modules & {*LIBRARIES, *DATABASE, "bot", "planner", "dispatcher", "aggregator", "storage"}


def test_everything_in_one_process_loads_no_library_before_it_is_needed(tmp_path: Path) -> None:
    everybody = {name: (name,) for name in ("echo", "files", "data", "code", "writer", "general")}
    modules = loaded(tmp_path, ("planner", "dispatcher", "aggregator"), everybody)
    assert "dispatcher.role" in modules
    assert not modules & set(LIBRARIES)
