"""`python -m tests.discord_server --port 0 --token T`: the server as a process of its own, steered over /control.

The first line it prints is JSON: api_url, control_url, token, and the ids of a first guild, channel and person."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys

from tests.discord_server.control import Control
from tests.discord_server.server import TOKEN, DiscordServer


async def serve(port: int, token: str) -> None:
    """Run until SIGTERM or SIGINT."""
    server = DiscordServer(token=token, port=port)
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    await server.start(Control(server).attach)
    person = server.people.user("alice")
    guild = server.people.guild("lab", person)
    channel = server.people.channel(guild)
    first = {"guild": guild.id, "channel": channel.id, "user": person.id, "dm": server.people.dm(person).id}
    places = {"api_url": server.api_url, "control_url": f"{server.url}/control", "token": server.token}
    sys.stdout.write(json.dumps(places | first) + "\n")
    sys.stdout.flush()
    await ended.wait()
    await server.stop()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.discord_server")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--token", default=TOKEN)
    arguments = parser.parse_args()
    asyncio.run(serve(arguments.port, arguments.token))


if __name__ == "__main__":
    main()
