"""Plan JSON, in our words and in those that models use."""

from __future__ import annotations

from typing import Any

import pytest

from domain.errors import Malformed
from domain.plan import Condition, Node, Op, Plan, When
from domain.plan_json import is_plan, plan_document, read_plan
from domain.plan_repair import repair
from domain.skill import Catalogue, Param, ParamType, SkillSpec

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


@pytest.mark.parametrize("name", ["tasks", "subtasks", "steps", "nodes", "Task_List", "actions"])
def test_words_for_the_list(name: str) -> None:
    assert read_plan({name: [{"skill": "s"}]}).nodes == (Node(id="t1", skill="s"),)


@pytest.mark.parametrize(
    "document", [[{"skill": "s"}], {"plan": [{"skill": "s"}]}, {"plan": {"steps": [{"skill": "s"}]}, "thought": "hm"}]
)
def test_wrappings_of_the_list(document: Any) -> None:
    assert read_plan(document).nodes == (Node(id="t1", skill="s"),)


@pytest.mark.parametrize("name", ["skill", "tool", "tool_name", "action", "function", "agent", "task"])
def test_words_for_the_skill(name: str) -> None:
    assert only({name: " look "}).skill == "look"
    assert only({"skill": None, name: "look"}).skill == "look"


@pytest.mark.parametrize("name", ["params", "args", "arguments", "parameters", "inputs", "tool_input"])
@pytest.mark.parametrize(
    "params",
    [
        {"a": 1, "b": None},
        [{"name": "a", "value": 1}, {"name": "b"}],
        [{"a": 1}, {"b": None}],
        '{"a": 1, "b": null}',
    ],
)
def test_words_for_the_params(name: str, params: Any) -> None:
    assert only({"skill": "s", name: params}).params == {"a": 1, "b": None}


@pytest.mark.parametrize(
    "name",
    ["dependencies", "depends_on", "dependsOn", "deps", "dep", "needs", "requires", "after", "dependent_task_ids"],
)
@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (["a", "b"], ("a", "b")),
        ("a", ("a",)),
        ("a, b c", ("a", "b", "c")),
        ([1, " 2 "], ("1", "2")),
        ("a、b；c", ("a", "b", "c")),
        ([{"id": "a"}, {"task_id": 2}], ("a", "2")),
        ({"id": "a"}, ("a",)),
        ("none", ()),
        ("N/A", ()),
        ([-1], ()),
        (-1, ()),
        ([], ()),
        ("", ()),
        (None, ()),
    ],
)
def test_words_for_the_dependencies(name: str, value: Any, expected: tuple[str, ...]) -> None:
    assert only({"skill": "s", name: value}).dependencies == expected


