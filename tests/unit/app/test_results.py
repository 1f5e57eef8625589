from __future__ import annotations

import json
from dataclasses import replace

from aggregator.summary import summarise
from app.results import task_document
from domain.events import Answered
from domain.plan import Repair
from domain.progress import step
from domain.task import Exchange
from tests.unit.aggregator.samples import AT, mapped


def test_a_document_tells_maps_rounds_repairs_and_what_was_said() -> None:
    task = mapped(["a.csv", "b.csv"], lost={1})
    assert task.plan is not None
    repair = Repair(kind="skill", subtask="ls", before="dir", after="list", reason="no such skill")
    task = replace(
        task,
        plan=replace(task.plan, repairs=(repair,), misses=("", "the prices")),
        dialogue=(Exchange(said="Which month?", reply="March"),),
    )
    task, _ = step(task, Answered(answer=summarise(task), at=AT))
    told = json.loads(json.dumps(task_document(task)))
    assert (told["state"], told["verdict"], told["author"]) == ("answered", "partial", "rules")
    assert told["repairs"] == [
        {"kind": "skill", "subtask": "ls", "before": "dir", "after": "list", "reason": "no such skill"}
    ]
    assert told["rounds"] == [{"number": 1, "why": None}, {"number": 2, "why": "the prices"}]
    assert told["dialogue"] == [{"question": "Which month?", "reply": "March"}]
    assert told["question"] is None
    by_id = {subtask["id"]: subtask for subtask in told["subtasks"]}
    assert (by_id["each"]["parent"], by_id["each.1"]["parent"], by_id["each.1"]["item"]) == (None, "each", "a.csv")
    assert (by_id["each"]["output"], by_id["ls"]["round"]) == ([None, None], 0)
    assert by_id["each.2"]["error"]["code"] == "refused"


def test_a_task_without_a_plan_has_a_document_too() -> None:
    task = replace(mapped([]), plan=None, subtasks={}, question="Which month?")
    told = task_document(task)
    assert (told["plan"], told["planner"], told["subtasks"], told["question"]) == (None, None, [], "Which month?")
