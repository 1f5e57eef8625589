"""A strict Telegram Bot API server on loopback, for tests.

It speaks the real protocol to the real python-telegram-bot, enforces Telegram's rules with Telegram's own error texts
(wording from tdlib/telegram-bot-api and tdlib/td), misbehaves when told to, and keeps a transcript with violations.

    async with TelegramServer() as telegram:
        bot = ExtBot(telegram.token, base_url=telegram.base_url, base_file_url=telegram.base_file_url)
        ada = telegram.people.user("Ada", language_code="zh")
        chat = telegram.people.private(ada)
        telegram.people.say(chat, ada, "/start")                       # the bot gets an update
        ...
        card = await telegram.until(lambda: telegram.transcript.by_bot(chat))   # waits for a change, never sleeps
        telegram.people.press(telegram.transcript.last(chat), ada, label="Cancel")
        telegram.faults.add(Trouble.RESET_AFTER, "sendMessage", chat=chat.id)   # it arrives, the answer does not
        assert telegram.transcript.texts(chat) == ["/start", "Done."]
        assert not telegram.transcript.violations(without=[Code.LINK_PREVIEW])

`telegram.url` stands in for https://api.telegram.org (what TELEGRAM_API_BASE_URL wants). `people` writes, edits,
forwards, presses and forges; `membership` blocks, kicks, upgrades groups, revokes the token; `updates` repeats, holds
back, re-orders and delays updates; `faults` break calls (429, 5xx, resets and silence before and after the effect);
`transcript` tells what every chat looks like, the history of each message, all calls and all violations.
`Rules(limits=UNLIMITED)` switches flood control off; `clock=` takes anything with `now()`. `scene.playing()` gives a
server, a bot and a person at once. `until` is for tests that wait; a client that polls needs no help.

As a process: `python -m tests.telegram_server --port 0 --token 1:a` prints its URL; drive it by POST /control/<act>
(tests/telegram_server/control.py), with `RemoteTelegram(url)` from Python.
"""

from tests.telegram_server.faults import Fault, Trouble
from tests.telegram_server.flood import UNLIMITED, Limits
from tests.telegram_server.model import Chat, Kind, Message, User
from tests.telegram_server.remote import RemoteTelegram
from tests.telegram_server.server import TOKEN, TelegramServer
from tests.telegram_server.violations import Code, Violation
from tests.telegram_server.world import Query, Rules

__all__ = [
    "TOKEN",
    "UNLIMITED",
    "Chat",
    "Code",
    "Fault",
    "Kind",
    "Limits",
    "Message",
    "Query",
    "RemoteTelegram",
    "Rules",
    "TelegramServer",
    "Trouble",
    "User",
    "Violation",
]
