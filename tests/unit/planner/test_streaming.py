from __future__ import annotations

import json
import time
from typing import Any

import pytest

from domain.plan import Node
from planner.streaming import MAX_HEAD, MAX_PREAMBLE, EarlyNodes, TaskEntries
from tests.fakes_model import in_pieces

TASKS: list[dict[str, Any]] = [
    {"id": "a", "skill": "echo", "params": {"text": 'hi } { [ \\ " 你好 🚀'}, "dependencies": []},
    {"id": "b", "skill": "echo", "params": {"deep": [[1, 2.5, None], {"x": True}]}, "dependencies": ["a"]},
]
PLAN = json.dumps({"tasks": TASKS}, ensure_ascii=False)


def heard(text: str, size: int = 4) -> list[Any]:
    entries = TaskEntries()
    return [entry for piece in in_pieces(text, size) for entry in entries.feed(piece)]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 10_000])
def test_every_task_is_found_however_the_text_is_cut(size: int) -> None:
    assert heard(PLAN, size) == TASKS


def test_a_task_is_there_as_soon_as_its_last_bracket_is() -> None:
    entries = TaskEntries()
    end = PLAN.index('}, {"id": "b"') + 1
    before = [entry for piece in in_pieces(PLAN[: end - 1], 1) for entry in entries.feed(piece)]
    assert before == []
    assert entries.feed(PLAN[end - 1]) == TASKS[:1]


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff\n " + PLAN,
        "```json\n" + PLAN + "\n```\nThat is my plan {see above}.",
        "Sure, {name}! Here it is:\n" + PLAN,
        '<think>maybe {"tasks": [{"id": "draft"}]} or so</think>\n' + PLAN,
        json.dumps({"cause": "x", "answer": None, "question": None, "tasks": TASKS}),
        json.dumps({"plan": {"goal": "x", "steps": TASKS}}),
        json.dumps({"Task List": TASKS}),
        json.dumps(TASKS),
        json.dumps({"tasks": [TASKS[0], 3, "x", None, [TASKS[1]], TASKS[1]]}),
        json.dumps({"notes": [{"id": "no task"}], "tasks": TASKS, "after": [{"id": "none either"}]}),
    ],
)
def test_whatever_stands_around_the_list_it_is_found(text: str) -> None:
    assert heard(text) == TASKS


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no plan at all }",
        '<think>{"tasks": [{"id": "a"}]} and so on',
        "x" * (MAX_PREAMBLE + 1) + PLAN,
        json.dumps({"a": {"b": {"tasks": TASKS}}}),
        json.dumps({"examples": TASKS}),
        '{"tasks": [{"id": "a", "id": "b"}]}',
        '{"tasks": [{"id": NaN}]}',
        '{"tasks": [{"id": "\\ud800"}]}',
        '{"tasks": [{"id": "\ud800"}]}',
        '{"tasks": [{"id": 1e999}]}',
        '{"tasks": [{"id": "a" "b"}]}',
        '{"tasks": [{"a":' + "[" * 100_000 + "]" * 100_000 + "}]}",
        '{"tasks": [{"a":' + '{"a":' * 100_000 + "}" * 100_000 + "}]}",
    ],
)
def test_what_is_odd_is_left_to_the_whole_text(text: str) -> None:
    assert heard(text, 1000) == []


def test_what_was_whole_before_the_text_broke_stays() -> None:
    assert heard(PLAN[:-10] + "@" + PLAN[-10:]) == TASKS[:1]
    assert heard(PLAN + PLAN) == TASKS


def test_a_text_without_json_is_given_up_without_being_kept() -> None:
    entries = TaskEntries()
    for _ in range(100):
        entries.feed("{ x } " * 1_000)
    assert entries.feed(PLAN) == []
    assert len(entries._head) <= MAX_HEAD + 6_000


def test_five_hundred_tasks_cost_milliseconds() -> None:
    many = [{**TASKS[0], "id": f"t{number}"} for number in range(500)]
    pieces = in_pieces(json.dumps({"tasks": many}), 4)
    entries = TaskEntries()
    started = time.process_time()
    found = [entry for piece in pieces for entry in entries.feed(piece)]
    assert found == many
    assert time.process_time() - started < 0.5


# --- the listener -------------------------------------------------------------------------------------------------


def taken(entry: Any) -> Node | None:
    return Node(id=entry["id"], skill=entry["skill"]) if entry["id"] != "secret" else None


def test_certain_nodes_are_handed_on_in_their_order() -> None:
    handed: list[Node] = []
    listener = EarlyNodes(lambda: taken, handed.append)
    text = json.dumps({"tasks": [TASKS[0], {**TASKS[0], "id": "secret"}, TASKS[1]]})
    assert not listener.has_acted
    for piece in in_pieces(text):
        listener.heard(piece)
    assert [node.id for node in handed] == ["a", "b"]
    assert listener.nodes == tuple(handed)
    assert listener.has_acted


def test_after_a_restart_it_listens_from_the_beginning() -> None:
    handed: list[Node] = []
    listener = EarlyNodes(lambda: taken, handed.append)
    listener.heard('{"tasks": [ {"id": "a", ')
    listener.restarted()
    assert not listener.has_acted
    listener.heard(PLAN)
    assert [node.id for node in handed] == ["a", "b"]
