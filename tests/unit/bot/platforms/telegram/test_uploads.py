from __future__ import annotations

from typing import Any

import pytest

from bot.platforms.telegram.uploads import uploads_of
from tests.unit.bot.platforms.telegram.updates import said

FILE = {"file_id": "f", "file_unique_id": "u", "file_size": 9}
FRAME = {**FILE, "width": 4, "height": 3}
SOUND = {**FILE, "duration": 1}


def name_of(content: dict[str, Any]) -> str:
    message = said(message_id=5, **content).message
    assert message is not None
    (upload,) = uploads_of(message)
    assert (upload.ref, upload.bytes) == ("f", 9)
    return upload.name


@pytest.mark.parametrize(
    ("content", "name"),
    [
        ({"document": {**FILE, "file_name": "a b.csv"}}, "a_b.csv"),
        ({"document": {**FILE, "file_name": "../../etc/passwd"}}, "etc_passwd"),
        ({"document": {**FILE, "file_name": "..\\.hidden\x00"}}, "hidden"),
        ({"document": {**FILE, "file_name": "报告 2026.pdf"}}, "报告_2026.pdf"),
        ({"document": FILE}, "file-5"),
        ({"audio": SOUND}, "audio-5.mp3"),
        ({"voice": SOUND}, "voice-5.ogg"),
        ({"video": {**FRAME, "duration": 1}}, "video-5.mp4"),
        ({"video_note": {**SOUND, "length": 4}}, "video-5.mp4"),
        ({"animation": {**FRAME, "duration": 1}}, "animation-5.mp4"),
        ({"photo": [{**FRAME, "file_id": "small", "width": 1}, FRAME]}, "photo-5.jpg"),
    ],
)
def test_what_a_file_is_called(content: dict[str, Any], name: str):
    assert name_of(content) == name


def test_a_name_is_at_most_a_hundred_characters_and_keeps_its_ending():
    name = name_of({"document": {**FILE, "file_name": "长" * 300 + ".csv"}})
    assert (len(name), name[-4:]) == (100, ".csv")


def test_a_message_without_a_file():
    message = said("x").message
    assert message is not None
    assert uploads_of(message) == ()
