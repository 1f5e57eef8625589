"""A chat platform that repeats itself, breaks off, or shuts the door."""

from __future__ import annotations

import json
import threading

import httpx
import pytest

from tests.failures.ground import Ground, until
from tests.failures.script import sentence
from tests.failures.sides import Side, on
from tests.fakes_model import Reply, said
from tests.telegram_server import TOKEN

pytestmark = [pytest.mark.process, pytest.mark.timeout(180)]


@pytest.mark.parametrize("side", on(usual=Side.SERVERS))
def test_f2_updates_that_come_twice_or_in_another_order_are_one_task_each(here: Ground, side: Side):
    remote = here.telegram.remote
    remote("updates", do="hold")
    first, second = here.telegram.ask("read", "F2"), here.telegram.ask("read", "F2")
    remote("updates", do="release", order=[1, 0])
    here.telegram.answer(first)
    here.telegram.answer(second)
    remote("updates", do="repeat", last=2)
    third = here.telegram.ask("read", "F2")
    for request in (third, first, second):
        here.check_answered_once(request)
        assert len(here.deeds(request)) == 1


@pytest.mark.parametrize("side", on())
def test_f4_another_poller_with_the_token_ends_the_bot_with_a_sentence(here: Ground, side: Side):
    over = threading.Event()

    def poll() -> None:
        with httpx.Client(trust_env=False, timeout=5) as client:
            while not over.is_set():
                client.post(f"{here.telegram.url}/bot{TOKEN}/getUpdates", json={"timeout": 1})

    stranger = threading.Thread(target=poll)
    stranger.start()
    try:
        log = here.children["house"].log
        until(lambda: "Another program receives Telegram messages" in log.read_text(), 90)
        assert here.children["house"].poll() is None  # the other roles go on
    finally:
        over.set()
        stranger.join()
    here.children["house"].kill()
    here.start("house")
    here.check_answered_once(here.telegram.ask("read", "F4"))


@pytest.mark.parametrize("trouble", ["reset_after", "error_after", "garbage_after"])
@pytest.mark.parametrize("side", on())
def test_f25_an_edit_that_may_have_happened_is_repeated_and_changes_nothing(here: Ground, side: Side, trouble: str):
    remote = here.telegram.remote
    running = here.telegram.ask("wait", "F25")
    until(lambda: here.deeds(running))
    remote("fault", trouble=trouble, method="editMessageText", chat=running.person, times=2)
    here.open_gate(running)
    here.check_answered_once(running)


@pytest.mark.parametrize("side", on(usual=Side.SERVERS))
def test_f26_who_blocks_the_bot_has_their_result_all_the_same(here: Ground, side: Side):
    request = here.telegram.ask("wait", "F26")
    until(lambda: here.deeds(request))
    here.telegram.remote("block", user=request.person)
    here.open_gate(request)
    task = here.check_ended(request)
    assert sentence(request.word) in task["answer"]
    until(lambda: here.has_logged("chat_unreachable"))
    here.check_answered_once(here.telegram.ask("read", "F26"))  # nobody else is held up


@pytest.mark.parametrize("side", on())
def test_f27_a_long_answer_is_split_and_nothing_of_it_lost(here: Ground, side: Side):
    words = [f"w{number}" for number in range(1800)]

    def much(word: str) -> Reply:
        said_of_it = [sentence(word), *(" ".join(words[start : start + 600]) for start in (0, 600, 1200))]
        statements = [{"text": text, "sources": ["a"]} for text in said_of_it]
        return said(json.dumps({"verdict": "satisfied", "missing": "", "statements": statements}))

    here.script.answering = much
    request = here.telegram.ask("pair", "F27")
    here.telegram.answer(request)
    here.telegram.remote("wait", chat=request.person, text=words[-1], timeout_s=60)
    parts = [one["text"] for one in here.telegram.shown(request)]
    assert all(len(part) <= 4096 for part in parts)
    shown = " ".join(parts).split()
    assert [shown.count(word) for word in (words[0], words[999], words[-1])] == [1, 1, 1]
