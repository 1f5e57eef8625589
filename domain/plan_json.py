"""Plan JSON (design: `{"tasks": [...], "answer"?: text}`) to `Plan` and back.

Reading is as tolerant as is safe about the words models use for the same thing; what does not make sense is
refused with the place named.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from typing import Any, NoReturn

from domain.errors import Malformed
from domain.plan import Node, Plan, When

_LISTS = ("tasks", "subtasks", "steps", "nodes")
_DEPENDENCIES = ("dependencies", "depends_on", "dependsOn", "deps", "dep")
_SKILLS = ("skill", "tool", "action", "task")
_PARAMS = ("params", "args", "arguments", "parameters", "inputs")


def read_plan(document: Any, *, author: str = "given") -> Plan:
    """Read a parsed JSON document. Raises Malformed naming the place that is not a plan."""
    if isinstance(document, Mapping) and isinstance(document.get("plan"), Mapping | list):
        document = document["plan"]
    if isinstance(document, list):
        document = {"tasks": document}
    if not isinstance(document, Mapping):
        _refuse("this is not an object")
    tasks = _first(document, _LISTS, [])
    answer = document.get("answer")
    if not isinstance(tasks, list):
        _refuse('"tasks" is not a list')
    if answer is not None and not isinstance(answer, str):
        _refuse('"answer" is not a text')
    nodes = tuple(_node(entry, position) for position, entry in enumerate(tasks, start=1))
    return Plan(nodes=nodes, answer=answer if answer and answer.strip() else None, author=author)


def plan_document(plan: Plan) -> dict[str, Any]:
    """The plan as Plan JSON, defaults left out."""
    document: dict[str, Any] = {"tasks": [_entry(node) for node in plan.nodes]}
    if plan.answer is not None:
        document["answer"] = plan.answer
    return document


def _refuse(detail: str) -> NoReturn:
    raise Malformed("plan.wrong_shape", detail=detail)


def _first(entry: Mapping[str, Any], names: tuple[str, ...], default: Any) -> Any:
    return next((entry[name] for name in names if entry.get(name) is not None), default)


def _node(entry: Any, position: int) -> Node:
    if not isinstance(entry, Mapping):
        _refuse(f"task {position} is not an object")
    skill = _first(entry, _SKILLS, None)
    if not isinstance(skill, str) or not skill.strip():
        _refuse(f'task {position} names no "skill"')
    params = _first(entry, _PARAMS, {})
    if isinstance(params, list):
        params = _paired(params, position)
    if not isinstance(params, Mapping):
        _refuse(f'"params" of task {position} is not an object')
    return Node(
        id=_word(_first(entry, ("id",), f"t{position}"), position),
        skill=skill.strip(),
        name=_text(entry.get("name")),
        description=_text(entry.get("description")),
        params=dict(params),
        dependencies=_dependencies(_first(entry, _DEPENDENCIES, []), position),
        critical=entry.get("critical") is True,
        when=_when(entry.get("when"), position),
    )


def _paired(params: list[Any], position: int) -> dict[str, Any]:
    """`[{"name": n, "value": v}]`, what strict structured output makes of a free object."""
    if not all(isinstance(pair, Mapping) and isinstance(pair.get("name"), str) for pair in params):
        _refuse(f'"params" of task {position} is not an object')
    return {pair["name"]: pair.get("value") for pair in params}


def _word(value: Any, position: int) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        _refuse(f'the "id" of task {position} is not a word')
    return unicodedata.normalize("NFC", str(value)).strip()


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _dependencies(value: Any, position: int) -> tuple[str, ...]:
    if isinstance(value, str):
        value = [part for part in value.replace(",", " ").split() if part]
    if not isinstance(value, list):
        value = [value]
    return tuple(_word(other, position) for other in value)


def _when(value: Any, position: int) -> When:
    if value is None:
        return When.ALL_SUCCESS
    try:
        return When(value)
    except ValueError:
        _refuse(f'"when" of task {position} is none of {", ".join(When)}')


def _entry(node: Node) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "id": node.id,
        "name": node.name,
        "skill": node.skill,
        "description": node.description,
        "params": dict(node.params),
        "dependencies": list(node.dependencies),
    }
    if node.critical:
        entry["critical"] = True
    if node.when is not When.ALL_SUCCESS:
        entry["when"] = node.when.value
    return entry
