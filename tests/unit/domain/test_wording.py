from __future__ import annotations

import pytest

from domain.plan import Repair
from domain.task import Failure
from domain.wording import duration, repaired, why


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (-1, "0.0 s", "0.0 秒"),
        (0.44, "0.4 s", "0.4 秒"),
        (59.9, "59 s", "59 秒"),
        (61, "1 min 1 s", "1 分 1 秒"),
        (3661, "1 h 1 min", "1 小时 1 分"),
    ],
)
def test_durations(seconds: float, english: str, chinese: str) -> None:
    assert (duration(seconds, "en"), duration(seconds, "zh")) == (english, chinese)


def test_reasons() -> None:
    assert why(Failure(code="timeout"), "en") == "it took longer than its time limit"
    assert why(Failure(code="timeout", message="x" * 300), "zh", 10) == "超过了时间限制：xxxxxxxxx…"
    assert why(Failure(code="E\x1b[1m42", message="a\nb"), "en") == "it failed (E42): a b"


def test_repairs() -> None:
    assert repaired(Repair(kind="cut_edge", subtask="a\u202e", before="b"), "en") == (
        "I removed the dependency of “a⟨U+202E⟩” on “b”, because “b” already waits for “a⟨U+202E⟩”"
    )


def test_a_repair_of_another_version_can_still_be_shown() -> None:
    assert repaired(Repair(kind="text"), "en") == "I mended the plan (text)"
    assert repaired(Repair(kind="text"), "zh") == "我修正了计划（text）"
