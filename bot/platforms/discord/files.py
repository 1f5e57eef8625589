"""Files that people sent, fetched."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import discord

from bot.platforms.discord.outcomes import meant
from domain.errors import MessageGone, Refused, Unreachable
from domain.task import Upload

_FETCH_S = 120.0


async def fetch(client: discord.Client, upload: Upload, into: Path, max_bytes: int) -> None:
    """Write a file to `into`. A link that has ended is replaced by the one the message has now.

    Raises Refused when it can never be had, Unavailable when it may be had later.
    """
    if upload.bytes > max_bytes:
        raise Refused("discord.upload_too_large", limit=max_bytes // 2**20)
    where, _, url = upload.ref.partition(" ")
    content = await _download(client, url)
    if content is None:
        content = await _download(client, await _new_url(client, where))
    if content is None:
        raise Refused("discord.upload_gone")
    await asyncio.to_thread(partial(_write, into, content))


async def _download(client: discord.Client, url: str) -> bytes | None:
    """None: there is nothing behind this link any more."""
    if not url:
        return None
    try:
        with meant(client):
            async with asyncio.timeout(_FETCH_S):
                return await client.http.get_from_cdn(url)
    except Unreachable:
        return None


async def _new_url(client: discord.Client, where: str) -> str:
    """The link that a message has for its attachment today; empty when it has none."""
    channel, _, rest = where.partition("/")
    message, _, attachment = rest.partition("/")
    if not attachment:
        return ""
    try:
        with meant(client):
            found = await client.get_partial_messageable(int(channel)).fetch_message(int(message))
    except (MessageGone, Unreachable):
        return ""
    files = [*found.attachments, *(one for part in found.message_snapshots for one in part.attachments)]
    return next((one.url for one in files if str(one.id) == attachment), "")


def _write(into: Path, content: bytes) -> None:
    """All of it or nothing."""
    part = into.with_name(f"{into.name}.part")
    part.write_bytes(content)
    part.replace(into)
