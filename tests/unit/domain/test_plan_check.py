"""Every defect a plan can have is named."""

from __future__ import annotations

from typing import Any

import pytest

from domain.plan import Condition, Node, Op, Plan
from domain.plan_check import Limits, Problem, clean_edges, fits, param_problems, problems
from domain.plan_json.words import folded
from domain.skill import Catalogue, Param, ParamType, SkillSpec
from tests.unit.domain import build as b

LOOK = SkillSpec(
    name="look",
    description="",
    params=(Param(name="limit", type=ParamType.INTEGER), Param(name="mode", choices=("fast", "slow"))),
)
NEEDY = SkillSpec(name="needy", description="", params=(Param(name="path", type=ParamType.PATH, required=True),))
OPEN = SkillSpec(name="open", description="", open_params=True)
CATALOGUE = Catalogue.of([("ann", LOOK), ("ann", NEEDY), ("ann", OPEN)])
LIMITS = Limits(max_nodes=6, max_depth=3)


def found(*nodes: Node, answer: str | None = None) -> list[Problem]:
    return list(problems(Plan(nodes=nodes, answer=answer), CATALOGUE, LIMITS))


def test_a_good_plan_has_none() -> None:
    assert found(b.node("a", params={"limit": 3}), b.node("b", "a", params={"mode": "{{a.output}}"})) == []
    assert found(answer="hello") == []
    assert found(Node(id="a", skill="needy", params={"path": "x"})) == []


def test_a_plan_of_nothing() -> None:
    assert found() == [Problem(kind="empty")]


def test_a_flood_is_not_looked_at_further() -> None:
    nodes = [b.node("same", "missing", "same", params={"x": 1}) for _ in range(7)]
    assert found(*nodes) == [Problem(kind="too_many_nodes", count=7, limit=6)]
    assert len(found(*nodes[:6])) > 1


@pytest.mark.parametrize("name", ["", "a b", "a.b", "x" * 65, "a\n", "{{a}}", "item"])
def test_a_bad_id(name: str) -> None:
    assert found(b.node(name)) == [Problem(kind="bad_id", node=name)]


def test_an_id_used_twice() -> None:
    assert found(b.node("a"), b.node("a"), b.node("c")) == [Problem(kind="duplicate_id", node="a")]


def test_an_unknown_skill_and_its_parameters_are_one_problem() -> None:
    node = Node(id="a", skill="sing", params={"x": 1})
    assert found(node) == [Problem(kind="unknown_skill", node="a", other="sing")]


@pytest.mark.parametrize("params", [{}, {"path": None}])
def test_a_required_parameter_is_missing(params: dict[str, Any]) -> None:
    node = Node(id="a", skill="needy", params=params)
    assert found(node) == [Problem(kind="missing_param", node="a", other="path")]


def test_parameters_unknown_and_wrong() -> None:
    assert found(b.node("a", params={"x": 1, "limit": "three", "mode": "loud"})) == [
        Problem(kind="unknown_param", node="a", other="x"),
        Problem(kind="wrong_param", node="a", other="limit"),
        Problem(kind="wrong_param", node="a", other="mode"),
    ]
    assert list(param_problems(Node(id="a", skill="open", params={"x": 1}), OPEN)) == []


FITS: list[tuple[ParamType, list[Any], list[Any]]] = [
    (ParamType.STRING, ["", "x"], [1, 1.5, True, [], {}, ["{{a.output}}"]]),
    (ParamType.PATH, ["", "x"], [1, True, []]),
    (ParamType.INTEGER, [0, -3, 10**30], [1.0, "1", True, [1]]),
    (ParamType.NUMBER, [0, 1.5], ["1", True, None.__class__]),
    (ParamType.BOOLEAN, [True, False], [0, 1, "true"]),
    (ParamType.ARRAY, [[], [1], (1,)], ["x", {}, 1]),
    (ParamType.OBJECT, [{}, {"a": 1}], [[], "x"]),
    (ParamType.ANY, ["x", 1, True, [], {}, object], []),
]


