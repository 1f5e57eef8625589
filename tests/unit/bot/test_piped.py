from __future__ import annotations

import asyncio
import io
import os
from pathlib import Path
from typing import BinaryIO

import pytest

from bot.platforms.piped import MAX_LINE, PipedChat, Streams, read_lines
from domain.chat import MAX_REQUEST
from tests.unit.bot.fakes import stage, until
from tests.unit.bot.theatre import door_of, playing, seat_of


async def pipe(*lines: bytes | str) -> tuple[int, str, str]:
    """Feed lines to a piped chat. Returns exit code, answers, progress."""
    data = b"".join((line.encode() if isinstance(line, str) else line) + b"\n" for line in lines)
    out, progress = io.StringIO(), io.StringIO()
    async with stage() as on:
        chat = PipedChat(seat_of(on), Streams(lines=io.BytesIO(data), answers=out, progress=progress))
        async with playing(on, chat), door_of(on) as door, asyncio.timeout(20):
            await chat.run(door)
    return chat.exit_code, out.getvalue(), progress.getvalue()


async def test_each_line_is_answered_in_order() -> None:
    code, answers, progress = await pipe("echo one", "", "   ", "echo two\r", "echo 三")
    assert code == 0
    assert [line.removesuffix(" [t1]") for line in answers.splitlines()] == ["one", "two", "三"]
    assert "\x1b" not in answers + progress


async def test_progress_is_one_line_per_change_on_the_other_stream() -> None:
    _, answers, progress = await pipe("echo one")
    lines = progress.splitlines()
    assert "one" in answers
    ended = [line.endswith("answered · 1/1 · 0.0 s") for line in lines]
    assert sum(ended[-2:]) == sum(ended) == 1  # with the step in one card, or right after it
    assert sum(line.endswith("✓ Do echo · hall · 0.0 s") for line in lines) == 1
    assert len(lines) == len(set(lines))


async def test_an_empty_input_is_fine() -> None:
    assert await pipe() == (0, "", "")


async def test_a_failure_is_answered_and_remembered_in_the_exit_code() -> None:
    code, answers, _ = await pipe("fail now", "echo after")
    assert code == 1
    assert "will not" in answers
    assert "after" in answers


@pytest.mark.parametrize(
    "line",
    [
        b"\xff\xfe\x00binary\x80",
        b"\x00\x01\x02\x03",
        b"x" * (MAX_REQUEST + 1),
        b"x" * (3 * MAX_LINE),
        "字".encode() * 50_000,
    ],
)
async def test_what_is_not_a_request_gets_one_sentence_and_the_next_line_its_answer(line: bytes) -> None:
    code, answers, _ = await pipe(line, "echo after")
    refusal, after = answers.splitlines()
    assert code == 1
    assert 20 < len(refusal) < 200
    assert after.startswith("after")


async def test_commands_are_answered_at_once() -> None:
    code, answers, _ = await pipe("/help", "echo x", "/tasks", "/status")
    assert code == 0
    assert "/cancel" in answers
    assert "· answered · 1/1 · 0 s ago · echo x" in answers
    assert answers.splitlines()[-1].startswith("x")


async def test_a_byte_order_mark_is_not_part_of_the_message() -> None:
    code, answers, _ = await pipe(b"\xef\xbb\xbf/help")
    assert code == 0
    assert "/status" in answers


async def test_an_approval_is_asked_for_and_can_come_down_the_pipe() -> None:
    code, answers, _ = await pipe("pay rent", "/approve")
    lines = answers.splitlines()
    assert lines[1] == "Allow “Do pay”?"
    assert any(line.startswith("/approve ") for line in lines)
    assert lines[-1].startswith("rent")
    assert code == 0
    assert answers.count("Allow “Do pay”?") == 1


async def test_what_still_waits_for_a_person_at_the_end_is_said() -> None:
    code, _, progress = await pipe("pay rent")
    assert code == 1
    assert "Still open" in progress


async def test_a_cancelled_task_is_its_own_exit_code() -> None:
    code, answers, _ = await pipe("pay rent", "/cancel")
    assert code == 130
    assert "Cancelled" in answers


async def test_the_line_after_a_question_is_the_reply() -> None:
    code, answers, _ = await pipe("vague month", "echo in March", "echo after")
    lines = answers.splitlines()
    assert code == 0
    assert lines[0].startswith("? ")
    assert lines[1] == "Which month?"
    assert "next message" in lines[3]
    assert [line.removesuffix(" [t1]") for line in lines[4:]] == ["in March", "after"]


async def test_commands_between_a_question_and_its_reply_are_commands() -> None:
    code, answers, _ = await pipe("vague month", "/tasks", "/ask echo other", "echo in March")
    assert code == 0
    assert answers.count("Which month?") == 1
    assert answers.splitlines()[-2].startswith("other")
    assert answers.splitlines()[-1].startswith("in March")


async def test_a_question_nobody_is_left_to_answer_is_given_up() -> None:
    code, answers, progress = await pipe("echo one", "vague month")
    assert code == 1
    assert "Which month?" in answers
    assert "again with what was asked" in progress
    assert "Still open" not in progress


async def test_after_a_reply_an_approval_can_be_asked_for() -> None:
    code, answers, _ = await pipe("vague month", "pay rent", "/approve")
    assert code == 0
    assert "Allow “Do pay”?" in answers
    assert answers.splitlines()[-1].startswith("rent")


async def test_a_database_that_is_down_is_said_and_the_next_line_is_tried() -> None:
    out = io.StringIO()
    async with stage() as on:
        chat = PipedChat(seat_of(on), Streams(lines=io.BytesIO(b"echo x\n"), answers=out, progress=io.StringIO()))
        on.store.is_down = True
        async with door_of(on) as door:
            await chat.run(door)
        assert chat.exit_code == 1
    assert "DATABASE_URL" in out.getvalue()


async def test_lines_come_as_they_are_written() -> None:
    reading, writing = os.pipe()
    seen: list[bytes] = []
    with os.fdopen(reading, "rb") as stream, os.fdopen(writing, "wb", buffering=0) as sink:
        async with asyncio.TaskGroup() as group:
            group.create_task(_collect(stream, seen))
            sink.write(b"one\n")
            await until(lambda: seen == [b"one\n"])
            sink.write(b"two\nthree")
            await until(lambda: len(seen) == 2)
            sink.close()
    assert seen == [b"one\n", b"two\n", b"three"]


async def _collect(stream: BinaryIO, seen: list[bytes]) -> None:
    async for line in read_lines(stream):
        seen.append(line)  # noqa: PERF401 -- the list is watched while it grows


async def test_a_regular_file_can_be_read(tmp_path: Path) -> None:
    file = tmp_path / "lines"
    file.write_bytes(b"a\n" * 100)
    with file.open("rb") as stream:
        assert [line async for line in read_lines(stream)] == [b"a\n"] * 100
