"""Errors speak to people, in their language."""

from __future__ import annotations

import inspect

import pytest

from domain import errors
from domain.errors import Malformed, NotFound, PlanRefused, Refused, StoreDown, Unavailable, XingshuError
from domain.plan_check import Problem


def test_an_error_says_its_sentence_in_both_languages() -> None:
    error = NotFound("error.not_found", task="7K2QXM")
    assert str(error) == error.say("en") == "There is no task 7K2QXM. /tasks lists yours."
    assert error.say("zh") == "没有任务 7K2QXM。用 /tasks 查看你的任务。"
    assert (error.key, error.values) == ("error.not_found", {"task": "7K2QXM"})


def test_the_tree_is_split_by_what_the_caller_does() -> None:
    classes = {cls for _, cls in inspect.getmembers(errors, inspect.isclass) if issubclass(cls, XingshuError)}
    assert {cls.__name__ for cls in classes if issubclass(cls, Refused)} == {
        "Refused",
        "NotFound",
        "Malformed",
        "PlanRefused",
        "Unreachable",
        "MessageGone",
    }
    assert {cls.__name__ for cls in classes if issubclass(cls, Unavailable)} == {
        "Unavailable",
        "StoreDown",
        "BrokerDown",
        "Taken",
        "Unroutable",
        "ModelDown",
        "Interrupted",
        "Flooded",
    }
    assert {cls.__name__ for cls in classes if not issubclass(cls, Refused | Unavailable)} == {
        "XingshuError",
        "Misconfigured",
    }


def test_the_cause_is_kept_apart_from_the_sentence() -> None:
    with pytest.raises(StoreDown) as caught:
        raise StoreDown("error.store_down") from OSError("password=hunter2")
    assert "hunter2" not in str(caught.value)
    assert isinstance(caught.value.__cause__, OSError)


@pytest.mark.parametrize(("count", "more"), [(1, ""), (5, ""), (6, "; and 1 more"), (40, "; and 35 more")])
def test_a_refused_plan_names_its_first_problems(count: int, more: str) -> None:
    problems = [Problem(kind="self_dependency", node=f"n{number}") for number in range(count)]
    error = PlanRefused(problems)
    assert error.problems == tuple(problems)
    shown = "; ".join(f"“n{number}” depends on itself" for number in range(min(count, 5)))
    assert str(error) == f"This plan cannot be run: {shown}{more}"
    assert "这个计划无法执行" in error.say("zh")
    assert "“n0”依赖自己" in error.say("zh")


def test_malformed_is_refused() -> None:
    with pytest.raises(Refused):
        raise Malformed("error.malformed", detail="x")
