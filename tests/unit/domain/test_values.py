"""Small values: chat messages, answers, skills, the ports' own."""

from __future__ import annotations

from datetime import UTC

import pytest

from domain.agents import Worker
from domain.answer import Answer, Author, Statement
from domain.chat import ChatMessage
from domain.model import Completion, Prompt, Purpose
from domain.ports import Connection, Delivery, TaskLine
from domain.skill import Catalogue, Effect, Param, SkillSpec
from domain.task import Route, Scope, TaskState
from tests.unit.domain import build as b


def test_a_chat_message_knows_where_its_answer_goes_and_whose_it_is() -> None:
    message = ChatMessage(
        platform="telegram", bot_id="9", chat_id="-7", user_id="5", update_key="1", text="hi", received_at=b.at(0)
    )
    assert message.route == Route(platform="telegram", bot_id="9", chat_id="-7")
    assert message.scope("main") == Scope(tenant="main", owner="telegram:5")
    assert message.received_at.tzinfo is UTC


def test_an_answer_marks_where_its_statements_come_from() -> None:
    answer = Answer(
        statements=(Statement(text="## Result"), Statement(text="Two rows.", sources=("a", "b"))), author=Author.MODEL
    )
    assert answer.text == "## Result\nTwo rows. [a] [b]"
    assert Answer(statements=(), author=Author.RULES).text == ""


def spec(name: str, **more: object) -> SkillSpec:
    return SkillSpec(**{"name": name, "description": f"does {name}", **more})


def test_a_catalogue_is_sorted_and_knows_who_offers_what() -> None:
    catalogue = Catalogue.of([("zoe", spec("b")), ("ann", spec("b")), ("ann", spec("a")), ("ann", spec("b"))])
    assert [skill.name for skill in catalogue] == ["a", "b"]
    assert catalogue.agents == {"a": ("ann",), "b": ("ann", "zoe")}
    assert len(catalogue) == 2
    assert "a" in catalogue
    assert "c" not in catalogue
    assert 7 not in catalogue


def test_of_two_versions_the_first_agents_is_shown() -> None:
    catalogue = Catalogue.of([("zoe", spec("a", description="new")), ("ann", spec("a", description="old"))])
    assert catalogue.skills["a"].description == "old"


@pytest.mark.parametrize(
    ("first", "second", "shown"),
    [
        (Effect.NONE, Effect.EXTERNAL, Effect.EXTERNAL),
        (Effect.EXTERNAL, Effect.NONE, Effect.EXTERNAL),
        (Effect.NONE, Effect.IDEMPOTENT, Effect.IDEMPOTENT),
        (Effect.NONE, Effect.NONE, Effect.NONE),
    ],
)
def test_no_agent_can_talk_down_the_effect_of_anothers_skill(first: Effect, second: Effect, shown: Effect) -> None:
    catalogue = Catalogue.of([("ann", spec("a", effect=first)), ("zoe", spec("a", effect=second))])
    assert catalogue.skills["a"].effect is shown


def test_a_skill_finds_its_parameters() -> None:
    skill = spec("a", params=(Param(name="path"), Param(name="limit")))
    assert skill.param("limit") == Param(name="limit")
    assert skill.param("nothing") is None


def test_values_are_values() -> None:
    prompt = Prompt(purpose=Purpose.PLAN, system="s", user="u")
    assert prompt == Prompt(purpose=Purpose.PLAN, system="s", user="u")
    assert (prompt.history, prompt.wants_json) == ((), False)
    assert Completion(text="x", model="m") != Completion(text="y", model="m")
    worker = Worker(
        agent="a",
        worker="w",
        incarnation="1",
        slots=1,
        skills=(),
        status="idle",
        current_task=None,
        last_seen=b.at(0),
    )
    assert worker.skills == ()
    assert Connection(since=None, generation=0).since is None
    line = TaskLine(id="7K2QXM", state=TaskState.RUNNING, request="x", created_at=b.at(0), done=0, total=1)
    assert line.total == 1
    assert Delivery(task=b.received(), shown_version=0, platform_message_id=None, tries=0).task.version == 0
