"""The local Discord as a process of its own, steered over HTTP."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator

import pytest

from tests.discord_server.remote import RemoteDiscord, discord_process
from tests.integration.discord_probe import point_to, raw_bot
from tests.integration.test_discord_server_interactions import Asker, Buttons

pytestmark = pytest.mark.process


@pytest.fixture
async def remote() -> AsyncIterator[RemoteDiscord]:
    async with discord_process("--token", "T") as found:
        yield found


async def test_without_a_bot(remote: RemoteDiscord) -> None:
    first = remote.first
    where, who = {"channel": first["channel"]}, {"user": first["user"]}
    said = await remote.do("say", text="hello", files=[["a.txt", "YQ=="]], **where, **who)
    assert said["files"] == [{"name": "a.txt", "content": "YQ=="}]
    async with raw_bot(remote) as bot:
        status, sent = await bot.ask("POST", f"/channels/{first['channel']}/messages", {"content": "hi"})
        assert status == 200
    found = await remote.do("wait_message", having="hi", **where)
    assert (found["id"], found["content"]) == (int(sent["id"]), "hi")
    await remote.do("set", part="limits", is_on=False)
    await remote.do("fault", kind="reset", route="GET /users/@me")
    state = await remote.do("state")
    assert (state["violations"], state["is_connected"], state["counts"]["200"]) == ([], False, 1)
    for act, words, error in (
        ("slash", {"name": "ask", **where, **who}, "no command /ask"),
        ("set", {"part": "limits", "token": "x"}, "limits has no token"),
        ("cut", {"how": "serve"}, "no way 'serve'"),
        ("wait_message", {"having": "never", "timeout": 0.01, **where}, "not seen in 0.01 s"),
        ("_serve", {}, "no act _serve"),
    ):
        with pytest.raises(AssertionError, match=error):
            await remote.do(act, **words)


@pytest.fixture
async def asker(remote: RemoteDiscord) -> AsyncIterator[Asker]:
    async with raw_bot(remote) as bot:
        _, body = await bot.ask("GET", "/gateway")
    point_to(remote.api_url, body["url"])
    async with asyncio.TaskGroup() as group, Asker() as probe:
        group.create_task(probe.start(remote.token))
        await remote.do("wait_ready")
        yield probe


@pytest.mark.usefixtures("asker")
async def test_commands(remote: RemoteDiscord) -> None:
    here = {"channel": remote.first["channel"], "user": remote.first["user"]}
    file = ["a.csv", base64.b64encode(b"1,2").decode()]
    asked = await remote.do(
        "slash", name="ask", options={"text": "sum", "file": file, "whom": {"user": here["user"]}}, **here
    )
    assert (await remote.do("wait_response", number=asked["id"]))["content"] == "sum 1,2 alice en-US"
    typed = await remote.do("complete", name="state", focused="task", options={"task": "a"}, **here)
    assert len((await remote.do("wait_answer", number=typed["id"]))["choices"]) == 2


async def test_buttons_and_a_cut(remote: RemoteDiscord, asker: Asker) -> None:
    where, who = {"channel": remote.first["channel"]}, {"user": remote.first["user"]}
    card = await asker.room(where["channel"]).send("card", view=Buttons())
    form = await remote.do("press", message=card.id, label="Note", **who)
    await remote.do("wait_answer", number=form["id"])
    filled = await remote.do("submit", interaction=form["id"], typed={"text": "milk"})
    assert (await remote.do("wait_response", number=filled["id"]))["content"] == "noted: milk"
    await remote.do("cut", how="drop")
    pressed = await remote.do("press", message=card.id, label="Cancel", **who)
    await remote.do("wait_answer", number=pressed["id"])
    shown = await remote.do("messages", **where)
    assert [one["history"] for one in shown["messages"] if one["id"] == card.id] == [["card", "cancelled by alice"]]
    state = await remote.do("state")
    assert (state["counts"]["identify"], state["violations"]) == (1, [])


async def test_closing_doors(remote: RemoteDiscord) -> None:
    where, who = {"channel": remote.first["channel"]}, {"user": remote.first["user"]}
    made = await remote.do("user", name="bob", locale="zh-CN")
    guild = await remote.do("guild", name="den", members=[made["id"]])
    den = await remote.do("channel", guild=guild["id"], name="den")
    thread = await remote.do("thread", name="t", **where, **who)
    said = await remote.do("say", text="typo", **where, **who)
    assert (await remote.do("edit", message=said["id"], text="fine"))["history"] == ["typo", "fine"]
    await remote.do("delete", message=said["id"])
    await remote.do("archive", thread=thread["id"], is_locked=True)
    await remote.do("deny", permission="SEND_MESSAGES", **where)
    await remote.do("takes_dms", yes=False, **who)
    await remote.do("remove_bot", guild=guild["id"])
    refused = {
        thread["id"]: 50083,
        where["channel"]: 50013,
        (await remote.do("dm", **who))["id"]: 50007,
        den["id"]: 50001,
    }
    async with raw_bot(remote) as bot:
        for channel, code in refused.items():
            assert (await bot.ask("POST", f"/channels/{channel}/messages", {"content": "x"}))[1]["code"] == code
        await remote.do("remove_channel", **where)
        assert (await bot.ask("GET", f"/channels/{where['channel']}"))[1]["code"] == 10003
        await remote.do("revoke_token")
        assert (await bot.ask("GET", "/users/@me"))[0] == 401
    assert len((await remote.do("calls"))["calls"]) == 6
