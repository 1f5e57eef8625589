"""Any bytes can be measured; however two tools overlap, each matter is told once and none is lost."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from agents.code.issues import GRADES, Issue, in_order, merged
from agents.code.measure import measure
from agents.code.sources import SourceFile

RULES = st.sampled_from(["S602", "S608", "S110", "E722", "BLE001", "F401", "B006"])
ISSUES = st.lists(
    st.builds(
        Issue,
        file=st.sampled_from(["a.py", "b.py"]),
        line=st.integers(1, 4),
        rule=RULES,
        message=st.text(max_size=3),
        grade=st.sampled_from(GRADES),
        lines=st.lists(st.integers(1, 5), max_size=2).map(tuple),
    ),
    max_size=8,
)


@given(st.one_of(st.binary(max_size=80), st.text("def class():\n \t#'\"\\if0x", max_size=60).map(str.encode)))
def test_any_bytes_can_be_measured(content: bytes) -> None:
    found = measure(SourceFile(name="a.py", content=content))
    assert 0 <= found.code_lines <= found.lines
    assert found.documented <= found.documentable
    assert all(function.complexity >= 1 for function in found.functions)


@given(ISSUES, ISSUES)
def test_merging_loses_nothing_and_repeats_nothing(ruff: list[Issue], bandit: list[Issue]) -> None:
    found = merged(ruff, bandit)
    assert found == in_order(found)
    assert len({(issue.file, issue.rule, issue.line) for issue in found}) == len(found)
    kept = {(issue.file, issue.line) for issue in found}
    assert {(issue.file, issue.line) for issue in ruff} <= kept
    for issue in bandit:
        assert {(issue.file, line) for line in (issue.line, *issue.lines)} & kept
