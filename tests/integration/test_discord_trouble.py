"""Interactions while Discord, the way to it, or its people make trouble."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.post import Action, Button, Verb
from bot.reply import Reply
from domain.errors import StoreDown
from tests.integration.discord_stage import DiscordStage, discord_stage
from tests.unit.bot.fakes import until

CALLBACK = "POST /interactions/*/*/callback"
ORIGINAL = "PATCH /webhooks/*/*/messages/*"
FORM = 9


@pytest.fixture
async def stage() -> AsyncIterator[DiscordStage]:
    async with discord_stage() as here:
        yield here
        assert here.server.codes == []


async def test_a_request_whose_showing_broke_is_shown_at_the_second_try(stage: DiscordStage) -> None:
    stage.server.faults.add("reset", ORIGINAL, times=1)
    shown = await stage.server.wait_response(stage.slash("ask", text="do it"))
    await stage.took("/ask do it")
    assert stage.door.taken[0].message_id == str(shown.id)


@pytest.mark.parametrize(("kind", "words"), [("reset", {}), ("status", {"status": 400})])
async def test_a_request_that_cannot_be_shown_is_taken_all_the_same(
    stage: DiscordStage, kind: str, words: dict[str, int]
) -> None:
    fault = stage.server.faults.add(kind, ORIGINAL, times=3, **words)
    stage.slash("ask", text="do it")
    await stage.took("/ask do it")
    fault.release()
    assert stage.door.taken[0].message_id == ""


async def test_a_reply_whose_putting_broke_is_put_again(stage: DiscordStage) -> None:
    stage.door.answers = lambda _message: Reply(text="no tasks")
    stage.server.faults.add("reset_after", ORIGINAL, times=2)
    assert (await stage.server.wait_response(stage.slash("tasks"))).content == "no tasks"


@pytest.mark.parametrize(("kind", "words"), [("reset", {}), ("status", {"status": 400})])
async def test_a_reply_that_is_lost_stops_nothing(stage: DiscordStage, kind: str, words: dict[str, int]) -> None:
    stage.door.answers = lambda _message: Reply(text="no tasks")
    fault = stage.server.faults.add(kind, ORIGINAL, times=3, **words)
    stage.slash("tasks")
    await stage.took("/tasks")
    await stage.server.wait_for(lambda: fault.hits == (3 if kind == "reset" else 1))
    fault.release()
    assert (await stage.server.wait_response(stage.slash("help"))).content == "no tasks"


async def test_a_long_reply_goes_on_in_more_messages(stage: DiscordStage) -> None:
    stage.door.answers = lambda _message: Reply(text="\n".join(f"line {number} " + "x" * 80 for number in range(40)))
    asked = stage.slash("tasks")
    first = await stage.server.wait_response(asked)
    await until(lambda: any("line 39" in one.content for one in asked.followups))
    assert first.content.startswith("line 0")
    assert all(one.is_ephemeral for one in asked.followups)


async def test_what_a_press_brings_in_private_is_an_ordinary_message(stage: DiscordStage) -> None:
    private = stage.server.people.dm(stage.alice)
    button = Button(label="Cancel", action=Action(verb=Verb.CANCEL, subject="7KQ2M4"))
    stage.door.notice = Reply(text="how it stands", buttons=((button,),))
    pressed = stage.press(await stage.card(Verb.DETAILS, channel=private), "Details")
    await until(lambda: pressed.followups)
    assert [(one.is_ephemeral, one.labels) for one in pressed.followups] == [(False, ["Cancel"])]


async def test_a_command_of_yesterday_is_told_to_be_one(stage: DiscordStage) -> None:
    known = stage.server.commands.named("help", None)
    assert known is not None
    stage.server.world.commands[None][1] = known | {"id": "1", "name": "yesterday"}
    shown = await stage.server.wait_response(stage.slash("yesterday"))
    assert shown.is_ephemeral
    assert "Reload Discord" in shown.content


async def test_a_form_that_cannot_be_shown_stops_nothing(stage: DiscordStage) -> None:
    stage.server.faults.add("status", CALLBACK, status=400)
    message = await stage.card(Verb.REPLY)
    stage.press(message, "Reply")
    assert (await stage.server.wait_answer(stage.press(message, "Reply"))).answer == FORM


async def test_a_form_of_somebody_elses_making_does_nothing(stage: DiscordStage) -> None:
    pressed = await stage.server.wait_answer(stage.press(await stage.card(Verb.REPLY), "Reply"))
    assert pressed.modal is not None
    pressed.modal["custom_id"] = "c:7KQ2M4"
    shown = await stage.server.wait_response(stage.server.people.submit(pressed, {"text": "x"}))
    assert shown.is_ephemeral
    assert stage.door.presses == []


async def test_suggestions_are_none_while_the_database_is_away(stage: DiscordStage) -> None:
    async def down(*_words: str) -> list[tuple[str, str]]:
        raise StoreDown("error.store_down")

    stage.door.suggest = down  # type: ignore[method-assign]
    typed = stage.server.people.complete(stage.channel, stage.alice, "cancel", "task", task="7")
    assert (await stage.server.wait_answer(typed)).choices == []
