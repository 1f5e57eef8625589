from __future__ import annotations

import pytest

from domain.again import is_again
from domain.task import Exchange
from planner.request import (
    MAX_CONVERSATION,
    MAX_EXCHANGES,
    MAX_TOLD,
    PlanRequest,
    is_only_again,
    middle_clipped,
)
from tests.fakes import START
from tests.unit.planner.skills import CATALOGUE


def request(text: str = "do it", *history: tuple[str, str]) -> PlanRequest:
    exchanges = tuple(Exchange(said=said, reply=reply) for said, reply in history)
    return PlanRequest(text=text, language="en", catalogue=CATALOGUE, history=exchanges, now=START)


def test_the_newest_exchanges_are_recalled_in_their_order() -> None:
    recalled = request("do it", *((f"q{n}", f"a{n}") for n in range(9))).recalled
    assert [one.said for one in recalled] == ["q4", "q5", "q6", "q7", "q8"]
    assert len(recalled) == MAX_EXCHANGES


def test_repetitions_of_the_request_are_left_out_before_counting() -> None:
    recalled = request("do it", ("old", "x"), *[(" do it ", "y")] * 9).recalled
    assert [one.said for one in recalled] == ["old"]


def test_long_texts_keep_head_and_tail() -> None:
    (one,) = request("do it", ("a" + "x" * 9_000 + "z", "b" + "y" * 9_000 + "w")).recalled
    assert one.said.startswith("axx")
    assert one.said.endswith("xxz")
    assert len(one.said) <= MAX_TOLD + 5
    assert (one.reply[0], one.reply[-1]) == ("b", "w")


def test_the_whole_conversation_is_bounded_and_the_oldest_goes() -> None:
    recalled = request("do it", *((f"{n}" * 3_000, "r" * 3_000) for n in range(5))).recalled
    assert sum(len(one.said) + len(one.reply) for one in recalled) <= MAX_CONVERSATION
    assert [one.said[0] for one in recalled] == ["3", "4"]


def test_clipping_leaves_short_texts_alone() -> None:
    assert middle_clipped("abc", 3) == "abc"
    assert middle_clipped("abcdef", 4) == "ab […] ef"


@pytest.mark.parametrize(
    "text",
    [
        "again",
        "do that again for March",
        "once more please",
        "a fresh look",
        "再来一次",
        "重新分析 sales.csv",
        "re-run",
    ],
)
def test_somebody_who_wants_it_anew_is_understood(text: str) -> None:
    assert is_again(text)


@pytest.mark.parametrize("text", ["review src", "against main", "refresh the page", "重要的文件", "再见"])
def test_other_words_are_not_taken_for_again(text: str) -> None:
    assert not is_again(text)


@pytest.mark.parametrize(
    "text",
    ["again", "Again!", "do that again", "please run it again", "再来一次", "请再试一次。", "重做", "把它重做一遍"],
)
def test_again_alone_means_the_last_request(text: str) -> None:
    assert is_only_again(text)


@pytest.mark.parametrize("text", ["", "again for March", "再来一次三月的", "重新命名 a.txt", "再见", "read it"])
def test_again_with_anything_else_does_not(text: str) -> None:
    assert not is_only_again(text)


@pytest.mark.parametrize(
    "text",
    ["today", "the latest report", "what is due next week?", "今天的天气", "上周的销售", "刚才的结果", "现在几点"],
)
def test_texts_that_depend_on_the_day_say_so(text: str) -> None:
    assert request(text).day == "Thursday, 2026-01-01 (UTC)"


@pytest.mark.parametrize("text", ["review src", "knowing nothing", "周报模板", "明确的要求"])
def test_other_texts_do_not(text: str) -> None:
    assert request(text).day is None


def test_an_earlier_request_that_depends_on_the_day_counts() -> None:
    assert request("and in Paris?", ("the weather today", "sunny")).day is not None