@pytest.mark.parametrize(("kind", "good", "bad"), FITS, ids=[kind for kind, _, _ in FITS])
def test_what_fits_a_type(kind: ParamType, good: list[Any], bad: list[Any]) -> None:
    param = Param(name="p", type=kind)
    assert all(fits(value, param) for value in good)
    assert not any(fits(value, param) for value in bad)
    assert fits(None, param)
    assert fits("{{a.output.x}}", param)
    assert fits("about {{a.output.x}}", param)


def test_choices_close_the_set_of_values() -> None:
    mode = Param(name="m", choices=("fast", "slow"))
    assert fits("fast", mode)
    assert not fits("Fast", mode)
    assert fits("{{a.output}}", mode)
    level = Param(name="l", type=ParamType.INTEGER, choices=("1", "2"))
    assert fits(1, level)
    assert not fits(3, level)


def test_dependencies_that_cannot_be() -> None:
    assert found(b.node("a", "a", "b", "nobody")) == [
        Problem(kind="self_dependency", node="a"),
        Problem(kind="dangling_dependency", node="a", other="b"),
        Problem(kind="dangling_dependency", node="a", other="nobody"),
    ]


def test_references_that_cannot_be_or_are_not_waited_for() -> None:
    uses = {"mode": "{{a.output}} {{nobody.output}} {{b.output}} {{b.output.x}}"}
    assert found(b.node("a", params=uses), b.node("b")) == [
        Problem(kind="dangling_reference", node="a", other="a"),
        Problem(kind="dangling_reference", node="a", other="nobody"),
        Problem(kind="missing_dependency", node="a", other="b"),
    ]


def test_a_question_is_enough() -> None:
    assert problems(Plan(question="Which file?"), CATALOGUE, LIMITS) == ()


def test_a_task_without_a_skill() -> None:
    assert found(Node(id="a", skill="")) == [Problem(kind="missing_skill", node="a")]


def more(ref: str, value: Any = 3) -> Condition:
    return Condition(ref=ref, op=Op.GT, value=value)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        (b.node("b", "a", condition=more("{{a.output.n}}")), []),
        (b.node("b", "a", for_each="{{a.output}}", params={"mode": "{{item.x}}"}), []),
        (b.node("b", "a", condition=Condition(ref="{{a.output}}", op=Op.EXISTS)), []),
        (b.node("b", "a", condition=more("a.output")), [Problem(kind="bad_condition", node="b", other="a.output")]),
        (
            b.node("b", "a", condition=more("{{a.output}} {{a.output}}")),
            [Problem(kind="bad_condition", node="b", other="{{a.output}} {{a.output}}")],
        ),
        (
            b.node("b", "a", condition=more("{{a.output}}", None)),
            [Problem(kind="condition_without_value", node="b")],
        ),
        (b.node("b", condition=more("{{a.output}}")), [Problem(kind="missing_dependency", node="b", other="a")]),
        (b.node("b", for_each="{{z.output}}"), [Problem(kind="dangling_reference", node="b", other="z")]),
        (b.node("b", "a", for_each="a.output"), [Problem(kind="bad_for_each", node="b", other="a.output")]),
        (b.node("b", "a", params={"mode": "{{item}}"}), [Problem(kind="item_without_map", node="b")]),
        (
            b.node("b", "a", for_each="{{a.output}}", condition=more("{{item}}")),
            [Problem(kind="item_without_map", node="b")],
        ),
        (
            Node(id="b", skill="open", dependencies=("a",), params={"of": "<node-7>"}),
            [Problem(kind="unclear_reference", node="b", other="<node-7>")],
        ),
        (
            Node(id="b", skill="open", dependencies=("a",), params={"of": "{{nobody}}"}),
            [Problem(kind="unclear_reference", node="b", other="{{nobody}}")],
        ),
    ],
)
def test_conditions_and_maps(node: Node, expected: list[Problem]) -> None:
    assert found(b.node("a"), node) == expected


TELLING = SkillSpec(
    name="telling",
    description="",
    open_params=True,
    output_schema={"type": "object", "properties": {"n": {}, "a b": {}}},
)


