"""Commands, buttons, forms and completions on the local Discord, answered by the real discord.py."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.discord_server import DiscordServer, Impossible, Interaction
from tests.fakes import FakeClock
from tests.integration.discord_probe import Place, Probe, RawBot, app_commands, discord, raw_bot, running

DEFER, UPDATE, CHOICES, MODAL = 5, 7, 8, 9


class Asker(Probe):
    """A bot with a few commands; `late` moves the clock on before it acknowledges."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.errors: list[discord.HTTPException] = []
        self.add_commands()
        self.tree.error(self.on_tree_error)

    async def setup_hook(self) -> None:
        self.add_view(Buttons())
        await self.tree.sync()

    async def on_tree_error(self, _interaction: discord.Interaction, error: Exception) -> None:
        self.errors.append(getattr(error, "original", error))
        self.tell()

    def add_commands(self) -> None:
        @self.tree.command(description="Ask")
        @app_commands.describe(text="what", file="with it", whom="about")
        async def ask(
            interaction: discord.Interaction,
            text: app_commands.Range[str, 1, 20],
            file: discord.Attachment | None = None,
            whom: discord.User | None = None,
        ) -> None:
            await interaction.response.defer(thinking=True)
            data = b"" if file is None else await file.read()
            await interaction.edit_original_response(content=f"{text} {data.decode()} {whom} {interaction.locale}")
            await interaction.followup.send("and more", view=Buttons())

        @self.tree.command(description="Ask in secret")
        async def whisper(interaction: discord.Interaction) -> None:
            await interaction.response.defer(ephemeral=True)
            await interaction.followup.send("quietly", ephemeral=False)

        @self.tree.command(description="State")
        async def state(interaction: discord.Interaction, task: str) -> None:
            await interaction.response.send_message(f"{task} is done", ephemeral=True)

        @state.autocomplete("task")
        async def tasks(_interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
            return [
                app_commands.Choice(name=f"{current}{n}", value=f"t{n}") for n in range(30 if current == "many" else 2)
            ]

        group = app_commands.Group(name="plan", description="Plans")

        @group.command(description="Drop")
        async def drop(interaction: discord.Interaction, step: int) -> None:
            await interaction.response.send_message(f"dropped {step}")

        self.tree.add_command(group)


class Note(discord.ui.Modal, title="A note"):
    text = discord.ui.TextInput(label="Note", custom_id="text", min_length=2)

    async def on_submit(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message(f"noted: {self.text.value}")


class Buttons(discord.ui.View):
    def __init__(self) -> None:
        super().__init__(timeout=None)

    @discord.ui.button(label="Cancel", custom_id="cancel")
    async def cancel(self, interaction: discord.Interaction, _button: discord.ui.Button[Buttons]) -> None:
        await interaction.response.edit_message(content=f"cancelled by {interaction.user.name}", view=None)

    @discord.ui.button(label="Later", custom_id="later")
    async def later(self, interaction: discord.Interaction, _button: discord.ui.Button[Buttons]) -> None:
        await interaction.response.defer()
        await interaction.edit_original_response(content="later")

    @discord.ui.button(label="Note", custom_id="note")
    async def note(self, interaction: discord.Interaction, _button: discord.ui.Button[Buttons]) -> None:
        await interaction.response.send_modal(Note())

    @discord.ui.select(
        custom_id="pick",
        options=[discord.SelectOption(label="A", value="a"), discord.SelectOption(label="B", value="b")],
    )
    async def pick(self, interaction: discord.Interaction, select: discord.ui.Select[Buttons]) -> None:
        await interaction.response.send_message(f"picked {select.values}")


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with DiscordServer() as server:
        server.limits.is_on = False
        yield Place(server)


@pytest.fixture
async def asker(place: Place) -> AsyncIterator[Asker]:
    async with running(place.server, Asker()) as probe:
        yield probe  # type: ignore[misc] # it is the Asker


async def test_a_command_is_deferred_and_answered(place: Place, asker: Asker) -> None:
    people, server = place.server.people, place.server
    asked = people.slash(place.channel, place.alice, "ask", text="sum", file=("a.csv", b"1,2"), whom=place.alice)
    await server.wait_answer(asked)
    assert (asked.answer, asked.is_ephemeral) == (DEFER, False)
    answer = await server.wait_response(asked)
    assert answer.content == "sum 1,2 alice zh-CN"
    assert (answer.history, answer.edits) == (["sum 1,2 alice zh-CN"], 0)
    more = await server.wait_message(place.channel, "and more")
    assert [one.id for one in asked.followups] == [more.id]
    assert more.labels == ["Cancel", "Later", "Note"]
    assert asker.interactions[0].guild.id == place.guild.id
    assert asker.interactions[0].app_permissions.send_messages
    assert server.codes == []
    edited = await asker.room(place.channel.id).fetch_message(answer.id)
    await edited.edit(content="as an ordinary message")
    assert answer.edits == 1


async def test_ephemeral_is_settled_when_deferring(place: Place, asker: Asker) -> None:
    asked = place.server.people.slash(place.channel, place.alice, "whisper")
    answer = await place.server.wait_response(asked)
    assert (answer.content, answer.is_ephemeral, asked.is_ephemeral) == ("quietly", True, True)
    assert place.channel.visible == []
    assert place.server.codes == ["followup_as_original"]
    with pytest.raises(discord.NotFound):
        await asker.room(place.channel.id).fetch_message(answer.id)
    bob = place.server.people.user("bob")
    place.server.people.join(place.guild, bob)
    with pytest.raises(Impossible, match="somebody else"):
        place.server.people.press(answer, bob, "x")


async def test_in_private(place: Place, asker: Asker) -> None:
    private = place.server.people.dm(place.alice)
    asked = place.server.people.slash(private, place.alice, "state", task="t1")
    answer = await place.server.wait_response(asked)
    assert (answer.content, answer.is_ephemeral) == ("t1 is done", True)
    assert asker.interactions[0].user.id == place.alice.id
    assert isinstance(asker.interactions[0].channel, discord.DMChannel)


async def test_answers_with_files(place: Place, asker: Asker) -> None:
    @asker.tree.command(description="Files")
    async def files(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("one", file=discord.File(io.BytesIO(b"1"), "1.txt"))
        await interaction.edit_original_response(attachments=[discord.File(io.BytesIO(b"2"), "2.txt")])
        await interaction.followup.send("three", file=discord.File(io.BytesIO(b"3"), "3.txt"))

    await asker.tree.sync()
    asked = place.server.people.slash(place.channel, place.alice, "files")
    third = await place.server.wait_message(place.channel, "three")
    assert [one.content for one in third.attachments] == [b"3"]
    assert [one.content for one in asked.response.attachments] == [b"2"]
    assert place.server.codes == []


async def test_subcommands(place: Place, asker: Asker) -> None:
    asked = place.server.people.slash(place.channel, place.alice, "plan drop", step=2)
    assert (await place.server.wait_response(asked)).content == "dropped 2"
    assert asker.errors == []


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("nothing", {}),
        ("ask", {}),
        ("ask", {"text": ""}),
        ("ask", {"text": "x" * 21}),
        ("ask", {"text": "x", "file": "a.csv"}),
        ("ask", {"text": "x", "other": 1}),
        ("plan", {}),
        ("plan drop", {"step": "two"}),
        ("plan lift", {"step": 2}),
    ],
)
@pytest.mark.usefixtures("asker")
async def test_what_people_cannot_send(place: Place, name: str, options: dict[str, Any]) -> None:
    with pytest.raises(Impossible):
        place.server.people.slash(place.channel, place.alice, name, **options)


async def test_completion(place: Place, asker: Asker) -> None:
    people, server = place.server.people, place.server
    typed = await server.wait_answer(people.complete(place.channel, place.alice, "state", "task", task="ab"))
    assert typed.answer == CHOICES
    assert typed.choices == [{"name": "ab0", "value": "t0"}, {"name": "ab1", "value": "t1"}]
    too_many = people.complete(place.channel, place.alice, "state", "task", task="many")
    await server.wait_for(lambda: server.transcript.counts["400"])
    assert too_many.choices is None
    assert asker.errors == []


async def test_buttons(place: Place, asker: Asker) -> None:
    people, server = place.server.people, place.server
    sent = await asker.room(place.channel.id).send("card", view=Buttons())
    card = place.channel.messages[sent.id]
    await server.wait_answer(people.press(card, place.alice, "later"))
    await server.wait_for(lambda: card.content == "later")
    picked = people.press(card, place.alice, "pick", values=["b"])
    assert (await server.wait_response(picked)).content == "picked ['b']"
    pressed = await server.wait_answer(people.press(card, place.alice, people.label(card, "Cancel")))
    assert (pressed.answer, card.content, card.labels) == (UPDATE, "cancelled by alice", [])
    assert card.history == ["card", "later", "cancelled by alice"]
    with pytest.raises(Impossible, match="no component 'cancel'"):
        people.press(card, place.alice, "cancel")
    forged = people.press(card, place.alice, "approve:999", is_forged=True)
    await server.wait_for(lambda: len(asker.interactions) == 4)
    assert forged.answer is None
    assert server.codes == []


async def test_forms(place: Place, asker: Asker) -> None:
    people, server = place.server.people, place.server
    sent = await asker.room(place.channel.id).send("card", view=Buttons())
    pressed = await server.wait_answer(people.press(place.channel.messages[sent.id], place.alice, "note"))
    assert pressed.answer == MODAL
    assert pressed.modal["title"] == "A note"
    with pytest.raises(Impossible, match="2-4000"):
        people.submit(pressed, {"text": "x"})
    with pytest.raises(Impossible, match="filled in"):
        people.submit(pressed, {})
    with pytest.raises(Impossible, match="no fields"):
        people.submit(pressed, {"text": "xx", "more": "y"})
    filled = people.submit(pressed, {"text": "milk"})
    assert (await server.wait_response(filled)).content == "noted: milk"
    with pytest.raises(Impossible):
        people.submit(filled, {})


async def test_a_bot_that_is_away_loses_interactions(place: Place) -> None:
    async with running(place.server, Asker()):
        pass
    asked = place.server.people.slash(place.channel, place.alice, "ask", text="x")
    assert not asked.was_delivered
    place.server.answers.ack_s = -1
    assert place.server.codes == []
    assert asked.was_lost


class Clocked:
    """A server whose time is moved by hand, a raw bot, and a command used by alice."""

    def __init__(self, server: DiscordServer, clock: FakeClock, bot: RawBot) -> None:
        self.place = Place(server)
        self.server, self.clock, self.bot = server, clock, bot

    async def asked(self) -> Interaction:
        command = {"name": "ask", "description": "Ask"}
        await self.bot.ask("POST", f"/applications/{self.server.world.bot.id}/commands", command)
        return self.server.people.slash(self.place.channel, self.place.alice, "ask")

    async def respond(self, interaction: Interaction, body: dict[str, Any]) -> tuple[int, int | None]:
        status, answer = await self.bot.ask(
            "POST", f"/interactions/{interaction.id}/{interaction.token}/callback", body
        )
        return status, None if answer is None else answer.get("code")

    async def hook(self, method: str, interaction: Interaction, tail: str, body: Any = None) -> tuple[int, Any]:
        path = f"/webhooks/{self.server.world.bot.id}/{interaction.token}{tail}"
        return await self.bot.ask(method, path, body)


@pytest.fixture
async def clocked() -> AsyncIterator[Clocked]:
    clock = FakeClock()
    async with DiscordServer(clock=clock) as server, raw_bot(server) as bot:
        server.limits.is_on = False
        yield Clocked(server, clock, bot)


async def test_three_seconds(clocked: Clocked) -> None:
    asked = await clocked.asked()
    asked.was_delivered = True
    await clocked.clock.advance(3)
    assert await clocked.respond(asked, {"type": DEFER}) == (204, None)
    late = await clocked.asked()
    late.was_delivered = True
    await clocked.clock.advance(3.001)
    assert await clocked.respond(late, {"type": DEFER}) == (404, 10062)
    assert (await clocked.hook("PATCH", late, "/messages/@original", {"content": "x"}))[1]["code"] == 10015
    never = await clocked.asked()
    never.was_delivered = True
    await clocked.clock.advance(4)
    assert clocked.server.codes == ["ack_missed", "ack_missed"]


async def test_three_seconds_with_discord_py() -> None:
    clock = FakeClock()
    async with DiscordServer(clock=clock) as server:
        place = Place(server)
        fault = server.faults.add("hold", "POST /interactions/*", times=1)
        async with running(server, Asker()) as probe:
            asked = server.people.slash(place.channel, place.alice, "state", task="t")
            await server.wait_for(lambda: fault.hits)
            await clock.advance(3.5)
            fault.release()
            await server.wait_for(lambda: probe.errors)
        assert asked.is_overdue
        assert [error.code for error in probe.errors] == [10062]
    assert server.codes == ["ack_missed"]


async def test_one_answer_only(clocked: Clocked) -> None:
    asked = await clocked.asked()
    assert (await clocked.hook("GET", asked, "/messages/@original"))[1]["code"] == 10015
    assert await clocked.respond(asked, {"type": DEFER}) == (204, None)
    assert await clocked.respond(asked, {"type": DEFER}) == (400, 40060)
    assert clocked.server.codes == ["second_ack"]


async def test_fifteen_minutes(clocked: Clocked) -> None:
    asked = await clocked.asked()
    await clocked.respond(asked, {"type": DEFER, "data": {"flags": 64}})
    await clocked.clock.advance(15 * 60)
    status, body = await clocked.hook("PATCH", asked, "/messages/@original", {"content": "in time"})
    assert (status, body["content"], body["flags"]) == (200, "in time", 64)
    await clocked.clock.advance(0.001)
    status, body = await clocked.hook("PATCH", asked, "/messages/@original", {"content": "too late"})
    assert (status, body["code"], body["message"]) == (401, 50027, "Invalid Webhook Token")
    assert clocked.server.codes == ["token_expired"]


INPUT = {"type": 4, "custom_id": "i", "style": 1}


def label(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": 18, "label": "l", "component": item}


async def test_answers_that_do_not_fit(clocked: Clocked) -> None:
    for body in (
        {"type": UPDATE, "data": {"content": "x"}},
        {"type": CHOICES, "data": {"choices": []}},
        {"type": 4, "data": {"content": "x" * 2001}},
        {"type": MODAL, "data": {"custom_id": "m", "title": "x" * 46, "components": [label(INPUT)]}},
        {"type": MODAL, "data": {"custom_id": "m", "title": "x", "components": []}},
        {"type": MODAL, "data": {"custom_id": "m", "title": "x", "components": [label(INPUT)] * 6}},
        {"type": MODAL, "data": {"custom_id": "m", "title": "x", "components": [label(INPUT)] * 2}},
        {"type": MODAL, "data": {"custom_id": "m", "title": "x", "components": [label(INPUT | {"style": 3})]}},
        {"type": MODAL, "data": {"custom_id": "m", "title": "x", "components": [INPUT]}},
        {"type": MODAL, "data": {"custom_id": "m", "title": "x", "components": [{"type": 1, "components": [INPUT]}]}},
    ):
        assert await clocked.respond(await clocked.asked(), body) == (400, 50035)
    assert await clocked.respond(await clocked.asked(), {"type": 4, "data": {"content": ""}}) == (400, 50006)
    modal = {"type": MODAL, "data": {"custom_id": "m", "title": "x", "components": [label(INPUT)]}}
    asked = await clocked.asked()
    assert await clocked.respond(asked, modal) == (204, None)
    filled = clocked.server.people.submit(asked, {"i": "typed"})
    assert filled.data["components"][0]["component"]["value"] == "typed"
