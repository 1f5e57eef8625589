from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from domain.skill import Catalogue, SkillSpec
from planner.schema import plan_schema
from tests.unit.planner.skills import CATALOGUE


def objects(schema: Any) -> Iterator[dict[str, Any]]:
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield schema
        for inner in schema.values():
            yield from objects(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from objects(inner)


def skill_of(schema: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = schema["properties"]["tasks"]["items"]["properties"]["skill"]
    return found


def test_it_is_safe_for_strict_mode() -> None:
    schema = plan_schema(CATALOGUE, asks_cause=True)
    json.dumps(schema)
    assert len(list(objects(schema))) == 4
    for one in objects(schema):
        assert one["additionalProperties"] is False
        assert one["required"] == list(one["properties"])


def test_it_holds_the_model_to_the_skills_there_are_unless_they_are_too_many() -> None:
    assert skill_of(plan_schema(CATALOGUE))["enum"] == list(CATALOGUE.skills)
    crowd = Catalogue.of(("a", SkillSpec(name=f"s{number}", description="")) for number in range(201))
    assert skill_of(plan_schema(crowd)) == {"type": "string"}
    assert skill_of(plan_schema(Catalogue.of(()))) == {"type": "string"}


def test_tasks_come_last_and_the_cause_first() -> None:
    assert [*plan_schema(CATALOGUE)["properties"]] == ["answer", "question", "tasks"]
    assert next(iter(plan_schema(CATALOGUE, asks_cause=True)["properties"])) == "cause"