@pytest.mark.parametrize(
    ("reference", "is_there"),
    [
        ("{{a.output}}", True),
        ("{{a.output.n}}", True),
        ("{{a.output.n.deeper}}", True),
        ("{{a.output['a b']}}", True),
        ("{{a.output.m}}", False),
        ("{{a.output[0]}}", False),
        ("{{each.output[0].n}}", True),
        ("{{each.output[0].m}}", False),
        ("{{each.output.n}}", False),
        ("{{each.output}}", True),
    ],
)
def test_what_a_skill_does_not_return_cannot_be_used(reference: str, *, is_there: bool) -> None:
    nodes = (
        Node(id="a", skill="telling"),
        Node(id="each", skill="telling", for_each="{{a.output.n}}", dependencies=("a",)),
        Node(id="b", skill="open", dependencies=("a", "each"), params={"of": reference}),
    )
    catalogue = Catalogue.of([("ann", OPEN), ("ann", TELLING)])
    expected = [] if is_there else [Problem(kind="unknown_output", node="b", other=reference)]
    assert list(problems(Plan(nodes=nodes), catalogue, LIMITS)) == expected


@pytest.mark.parametrize(
    "schema", [{}, {"properties": {}}, {"properties": {"n": {}}, "additionalProperties": True}, {"properties": 3}]
)
def test_a_skill_that_does_not_list_what_it_returns_may_return_anything(schema: dict[str, Any]) -> None:
    spec = SkillSpec(name="open", description="", open_params=True, output_schema=schema)
    nodes = (
        Node(id="a", skill="open"),
        Node(id="b", skill="open", dependencies=("a",), params={"of": "{{a.output.x}}"}),
    )
    assert problems(Plan(nodes=nodes), Catalogue.of([("ann", spec)]), LIMITS) == ()


def test_what_runs_already_is_not_judged() -> None:
    running = Node(id="old", skill="gone", params={"x": "{{nobody.output}}"})
    plan = Plan(nodes=(running, b.node("new", "old")))
    assert problems(plan, CATALOGUE, LIMITS, {"old"}) == ()
    assert problems(plan, CATALOGUE, LIMITS) != ()


def test_children_have_longer_ids() -> None:
    assert found(b.node("a"), b.node("a.1.x", parent="a")) == []


def test_cycles_are_named_by_who_is_in_them() -> None:
    assert found(b.node("a", "b"), b.node("b", "a"), b.node("c", "b")) == [Problem(kind="cycle", other="a, b")]


@pytest.mark.parametrize(("size", "tail"), [(10, ""), (11, " …")])
def test_a_long_cycle_is_cut_short_in_its_sentence(size: int, tail: str) -> None:
    ring = [b.node(f"n{number}", f"n{(number + 1) % size}") for number in range(size)]
    (problem,) = problems(Plan(nodes=tuple(ring)), CATALOGUE, Limits())
    assert problem.other == f"n0, n1, n2, n3, n4, n5, n6, n7, n8, n9{tail}"


def test_a_chain_that_is_too_long() -> None:
    chain = [b.node("a"), b.node("b", "a"), b.node("c", "b"), b.node("d", "c")]
    assert found(*chain[:3]) == []
    assert found(*chain) == [Problem(kind="too_deep", count=4, limit=3)]


def test_clean_edges_keep_what_can_be_walked() -> None:
    plan = Plan(nodes=(b.node("a", "b", "b", "a", "nobody"), b.node("b")))
    assert clean_edges(plan) == {"a": ("b",), "b": ()}


@pytest.mark.parametrize(
    ("problem", "english", "chinese"),
    [
        (Problem(kind="empty"), "it has neither tasks nor an answer nor a question", "既没有任务，也没有回答或提问"),
        (
            Problem(kind="too_deep", count=4, limit=3),
            "its longest chain has 4 tasks, more than the limit of 3",
            "最长的链有 4 个任务，超过上限 3",
        ),
        (Problem(kind="cycle", other="a, b"), "these tasks wait for one another: a, b", "这些任务互相等待：a, b"),
    ],
)
def test_a_problem_speaks(problem: Problem, english: str, chinese: str) -> None:
    assert (problem.say("en"), problem.say("zh")) == (english, chinese)


def test_folded() -> None:
    assert folded("Code Review") == folded("code_review") == folded("codeReview") == folded("CODE-REVIEW")
    assert folded("读取 文件") == "读取文件"
    assert folded("---") == ""
