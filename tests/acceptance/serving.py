"""The real program serving a chat that a test plays: started, killed and started again beside the test's loop."""

from __future__ import annotations

import asyncio
import signal
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from tests.acceptance.command import Command, Ran, folder_with_examples


class Serving:
    """Processes of one installation in one folder."""

    def __init__(self, command: Command) -> None:
        self.command = command
        self.processes: list[subprocess.Popen[bytes]] = []

    async def start(self, *args: str) -> subprocess.Popen[bytes]:
        """One more process; returns once it serves."""
        process = await asyncio.to_thread(self.command.start_serving, "serve", *args)
        self.processes.append(process)
        return process

    async def kill(self, process: subprocess.Popen[bytes]) -> None:
        """As the machine's power would: no farewell."""
        process.kill()
        await asyncio.to_thread(process.wait)

    async def run(self, *args: str) -> Ran:
        """A command beside it."""
        return await asyncio.to_thread(self.command, *args)

    async def stop(self) -> list[int]:
        """Ask all that still run to end; their exit codes."""
        alive = [process for process in self.processes if process.poll() is None]
        for process in alive:
            process.send_signal(signal.SIGTERM)
        return [await asyncio.to_thread(process.wait, 30) for process in alive]


@asynccontextmanager
async def serving(folder: Path, settings: Mapping[str, str], *args: str) -> AsyncIterator[Serving]:
    """An installation with one process (of the roles in `args`), which ends well."""
    installation = Serving(Command(folder_with_examples(folder), {"XINGSHU_LOG_FORMAT": "json", **settings}))
    try:
        await installation.start(*args)
        yield installation
        codes = await installation.stop()
        assert set(codes) <= {0}, installation.command.log()[-6000:]
    finally:
        for process in installation.processes:
            await installation.kill(process)
