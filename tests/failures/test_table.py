"""docs/reference/failures.md says how every row is tested; what it names must be there."""

from __future__ import annotations

import re
from collections.abc import Iterable

from app.failpoints import POINTS
from tests.failures.nursery import ROOT
from tests.failures.test_crashes import CRASHES
from tests.failures.test_effects import POINTS as OF_EFFECTS

TABLE = ROOT / "docs/reference/failures.md"
ROW = re.compile(r"^\| (F\d+) \|.*$", re.MULTILINE)
NAMED = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
ELSEWHERE = {"migration.step", "migration.commit"}  # in test_services
UNTRIED = {"agent.handback"}  # a worker that dies of handing back what another one died of


def test_every_row_names_a_test_that_is_there():
    rows = {match[1]: match[0] for match in ROW.finditer(TABLE.read_text())}
    assert list(rows) == [f"F{number}" for number in range(1, 43)]
    for row, line in rows.items():
        named = NAMED.findall(line)
        assert named, f"{row} names no test"
        for file, function in named:
            text = (ROOT / file).read_text()
            assert not function or f"def {function}" in text, f"{row}: there is no {function} in {file}"


def test_every_crash_point_is_tried():
    used = {crash.point.partition(":")[0] for crash in CRASHES} | set(OF_EFFECTS)
    assert used <= set(POINTS)
    assert _acts(POINTS) - _acts(used) == ELSEWHERE | UNTRIED


def _acts(points: Iterable[str]) -> set[str]:
    return {point.rpartition(".")[0] for point in points}
