"""Workers that are busy, missing, frozen, poisoned, old, or many."""

from __future__ import annotations

import os
import signal
import subprocess
from collections import Counter
from functools import partial
from urllib.parse import urlsplit

import pika
import pytest

from tests.acceptance.talking_model import plan_of, step
from tests.failures.ground import Ground, until
from tests.failures.sides import Side, on
from tests.failures.telegram import Request
from tests.failures.witness import deeds
from tests.fakes_model import said

pytestmark = [pytest.mark.process, pytest.mark.timeout(240)]

MOST_KILLS = 3  # the tries of a step
SERVERS_ONLY = on(Side.SERVERS)


@pytest.mark.parametrize("side", on())
def test_f14_what_waits_too_long_in_a_queue_is_sent_again(here: Ground, side: Side):
    """Every slot is taken for longer than a message may lie in its queue."""
    busy = [here.telegram.ask("wait", "F14") for _ in range(4)]
    until(lambda: all(here.deeds(request) for request in busy))
    waiting = here.telegram.ask("read", "F14")
    until(lambda: here.has_logged('"reason": "expired"'))
    for request in busy:
        here.open_gate(request)
    for request in (*busy, waiting):
        assert here.check_answered_once(request)["state"] == "answered"
        assert len(here.deeds(request)) == 1


@pytest.mark.parametrize("side", on())
def test_f18_work_that_hangs_is_ended_and_tried_again(here: Ground, side: Side):
    request = here.telegram.ask("hang", "F18")
    task = here.check_answered_once(request)
    assert [subtask["attempts"] for subtask in task["subtasks"]] == [2]
    assert len(here.deeds(request)) == 2


@pytest.mark.parametrize("side", SERVERS_ONLY)
def test_f15_without_a_worker_a_task_says_so_and_fails_at_its_deadline(here: Ground, side: Side):
    here.start("more", *here.roles["agents"], XINGSHU_AGENTS="odd=echo")
    here.until_announced("odd")
    here.children["house"].kill()
    here.start("house", XINGSHU_TASK_DEADLINE_S="12")
    here.script.planning = lambda word: said(
        plan_of(step("a", "witness_wait", text=word), step("b", "echo", "a", text="never"))
    )
    request = here.telegram.ask("wait", "F15")
    until(lambda: here.deeds(request))
    here.children["more"].kill()
    here.open_gate(request)
    task = here.check_ended(request)
    assert [subtask["state"] for subtask in task["subtasks"]] == ["succeeded", "failed"]
    here.telegram.answer(request, "deadline")


@pytest.mark.parametrize("side", SERVERS_ONLY)
def test_f19_a_worker_that_was_frozen_comes_back_too_late(here: Ground, side: Side):
    here.start("more agents", *here.roles["agents"])
    request = here.telegram.ask("wait", "F19")
    (first,) = until(lambda: here.deeds(request))
    frozen = next(name for name, child in here.children.items() if child.pid == first["pid"])
    until(lambda: here.task(request)["subtasks"][0]["state"] == "running")  # it holds a lease
    os.kill(first["pid"], signal.SIGSTOP)
    until(lambda: len(here.deeds(request)) == 2, 90)
    here.open_gate(request)
    before = here.check_answered_once(request)
    os.kill(first["pid"], signal.SIGCONT)
    until(lambda: _has_ended(here, frozen, before["task_id"]))
    after = here.check_answered_once(request)
    assert after == before
    assert after["subtasks"][0]["attempts"] == 2
    assert {deed["pid"] for deed in here.deeds(request)} == {
        here.children[name].pid for name in ("agents", "more agents")
    }


def _has_ended(here: Ground, name: str, task_id: str) -> bool:
    """Whether a worker is done with a task: it was told to stop, or reports what nobody wants any more."""
    lines = [line for line in here.children[name].log.read_text().splitlines() if task_id in line]
    return any("attempt_stopped" in line or "attempt_ended" in line for line in lines)


@pytest.mark.parametrize("side", on())
def test_f36_poison_is_given_up_and_nobody_else_suffers(here: Ground, side: Side):
    victim = "agents" if here.has_servers else "house"
    poison = here.telegram.ask("poison", "F36")
    other: Request | None = None

    def is_over() -> bool:
        nonlocal other
        if here.children[victim].poll() is not None:
            here.start(victim)
            other = other or here.telegram.ask("read", "F36")
        return bool(here.telegram.remote("messages", chat=poison.person)) and _is_told(here, poison)

    until(is_over, 150)
    assert here.task(poison)["state"] == "failed"
    kills = Counter(deed["key"] for deed in here.deeds(poison))  # a plan of another round has steps of its own
    assert 1 <= max(kills.values()) <= MOST_KILLS
    assert other is not None
    assert here.check_answered_once(other)["state"] == "answered"