@pytest.mark.parametrize(
    ("given", "read"),
    [("a", "a"), (" a ", "a"), (3, "3"), (1.5, "1.5"), (-1, "-1"), ("e\u0301", "\u00e9"), (None, "t1"), ("", "t1")],
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
    assert (node.name, node.description, node.critical, node.when) == ("", "", True, When.ALL_SUCCESS)
    assert not only({"skill": "s", "critical": "no"}).critical


@pytest.mark.parametrize(("answer", "read"), [("hello", "hello"), ("", None), ("  \n", None), (None, None)])
def test_a_direct_reply(answer: str | None, read: str | None) -> None:
    assert read_plan({"tasks": [], "answer": answer}).answer == read


@pytest.mark.parametrize(
    ("document", "detail"),
    [
        ("text", "this is not an object"),
        (None, "this is not an object"),
        (7, "this is not an object"),
        ({}, 'it has neither "tasks" nor "answer" nor "question"'),
        ({"weather": "fine"}, 'it has neither "tasks" nor "answer" nor "question"'),
        ({"tasks": {"a": 1}}, '"tasks" is not a list'),
        ({"tasks": "a"}, '"tasks" is not a list'),
        ({"tasks": [], "answer": ["x"]}, '"answer" is not a text'),
        ({"tasks": [], "question": ["x"]}, '"question" is not a text'),
        ([["a"]], "task 1 is not an object"),
        ({"tasks": ["find it", "send it"]}, "task 1 is not an object"),
        ([{"skill": "s"}, None], "task 2 is not an object"),
        (
            [{"skill": "s", "params": [{"name": "a", "value": 1}, {"x": 1, "y": 2}]}],
            '"params" of task 1 is neither an object nor a list of names and values',
        ),
        ([{"skill": "s", "id": True}], 'the "id" of task 1 is not a word'),
        ([{"skill": "s", "id": ["a"]}], 'the "id" of task 1 is not a word'),
        ([{"skill": "s", "dependencies": [["a"]]}], 'a dependency of task 1 is not the "id" of a task'),
        ([{"skill": "s", "dependencies": True}], 'a dependency of task 1 is not the "id" of a task'),
        ([{"skill": "s", "dependencies": {"a": 1, "b": 2}}], 'a dependency of task 1 is not the "id" of a task'),
        ([{"skill": "s", "when": "sometimes"}], '"when" of task 1 is neither a rule nor a comparison'),
        ([{"skill": "s", "when": []}], '"when" of task 1 is neither a rule nor a comparison'),
        (
            [{"skill": "s", "when": {"ref": "a", "op": "~", "value": 1}}],
            '"when" of task 1 is neither a rule nor a comparison',
        ),
        ([{"skill": "s", "for_each": ["a", "b"]}], '"for_each" of task 1 is not a reference to a list'),
    ],
)
def test_what_is_no_plan_is_refused_with_the_place(document: Any, detail: str) -> None:
    with pytest.raises(Malformed) as caught:
        read_plan(document)
    assert caught.value.values == {"detail": detail}
    assert detail in caught.value.say("zh")


def test_a_task_that_names_no_skill_is_read_so_that_the_defect_can_be_named() -> None:
    assert [
        node.skill for node in read_plan([{"id": 1, "description": "look"}, {"skill": 5}, {"skill": " "}]).nodes
    ] == [
        "",
        "",
        "",
    ]


# --- other words and shapes -----------------------------------------------------------------------------------

STEP = {"skill": "s", "id": "a"}


@pytest.mark.parametrize(
    "document",
    [
        {"result": {"plan": {"tasks": [STEP]}}},
        {"plan": {"a": {"skill": "s"}}},
        {"a": {"skill": "s"}},
        STEP,
        [{"tasks": [STEP]}],
        {"name": "submit_plan", "arguments": '{"tasks": [{"skill": "s", "id": "a"}]}'},
        {"tool_calls": [{"id": "c", "function": {"name": "submit_plan", "arguments": {"tasks": [STEP]}}}]},
        {"choices": [{"message": {"content": '{"tasks": [{"skill": "s", "id": "a"}]}'}}]},
        {"my plan": {"tasks": [STEP]}},
        {"task_steps": ["do it"], "steps": [STEP]},
        {"function": {"name": "submit_plan", "arguments": '{"tasks": [{"skill": "s", "id": "a"}]}'}},
    ],
)
def test_a_plan_is_found_in_what_is_wrapped_around_it(document: Any) -> None:
    assert is_plan(document)
    assert read_plan(document).nodes == (Node(id="a", skill="s"),)


@pytest.mark.parametrize("document", [7, "x", [], {}, {"a": 1}, [1], {"a": {"b": {}}}, {"tasks": 3}])
def test_what_is_no_plan(document: Any) -> None:
    assert not is_plan(document)


def test_a_call_of_a_tool_is_a_task() -> None:
    call = {"id": "c1", "function": {"name": "look", "arguments": '{"at": "it"}'}}
    assert read_plan([call, {"name": "send", "arguments": {}}]).nodes == (
        Node(id="c1", skill="look", params={"at": "it"}),
        Node(id="t2", skill="send", name="send"),
    )


def test_what_a_task_is_given_is_no_plan() -> None:
    given = {"skill": "run_workflow", "arguments": {"steps": [{"action": "look"}]}}
    assert [node.skill for node in read_plan([given]).nodes] == ["run_workflow"]
    assert [node.skill for node in read_plan({"name": "plan_trip", "arguments": {"to": "Rome"}}).nodes] == ["plan_trip"]


def test_a_skill_may_be_an_object_and_the_task_say_what_to_do() -> None:
    node = only({"action": {"name": "look", "args": {"at": "it"}}, "task": "Look at it", "step": 3})
    assert (node.id, node.skill, node.description, node.params) == ("3", "look", "Look at it", {"at": "it"})


def test_parameters_without_names_are_numbered() -> None:
    assert only({"skill": "s", "args": ["x", 2]}).params == {"arg0": "x", "arg1": 2}
    assert only({"skill": "s", "args": "x"}).params == {"arg0": "x"}
    assert only({"skill": "s", "args": [{"name": "x"}, {"name": "y z"}]}).params == {"arg0": "x", "arg1": "y z"}


@pytest.mark.parametrize(
    ("kind", "written", "meant"),
    [
        (ParamType.INTEGER, "3", 3),
        (ParamType.BOOLEAN, "true", True),
        (ParamType.ARRAY, '["a"]', ["a"]),
        (ParamType.OBJECT, '{"a": 1}', {"a": 1}),
        (ParamType.STRING, "3", "3"),
        (ParamType.ANY, "3", "3"),
        (ParamType.ANY, "[3]", [3]),
        (ParamType.INTEGER, "{{a.output}}", "{{a.output}}"),
        (ParamType.NUMBER, "NaN", "NaN"),
    ],
)
def test_a_strict_schemas_texts_are_read_as_the_skill_takes_them(kind: ParamType, written: str, meant: Any) -> None:
    spec = SkillSpec(name="s", description="", params=(Param(name="p", type=kind),))
    listed = [{"id": "a", "skill": "s", "params": [{"name": "p", "value": written}], "when": None, "for_each": None}]
    plan = read_plan({"tasks": listed, "question": None}, catalogue=Catalogue.of([("ann", spec)]))
    assert plan.nodes[0].params == {"p": meant}
    assert repair(plan, Catalogue.of([("ann", spec)])).repairs == ()


def test_parameters_beside_the_skill_are_known_by_their_names() -> None:
    spec = SkillSpec(name="s", description="", params=(Param(name="path"), Param(name="name")))
    plan = read_plan([{"skill": "s", "path": "x", "name": "A", "odd": 1}], catalogue=Catalogue.of([("ann", spec)]))
    assert (plan.nodes[0].params, plan.nodes[0].name) == ({"path": "x"}, "A")


def test_ids_with_spaces_are_told_apart_in_a_text_of_several() -> None:
    plan = read_plan([{"id": "Step 1", "skill": "s"}, {"id": "b", "skill": "s"}, {"skill": "s", "deps": "Step 1, b"}])
    assert plan.nodes[2].dependencies == ("Step 1", "b")


def test_links_beside_the_tasks_are_dependencies() -> None:
    nodes = [{"task": "see"}, {"task": "say"}, {"task": "see"}, {"task": "say"}]
    links = [
        {"source": "see", "target": "say"},
        {"source": "see", "target": "say"},
        {"source": "see", "target": "hear"},
    ]
    plan = read_plan({"task_nodes": nodes, "task_links": [*links, {"source": "smell", "target": "see"}, 7]})
    assert {node.id: node.dependencies for node in plan.nodes} == {
        "t0": ("smell",),
        "t1": ("t0",),
        "t2": (),
        "t3": ("t2",),
    }
    assert [(repair.kind, repair.before, repair.after) for repair in plan.repairs] == [("dropped_link", "see", "hear")]


@pytest.mark.parametrize(
    "links", [{"edges": [["a", "b"]]}, {"links": [{"from": "a", "to": "b"}]}, {"dependencies": {"b": ["a"]}}]
)
def test_other_ways_to_link(links: dict[str, Any]) -> None:
    plan = read_plan({"nodes": [{"id": "a", "skill": "s"}, {"id": "b", "skill": "s"}], **links})
    assert plan.nodes[1].dependencies == ("a",)


def test_a_link_back_closes_a_cycle() -> None:
    plan = read_plan({"nodes": [{"skill": "a"}, {"skill": "b"}], "edges": [["b", "a"], ["a", "b"]]})
    assert [node.dependencies for node in plan.nodes] == [("t2",), ("t1",)]


# --- conditions, maps, approvals, questions -------------------------------------------------------------------

MORE = Condition(ref="{{a.output.n}}", op=Op.GT, value=3)


@pytest.mark.parametrize(
    ("when", "rule", "condition"),
    [
        (None, When.ALL_SUCCESS, None),
        ("", When.ALL_SUCCESS, None),
        ("null", When.ALL_SUCCESS, None),
        ("any_failed", When.ANY_FAILED, None),
        ("All Done", When.ALL_DONE, None),
        ("always", When.ALL_DONE, None),
        ({"rule": "all_done"}, When.ALL_DONE, None),
        ({}, When.ALL_SUCCESS, None),
        ({"ref": "{{a.output.n}}", "op": "gt", "value": 3}, When.ALL_SUCCESS, MORE),
        ({"ref": "a.output.n", "op": ">", "value": "3"}, When.ALL_SUCCESS, MORE),
        ({"ref": "a.output.n", "op": "greater than", "value": 3.0}, When.ALL_SUCCESS, MORE),
        ("{{a.output.n}} > 3", When.ALL_SUCCESS, MORE),
        ("a.output.n>3", When.ALL_SUCCESS, MORE),
        ({"ref": "a", "value": "x"}, When.ALL_SUCCESS, Condition(ref="{{a}}", op=Op.EQ, value="x")),
        ({"ref": "a"}, When.ALL_SUCCESS, Condition(ref="{{a}}", op=Op.EXISTS)),
        ({"ref": "a", "op": "exists", "value": True}, When.ALL_SUCCESS, Condition(ref="{{a}}", op=Op.EXISTS)),
        ("a != 'x y'", When.ALL_SUCCESS, Condition(ref="{{a}}", op=Op.NE, value="x y")),
        ("a = true", When.ALL_SUCCESS, Condition(ref="{{a}}", op=Op.EQ, value=True)),
        ({"ref": "a", "op": "==", "value": "3"}, When.ALL_SUCCESS, Condition(ref="{{a}}", op=Op.EQ, value="3")),
        ({"ref": "a", "op": "<=", "value": "2026"}, When.ALL_SUCCESS, Condition(ref="{{a}}", op=Op.LE, value=2026)),
        ({"ref": "a", "op": "<=", "value": "b"}, When.ALL_SUCCESS, Condition(ref="{{a}}", op=Op.LE, value="b")),
        ({"ref": None, "op": None, "value": None}, When.ALL_SUCCESS, None),
        ({"ref": "a", "op": "≥", "value": "[1]"}, When.ALL_SUCCESS, Condition(ref="{{a}}", op=Op.GE, value="[1]")),
        ({"ref": "a", "op": "lt", "value": "NaN"}, When.ALL_SUCCESS, Condition(ref="{{a}}", op=Op.LT, value="NaN")),
    ],
)  # fmt: skip
def test_when(when: Any, rule: When, condition: Condition | None) -> None:
    node = only({"skill": "s", "when": when})
    assert (node.when, node.condition) == (rule, condition)


@pytest.mark.parametrize("when", ["a > " + "x" * 500, True, 3, {"rule": "sometimes"}, {"op": "gt"}, "> 3"])
def test_a_when_that_is_none(when: Any) -> None:
    with pytest.raises(Malformed, match="when"):
        only({"skill": "s", "when": when})


@pytest.mark.parametrize("written", ["{{a.output}}", "a.output", {"in": "a.output"}, " {{a.output}} "])
def test_for_each(written: Any) -> None:
    assert only({"skill": "s", "for_each": written}).for_each == "{{a.output}}"
    assert only({"skill": "s", "forEach": None}).for_each == ""
    assert only({"skill": "s", "for_each": "null"}).for_each == ""


def test_everything_goes_there_and_back() -> None:
    nodes = (
        Node(id="a", skill="s", approval=True, critical=True),
        Node(id="b", skill="s", condition=MORE, dependencies=("a",)),
        Node(id="c", skill="s", for_each="{{a.output}}", params={"x": "{{item.y}}"}, dependencies=("a",)),
        Node(id="d", skill="s", condition=Condition(ref="{{a.output}}", op=Op.EXISTS), dependencies=("a",)),
    )
    plan = Plan(nodes=nodes)
    assert read_plan(plan_document(plan)) == plan
    assert plan_document(plan)["tasks"][1]["when"] == {"ref": "{{a.output.n}}", "op": "gt", "value": 3}


@pytest.mark.parametrize("name", ["question", "clarifying_question", "clarification"])
def test_a_question(name: str) -> None:
    plan = read_plan({"tasks": [], name: "Which file?", "answer": None})
    assert (plan.question, plan.answer, plan_document(plan)) == (
        "Which file?",
        None,
        {"tasks": [], "question": "Which file?"},
    )


@pytest.mark.parametrize("name", ["answer", "reply", "response", "final_answer"])
def test_words_for_the_answer(name: str) -> None:
    assert read_plan({name: "Hello!"}).answer == "Hello!"
