from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import pytest

from bot.access import MAX_KNOCKS, Access, AccessSettings
from bot.pairing import attempt, pairing_code, read_code
from bot.platform import Press
from bot.post import Action, Verb
from bot.reply import Reply
from domain.chat import ChatMessage
from domain.ids import ALPHABET
from domain.people import Person, Role
from domain.ports import Store
from storage import open_store
from tests.fakes import CountingEntropy, FakeClock

OWNER, GROUP = "1", "-100"
SETTINGS = AccessSettings(users={"telegram:1": Role.OWNER, "telegram:2": Role.MEMBER}, chats=frozenset({"telegram:-7"}))


@dataclass
class Gate:
    """An access with what stands behind it."""

    store: Store
    clock: FakeClock
    access: Access
    count: int = 0

    def message(self, text: str, user: str = "9", chat: str = "", **changes: Any) -> ChatMessage:
        self.count += 1
        given: dict[str, Any] = {
            "platform": "telegram",
            "bot_id": "b",
            "chat_id": chat or user,
            "user_id": user,
            "update_key": f"m:{self.count}",
            "text": text,
            "received_at": self.clock.now(),
            "is_group": bool(chat),
        }
        return ChatMessage(**{**given, **changes})

    async def admit(self, text: str, user: str = "9", chat: str = "", **changes: Any) -> Person | Reply | None:
        return await self.access.admit(self.message(text, user, chat, **changes))

    async def said(self, text: str, user: str = "9", chat: str = "", **changes: Any) -> str:
        reply = await self.admit(text, user, chat, **changes)
        assert isinstance(reply, Reply), reply
        return reply.text

    async def role(self, user: str = "9") -> Role | None:
        return (await self.access.person("telegram", user)).role


@asynccontextmanager
async def gate(settings: AccessSettings = SETTINGS) -> AsyncIterator[Gate]:
    clock = FakeClock()
    store = open_store("sqlite://", clock)
    try:
        yield Gate(store, clock, Access(store, clock, CountingEntropy(), settings))
    finally:
        await store.close()


# --- deny by default ----------------------------------------------------------------------------------------------


async def test_nobody_is_let_in_by_default() -> None:
    async with gate(AccessSettings()) as at:
        assert isinstance(await at.admit("hello"), Reply)
        for text in ("hello", "/ask hello", "/start", "/pair", "/members", "/status AAAAAA"):
            assert await at.admit(text) is None
        assert await at.access.everybody() == []


async def test_a_stranger_is_told_once_an_hour_how_to_get_in() -> None:
    async with gate() as at:
        text = await at.said("hello", locale="de")
        assert "telegram:9" in text
        assert "/pair" in text
        assert await at.admit("hello?") is None
        assert isinstance(await at.admit("hello", user="10"), Reply)
        await at.clock.advance(3599)
        assert await at.admit("hello??") is None
        await at.clock.advance(2)
        assert "telegram:9" in await at.said("hello")


async def test_a_stranger_is_spoken_to_in_their_language() -> None:
    async with gate() as at:
        assert "你的 ID 是 telegram:9" in await at.said("hi", locale="zh-hans")
        assert "你的 ID 是 telegram:8" in await at.said("你好，在吗", user="8", locale="en")


async def test_people_of_the_settings_are_let_in_by_id_alone() -> None:
    async with gate() as at:
        assert await at.admit("hello", user="1") == Person(platform="telegram", user_id="1", role=Role.OWNER)
        member = await at.admit("hello", user="2")
        assert isinstance(member, Person)
        assert member.role is Role.MEMBER
        same_id_elsewhere = replace(at.message("hello", user="1"), platform="discord")
        assert isinstance(await at.access.admit(same_id_elsewhere), Reply)


async def test_whoever_sits_at_the_terminal_is_the_owner() -> None:
    async with gate(AccessSettings()) as at:
        sits = await at.access.admit(replace(at.message("/pair AAAA-AAAA"), platform="console"))
        assert isinstance(sits, Person)
        assert sits.role is Role.OWNER


# --- groups -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "chat", "is_in"),
    [("2", "-7", True), ("9", "-7", False), ("2", "-8", False), ("1", "-8", False), ("9", "-8", False)],
)
async def test_a_group_needs_the_chat_and_the_person(user: str, chat: str, *, is_in: bool) -> None:
    async with gate() as at:
        admitted = await at.admit("hello", user, chat)
        assert isinstance(admitted, Person) is is_in
        assert is_in or admitted is None  # never a word to a group that is not ours


async def test_a_thread_is_known_where_its_channel_or_server_is() -> None:
    async with gate() as at:
        assert await at.admit("hello", "2", "-99", within=("-98", "-7")) is not None
        assert await at.admit("hello", "2", "-99", within=("-98",)) is None


