"""Plan JSON (design: `{"tasks": [...], "answer"?: text}`) to `Plan` and back.

Reading is as tolerant as is safe about the words models use for the same thing; what does not make sense is
refused with the place named.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from domain.plan import Condition, Node, Plan, When
from domain.plan_json import words
from domain.plan_json.entry import read_task, refuse, task_id
from domain.plan_json.links import linked
from domain.skill import Catalogue


def is_plan(document: Any) -> bool:
    """Whether a parsed JSON document holds something that is meant to be a plan."""
    return words.plan_in(document) is not None


def read_plan(document: Any, *, author: str = "given", catalogue: Catalogue | None = None) -> Plan:
    """Read a parsed JSON document.

    Args:
        document: what was parsed.
        author: who planned.
        catalogue: the skills, where they are known: they say what a value in a list of names and values stands for.

    Raises:
        Malformed: it is no plan; the place that is wrong is named.
    """
    found = words.plan_in(document)
    if found is None:
        if not isinstance(document, Mapping | list):
            refuse("this is not an object")
        found = document if isinstance(document, Mapping) else {"tasks": document}
        if not any(words.given(found, (*words.TASKS, *words.ANSWER, *words.QUESTION))):
            refuse('it has neither "tasks" nor "answer" nor "question"')
    entries = _entries(found)
    known = frozenset(name for name in map(task_id, entries) if name)
    start = 0 if words.first(found, words.NUMBERED_FROM_0, list) is entries else 1
    nodes, repairs = linked(
        [read_task(entry, place, catalogue=catalogue, known=known) for place, entry in enumerate(entries, start=start)],
        found,
    )
    return Plan(
        nodes=nodes,
        answer=_said(found, words.ANSWER),
        question=_said(found, words.QUESTION),
        repairs=repairs,
        author=author,
    )


def _entries(document: Mapping[str, Any]) -> Sequence[Any]:
    said = words.given(document, words.TASKS)
    lists = [value for value in said if isinstance(value, list) or words.are_tasks(value)]
    wrong = words.first(document, words.TASKS[:1], object)
    if not lists and wrong is not None:
        refuse('"tasks" is not a list')
    full = (entries for entries in lists if entries and all(isinstance(entry, Mapping) for entry in _listed(entries)))
    return _listed(next(full, lists[0] if lists else []))


def _listed(entries: Any) -> Sequence[Any]:
    """A list of tasks; of an object of tasks by their ids the tasks, each with its id."""
    if isinstance(entries, list):
        return entries
    return [{"id": name, **entry} if isinstance(entry, Mapping) else entry for name, entry in entries.items()]


def _said(document: Mapping[str, Any], known: words.Words) -> str | None:
    text = words.first(document, known, object)
    if text is not None and not isinstance(text, str):
        refuse(f'"{known[0]}" is not a text')
    return text if text and text.strip() else None


# --- writing --------------------------------------------------------------------------------------------------


def plan_document(plan: Plan) -> dict[str, Any]:
    """The plan as Plan JSON, defaults left out."""
    document: dict[str, Any] = {"tasks": [task_document(node) for node in plan.nodes]}
    if plan.answer is not None:
        document["answer"] = plan.answer
    if plan.question is not None:
        document["question"] = plan.question
    return document


def task_document(node: Node) -> dict[str, Any]:
    """One task as Plan JSON."""
    entry: dict[str, Any] = {
        "id": node.id,
        "name": node.name,
        "skill": node.skill,
        "description": node.description,
        "params": dict(node.params),
        "dependencies": list(node.dependencies),
    }
    if node.for_each:
        entry["for_each"] = node.for_each
    if node.condition is not None:
        entry["when"] = _condition_document(node.condition)
    elif node.when is not When.ALL_SUCCESS:
        entry["when"] = node.when.value
    entry |= {flag: True for flag in ("critical", "approval") if getattr(node, flag)}
    return entry


def _condition_document(condition: Condition) -> dict[str, Any]:
    document = {"ref": condition.ref, "op": condition.op.value}
    return document if condition.value is None else {**document, "value": condition.value}
