from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from domain.errors import Interrupted, ModelDown
from domain.model import Completion, Prompt, Purpose, Usage
from domain.ports import Call, Listener
from domain.task import Scope
from llm.books import BookedModel
from tests.fakes import START, FakeClock
from tests.fakes_store import FakeStore

ANN = Scope(tenant="t", owner="console:1")
PROMPT = Prompt(purpose=Purpose.PLAN, system="s", user="secret")
FAILED = Usage(model="m1", seconds=3.0, failed="timeout")
MADE = Usage(model="m2", prompt_tokens=900, completion_tokens=30, cost=0.002, seconds=1.5)


class Said:
    """A model that says one thing, or fails; remembers who listened."""

    def __init__(self, outcome: Completion | ModelDown) -> None:
        self.outcome = outcome
        self.listeners: list[Listener | None] = []

    async def complete(self, prompt: Prompt, listener: Listener | None = None) -> Completion:
        self.listeners.append(listener)
        if isinstance(self.outcome, ModelDown):
            raise self.outcome
        return self.outcome


class Ear:
    has_acted = False

    def heard(self, piece: str) -> None: ...

    def restarted(self) -> None: ...


def booked(model: Said, store: FakeStore) -> BookedModel:
    return BookedModel(model, store, FakeClock(), ANN, "AAAAAA")


def call(usage: Usage) -> Call:
    return Call(scope=ANN, task_id="AAAAAA", purpose=Purpose.PLAN, usage=usage, at=START)


async def test_every_call_is_booked_and_the_answer_passed_on() -> None:
    store, ear = FakeStore(), Ear()
    model = Said(Completion(text="x", model="m2", usage=(FAILED, MADE)))
    assert await booked(model, store).complete(PROMPT, ear) is model.outcome
    assert store.calls.rows == [call(FAILED), call(MADE)]
    assert model.listeners == [ear]


@pytest.mark.parametrize("kind", [ModelDown, Interrupted])
async def test_calls_that_brought_nothing_are_booked_too(kind: type[ModelDown]) -> None:
    store, down = FakeStore(), kind("error.model_down", usage=[FAILED], detail="x")
    with pytest.raises(kind):
        await booked(Said(down), store).complete(PROMPT)
    assert store.calls.rows == [call(FAILED)]


async def test_nothing_to_book_is_no_transaction() -> None:
    store = FakeStore(downs=1)
    with capture_logs() as logs:
        assert (await booked(Said(Completion(text="x", model="m")), store).complete(PROMPT)).text == "x"
        with pytest.raises(ModelDown):
            await booked(Said(ModelDown("error.model_down", detail="x")), store).complete(PROMPT)
    assert logs == []


async def test_without_the_database_the_answer_still_comes() -> None:
    store = FakeStore(downs=1)
    with capture_logs() as logs:
        answer = await booked(Said(Completion(text="x", model="m2", usage=(MADE,))), store).complete(PROMPT)
    assert (answer.text, store.calls.rows) == ("x", [])
    assert [(entry["event"], entry["calls"], entry["task"]) for entry in logs] == [("calls_not_booked", 1, "AAAAAA")]
    assert "secret" not in str(logs)
