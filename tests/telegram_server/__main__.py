"""`python -m tests.telegram_server --port N --token T`: the server as a process of its own, with /control."""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys

from tests.telegram_server.server import TOKEN, TelegramServer
from tests.telegram_server.world import Rules


async def _serve(port: int, token: str, *, has_privacy: bool) -> None:
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    async with TelegramServer(token, port=port, rules=Rules(has_privacy=has_privacy)) as server:
        sys.stdout.write(f"{server.url}\n")
        sys.stdout.flush()
        await ended.wait()


def main() -> None:
    """Print the URL on the first line, then serve until a signal."""
    parser = argparse.ArgumentParser(prog="python -m tests.telegram_server", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", default=TOKEN)
    parser.add_argument("--no-privacy", action="store_true", help="groups: the bot hears everything")
    given = parser.parse_args()
    asyncio.run(_serve(given.port, given.token, has_privacy=not given.no_privacy))


if __name__ == "__main__":
    main()
