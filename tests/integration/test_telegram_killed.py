"""kill -9 at the two moments that matter: what was not committed comes again, what was may come again."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.telegram_server import TelegramServer

pytestmark = [pytest.mark.process, pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[2]
WAIT_S = 60.0


def begun(telegram: TelegramServer, file: Path, moment: str) -> subprocess.Popen[bytes]:
    module = "tests.integration.telegram_taker"
    return subprocess.Popen([sys.executable, "-m", module, telegram.url, telegram.token, file, moment], cwd=ROOT)


async def ended(process: subprocess.Popen[bytes]) -> int:
    return await asyncio.to_thread(process.wait, WAIT_S)


@pytest.mark.parametrize(("moment", "taken"), [("fetched", 0), ("committed", 1)])
async def test_killed_and_started_again_everything_is_there(tmp_path: Path, moment: str, taken: int):
    file = tmp_path / "taken"
    file.touch()
    async with TelegramServer() as telegram:
        ada = telegram.people.user()
        chat = telegram.people.private(ada)
        for number in range(3):
            telegram.people.say(chat, ada, str(number))
        assert await ended(begun(telegram, file, moment)) == -signal.SIGKILL
        assert len(file.read_text().splitlines()) == taken
        assert len(telegram.updates.pending) == 3
        process = begun(telegram, file, "lives")
        try:
            await telegram.until(lambda: not telegram.updates.pending, WAIT_S)
        finally:
            process.kill()
            await ended(process)
        keys = [line.split()[0] for line in file.read_text().splitlines()]
        assert keys[-3:] == [f"m:{chat.id}:{number}" for number in (1, 2, 3)]
        assert telegram.transcript.violations() == []
