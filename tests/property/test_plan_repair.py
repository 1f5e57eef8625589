"""Repair of random plans: runnable or named, nothing more changed than must be, and once is enough."""

from __future__ import annotations

from itertools import combinations
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from domain import graph
from domain.errors import Malformed
from domain.plan import Condition, Node, Op, Plan, When
from domain.plan_check import Limits, clean_edges, problems
from domain.plan_json import plan_document, read_plan
from domain.plan_repair import certain, repair
from domain.reference import node_references
from domain.skill import Catalogue, Effect, Param, ParamType, SkillSpec
from tests.property.test_plan_graph import is_acyclic, reachable

MANY = settings(max_examples=100, deadline=None)
SKILLS = (
    SkillSpec(name="look", description="", params=(Param(name="n", type=ParamType.INTEGER), Param(name="of"))),
    SkillSpec(name="read_file", description="", open_params=True),
    SkillSpec(name="send", description="", open_params=True, effect=Effect.EXTERNAL),
)
CATALOGUE = Catalogue.of(("ann", spec) for spec in SKILLS)
LIMITS = Limits()
NAMES = [f"t{number}" for number in range(7)]
MENDED = {"duplicate_id", "self_dependency", "dangling_dependency", "missing_dependency", "unknown_param"}

names = st.sampled_from([*NAMES, "nobody"])
texts = st.builds(lambda name, tail: f"{{{{{name}.output{tail}}}}}", names, st.sampled_from(["", ".x", "[0]"]))
values = st.one_of(texts, st.none(), st.sampled_from(["3", "x", 3, 2.0, True, ["y"]]), st.lists(texts, max_size=2))
refs = st.builds("{{{{{}.output}}}}".format, names)
conditions = st.builds(
    lambda ref, op: Condition(ref=ref, op=op, value=None if op is Op.EXISTS else 1), refs, st.sampled_from(Op)
)
rules = st.tuples(st.sampled_from(When), st.none()) | st.tuples(st.just(When.ALL_SUCCESS), conditions)
lists = st.sampled_from([""]) | refs
params = st.dictionaries(st.sampled_from(["n", "of", "extra"]), values, max_size=2)


@st.composite
def plans(draw: st.DrawFn, *, skills: tuple[str, ...], unique: bool = False) -> Plan:
    ids = draw(st.lists(st.sampled_from(NAMES), max_size=7, unique=unique))
    nodes = []
    for name in ids:
        when, condition = draw(rules)
        nodes.append(
            Node(
                id=name,
                skill=draw(st.sampled_from(skills)),
                params=draw(params),
                dependencies=tuple(draw(st.lists(names, max_size=3))),
                when=when,
                condition=condition,
                for_each=draw(lists),
            )
        )
    return Plan(nodes=tuple(nodes), answer=None if ids else "hello")


any_plan = plans(skills=("look", "Look", "read_file", "Read File", "raed_file", "send", "sing"))
harmless = plans(skills=("look", "read_file"), unique=True)


def used(node: Node) -> set[str]:
    return set(node_references(node))


def data_edges(plan: Plan) -> dict[str, tuple[str, ...]]:
    known = set(plan.by_id)
    return {node.id: tuple(sorted(used(node) & known - {node.id})) for node in plan.nodes}


@given(any_plan)
@MANY
def test_what_can_be_mended_is_mended_and_the_rest_is_named(plan: Plan) -> None:
    found = {problem.kind for problem in problems(repair(plan, CATALOGUE), CATALOGUE, LIMITS)}
    assert not found & MENDED
    assert found <= {"unknown_skill", "wrong_param", "dangling_reference", "unknown_output", "cycle"}


@given(any_plan)
@MANY
def test_repairing_again_changes_nothing(plan: Plan) -> None:
    once = repair(plan, CATALOGUE)
    assert repair(once, CATALOGUE) == once


@given(any_plan)
@MANY
def test_a_cycle_is_left_only_where_data_or_an_effect_is_in_it(plan: Plan) -> None:
    mended = repair(plan, CATALOGUE)
    waited = reachable(mended.edges)
    for component in graph.components(mended.edges):
        after = {node.id for node in mended.nodes if set(component) & (waited[node.id] | {node.id})}
        acts = any(mended.by_id[key].skill not in ("look", "read_file") for key in after)
        data = {key: tuple(set(data_edges(mended)[key]) & set(component)) for key in component}
        assert acts or not is_acyclic(data)


