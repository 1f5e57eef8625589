"""The real program in Telegram, as people meet it: the real library, a strict server, processes that die."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.acceptance.deployment import services_of_its_own
from tests.acceptance.serving import Serving, serving
from tests.telegram_server import Chat, Code, Message, TelegramServer, User

pytestmark = [pytest.mark.process, pytest.mark.timeout(300)]

WAIT_S = 90.0
ASK = "profile examples/sales.csv"


class Talk:
    """Ada's private chat with the bot."""

    def __init__(self, telegram: TelegramServer, ada: User, here: Serving) -> None:
        self.telegram = telegram
        self.ada = ada
        self.here = here
        self.chat = telegram.people.private(ada)

    def say(self, text: str, **how: object) -> Message:
        return self.telegram.people.say(self.chat, self.ada, text, **how)  # type: ignore[typeddict-item]

    def replies_to(self, message: Message, chat: Chat | None = None) -> list[Message]:
        """What the bot wrote in reply to a message, in order."""
        ours = self.telegram.transcript.by_bot(chat or self.chat)
        return [one for one in ours if one.reply_to == message.id]

    async def card(self, message: Message) -> Message:
        return await self.telegram.until(
            lambda: next((one for one in self.replies_to(message) if one.is_silent), None), WAIT_S
        ) or pytest.fail("no card")

    async def answer(self, message: Message, word: str) -> Message:
        """The audible reply, once it says more than that there is one."""

        def found() -> Message | None:
            loud = [one for one in self.replies_to(message) if not one.is_silent]
            return next((one for one in loud if word in one.text), None)

        return await self.telegram.until(found, WAIT_S) or pytest.fail("no answer")

    async def says(self, word: str, chat: Chat | None = None) -> Message:
        ours = lambda: self.telegram.transcript.by_bot(chat or self.chat)  # noqa: E731 -- read anew at every look
        found = await self.telegram.until(lambda: next((one for one in ours() if word in one.text), None), WAIT_S)
        return found or pytest.fail(f"nobody said {word}")

    async def shows(self, message: Message, word: str) -> None:
        await self.telegram.until(lambda: word in message.text, WAIT_S)

    def check(self) -> None:
        """Nothing a well-behaved bot must not do."""
        assert self.telegram.transcript.violations() == [], self.telegram.transcript.tail(40)


@asynccontextmanager
async def talking(folder: Path, *args: str, language: str = "en", **settings: str) -> AsyncIterator[Talk]:
    async with TelegramServer() as telegram:
        ada = telegram.people.user("Ada", language_code=language)
        configured = {
            "TELEGRAM_BOT_TOKEN": telegram.token,
            "TELEGRAM_API_BASE_URL": telegram.url,
            "XINGSHU_ALLOWED_USERS": f"telegram:{ada.id}=owner",
            **settings,
        }
        async with serving(folder, configured, *args) as here:
            yield Talk(telegram, ada, here)
        assert telegram.token not in here.command.log()


async def test_a_card_at_once_and_one_answer(tmp_path: Path):
    async with talking(tmp_path) as talk:
        request = talk.say(ASK)
        card = await talk.card(request)
        answer = await talk.answer(request, "sales.csv")
        await talk.shows(card, "1/1")
        loud = [one for one in talk.replies_to(request) if not one.is_silent]
        assert loud == [answer]
        assert card.edits <= 6
        talk.check()


async def test_chinese_from_the_menu_to_the_answer(tmp_path: Path):
    async with talking(tmp_path, language="zh-hans") as talk:
        helped = talk.say("/help")
        await talk.says("命令")
        request = talk.say("分析 examples/sales.csv")
        answer = await talk.answer(request, "sales.csv")
        assert "列" in answer.text
        assert helped.id < request.id
        commands = talk.telegram.transcript.calls("setMyCommands", ok=True)
        assert "zh" in {call.parameters.get("language_code") for call in commands}
        talk.check()


async def test_a_stranger_is_let_in_by_a_code_and_sees_nothing_of_others(tmp_path: Path):
    async with talking(tmp_path) as talk:
        request = talk.say(ASK)
        card = await talk.card(request)
        eve = talk.telegram.people.user("Eve")
        chat = talk.telegram.people.private(eve)
        talk.telegram.people.say(chat, eve, ASK)
        refusal = await talk.says(f"telegram:{eve.id}", chat)
        talk.telegram.people.say(chat, eve, "hello?")
        made = await talk.here.run("pair", "--json")
        code = made.out.split('"code": "')[1].split('"')[0]
        talk.telegram.people.say(chat, eve, f"/pair {code}")
        await talk.telegram.until(lambda: len(talk.telegram.transcript.by_bot(chat)) == 2, WAIT_S)
        task_id = card.text.split()[1]
        talk.telegram.people.say(chat, eve, f"/status {task_id}")
        await talk.says(f"no task {task_id}", chat)
        talk.telegram.people.say(chat, eve, "echo hello")
        await talk.says("hello", chat)
        assert len([one for one in talk.telegram.transcript.by_bot(chat) if one.text == refusal.text]) == 1
        talk.check()


