"""A plan's derived views, and Plan JSON."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import Malformed
from domain.plan import Node, Plan, When
from domain.plan_json import plan_document, read_plan
from tests.unit.domain import build as b

DIAMOND = Plan(nodes=(b.node("a"), b.node("b", "a"), b.node("c", "a"), b.node("d", "b", "c"), b.external("e")))


def test_views_of_a_plan() -> None:
    assert list(DIAMOND.by_id) == ["a", "b", "c", "d", "e"]
    assert DIAMOND.edges == {"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c"), "e": ()}
    assert DIAMOND.children == {"a": ("b", "c"), "b": ("d",), "c": ("d",), "d": (), "e": ()}
    assert DIAMOND.remaining == {"a": 3, "b": 2, "c": 2, "d": 1, "e": 1}
    assert DIAMOND.urgency == {"a": "high", "b": "high", "c": "high", "d": "high", "e": "low"}
    assert DIAMOND.needs_approval
    assert not Plan(nodes=(b.node("a"),)).needs_approval


@pytest.mark.parametrize(
    ("node", "title"),
    [
        (Node(id="a", skill="look"), "look"),
        (Node(id="a", skill="look", description="Look around"), "Look around"),
        (Node(id="a", skill="look", name="Look", description="Look around"), "Look"),
    ],
)
def test_the_title_of_a_node(node: Node, title: str) -> None:
    assert node.title == title


FULL = {
    "tasks": [
        {
            "id": "a",
            "name": "Read",
            "skill": "read",
            "description": "read it",
            "params": {"path": "x"},
            "dependencies": [],
        },
        {
            "id": "b",
            "name": "",
            "skill": "sum",
            "description": "",
            "params": {"of": "{{a.output}}"},
            "dependencies": ["a"],
            "critical": True,
            "when": "all_done",
        },
    ],
    "answer": "so",
}


def test_plan_json_goes_there_and_back() -> None:
    plan = read_plan(FULL, author="model")
    assert plan == Plan(
        nodes=(
            Node(id="a", skill="read", name="Read", description="read it", params={"path": "x"}),
            Node(
                id="b",
                skill="sum",
                params={"of": "{{a.output}}"},
                dependencies=("a",),
                critical=True,
                when=When.ALL_DONE,
            ),
        ),
        answer="so",
        author="model",
    )
    assert plan_document(plan) == FULL
    assert plan_document(Plan()) == {"tasks": []}


def only(entry: dict[str, Any]) -> Node:
    (node,) = read_plan({"tasks": [entry]}).nodes
    return node


@pytest.mark.parametrize("name", ["tasks", "subtasks", "steps", "nodes"])
def test_words_for_the_list(name: str) -> None:
    assert read_plan({name: [{"skill": "s"}]}).nodes == (Node(id="t1", skill="s"),)


@pytest.mark.parametrize(
    "document", [[{"skill": "s"}], {"plan": [{"skill": "s"}]}, {"plan": {"steps": [{"skill": "s"}]}, "thought": "hm"}]
)
def test_wrappings_of_the_list(document: Any) -> None:
    assert read_plan(document).nodes == (Node(id="t1", skill="s"),)


@pytest.mark.parametrize("name", ["skill", "tool", "action", "task"])
def test_words_for_the_skill(name: str) -> None:
    assert only({name: " look "}).skill == "look"
    assert only({"skill": None, name: "look"}).skill == "look"


@pytest.mark.parametrize("name", ["params", "args", "arguments", "parameters", "inputs"])
@pytest.mark.parametrize("params", [{"a": 1, "b": None}, [{"name": "a", "value": 1}, {"name": "b"}]])
def test_words_for_the_params(name: str, params: Any) -> None:
    assert only({"skill": "s", name: params}).params == {"a": 1, "b": None}


@pytest.mark.parametrize("name", ["dependencies", "depends_on", "dependsOn", "deps", "dep"])
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["a", "b"], ("a", "b")),
        ("a", ("a",)),
        ("a, b c", ("a", "b", "c")),
        ([1, " 2 "], ("1", "2")),
        (-1, ("-1",)),
        ([], ()),
        ("", ()),
        (None, ()),
    ],
)
def test_words_for_the_dependencies(name: str, value: Any, expected: tuple[str, ...]) -> None:
    assert only({"skill": "s", name: value}).dependencies == expected


@pytest.mark.parametrize(
    ("given", "read"), [("a", "a"), (" a ", "a"), (3, "3"), (-1, "-1"), ("e\u0301", "\u00e9"), (None, "t1")]
)
def test_ids_are_words(given: Any, read: str) -> None:
    assert only({"id": given, "skill": "s"}).id == read


def test_ids_that_are_left_out_are_counted() -> None:
    assert [node.id for node in read_plan([{"skill": "s"}, {"id": "x", "skill": "s"}, {"skill": "s"}]).nodes] == [
        "t1",
        "x",
        "t3",
    ]


def test_what_is_no_text_is_no_title() -> None:
    node = only({"skill": "s", "name": 5, "description": ["x"], "critical": "yes", "when": None})
    assert (node.name, node.description, node.critical, node.when) == ("", "", False, When.ALL_SUCCESS)


@pytest.mark.parametrize(("answer", "read"), [("hello", "hello"), ("", None), ("  \n", None), (None, None)])
def test_a_direct_reply(answer: str | None, read: str | None) -> None:
    assert read_plan({"tasks": [], "answer": answer}).answer == read


@pytest.mark.parametrize(
    ("document", "detail"),
    [
        ("text", "this is not an object"),
        (None, "this is not an object"),
        (7, "this is not an object"),
        ({"tasks": {"a": 1}}, '"tasks" is not a list'),
        ({"tasks": "a"}, '"tasks" is not a list'),
        ({"tasks": [], "answer": ["x"]}, '"answer" is not a text'),
        ([["a"]], "task 1 is not an object"),
        ([{"skill": "s"}, None], "task 2 is not an object"),
        ([{}], 'task 1 names no "skill"'),
        ([{"skill": "  "}], 'task 1 names no "skill"'),
        ([{"skill": 5}], 'task 1 names no "skill"'),
        ([{"skill": "s", "params": "x"}], '"params" of task 1 is not an object'),
        ([{"skill": "s", "params": ["x"]}], '"params" of task 1 is not an object'),
        ([{"skill": "s", "params": [{"name": 1}]}], '"params" of task 1 is not an object'),
        ([{"skill": "s", "id": True}], 'the "id" of task 1 is not a word'),
        ([{"skill": "s", "id": 1.5}], 'the "id" of task 1 is not a word'),
        ([{"skill": "s", "id": ["a"]}], 'the "id" of task 1 is not a word'),
        ([{"skill": "s", "dependencies": [{"id": "a"}]}], 'the "id" of task 1 is not a word'),
        ([{"skill": "s", "dependencies": {"id": "a"}}], 'the "id" of task 1 is not a word'),
        ([{"skill": "s", "when": "always"}], '"when" of task 1 is none of all_success, all_done, any_failed'),
        ([{"skill": "s", "when": []}], '"when" of task 1 is none of all_success, all_done, any_failed'),
        ([{"skill": "s", "when": True}], '"when" of task 1 is none of all_success, all_done, any_failed'),
    ],
)
def test_what_is_no_plan_is_refused_with_the_place(document: Any, detail: str) -> None:
    with pytest.raises(Malformed) as caught:
        read_plan(document)
    assert caught.value.values == {"detail": detail}
    assert detail in caught.value.say("zh")