@given(plans(skills=("look", "read_file", "send", "sing"), unique=True))
@MANY
def test_edges_come_from_the_plan_or_its_references_and_data_stays(plan: Plan) -> None:
    mended = repair(plan, CATALOGUE)
    for node in mended.nodes:
        written = plan.by_id[node.id]
        assert set(node.dependencies) <= set(written.dependencies) | used(written)
        assert used(node) & set(plan.by_id) - {node.id} <= set(node.dependencies)
        assert len(set(node.dependencies)) == len(node.dependencies)


@given(harmless)
@MANY
def test_what_has_no_cycle_keeps_its_edges(plan: Plan) -> None:
    mended = repair(plan, CATALOGUE)
    kept = {key: set(others) for key, others in clean_edges(plan).items()}
    wanted = {key: kept[key] | set(others) for key, others in data_edges(mended).items()}
    if is_acyclic({key: tuple(others) for key, others in wanted.items()}):
        assert {node.id: set(node.dependencies) for node in mended.nodes} == wanted
        assert "cut_edge" not in {change.kind for change in mended.repairs}


@given(harmless)
@MANY
def test_as_few_edges_are_cut_as_possible(plan: Plan) -> None:
    mended = repair(plan, CATALOGUE)
    cuts = {(change.subtask, change.before) for change in mended.repairs if change.kind == "cut_edge"}
    if not cuts or not is_acyclic(mended.edges):
        return
    before = {node.id: (*node.dependencies, *(cut for at, cut in cuts if at == node.id)) for node in mended.nodes}
    data = data_edges(mended)
    loose = [(node, other) for node, others in before.items() for other in others if other not in data[node]]
    for fewer in combinations(loose, len(cuts) - 1):
        left = {node: tuple(o for o in others if (node, o) not in fewer) for node, others in before.items()}
        assert not is_acyclic(left)


@given(any_plan)
@MANY
def test_a_plan_without_problems_needs_no_repair_but_of_its_parameters(plan: Plan) -> None:
    if not problems(plan, CATALOGUE, LIMITS):
        mended = repair(plan, CATALOGUE)
        assert {change.kind for change in mended.repairs} <= {"duplicate_dependency"}
        assert [node.id for node in mended.nodes] == [node.id for node in plan.nodes]


json_values: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 9)
    | st.floats(allow_nan=False)
    | st.sampled_from(["", "a", "t1", "look"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["tasks", "plan", "id", "skill", "params", "dep", "when", "answer", "name", "value"]), inner
        )
    ),
    max_leaves=12,
)


@given(json_values)
@MANY
def test_any_json_is_a_plan_or_refused(document: Any) -> None:
    try:
        plan = read_plan(document)
    except Malformed:
        return
    mended = repair(plan, CATALOGUE)
    problems(mended, CATALOGUE, LIMITS)
    assert repair(mended, CATALOGUE) == mended


@given(any_plan)
@MANY
def test_plan_json_goes_there_and_back(plan: Plan) -> None:
    assert read_plan(plan_document(plan)) == plan


@given(any_plan, st.data())
@MANY
def test_what_runs_already_comes_out_unchanged(plan: Plan, data: st.DataObject) -> None:
    running = {node.id: node for node in plan.nodes if data.draw(st.booleans())}
    mended = repair(plan, CATALOGUE, fixed=running)
    assert {key: mended.by_id[key] for key in running} == running
    assert not {change.subtask for change in mended.repairs} & running.keys()


@given(any_plan)
@MANY
def test_what_is_certain_early_is_what_repair_makes_of_it(plan: Plan) -> None:
    """Nodes are judged one after the other, as they are written; whatever follows, they come out the same."""
    early: dict[str, Node] = {}
    seen: set[str] = set()
    for node in plan.nodes:
        bound = certain(node, early, CATALOGUE)
        if node.id in seen:  # from here on nobody knows which one is meant
            break
        seen.add(node.id)
        if bound is not None and not bound.needs_approval:
            early[bound.id] = bound
    mended = repair(plan, CATALOGUE)
    assert {key: mended.by_id[key] for key in early} == early
    assert not {change.subtask for change in mended.repairs if change.kind != "identical_copy"} & early.keys()
    assert repair(plan, CATALOGUE, fixed=early).nodes[: len(early)] == tuple(early.values())
