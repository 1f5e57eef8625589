"""Whatever an agent brings as a plan, it is divided safely or fails with a reason."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dispatcher import reading
from dispatcher.policy import Policy
from domain import events as e
from domain.messages import ResultContent, ResultMessage
from domain.progress import step
from domain.ranking import UNMEASURED
from domain.skill import Catalogue, Effect, Param, SkillSpec
from domain.task import SubtaskState
from tests.builders import chain, planned, released
from tests.fakes import START

TEXT = Param(name="text")
CATALOGUE = Catalogue.of(
    ("echo", spec)
    for spec in (
        SkillSpec(name="echo", description="", params=(TEXT,)),
        SkillSpec(name="store", description="", params=(TEXT,), effect=Effect.IDEMPOTENT),
        SkillSpec(name="send", description="", params=(TEXT,), effect=Effect.EXTERNAL),
    )
)
LIGHT = reading.Light(policy=Policy(), catalogue=CATALOGUE, now=START, jitter=0.5)

NAMES = st.sampled_from(["x", "y", "z", "a", "a.x", "item", "", "x y", "{{x.output}}", "星"])
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)
CONDITIONS = st.fixed_dictionaries({"ref": NAMES, "op": st.sampled_from(["eq", "gt"]), "value": ANYTHING})
ENTRIES = st.fixed_dictionaries(
    {"skill": st.sampled_from(["echo", "store", "send", "Echo", "nothing"]) | ANYTHING},
    optional={
        "id": NAMES | ANYTHING,
        "dependencies": st.lists(NAMES, max_size=3) | ANYTHING,
        "params": st.dictionaries(st.just("text"), NAMES | ANYTHING) | ANYTHING,
        "when": CONDITIONS | ANYTHING,
        "for_each": NAMES | ANYTHING,
        "critical": ANYTHING,
        "parent": NAMES,
    },
)
DOCUMENTS = st.fixed_dictionaries(
    {}, optional={"tasks": st.lists(ENTRIES, max_size=5) | ANYTHING, "answer": ANYTHING, "question": ANYTHING}
) | st.dictionaries(st.text(max_size=5), ANYTHING, max_size=3)

IDS = st.sampled_from(["x", "y", "z", "u"])
LIKELY = st.fixed_dictionaries(
    {"id": IDS, "skill": st.sampled_from(["echo", "store", "send", "Echo"])},
    optional={
        "dependencies": st.lists(IDS, max_size=2),
        "params": st.fixed_dictionaries({"text": st.sampled_from(["t", "{{x.output}}", "{{item}}"])}),
        "when": st.sampled_from(["all_done", {"ref": "{{x.output}}", "op": "eq", "value": 1}]),
        "for_each": st.just("{{y.output}}"),
    },
)
PLANS = st.fixed_dictionaries({"tasks": st.lists(LIKELY, min_size=1, max_size=4)})


@given(DOCUMENTS | PLANS)
def test_any_document_divides_safely_or_fails_with_a_reason(document: dict[str, Any]) -> None:
    content = ResultContent(summary="s", plan=document)
    report = ResultMessage(task_id="AAAAAA.a", source="echo", status="success", content=content)
    task = released(planned(chain("a", "b")), "a")
    event = reading.event_of(report, task, LIGHT)
    if isinstance(event, e.Failed):
        assert event.failure.code == "bad_plan"
        assert event.failure.message
        return
    assert isinstance(event, e.Divided)
    assert all(node.id.startswith("a.") and node.parent == "a" for node in event.nodes)
    assert all(node.needs_approval for node in event.nodes if node.effect is not Effect.NONE)
    after, _ = step(task, event)
    ends = {SubtaskState.PENDING} if event.nodes else {SubtaskState.SUCCEEDED}
    assert after.subtasks["a"].state in ends | {SubtaskState.FAILED, SubtaskState.SKIPPED}
    assert after.plan is not None
    assert len(after.plan.ranking(UNMEASURED).urgency) == len(after.plan.nodes)  # a DAG: a cycle has no order