def _is_told(here: Ground, request: Request) -> bool:
    return any(not one["is_silent"] for one in here.telegram.shown(request))


@pytest.mark.parametrize("side", on(usual=Side.SERVERS))
def test_f37_a_flood_holds_nobody_up(here: Ground, side: Side):
    here.children["house"].kill()
    here.start("house", XINGSHU_TOTAL_WINDOW="4")  # so that what waits does so in the rows, where shares are fair
    flood = here.telegram.ask("wide", "F37")
    until(lambda: here.all_deeds(flood))
    small = here.telegram.ask("read", "F37")
    for request, text in ((small, ""), (flood, "12 steps")):
        here.telegram.answer(request, text)
    order = [deed["text"].partition(".")[0] for deed in deeds(here.folder)]
    assert order.index(small.word) < len(order) - 1 - order[::-1].index(flood.word)


@pytest.mark.parametrize("side", SERVERS_ONLY)
def test_f38_what_nobody_can_read_is_put_aside(here: Ground, side: Side):
    """Garbage, a type of a later version, fields nobody knows: on both queues."""
    assert here.services is not None
    connection = pika.BlockingConnection(pika.URLParameters(here.services.broker.url))
    channel = connection.channel()
    bodies = [b"\xff\xfe", b"[]", b'{"type":"telepathy","taskId":"ZZZZZZ.a","source":"witness","more":{"v":9}}']
    for body in bodies:
        channel.basic_publish("result_exchange", "result.witness", body)
        channel.basic_publish("task_exchange", "task.witness", body)
    connection.close()
    until(lambda: here.has_logged("report_unreadable") and here.has_logged("message_rejected"))
    request = here.telegram.ask("pair", "F38")
    assert here.check_answered_once(request)["state"] == "answered"
    assert [child.poll() for child in here.children.values()] == [None, None]


@pytest.mark.parametrize("side", SERVERS_ONLY)
def test_f13_a_queue_that_is_gone_is_made_again(here: Ground, side: Side):
    assert here.services is not None
    vhost = urlsplit(here.services.broker.url).path.lstrip("/")
    running = here.telegram.ask("wait", "F13")
    until(lambda: here.deeds(running))
    subprocess.run(["rabbitmqctl", "-q", "delete_queue", "-p", vhost, "queue.witness"], check=True, timeout=60)
    request = here.telegram.ask("read", "F13")
    here.open_gate(running)
    for one in (running, request):
        assert here.check_answered_once(one)["state"] == "answered"


@pytest.mark.parametrize("side", SERVERS_ONLY)
def test_f13_a_queue_of_another_shape_is_named_and_troubles_nobody_else(here: Ground, side: Side):
    assert here.services is not None
    connection = pika.BlockingConnection(pika.URLParameters(here.services.broker.url))
    connection.channel().queue_declare("queue.misshapen", durable=True, arguments={"x-max-length": 7})
    connection.close()
    here.start("misshapen", *here.roles["agents"], XINGSHU_AGENTS="misshapen=echo")
    until(lambda: "queue.misshapen" in here.children["misshapen"].log.read_text())
    here.until_announced("misshapen")
    here.script.planning = lambda word: said(plan_of(step("a", "echo", text=word)))
    here.telegram.ask("read", "F13")
    until(lambda: here.has_logged("declare_failed", "queue.misshapen"))
    here.script.be_well()
    assert here.check_answered_once(here.telegram.ask("read", "F13"))["state"] == "answered"


@pytest.mark.parametrize("side", on(usual=Side.SERVERS))
def test_f23_siblings_that_end_together_are_joined_once(here: Ground, side: Side):
    if here.has_servers:  # two who settle
        here.start("second", "serve", "--role", "dispatcher,aggregator")
    for _ in range(3):  # one after the other: together they would wait for one another's slots
        request = here.telegram.ask("fan", "F23")
        until(partial(_has_deeds, here, request, 4))
        here.open_gate(request)
        task = here.check_answered_once(request)
        assert [subtask["attempts"] for subtask in task["subtasks"]] == [1] * 5
        assert len(here.deeds(request)) == 1


def _has_deeds(here: Ground, request: Request, count: int) -> bool:
    return len(here.all_deeds(request)) == count
