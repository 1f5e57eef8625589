from __future__ import annotations

import json
from pathlib import Path

import pytest

from app.commands.tasks import cost
from app.settings import Settings, load
from app.wiring import house
from domain.errors import NotFound
from domain.model import Purpose, Usage
from domain.ports import Call, UnitOfWork
from domain.task import Scope
from tests.builders import task

ANN, BOB = (Scope(tenant="main", owner=f"console:{name}") for name in ("ann", "bob"))


@pytest.fixture
async def settings(tmp_path: Path) -> Settings:
    """Where ann had one task planned, and something else was asked for her and for bob."""
    settings = load(DATABASE_URL=f"sqlite:///{tmp_path}/x.db")
    async with house(settings) as here:
        now = here.clock.now()

        def work(uow: UnitOfWork) -> None:
            uow.tasks.add(task("AAAAAA", scope=ANN, language="zh"))
            for scope, task_id, tokens in [(ANN, "AAAAAA", 10), (ANN, None, 20), (BOB, None, 40)]:
                usage = Usage(model="m", prompt_tokens=tokens, cost=0.5)
                uow.calls.add([Call(scope=scope, task_id=task_id, purpose=Purpose.PLAN, usage=usage, at=now)])

        await here.store.transact(work)
    return settings


async def test_of_a_task_in_its_language(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert await cost(settings, task="aaaaaa", as_json=False, user=None) == 0
    assert capsys.readouterr().out.splitlines()[0] == "AAAAAA：调用 1 次 · 10 + 0 个 token · 0.5000 美元"


async def test_of_a_user_lately_for_programs(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert await cost(settings, task=None, as_json=True, user="ann") == 0
    (spend,) = json.loads(capsys.readouterr().out)
    assert (spend["purpose"], spend["model"], spend["calls"]) == ("plan", "m", 2)
    assert (spend["prompt_tokens"], spend["cost"], spend["is_estimated"]) == (30, 1.0, False)


async def test_somebody_elses_task_is_as_unknown_as_none(settings: Settings) -> None:
    with pytest.raises(NotFound):
        await cost(settings, task="AAAAAA", as_json=False, user="bob")
