"""`xingshu dead`: what is shown of letters that died, and what can be done about them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from app.commands.dead import drop, letters, requeue, show
from app.commands.tasks import status
from app.doctor import examine
from app.settings import Settings, load
from app.wiring import house
from domain.dead import DeadLetter, Fate, Reason, buried
from domain.errors import NotFound, Refused
from domain.ids import SubtaskId
from tests.builders import chain, planned

ABOUT = SubtaskId("AAAAAA", "a")


@pytest.fixture
async def settings(tmp_path: Path) -> Settings:
    """Where a task goes on, of which an attempt was rejected, and somebody forged a report."""
    settings = load(DATABASE_URL=f"sqlite:///{tmp_path}/x.db", XINGSHU_WORKSPACE=str(tmp_path))
    async with house(settings) as here:
        now = here.clock.now()
        letter = DeadLetter(at=now, last_at=now, agent="echo", reason=Reason.REJECTED, subtask=ABOUT, body='{"a": 1}')
        forged = replace(letter, reason=Reason.FORGED, subtask=None, agent="mallory\x1b[2J", detail="says it is echo")
        await here.store.transact(lambda uow: uow.tasks.add(planned(chain("a"))))
        await here.store.transact(lambda uow: uow.dead.add([buried(letter), buried(forged)]))
    return settings


async def listed(settings: Settings, capsys: pytest.CaptureFixture[str], *, everything: bool = False) -> Any:
    assert await letters(settings, as_json=True, limit=9, everything=everything) == 0
    return {row["reason"]: row for row in json.loads(capsys.readouterr().out)}


async def test_they_are_listed_with_what_to_do(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert await letters(settings, as_json=False, limit=9, everything=False) == 0
    out = capsys.readouterr().out
    assert "rejected · echo · AAAAAA.a · 1×" in out
    assert "forged sender · mallory · 1×" in out
    assert "\x1b" not in out
    assert "xingshu dead show ID" in out


async def test_one_is_explained(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    rows = await listed(settings, capsys)
    assert await show(settings, letter=rows["rejected"]["id"].lower(), as_json=False) == 0
    out = capsys.readouterr().out
    assert "The agent refused the message unread." in out
    assert '{"a": 1}' in out
    assert await show(settings, letter=rows["forged"]["id"], as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["detail"] == "says it is echo"


async def test_one_that_was_dropped_is_only_listed_among_all(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = await listed(settings, capsys)
    assert await drop(settings, letter=rows["forged"]["id"], as_json=True) == 0
    assert json.loads(capsys.readouterr().out)["ok"] is True
    assert list(await listed(settings, capsys)) == ["rejected"]
    assert (await listed(settings, capsys, everything=True))["forged"]["state"] == Fate.DROPPED
    with pytest.raises(Refused, match="already"):
        await drop(settings, letter=rows["forged"]["id"], as_json=False)


async def test_what_goes_on_by_itself_is_not_requeued(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    rows = await listed(settings, capsys)
    with pytest.raises(Refused, match="AAAAAA goes on"):
        await requeue(settings, letter=rows["rejected"]["id"], as_json=False)
    with pytest.raises(NotFound):
        await requeue(settings, letter="NOBODY", as_json=False)
    assert set(await listed(settings, capsys)) == {"rejected", "forged"}


async def test_status_and_doctor_point_to_them(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    rows = await listed(settings, capsys)
    assert await status(settings, task="AAAAAA", as_json=False, user=None) == 0
    assert f"xingshu dead show {rows['rejected']['id']}" in capsys.readouterr().err
    async with house(settings) as here:
        (found,) = [finding for finding in await examine(here, "en") if finding.part == "letters"]
    assert (found.is_well, found.detail) == (False, "2 wait to be looked at: xingshu dead")
