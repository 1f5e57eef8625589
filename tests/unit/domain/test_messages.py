"""The wire, as the seeds' listeners speak it and as ours do."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from domain import messages as m

# As printed in the proposal for decoupling tasks through RabbitMQ, section 4.
SEED_TASK = """
{
"taskId": "task_20260317_001",
"type": "task",
"source": "xingyao",
"target": "yunce",
"priority": "high",
"content": {
"action": "code_review",
"params": {
"repo": "my-project",
"branch": "feature/login"
}
},
"metadata": {
"createdAt": "2026-03-17T10:30:00Z",
"expireAt": "2026-03-17T11:30:00Z",
"retryCount": 0,
"maxRetries": 3
}
}
"""
SEED_RESULT = """
{
"taskId": "task_20260317_001",
"type": "result",
"source": "yunce",
"target": "xingyao",
"status": "success",
"content": {
"summary": "代码审查完成",
"findings": [
{"severity": "warning", "message": "建议添加参数校验"}
],
"output": "/path/to/report.md"
},
"metadata": {
"completedAt": "2026-03-17T10:35:00Z",
"duration": 300
}
}
"""
SEED_HEARTBEAT = """
{
"type": "heartbeat",
"agent": "yunce",
"status": "idle",
"currentTask": null,
"timestamp": "2026-03-17T10:30:00Z"
}
"""
# What the seeds' listener sends: its own result as content, local time with a Z, no attempt.
SEED_LISTENER = {
    "taskId": "7K2QXM.a",
    "type": "result",
    "source": "yunce",
    "target": "xingyao",
    "status": "success",
    "content": {"output": "done\n", "status": "success"},
    "metadata": {"completedAt": "2026-03-17T10:35:00.123456Z"},
}


def test_the_seeds_task() -> None:
    task = m.TASK.validate_json(SEED_TASK)
    assert (task.task_id, task.source, task.target, task.priority) == ("task_20260317_001", "xingyao", "yunce", "high")
    assert task.content.action == "code_review"
    assert task.content.params == {"repo": "my-project", "branch": "feature/login"}
    assert task.metadata.created_at == datetime(2026, 3, 17, 10, 30, tzinfo=UTC)
    assert task.metadata.expire_at == datetime(2026, 3, 17, 11, 30, tzinfo=UTC)
    assert (task.metadata.retry_count, task.metadata.max_retries, task.metadata.attempt) == (0, 3, 1)


def test_the_seeds_result() -> None:
    result = m.REPORT.validate_json(SEED_RESULT)
    assert isinstance(result, m.ResultMessage)
    assert (result.status, result.content.summary) == (m.SUCCESS, "代码审查完成")
    assert result.content.findings == [{"severity": "warning", "message": "建议添加参数校验"}]
    assert result.content.output == "/path/to/report.md"
    assert (result.metadata.duration, result.metadata.attempt, result.metadata.exec_id) == (300, None, None)


def test_the_seeds_heartbeat() -> None:
    beat = m.HEARTBEAT.validate_json(SEED_HEARTBEAT)
    assert (beat.agent, beat.status, beat.current_task, beat.holding) == ("yunce", "idle", None, [])


def test_the_seeds_listener() -> None:
    result = m.REPORT.validate_python(SEED_LISTENER)
    assert isinstance(result, m.ResultMessage)
    assert result.content == m.ResultContent(output="done\n")


def round_trip(model: Any) -> dict[str, Any]:
    """What goes over the wire, read back the same."""
    text = model.model_dump_json(by_alias=True)
    assert type(model).model_validate_json(text) == model
    read: dict[str, Any] = json.loads(text)
    return read


def test_a_task_has_the_names_the_seeds_print() -> None:
    written = round_trip(
        m.TaskMessage(
            task_id="7K2QXM.a",
            target="yunce",
            content=m.TaskContent(
                action="look", params={"snake_case": 1}, context=m.Context(request="看", language="zh")
            ),
            metadata=m.TaskMetadata(
                created_at=datetime(2026, 1, 1, tzinfo=UTC), expire_at=datetime(2026, 1, 2, tzinfo=UTC), attempt=2
            ),
        )
    )
    assert set(json.loads(SEED_TASK)) == set(written)
    assert set(json.loads(SEED_TASK)["metadata"]) <= set(written["metadata"])
    assert written["content"]["params"] == {"snake_case": 1}
    assert written["metadata"]["createdAt"] == "2026-01-01T00:00:00Z"
    assert (written["metadata"]["timeoutS"], written["metadata"]["v"]) == (60.0, m.VERSION)


def test_a_result_has_the_names_the_seeds_print() -> None:
    error = m.ErrorContent(message="busy", retryable=True, retry_after_s=2.5)
    written = round_trip(
        m.ResultMessage(task_id="7K2QXM.a", source="yunce", status="busy", content=m.ResultContent(error=error))
    )
    assert set(json.loads(SEED_RESULT)) == set(written)
    assert written["content"]["error"] == {"message": "busy", "retryable": True, "retryAfterS": 2.5}
    assert {"completedAt", "duration", "attempt", "execId"} <= set(written["metadata"])


def test_a_heartbeat_has_the_names_the_seeds_print() -> None:
    holding = m.Holding(task_id="7K2QXM.a", attempt=1, exec_id="x")
    written = round_trip(m.Heartbeat(agent="yunce", current_task="7K2QXM.a", holding=[holding]))
    assert set(json.loads(SEED_HEARTBEAT)) <= set(written)
    assert written["holding"] == [{"taskId": "7K2QXM.a", "attempt": 1, "execId": "x"}]


@pytest.mark.parametrize("kind", ["started", "claim", "handback"])
def test_notices_are_told_apart_by_their_type(kind: str) -> None:
    body = {"taskId": "7K2QXM.a", "type": kind, "source": "yunce", "metadata": {"attempt": 1, "execId": "x"}}
    notice = m.REPORT.validate_python(body)
    assert isinstance(notice, m.Notice)
    assert (notice.type, notice.metadata.exec_id, notice.metadata.reason) == (kind, "x", "")
    assert round_trip(notice)["metadata"]["execId"] == "x"


def test_a_hello_and_its_defaults() -> None:
    hello = m.REPORT.validate_python(
        {"type": "hello", "agent": "yunce", "worker": "w", "skills": [{"name": "look", "params": [{"name": "path"}]}]}
    )
    assert isinstance(hello, m.Hello)
    (skill,) = hello.skills
    assert (skill.effect, skill.timeout_s, skill.max_attempts, skill.open_params) == ("none", 60.0, 3, False)
    assert skill.params == [m.ParamEntry(name="path")]
    assert round_trip(hello)["skills"][0]["outputSchema"] == {}


def test_orders_and_nudges() -> None:
    order = m.ORDER.validate_python({"type": "grant", "taskId": "7K2QXM.a", "execId": "x", "more": 1})
    assert round_trip(order) == {"type": "grant", "taskId": "7K2QXM.a", "execId": "x"}
    assert round_trip(m.Nudge(kind="planned", task_id="7K2QXM")) == {"kind": "planned", "taskId": "7K2QXM", "text": ""}
    assert m.NUDGE.validate_python({"kind": "settled", "taskId": "7K2QXM"}).kind == "settled"


@pytest.mark.parametrize(
    ("adapter", "text"), [(m.TASK, SEED_TASK), (m.REPORT, SEED_RESULT), (m.HEARTBEAT, SEED_HEARTBEAT)]
)
def test_unknown_fields_are_ignored_at_every_level(adapter: Any, text: str) -> None:
    body = json.loads(text)
    more = {
        "future": 1,
        **body,
        **{key: {"future": [1], **value} for key, value in body.items() if type(value) is dict},
    }
    assert adapter.validate_python(more) == adapter.validate_python(body)
    assert "future" not in adapter.validate_python(more).model_dump_json()


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"type": "rumour"},
        {"type": "result", "source": "a", "status": "success"},
        {"type": "result", "taskId": "x", "source": "a", "status": ""},
        {"type": "result", "taskId": "x", "source": "a", "status": "x" * 65},
        {"type": "started", "taskId": "x", "source": "a"},
        {"type": "hello", "agent": "a", "worker": "w", "skills": [{"name": "a b"}]},
        {"type": "hello", "agent": "a", "worker": "w", "skills": [{"name": "x", "effect": "magic"}]},
        {"type": "hello", "agent": "a", "worker": "w", "skills": [{"name": "x", "timeoutS": 0}]},
        {"type": "hello", "agent": "a", "worker": "w", "skills": [{"name": "x"}] * 257},
        {"type": "hello", "agent": "a", "worker": "w", "slots": -1},
        {"type": "hello", "agent": "a", "worker": "w", "slots": 2**40},
    ],
)
def test_what_is_not_a_report(body: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        m.REPORT.validate_python(body)


def test_messages_do_not_change() -> None:
    with pytest.raises(ValidationError):
        m.Nudge(kind="planned", task_id="x").kind = "settled"
