from __future__ import annotations

import pytest

from bot.platforms.telegram.polling import readable_update
from tests.unit.bot.platforms.telegram.updates import message_json


def test_what_can_be_read_stays_as_it_is():
    raw = {"update_id": 7, "message": message_json("hello")}
    assert readable_update(raw) == raw


@pytest.mark.parametrize(
    "content",
    [
        {"message": {}},
        {"message": {"message_id": 1, "date": "yesterday", "chat": {}}},
        {"callback_query": {"id": "1"}},
        {"message": "text"},
        {"my_chat_member": []},
    ],
)
def test_what_cannot_be_read_keeps_its_number(content: dict[str, object]):
    assert readable_update({"update_id": 7, **content}) == {"update_id": 7}


def test_kinds_that_nobody_knows_yet_can_be_read():
    raw = {"update_id": 7, "telepathy": {"thought": 1}}
    assert readable_update(raw) == raw


@pytest.mark.parametrize("raw", [None, [], "x", 7, {}, {"update_id": "7"}, {"update_id": None}])
def test_what_has_no_number_is_none(raw: object):
    assert readable_update(raw) is None
