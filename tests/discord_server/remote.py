"""A server in a process of its own, started and steered from a test."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

ROOT = Path(__file__).parents[2]


class RemoteDiscord:
    """`first` has api_url, token, and the ids of a first guild, channel, user and dm; `do` is any act of `Control`."""

    def __init__(self, first: dict[str, Any], session: aiohttp.ClientSession) -> None:
        self.first = first
        self.api_url: str = first["api_url"]
        self.token: str = first["token"]
        self._session = session

    async def do(self, act: str, **words: Any) -> dict[str, Any]:
        """Raises `AssertionError` with the server's words when it was refused."""
        async with self._session.post(f"{self.first['control_url']}/{act}", json=words) as response:
            answer: dict[str, Any] = await response.json()
            assert response.status == 200, answer
            return answer


@asynccontextmanager
async def discord_process(*arguments: str) -> AsyncIterator[RemoteDiscord]:
    """Start it, and stop it at the end."""
    command = (sys.executable, "-m", "tests.discord_server", *arguments)
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        first = json.loads(await process.stdout.readline())
        async with aiohttp.ClientSession() as session:
            yield RemoteDiscord(first, session)
    finally:
        process.terminate()
        await process.wait()
