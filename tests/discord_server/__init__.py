"""A strict Discord for tests: gateway and REST version 10 as the real discord.py speaks them, with the rules enforced.

async with DiscordServer() as server:          # clock=..., token=...
    alice = server.people.user("alice", locale="zh-CN")
    guild = server.people.guild("lab", alice)   # the bot is in it
    channel = server.people.channel(guild)
    # start the bot: token server.token, REST base server.api_url (GET /gateway there gives the websocket)
    await server.wait_ready()

    server.people.say(channel, alice, f"<@{server.world.bot.id}> hello")
    reply = await server.wait_message(channel, "hello")     # a Message: content, history, edits, notified, pinged ...

    asked = server.people.slash(channel, alice, "ask", text="sum it up", file=("a.csv", b"1,2"))
    await server.wait_answer(asked)                         # asked.answer == 5 (deferred), asked.is_ephemeral
    card = await server.wait_response(asked)                # @original, once it says something
    server.people.press(card, alice, server.people.label(card, "Cancel"))
    offered = await server.wait_answer(server.people.complete(channel, alice, "status", "id", id="ab"))
    offered.choices

    server.faults.add("reset_after", "POST /channels/*/messages", times=1)   # see FaultKind
    server.gateway.drop(); server.gateway.reconnect(); server.gateway.invalidate(is_resumable=False)
    server.limits.is_on = False                             # no buckets, no headers
    server.gateway.is_relaxed = True                        # IDENTIFY as often as one likes

    assert server.codes == []                               # violations; server.transcript has every call

Codes of violations:
    ack_missed second_ack token_expired followup_as_original                            answers to interactions
    content_too_long custom_id_duplicated invalid_body unknown_field                    bodies
    previews allowed_mentions_missing everyone_allowed embeds_hidden ephemeral_ignored  manners
    called_during_429 invalid_requests keeps_trying unknown_route                       requests
    sync_unchanged too_many_creates                                                     commands
    heartbeat_missed identify_too_often resume_elsewhere gateway_<close code>           websocket
    server_broke                          a mistake of this server: its detail says which

Time is the clock's: deadlines, buckets and nonces move with a FakeClock; discord.py sleeps for a bucket in real time,
so turn `limits` off where the clock stands still. Where the loop's time jumps, turn `gateway.checks_heartbeats` off and
give the client a long `heartbeat_timeout`. For a server in a process of its own see `remote.discord_process`.
"""

from tests.discord_server.faults import Fault, FaultKind
from tests.discord_server.people import Impossible
from tests.discord_server.server import TOKEN, DiscordServer
from tests.discord_server.transcript import Call, Violation
from tests.discord_server.world import (
    BOT_ID,
    Attachment,
    Channel,
    Flag,
    Guild,
    Interaction,
    Kind,
    Message,
    Permission,
    User,
)

__all__ = [
    "BOT_ID",
    "TOKEN",
    "Attachment",
    "Call",
    "Channel",
    "DiscordServer",
    "Fault",
    "FaultKind",
    "Flag",
    "Guild",
    "Impossible",
    "Interaction",
    "Kind",
    "Message",
    "Permission",
    "User",
    "Violation",
]
