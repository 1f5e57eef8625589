"""Whatever is asked, the offline planner ends in a plan that can be run or in a refusal, and reading a model's text
ends too."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import Malformed, Refused
from domain.plan_check import Limits, problems
from domain.texts import language_of
from planner.offline.clauses import split
from planner.offline.matching import Matcher
from planner.offline.planning import MAX_CLAUSES, plan_offline
from planner.reading import read_text
from tests.unit.planner.skills import CATALOGUE

MATCHER = Matcher(CATALOGUE)
EXAMPLES = [example for spec in CATALOGUE for example in spec.examples]
GLUE = [" then ", ", ", "; ", " and ", ",然后", "。", "\n", " finally ", ",最后", " meanwhile ", "同时", "1. ", " 2. "]
ODD = ["“", "”", '"', "`", "{{t1.output}}", "sql: ", "select a from b ", "\u202e", "\0", "../../etc/passwd", "a/b.c"]
REQUESTS = st.one_of(
    st.text(max_size=200),
    st.lists(st.sampled_from(EXAMPLES + GLUE + ODD), max_size=12).map("".join),
    st.lists(st.sampled_from(EXAMPLES), min_size=1, max_size=6).map("; ".join),
)


@settings(deadline=None)  # machines are slow, and how slow is not the question
@given(REQUESTS)
def test_a_plan_can_be_run_or_is_refused(request: str) -> None:
    try:
        plan = plan_offline(request, CATALOGUE, language_of(request))
    except Refused:
        return
    assert plan.nodes
    assert problems(plan, CATALOGUE, Limits(max_nodes=MAX_CLAUSES, max_depth=MAX_CLAUSES)) == ()
    assert not plan.repairs
    assert plan == plan_offline(request, CATALOGUE, language_of(request))


@settings(deadline=None)
@given(REQUESTS)
def test_clauses_are_parts_of_the_request_in_which_no_atom_is_torn(request: str) -> None:
    for clause in split(request, MATCHER.begins_action):
        assert clause.text in request
        assert len(clause.text) == len(clause.free)
        assert clause.text
        for atom in clause.atoms:
            assert atom.value in clause.text[atom.start : atom.end]


@settings(deadline=None)
@given(st.text(st.characters(exclude_characters='"', exclude_categories=["Cs"]), max_size=80))
def test_what_stands_in_quotes_is_passed_on_untouched(text: str) -> None:
    if "{{" in text or not text.strip():
        return
    plan = plan_offline(f'echo "{text}"', CATALOGUE, "en")
    assert [dict(node.params) for node in plan.nodes] == [{"text": text}]
    assert not plan.unplaced


PIECES = st.sampled_from(
    ['{"tasks": [', '{"skill": "a"}', "]", "}", ",", "{", "[", '"', "'", "```json\n", "```", "<think>", "</think>",
     "\\", "null", '"id": 1', " ", "\n", '"tasks": [', "NaN", "1e999"]
)  # fmt: skip


@settings(deadline=None)
@given(st.one_of(st.text(max_size=300), st.lists(PIECES, max_size=40).map("".join)), st.booleans())
def test_reading_ends_in_a_plan_or_in_malformed(text: str, is_truncated: bool) -> None:  # noqa: FBT001 -- hypothesis passes it
    try:
        plan = read_text(text, author="m", is_truncated=is_truncated)
    except Malformed:
        return
    assert all(node.id for node in plan.nodes)
