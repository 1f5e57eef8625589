from __future__ import annotations

import json
from datetime import timedelta

import pytest

from domain.errors import Malformed
from domain.messages import (
    HEARTBEAT,
    REPORT,
    TASK,
    Heartbeat,
    Hello,
    Nudge,
    Order,
    ResultContent,
    ResultMessage,
    ResultMetadata,
    TaskContent,
    TaskMessage,
    TaskMetadata,
)
from messaging import envelope
from messaging.topology import Topology
from tests.fakes import START

TOPOLOGY = Topology()
TRACE = "00-" + "a" * 32 + "-" + "b" * 16 + "-01"


def task(*, life_s: float = 60.0, priority: str = "normal", params: dict[str, object] | None = None) -> TaskMessage:
    return TaskMessage(
        task_id="ABC123.t1",
        target="yunce",
        priority=priority,
        content=TaskContent(action="count", params=params or {}),
        metadata=TaskMetadata(
            created_at=START, expire_at=START + timedelta(seconds=life_s), attempt=3, traceparent=TRACE
        ),
    )


def result(output: object) -> ResultMessage:
    return ResultMessage(task_id="ABC123.t1", source="yunce", status="success", content=ResultContent(output=output))


def test_an_attempt_is_addressed_by_its_agent() -> None:
    letter = envelope.task_letter(TOPOLOGY, task())
    assert (letter.exchange, letter.key, letter.message_id) == ("task_exchange", "task.yunce", "ABC123.t1.3")
    assert (letter.headers, letter.is_persistent) == ({"traceparent": TRACE}, True)


@pytest.mark.parametrize(("priority", "number"), [("high", 9), ("normal", 4), ("low", 1)])
def test_priorities_by_number(priority: str, number: int) -> None:
    assert envelope.task_letter(TOPOLOGY, task(priority=priority)).priority == number


@pytest.mark.parametrize(
    ("life_s", "ttl_ms"), [(60.0, 60_000), (0.0015, 1), (0.0, 0), (-5.0, 0), (60 * 86_400.0, 2**32 - 1)]
)
def test_an_attempt_lives_as_long_as_the_broker_can_count(life_s: float, ttl_ms: int) -> None:
    assert envelope.task_letter(TOPOLOGY, task(life_s=life_s)).ttl_ms == ttl_ms


def test_the_wire_speaks_camel_case_utc_and_leaves_out_what_is_none() -> None:
    body = json.loads(envelope.task_letter(TOPOLOGY, task(params={"limit": None})).body)
    assert body["taskId"] == "ABC123.t1"
    assert body["metadata"]["createdAt"] == "2026-01-01T12:00:00Z"
    assert body["content"]["params"] == {"limit": None}
    assert "traceparent" not in json.loads(envelope.encode(task().metadata.model_copy(update={"traceparent": None})))


@pytest.mark.parametrize("output", [None, "星枢 🌟", 10**300, -(10**25), 1.5, True, [], {"a": {"b": [None, {}]}}])
def test_what_is_encoded_is_decoded_the_same(output: object) -> None:
    message = result(output)
    assert envelope.decode(envelope.encode(message), REPORT) == message


@pytest.mark.parametrize(
    ("output", "written"),
    [
        ([float("nan"), float("inf")], [None, None]),
        (START, "2026-01-01T12:00:00Z"),
        ((1, 2), [1, 2]),
        ({START: 1}, {"2026-01-01T12:00:00Z": 1}),
        ([Ellipsis], ["Ellipsis"]),
        (["\ud800 alone", START, Ellipsis], ["? alone", "2026-01-01T12:00:00+00:00", "Ellipsis"]),
        ({"\udfff": 1}, {"?": 1}),
    ],
)
def test_what_json_has_no_word_for_is_written_somehow(output: object, written: object) -> None:
    read = envelope.decode(envelope.encode(result(output)), REPORT)
    assert isinstance(read, ResultMessage)
    assert read.content.output == written


def test_what_a_worker_says_goes_to_the_control_plane_under_its_agents_name() -> None:
    said = result(None).model_copy(update={"metadata": ResultMetadata(traceparent=TRACE)})
    letter = envelope.report_letter(TOPOLOGY, "yunce", said)
    assert (letter.exchange, letter.key, letter.headers) == ("result_exchange", "result.yunce", {"traceparent": TRACE})
    assert envelope.report_letter(TOPOLOGY, "yunce", Hello(agent="yunce", worker="w1")).headers == {}


def test_what_may_be_lost_is_not_persistent() -> None:
    letters = [
        envelope.heartbeat_letter(TOPOLOGY, Heartbeat(agent="yunce")),
        envelope.order_letter(TOPOLOGY, ("yunce", "w1"), Order(type="stop", task_id="ABC123.t1", exec_id="e")),
        envelope.nudge_letter(TOPOLOGY, Nudge(kind="changed", task_id="ABC123")),
    ]
    addresses = [(letter.exchange, letter.key, letter.is_persistent) for letter in letters]
    assert addresses == [
        ("result_exchange", "heartbeat.yunce", False),
        ("", "ctl.yunce.w1", False),
        ("event_exchange", "event.changed", False),
    ]


def test_a_listener_that_knows_only_the_promised_fields_is_understood() -> None:
    seed = b"""{"taskId":"ABC123.t1","type":"result","source":"yunce","target":"star","status":"success",
        "content":{"summary":"ok","output":{"n":2},"findings":[{"severity":"low"}]},
        "metadata":{"completedAt":"2026-01-01T20:00:00+08:00","duration":1.5},"extra":1}"""
    read = envelope.decode(seed, REPORT)
    assert isinstance(read, ResultMessage)
    assert (read.content.output, read.metadata.attempt, read.metadata.completed_at) == ({"n": 2}, None, START)


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        (b"", "Expecting value"),
        (b"\xff\xfe", "UTF-8"),
        (b"{} {}", "Extra data"),
        (b'{"type":"result","type":"hello"}', "twice"),
        (b'{"a":NaN}', "NaN"),
        (b'{"a":' + b"9" * 500 + b"}", "digits"),
        (b"[" * 5000 + b"]" * 5000, "nested"),
        (b"[]", "object"),
        (b'{"type":"result"}', "Field required"),
        (b'{"type":"order"}', "type"),
        (b'{"type":"hello","agent":"a","worker":"w","skills":[{"name":"no spaces"}]}', "skills"),
        (b"x" * (2**20 + 1), "bytes"),
    ],
)
def test_everything_else_is_refused_with_a_reason(body: bytes, detail: str) -> None:
    with pytest.raises(Malformed) as refused:
        envelope.decode(body, REPORT)
    assert detail in str(refused.value)
    assert len(str(refused.value)) < 300


def test_one_kind_is_not_taken_for_another() -> None:
    beat = envelope.encode(Heartbeat(agent="yunce"))
    assert envelope.decode(beat, HEARTBEAT).agent == "yunce"
    for adapter in (TASK, REPORT):
        with pytest.raises(Malformed):
            envelope.decode(beat, adapter)


def test_a_refusal_does_not_repeat_the_body() -> None:
    with pytest.raises(Malformed) as refused:
        envelope.decode(b'{"type":"heartbeat","agent":"a","timestamp":"sk-secret-secret"}', HEARTBEAT)
    assert "timestamp" in str(refused.value)
    assert "secret" not in str(refused.value)