async def test_an_owner_lets_a_group_in_at_once_and_nobody_else_does() -> None:
    async with gate() as at:
        for user in ("2", "9"):
            assert await at.admit("/pair", user, GROUP) is None
        assert await at.admit("/start", OWNER, GROUP) is None
        message = at.message("/pair", OWNER, GROUP)
        assert isinstance(await at.access.admit(message), Person)
        assert await at.access.let_in(message)
        assert not await at.access.let_in(message)
        assert isinstance(await at.admit("hello", "2", GROUP), Person)
        assert await at.access.remove("telegram", GROUP)
        assert await at.admit("hello", "2", GROUP) is None


async def test_a_code_sent_by_an_admin_lets_a_group_in_and_is_used_up() -> None:
    async with gate(replace(SETTINGS, users={**SETTINGS.users, "telegram:3": Role.ADMIN})) as at:
        code = await at.access.new_code(Role.MEMBER, "console:root")
        for user in ("9", "2"):  # strangers and members pair nothing here
            assert await at.admit(f"/pair {code}", user, GROUP) is None
        assert "may use me" in await at.said(f"/pair {code}", "3", GROUP)
        assert isinstance(await at.admit("hello", "2", GROUP), Person)
        assert "not valid" in await at.said(f"/pair {code}")
        exposed = await at.access.new_code(Role.ADMIN, "console:root")
        assert "already" in await at.said(f"/pair {exposed}", "3", GROUP)
        assert "not valid" in await at.said(f"/pair {exposed}", user="10")  # everybody there has read it


# --- codes --------------------------------------------------------------------------------------------------------


def test_codes_look_and_read_well() -> None:
    entropy = CountingEntropy()
    codes = {pairing_code(entropy) for _ in range(200)}
    assert len(codes) == 200
    assert all(re.fullmatch(f"[{ALPHABET}]{{4}}-[{ALPHABET}]{{4}}", code) for code in codes)


@pytest.mark.parametrize("typed", ["abcd-ef01", "ABCDEFO1", "abcd ef0l", "ABCD–EFOI", "abcd—ef0i", "AB-CD-EF-01"])
def test_a_code_is_read_the_way_people_type_it(typed: str) -> None:
    assert read_code(typed) == "ABCDEF01"


@pytest.mark.parametrize("typed", ["", "ABC", "ABCDEFGHI", "ABCDEFU1", "ABCDÉF01", "١٢٣٤٥٦٧٨"])
def test_what_cannot_be_a_code_is_none(typed: str) -> None:
    assert read_code(typed) is None


@pytest.mark.parametrize("text", ["/pairing AAAA-AAAA", "pair AAAA-AAAA", "/ask /pair AAAA-AAAA", "/pair A B", ""])
def test_what_is_no_attempt(text: str) -> None:
    assert attempt(text) is None


@pytest.mark.parametrize(
    "form", ["/pair {code}", "/PAIR@my_bot {code}", "/start {code}", "／配对 {code}", " /pair  {code} "]
)
async def test_a_code_makes_its_sender_known(form: str) -> None:
    async with gate() as at:
        code = await at.access.new_code(Role.MEMBER, "telegram:1")
        reply = await at.admit(form.format(code=code.lower()))
        assert isinstance(reply, Reply)
        assert not reply.is_refusal
        assert await at.role() is Role.MEMBER
        assert isinstance(await at.admit("hello"), Person)


@pytest.mark.parametrize("role", list(Role))
async def test_a_code_gives_the_role_it_was_made_for(role: Role) -> None:
    async with gate() as at:
        code = await at.access.new_code(role, "console:root")
        await at.said(f"/pair {code}")
        assert await at.role() is role


async def test_a_code_works_once_and_for_fifteen_minutes() -> None:
    async with gate() as at:
        code = await at.access.new_code(Role.MEMBER, "telegram:1")
        late = await at.access.new_code(Role.MEMBER, "telegram:1")
        await at.said(f"/pair {code}")
        assert "not valid" in await at.said(f"/pair {code}", user="10")
        assert await at.role("10") is None
        await at.clock.advance(15 * 60)
        assert "not valid" in await at.said(f"/pair {late}", user="11")
        assert await at.role("11") is None


async def test_a_code_is_kept_as_a_digest_of_one_installation() -> None:
    async with gate() as at:
        code = await at.access.new_code(Role.OWNER, "console:root")
        other = Access(at.store, at.clock, CountingEntropy(), replace(SETTINGS, tenant="elsewhere"))
        reply = await other.admit(at.message(f"/pair {code}"))
        assert isinstance(reply, Reply)
        assert "not valid" in reply.text
        assert await at.role() is None


