"""Files that people send: fetched whole or not at all."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path

import pytest

from bot.platforms.telegram import Telegram, TelegramSettings
from bot.platforms.telegram.uploads import Downloads
from domain.errors import Misconfigured, Refused, Unavailable
from domain.task import Upload
from tests.integration.telegram_bot import Here, here, virtual
from tests.telegram_server import Rules, Trouble


async def sent(on: Here, data: bytes, name: str = "numbers 2026.csv", **how: int) -> Upload:
    """A file of Ada's, as the door hears of it."""
    ada = on.telegram.people.user()
    on.telegram.people.document(on.telegram.people.private(ada), ada, name, data, **how)
    message = (await on.heard(len(on.door.messages) + 1))[-1]
    return message.uploads[0]


def folder_of(path: Path) -> list[str]:
    return sorted(one.name for one in path.iterdir()) if path.exists() else []


@virtual
async def test_a_file_arrives(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    caplog.set_level(logging.DEBUG)
    async with here() as on:
        data = os.urandom(700_000)
        upload = await sent(on, data)
        assert (upload.name, upload.bytes) == ("numbers_2026.csv", len(data))
        into = tmp_path / "inbox" / "7KQ2M4" / upload.name
        await on.bot.fetch(upload, into)
        assert into.read_bytes() == data
        assert folder_of(into.parent) == [upload.name]
    assert on.telegram.token not in caplog.text


@virtual
async def test_a_file_is_fetched_again_over_an_older_one(tmp_path: Path):
    async with here() as on:
        into = tmp_path / "a"
        into.write_bytes(b"older")
        await on.bot.fetch(await sent(on, b"newer"), into)
        assert into.read_bytes() == b"newer"


@virtual
async def test_what_lies_in_the_working_folder_is_not_taken_for_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """The library reads a file of ours when Telegram's path happens to lead to one."""
    async with here() as on:
        upload = await sent(on, b"theirs")
        path = on.telegram.world.files[upload.ref].path
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).write_bytes(b"ours")
        monkeypatch.chdir(tmp_path)
        await on.bot.fetch(upload, tmp_path / "into")
        assert (tmp_path / "into").read_bytes() == b"theirs"


@virtual
@pytest.mark.parametrize("announced", [True, False])
async def test_a_file_that_is_too_large_is_refused(tmp_path: Path, announced: object):
    async with here(Rules(max_download=10)) as on:
        upload = await sent(on, b"x" * 11)
        if not announced:
            upload = Upload(ref=upload.ref, name=upload.name)
        with pytest.raises(Refused, match="20 MB") as raised:
            await on.bot.fetch(upload, tmp_path / "a")
        assert raised.value.key == "telegram.upload_too_big"
        assert folder_of(tmp_path) == []


@virtual
async def test_a_file_that_is_larger_than_any_is_not_asked_for(tmp_path: Path):
    async with here() as on:
        with pytest.raises(Refused, match="2000 MB"):
            await on.bot.fetch(Upload(ref="x", name="a", bytes=3 * 10**9), tmp_path / "a")
        assert on.telegram.transcript.calls("getFile") == []


@virtual
async def test_a_file_that_is_not_there_any_more(tmp_path: Path):
    async with here() as on:
        upload = await sent(on, b"x")
        with pytest.raises(Refused, match="Send it again"):
            await on.bot.fetch(Upload(ref="unknown", name="a"), tmp_path / "a")
        stored = on.telegram.world.files[upload.ref]
        stored.path = "documents/elsewhere"
        with pytest.raises(Refused, match="Send it again"):
            await on.bot.fetch(upload, tmp_path / "a")
        assert folder_of(tmp_path) == []


@virtual
@pytest.mark.parametrize("trouble", [Trouble.RESET, Trouble.ERROR, Trouble.TOO_MANY])
async def test_a_file_that_may_be_had_later(tmp_path: Path, trouble: Trouble):
    async with here() as on:
        upload = await sent(on, b"x")
        on.telegram.faults.add(trouble, "getFile", status=502)
        with pytest.raises(Unavailable):
            await on.bot.fetch(upload, tmp_path / "a")
        assert folder_of(tmp_path) == []


@virtual
async def test_a_token_that_does_not_count(tmp_path: Path):
    async with here() as on:
        upload = await sent(on, b"x")
        on.telegram.membership.revoke_token()
        with pytest.raises(Misconfigured):
            await on.bot.fetch(upload, tmp_path / "a")


@virtual
async def test_a_server_on_this_machine_names_files_here_and_only_one_of_ours_may(tmp_path: Path):
    async with here() as on:
        upload = await sent(on, b"x")
        there = tmp_path / "server" / "file_1"
        there.parent.mkdir()
        there.write_bytes(b"on this machine")
        on.telegram.world.files[upload.ref].path = str(there)
        await on.bot.fetch(upload, tmp_path / "into" / "a")
        assert (tmp_path / "into" / "a").read_bytes() == b"on this machine"
        theirs = Downloads(on.bot._parts.bot, TelegramSettings(token=on.telegram.token))
        with pytest.raises(Refused, match="Send it again"):
            await theirs.fetch(upload, tmp_path / "b")
        there.unlink()
        on.telegram.world.files[upload.ref].path = "/nowhere/file_1"
        with pytest.raises(Refused, match="Send it again"):
            await on.bot.fetch(upload, tmp_path / "b")
        assert not (tmp_path / "b").exists()


@virtual
@pytest.mark.parametrize(
    ("status", "kind"), [(404, Refused), (429, Unavailable), (503, Unavailable), (401, Misconfigured)]
)
async def test_what_the_file_server_says(tmp_path: Path, status: int, kind: type[Exception]):
    async def says(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.1 {status} No\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    async with here() as on, await asyncio.start_server(says, "127.0.0.1", 0) as other:
        upload = await sent(on, b"x")
        _redirect_files(on.bot, f"http://127.0.0.1:{other.sockets[0].getsockname()[1]}")
        with pytest.raises(kind):
            await on.bot.fetch(upload, tmp_path / "a")
        assert folder_of(tmp_path) == []


async def _half(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Promises 100 bytes, and hangs up after 10."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n0123456789")
    await writer.drain()
    writer.close()


@virtual
async def test_half_a_file_is_none(tmp_path: Path):
    async with here() as on, await asyncio.start_server(_half, "127.0.0.1", 0) as other:
        upload = await sent(on, b"x" * 100)
        port = other.sockets[0].getsockname()[1]
        _redirect_files(on.bot, f"http://127.0.0.1:{port}")
        with pytest.raises(Unavailable):
            await on.bot.fetch(upload, tmp_path / "a")
        assert folder_of(tmp_path) == []


def _redirect_files(bot: Telegram, root: str) -> None:
    bot._bot._base_file_url = root
