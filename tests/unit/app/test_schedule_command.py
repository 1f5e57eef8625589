"""`xingshu schedule`, and when `xingshu ask` begins."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from app.cli import cli
from app.clock import zone_of
from app.commands.ask import When, _timing
from app.commands.schedule import add, change, listed
from app.settings import Settings, load
from app.wiring import house
from bot.intake import AT_ONCE
from domain.errors import NotFound, Refused
from domain.people import Person
from tests.fakes import START


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load(DATABASE_URL=f"sqlite:///{tmp_path}/x.db", XINGSHU_TIMEZONE="Europe/Berlin")


def said(capsys: pytest.CaptureFixture[str]) -> str:
    """What was printed; an unconfigured log goes there, too."""
    return "\n".join(line for line in capsys.readouterr().out.splitlines() if "[info" not in line)


async def added(settings: Settings, capsys: pytest.CaptureFixture[str], text: str, **given: Any) -> dict[str, Any]:
    options = {"zone": None, "user": "ann"} | given
    assert await add(settings, text=text, as_json=True, **options) == 0
    return json.loads(said(capsys))


async def test_a_schedule_is_added_listed_held_and_ended(
    settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    made = await added(settings, capsys, "every day at 9:00 late=all times=3 check")
    name = made["schedule_id"]
    assert (made["owner"], made["request"], made["zone"]) == ("console:ann", "check", "Europe/Berlin")
    assert (made["rule"], made["late"], made["left"]) == ({"kind": "cron", "expression": "0 9 * * *"}, "all", 3)
    assert len(made["next"]) == 3
    assert all("T09:00:00+0" in at for at in made["next"])
    for verb, is_paused in (("pause", True), ("resume", False), ("remove", False)):
        assert await change(settings, verb=verb, schedule=name.lower(), user=None, as_json=True) == 0
        told = json.loads(said(capsys))
        assert (told["is_paused"], told["is_removed"]) == (is_paused, verb == "remove")
    assert await listed(settings, user=None, as_json=True) == 0
    assert json.loads(said(capsys)) == []


async def test_it_is_told_in_words(
    settings: Settings, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    await add(settings, text="every hour check", zone="asia/tokyo", user="ann", as_json=False)
    first = said(capsys).splitlines()[0]
    assert first.endswith(": every 1 h (Asia/Tokyo)")
    name = first.split()[2].rstrip(":")
    for verb, begins in (("pause", "is paused"), ("resume", "goes on"), ("remove", "is removed")):
        await change(settings, verb=verb, schedule=name, user="ann", as_json=False)
        assert said(capsys).startswith(f"{name} {begins}")
    await listed(settings, user="ann", as_json=False)
    assert said(capsys).startswith("You have no schedules.")


async def test_of_a_user_only_theirs(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    name = (await added(settings, capsys, "every hour check"))["schedule_id"]
    assert await listed(settings, user="bob", as_json=True) == 0
    assert json.loads(said(capsys)) == []
    with pytest.raises(NotFound):
        await change(settings, verb="remove", schedule=name, user="bob", as_json=False)
    assert await listed(settings, user="console:ann", as_json=True) == 0
    (row,) = json.loads(said(capsys))
    assert (row["schedule_id"], row["last_state"]) == (name, None)


async def test_a_zone_that_somebody_chose_counts(settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    async with house(settings) as here:
        chosen = Person(platform="console", user_id="ann", zone="Asia/Tokyo")
        await here.store.transact(lambda uow: uow.people.put(chosen, here.clock.now()))
    assert (await added(settings, capsys, "every day at 9:00 check"))["zone"] == "Asia/Tokyo"


async def test_what_cannot_be_read_is_refused(settings: Settings) -> None:
    with pytest.raises(Refused, match="I cannot read a time"):
        await add(settings, text="now and then check", zone=None, user="ann", as_json=False)


def test_ask_begins_at_once_unless_told_otherwise(settings: Settings) -> None:
    assert _timing(settings, When(), START) == AT_ONCE
    later = _timing(settings, When(later="2h", deadline="30m", expires="10m"), START)
    assert later.run_at is not None
    assert (later.run_at - START).total_seconds() == 7200
    assert (later.zone, later.deadline_s, later.expires_s) == ("Europe/Berlin", 1800, 600)
    at = _timing(settings, When(at="tomorrow 9:00"), START)
    assert at.run_at is not None
    assert at.run_at.astimezone(ZoneInfo("Europe/Berlin")).isoformat() == "2026-01-02T09:00:00+01:00"
    with pytest.raises(Refused):
        _timing(settings, When(at="2020-01-01 9:00"), START)


def test_the_command_line_knows_all_of_it() -> None:
    told = CliRunner().invoke(cli, ["ask", "--help"], env={"COLUMNS": "120", "NO_COLOR": "1"}).output
    assert all(option in told for option in ("--at", "--in", "--deadline", "--expires", "--json", "--user"))
    told = CliRunner().invoke(cli, ["schedule", "--help"], env={"COLUMNS": "120", "NO_COLOR": "1"}).output
    assert all(command in told for command in ("add", "list", "pause", "resume", "remove"))


def test_the_machines_zone_is_what_its_link_points_at(tmp_path: Path) -> None:
    link = tmp_path / "localtime"
    assert zone_of("Asia/Tokyo", link) == "Asia/Tokyo"
    assert zone_of("", link) == "UTC"
    for target, zone in (("Europe/Berlin", "Europe/Berlin"), ("Etc/UTC", "UTC"), ("posix/Asia/Tokyo", "Asia/Tokyo")):
        link.unlink(missing_ok=True)
        link.symlink_to(f"/usr/share/zoneinfo/{target}")
        assert zone_of("", link) == zone
    link.unlink()
    link.write_text("a file of its own")
    assert zone_of("", link) == "UTC"