async def test_after_five_wrong_codes_in_an_hour_there_is_silence() -> None:
    async with gate() as at:
        code = await at.access.new_code(Role.MEMBER, "telegram:1")
        for number in range(MAX_KNOCKS):
            assert "not valid" in await at.said(f"/pair AAAA-AAA{number}")
        assert await at.admit(f"/pair {code}") is None  # even the right one is not looked at
        assert await at.role() is None
        assert "Welcome" in await at.said(f"/pair {code}", user="10")
        await at.clock.advance(3601)
        fresh = await at.access.new_code(Role.MEMBER, "telegram:1")
        assert "Welcome" in await at.said(f"/pair {fresh}")


async def test_greetings_count_and_never_add_tries() -> None:
    async with gate() as at:
        await at.said("hello")
        told = [await at.admit(f"/pair AAAA-AAA{number}") for number in range(MAX_KNOCKS + 1)]
        assert sum(reply is not None for reply in told) <= MAX_KNOCKS


@pytest.mark.parametrize("text", ["/pair nonsense", "/pair 12"])
async def test_a_malformed_code_counts_as_a_wrong_one(text: str) -> None:
    async with gate() as at:
        assert "not valid" in await at.said(text)
        assert await at.store.transact(lambda uow: uow.people.tries("telegram", "9", at.clock.now())) == 1


async def test_start_with_something_else_is_a_greeting() -> None:
    async with gate() as at:
        assert "telegram:9" in await at.said("/start from_a_link")


async def test_a_better_code_raises_a_role_and_a_lesser_one_stays_good() -> None:
    async with gate() as at:
        lesser, better = [await at.access.new_code(role, "telegram:1") for role in (Role.MEMBER, Role.ADMIN)]
        assert "already" in await at.said(f"/pair {lesser}", OWNER)
        assert await at.role(OWNER) is Role.OWNER
        assert "admin" in await at.said(f"/pair {better}", user="2")
        assert await at.role("2") is Role.ADMIN
        assert "Welcome" in await at.said(f"/pair {lesser}")


async def test_the_same_update_again_pairs_nobody_else_and_counts_nothing() -> None:
    async with gate() as at:
        code = await at.access.new_code(Role.MEMBER, "telegram:1")
        message = at.message(f"/pair {code}")
        assert isinstance(await at.access.admit(message), Reply)
        await at.store.transact(lambda uow: uow.inbox.claim("telegram", "b", message.update_key, ""))
        assert await at.access.admit(message) is None
        assert await at.store.transact(lambda uow: uow.people.tries("telegram", "9", at.clock.now())) == 0


async def test_a_code_is_redeemed_by_one_of_two_at_once() -> None:
    async with gate() as at:
        code = await at.access.new_code(Role.MEMBER, "telegram:1")
        async with asyncio.TaskGroup() as group:
            both = [group.create_task(at.said(f"/pair {code}", user=user)) for user in ("10", "11")]
        assert sorted("Welcome" in one.result() for one in both) == [False, True]


# --- who is known -------------------------------------------------------------------------------------------------


async def test_everybody_is_listed_with_the_higher_of_two_roles() -> None:
    async with gate() as at:
        await at.said(f"/pair {await at.access.new_code(Role.ADMIN, 'telegram:1')}", user="2")
        await at.said(f"/pair {await at.access.new_code(Role.MEMBER, 'telegram:1')}", user="9")
        everybody = [(person.user_id, person.role) for person in await at.access.everybody()]
        assert everybody == [("1", Role.OWNER), ("2", Role.ADMIN), ("9", Role.MEMBER)]
        assert await at.access.remove("telegram", "2")
        assert await at.role("2") is Role.MEMBER  # the settings still let them in
        assert await at.access.remove("telegram", "9")
        assert await at.role("9") is None
        assert not await at.access.remove("telegram", "9")


async def test_a_language_is_kept_and_gives_no_role() -> None:
    async with gate() as at:
        stranger = await at.access.person("telegram", "9")
        await at.access.speak(stranger, "zh")
        assert await at.access.person("telegram", "9") == replace(stranger, language="zh")
        assert await at.access.everybody() == await at.access.everybody()
        owner = await at.access.person("telegram", OWNER)
        await at.access.speak(owner, "zh")
        without_settings = Access(at.store, at.clock, CountingEntropy(), AccessSettings())
        assert (await without_settings.person("telegram", OWNER)).role is None
        await at.access.speak(owner, None)
        assert (await at.access.person("telegram", OWNER)).language is None


async def test_only_people_press_buttons() -> None:
    async with gate() as at:

        def press(user: str) -> Press:
            return Press(
                key="c1",
                platform="telegram",
                bot_id="b",
                chat_id=GROUP,
                user_id=user,
                message_id="5",
                action=Action(verb=Verb.CANCEL, subject="AAAAAA"),
                received_at=at.clock.now(),
                is_group=True,
            )

        assert await at.access.admit_press(press("9")) is None
        presser = await at.access.admit_press(press("2"))
        assert presser is not None
        assert presser.role is Role.MEMBER
