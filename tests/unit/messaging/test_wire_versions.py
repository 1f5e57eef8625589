"""Programs of the version before and of this one read one another's messages: a running queue survives an upgrade."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from domain import messages as today
from domain.errors import Malformed
from messaging.envelope import decode, encode
from tests.wire import first

RECORDED = [
    (line["kind"], line["body"])
    for line in map(json.loads, (Path(__file__).parents[2] / "data/wire/first.jsonl").read_text().splitlines())
]
NEW, OLD = (
    {
        "task": version.TASK,
        "report": version.REPORT,
        "heartbeat": version.HEARTBEAT,
        "order": version.ORDER,
        "nudge": version.NUDGE,
    }
    for version in (today, first)
)
FREE = frozenset({"params", "output", "findings", "upstream", "outputSchema"})  # what agents fill as they like


def read(kind: str, body: Any) -> Any:
    return decode(json.dumps(body).encode(), NEW[kind])


def with_surprises(value: Any) -> Any:
    """The same with a field that nobody knows in every object."""
    if isinstance(value, list):
        return [with_surprises(item) for item in value]
    if not isinstance(value, dict):
        return value
    inner = {name: item if name in FREE else with_surprises(item) for name, item in value.items()}
    return inner | {"fromTheFuture": {"v": 2}}


def test_every_kind_was_recorded() -> None:
    kinds = {(kind, body.get("type") or body["kind"]) for kind, body in RECORDED}
    reports = {("report", kind) for kind in ("result", "started", "claim", "handback", "hello")}
    orders = {("order", kind) for kind in get_args(today.Order.model_fields["type"].annotation)}
    nudges = {("nudge", kind) for kind in get_args(first.Nudge.model_fields["kind"].annotation)}
    assert kinds == reports | orders | nudges | {("task", "task"), ("heartbeat", "heartbeat")}


@pytest.mark.parametrize(("kind", "body"), RECORDED)
def test_what_the_version_before_wrote_is_read_as_it_was_meant(kind: str, body: Any) -> None:
    message = read(kind, body)
    assert OLD[kind].validate_python(message.model_dump(by_alias=True)) == OLD[kind].validate_python(body)


@pytest.mark.parametrize(("kind", "body"), RECORDED)
def test_what_nobody_knows_is_ignored(kind: str, body: Any) -> None:
    assert read(kind, with_surprises(body)) == read(kind, body)


def test_an_unknown_type_is_no_message_and_so_is_handed_back() -> None:
    """An agent rejects it, which brings it back; among reports it becomes a dead letter."""
    for kind, body in RECORDED:
        if "type" in body:
            with pytest.raises(Malformed):
                read(kind, body | {"type": "task2"})


def fullest(kind: str) -> list[BaseModel]:
    """What this version writes, with everything in it that the one before did not know."""
    messages = [read(of, body) for of, body in RECORDED if of == kind]
    usage = today.UsageEntry(model="m", prompt_tokens=1)
    for message in list(messages):
        if isinstance(message, today.ResultMessage):
            content = message.content.model_copy(update={"plan": {"tasks": []}, "usage": [usage]})
            messages.append(message.model_copy(update={"content": content}))
        if isinstance(message, today.Hello):
            skills = [skill.model_copy(update={"aliases": ["lint"], "cache_s": 60.0}) for skill in message.skills]
            messages.append(message.model_copy(update={"skills": skills}))
        if isinstance(message, today.TaskMessage):
            upstream = {"t1": today.Upstream(skill="echo", is_clipped=True)}
            context = message.content.context.model_copy(update={"upstream": upstream})
            content = message.content.model_copy(update={"context": context})
            messages.append(message.model_copy(update={"content": content}))
    return messages


@pytest.mark.parametrize("kind", NEW)
def test_what_this_version_writes_is_read_by_the_one_before(kind: str) -> None:
    for message in fullest(kind):
        assert OLD[kind].validate_json(encode(message), strict=True)


def test_nothing_that_was_needed_is_missing_now_and_nothing_new_is_needed() -> None:
    """The rule behind it: fields are added with a default, never taken away or made necessary."""
    for name in (
        name for name, thing in vars(first).items() if isinstance(thing, type) and issubclass(thing, BaseModel)
    ):
        old, new = getattr(first, name).model_fields, getattr(today, name).model_fields
        assert old.keys() <= new.keys(), name
        needed = {field for field, about in new.items() if about.is_required()}
        assert needed <= {field for field, about in old.items() if about.is_required()}, name