async def test_a_file_comes_in_and_one_goes_out(tmp_path: Path):
    async with talking(tmp_path) as talk:
        data = b"city,sales\n" + b"".join(b"c%d,%d\n" % (number % 7, number) for number in range(200))
        request = talk.telegram.people.document(
            talk.chat, talk.ada, "numbers 2026.csv", data, caption="profile the attached file, then write a report"
        )
        await talk.answer(request, "200 rows")

        def report() -> Message | None:
            return next((one for one in talk.replies_to(request) if one.content.file), None) or next(
                (one for one in talk.telegram.transcript.by_bot(talk.chat) if one.content.file), None
            )

        sent = await talk.telegram.until(report, WAIT_S)
        assert sent is not None
        assert sent.content.file is not None
        assert sent.content.file.name.endswith(".md")
        assert b"numbers_2026.csv" in sent.content.file.data
        talk.check()


async def test_in_a_group_only_when_spoken_to_and_in_the_topic_it_was_asked_in(tmp_path: Path):
    async with talking(tmp_path) as talk:
        people = talk.telegram.people
        bob = people.user("Bob")
        group = people.group(talk.ada, bob, is_forum=True)
        topic = people.topic(group, talk.ada, "Numbers")
        username = talk.telegram.world.bot.username
        people.say(group, talk.ada, f"/pair@{username}", thread=topic)
        await talk.telegram.until(lambda: talk.telegram.transcript.by_bot(group), WAIT_S)
        people.say(group, talk.ada, "just among us", thread=topic)
        people.say(group, bob, f"@{username} {ASK}", thread=topic)  # nobody knows Bob
        request = people.say(group, talk.ada, f"@{username} {ASK}", thread=topic)
        found = lambda: [one for one in talk.replies_to(request, group) if "rows" in one.text]  # noqa: E731
        await talk.telegram.until(found, WAIT_S)
        assert {one.thread for one in talk.telegram.transcript.by_bot(group)} == {topic}
        assert len(talk.telegram.transcript.by_bot(group)) == 3  # let in, card, answer
        talk.check()


@pytest.mark.parametrize("moment", ["card", "answer"])
async def test_killed_at_any_moment_there_is_one_answer(tmp_path: Path, moment: str):
    """Requests come in while the process is killed and started again."""
    async with talking(tmp_path, XINGSHU_LEASE_S="6", XINGSHU_SWEEP_S="1", XINGSHU_USER_TASKS="50") as talk:
        requests: list[Message] = []
        for word in ("alpha", "beta", "gamma"):
            process = talk.here.processes[-1]
            requests.append(talk.say(f"echo {word}"))
            if moment == "card":  # or the answer, when that is quicker: then there is none
                await talk.telegram.until(lambda: talk.replies_to(requests[-1]), WAIT_S)
            else:
                await talk.telegram.until(
                    lambda: (
                        not talk.replies_to(requests[-1])[-1:][0].is_silent if talk.replies_to(requests[-1]) else False
                    ),
                    WAIT_S,
                )
            await talk.here.kill(process)
            requests.append(talk.say(f"echo {word} while away"))
            await talk.here.start()
        for request in requests:
            await talk.answer(request, request.text.removeprefix("echo "))
        for request in requests:
            said = request.text.removeprefix("echo ")
            loud = [one for one in talk.replies_to(request) if not one.is_silent and said in one.text]
            assert len(loud) == 1, [one.text for one in talk.replies_to(request)]
        talk.telegram.transcript.forget_violations() if moment == "card" else None
        assert not talk.telegram.transcript.violations(without=[Code.UNANSWERED, Code.NOT_MODIFIED])


async def test_another_process_takes_over_when_the_leader_dies(tmp_path: Path, amqp_url: str, postgres_url: str):
    with services_of_its_own(amqp_url, postgres_url) as services:
        async with talking(tmp_path, **services) as talk:
            first = talk.here.processes[0]
            await talk.here.start("--role", "bot")
            request = talk.say("echo one")
            await talk.answer(request, "one")
            await talk.here.kill(first)
            await talk.here.start("--role", "planner,dispatcher,aggregator,agents")
            again = talk.say("echo two")
            await talk.answer(again, "two")
            assert not talk.telegram.transcript.violations(Code.TWO_POLLERS)


async def test_a_refused_token_is_said_once_and_ends_the_process(tmp_path: Path):
    async with talking(tmp_path) as talk:
        talk.telegram.membership.revoke_token()
        ended = await talk.here.run("doctor")
        assert ended.code == 1
        assert "TELEGRAM_BOT_TOKEN" in ended.out
        talk.telegram.membership.restore_token()
