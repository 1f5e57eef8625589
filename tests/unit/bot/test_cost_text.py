from __future__ import annotations

from typing import Any

import pytest

from bot.cost_text import cost_text, estimate_text
from domain.estimate import Estimate
from domain.model import Purpose
from domain.ports import Spend
from domain.texts import Language


def spend(**changes: Any) -> Spend:
    given: dict[str, Any] = {
        "purpose": Purpose.PLAN,
        "model": "gpt-x",
        "calls": 2,
        "hits": 0,
        "failures": 0,
        "prompt_tokens": 12_345,
        "completion_tokens": 678,
        "cost": 0.0123,
        "is_estimated": False,
    }
    return Spend(**{**given, **changes})


def test_a_task_in_all_and_by_purpose_and_model() -> None:
    answering = spend(purpose=Purpose.ANSWER, model="gpt-y", calls=1, failures=1, cost=2.5)
    assert cost_text([spend(), answering], "en", "AAAAAA").splitlines() == [
        "AAAAAA: 3 call(s) · 1 of them failed · 24,690 + 1,356 tokens · $2.51",
        "    planning · gpt-x: 2 call(s) · 12,345 + 678 tokens · $0.0123",
        "    answering · gpt-y: 1 call(s) · 1 of them failed · 12,345 + 678 tokens · $2.50",
    ]


def test_it_speaks_chinese() -> None:
    assert cost_text([spend(is_estimated=True, hits=1)], "zh").splitlines() == [
        "最近 30 天：调用 2 次 · 使用已存回答 1 次 · 12,345 + 678 个 token · 约 0.0123 美元",
        "    制定计划 · gpt-x：调用 2 次 · 使用已存回答 1 次 · 12,345 + 678 个 token · 约 0.0123 美元",
        "部分为估算：有的服务器不报告用量，有的模型没有设置价格。",
    ]


def test_without_a_price_it_says_so() -> None:
    text = cost_text([spend(cost=0.0, is_estimated=True)], "en")
    assert text.splitlines()[0].endswith("12,345 + 678 tokens · no price known")
    assert "Partly estimated" in text
    assert "$" not in text


def test_what_is_estimated_is_flagged_where_it_is() -> None:
    exact, guessed = spend(), spend(model="local", cost=0.1, is_estimated=True)
    head, first, second, note = cost_text([exact, guessed], "en").splitlines()
    assert ("about" in head, "about" in first, "about" in second) == (True, False, True)
    assert note.startswith("Partly estimated")


def test_only_kept_answers_cost_nothing() -> None:
    only_hits = spend(calls=0, hits=4, prompt_tokens=0, completion_tokens=0, cost=0.0)
    assert cost_text([only_hits], "en", "AAAAAA").splitlines()[0] == "AAAAAA: 4 kept answer(s) used instead"


@pytest.mark.parametrize(("cost", "shown"), [(1e-9, "$0.0001"), (0.5, "$0.5000"), (1234.5, "$1,234.50")])
def test_dollars(cost: float, shown: str) -> None:
    assert cost_text([spend(cost=cost)], "en").splitlines()[0].endswith(shown)


@pytest.mark.parametrize(("language", "word"), [("en", "No language model"), ("zh", "没有")])
def test_nothing_was_asked(language: Language, word: str) -> None:
    assert word in cost_text([], language)
    assert "AAAAAA" in cost_text([], language, "AAAAAA")


def test_a_models_name_is_one_harmless_line() -> None:
    assert "\n    evil" not in cost_text([spend(model="x\n    evil\x1b[2J")], "en")


@pytest.mark.parametrize(
    ("estimated", "language", "text"),
    [
        (Estimate(), "en", ""),
        (Estimate(seconds=12.4, cost=0.003, known=1), "en", "About 12 s, $0.0030, from history."),
        (Estimate(seconds=12.4, cost=0.003, known=1), "zh", "根据历史记录，预计 12 秒，0.0030 美元。"),
        (Estimate(seconds=75, known=1), "en", "About 1 min 15 s, from history."),
        (Estimate(seconds=75, known=2 / 3), "en", "About 1 min 15 s, from the history of 66 % of the steps."),
        (Estimate(seconds=75, known=2 / 3), "zh", "根据 66% 步骤的历史记录，预计 1 分 15 秒。"),
    ],
)
def test_the_estimate(estimated: Estimate, language: Language, text: str) -> None:
    assert estimate_text(estimated, language) == text
