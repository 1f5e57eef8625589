"""Files that people send: what Telegram calls them, and getting them."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO
from urllib.parse import quote

import httpx
from telegram import Animation, Audio, Bot, Document, File, Message, PhotoSize, Video, VideoNote, Voice
from telegram.error import BadRequest, TelegramError

from bot.platforms.telegram.faults import fault, is_too_big, token_refused
from bot.platforms.telegram.settings import TelegramSettings
from bot.platforms.telegram.traits import MAX_UPLOAD_BYTES, MEDIA_TIMEOUT_S, TIMEOUT_S, traits_of
from domain.errors import Refused, Unavailable
from domain.task import Upload
from domain.uploads import fitting_name

CHUNK_BYTES = 2**18
_GONE = frozenset({400, 404, 410})
_Sent = Animation | Audio | Document | PhotoSize | Video | VideoNote | Voice


def uploads_of(message: Message) -> tuple[Upload, ...]:
    """The file of a message, if it carries one; of a photo the largest size."""
    photo = max(message.photo, key=lambda size: size.width * size.height, default=None)
    kinds: tuple[tuple[_Sent | None, str], ...] = (
        (message.document, "file"),
        (message.audio, "audio.mp3"),
        (message.voice, "voice.ogg"),
        (message.video, "video.mp4"),
        (message.video_note, "video.mp4"),
        (message.animation, "animation.mp4"),
        (photo, "photo.jpg"),
    )
    for sent, usual in kinds:
        if sent is not None:
            return (_upload(sent, usual, message.message_id),)
    return ()


def _upload(sent: _Sent, usual: str, number: int) -> Upload:
    stem, dot, ending = usual.partition(".")
    name = getattr(sent, "file_name", None) or f"{stem}-{number}{dot}{ending}"
    return Upload(ref=sent.file_id, name=fitting_name(name), bytes=sent.file_size or 0)


class Downloads:
    """Fetches files. Its connections close with `close`.

    Args:
        bot: knows where they are.
        settings: whose server it asks.
    """

    def __init__(self, bot: Bot, settings: TelegramSettings) -> None:
        self._bot = bot
        self._limit = traits_of(settings).max_upload_bytes
        self._is_own_server = bool(settings.base_url)
        self._client: httpx.AsyncClient | None = None

    async def fetch(self, upload: Upload, into: Path) -> None:
        """Write a file to `into`, which appears whole or not at all.

        Raises Refused when it can never be had, Unavailable when it may be had later, Misconfigured for the token."""
        file = await self._found(upload)
        part = into.with_name(f".{into.name}.part")
        await asyncio.to_thread(into.parent.mkdir, parents=True, exist_ok=True)
        try:
            await self._write(upload, str(file.file_path), part)
            await asyncio.to_thread(part.replace, into)
        finally:
            await asyncio.to_thread(part.unlink, missing_ok=True)

    async def close(self) -> None:
        """Let go of the connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _found(self, upload: Upload) -> File:
        if upload.bytes > self._limit:
            raise self._too_big(upload)
        try:
            return await self._bot.get_file(upload.ref)
        except BadRequest as error:
            raise (self._too_big(upload) if is_too_big(error) else _gone(upload)) from error
        except TelegramError as error:
            raise fault(error) from error

    async def _write(self, upload: Upload, path: str, part: Path) -> None:
        root = f"{self._bot.base_file_url}/"
        name = path.removeprefix(root)  # the library leaves it out when a file of that name happens to be here
        if name.startswith("/"):
            await self._copy(upload, name, part)
            return
        try:
            async with self._connections().stream("GET", root + quote(name)) as answer, _opened(part) as out:
                _check(upload, answer.status_code)
                await self._receive(upload, answer, out)
        except httpx.HTTPError as error:
            raise Unavailable("chat.platform_down", platform="Telegram") from error

    async def _copy(self, upload: Upload, path: str, part: Path) -> None:
        """From a Bot API server on this machine that was started with --local; no other may name files here."""
        if not self._is_own_server:
            raise _gone(upload)
        try:
            await asyncio.to_thread(shutil.copyfile, path, part)
        except OSError as error:
            raise _gone(upload) from error

    async def _receive(self, upload: Upload, answer: httpx.Response, out: BinaryIO) -> None:
        received = 0
        async for chunk in answer.aiter_bytes(CHUNK_BYTES):
            received += len(chunk)
            if received > self._limit:
                raise self._too_big(upload)
            await asyncio.to_thread(out.write, chunk)

    def _too_big(self, upload: Upload) -> Refused:
        limit = self._limit if upload.bytes > self._limit else MAX_UPLOAD_BYTES
        return Refused("telegram.upload_too_big", name=upload.name, limit=limit // 2**20)

    def _connections(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=httpx.Timeout(TIMEOUT_S, read=MEDIA_TIMEOUT_S))
        return self._client


@asynccontextmanager
async def _opened(path: Path) -> AsyncIterator[BinaryIO]:
    out = await asyncio.to_thread(path.open, "wb")
    try:
        yield out
    finally:
        await asyncio.to_thread(out.close)


def _check(upload: Upload, code: int) -> None:
    """The answer of the file server."""
    if code == 200:
        return
    if code == 401:
        raise token_refused()
    if code in _GONE:
        raise _gone(upload)
    raise Unavailable("chat.platform_down", platform="Telegram")


def _gone(upload: Upload) -> Refused:
    return Refused("telegram.upload_gone", name=upload.name)
