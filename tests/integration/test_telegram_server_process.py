"""The strict Telegram of the tests as a process of its own, driven over HTTP."""

from __future__ import annotations

import pytest
from telegram import InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import NetworkError
from telegram.ext import ExtBot

from tests.telegram_server.remote import telegram_process

GO = InlineKeyboardMarkup([[InlineKeyboardButton("Go", callback_data="go")]])


@pytest.mark.process
async def test_as_a_process_of_its_own() -> None:
    with telegram_process("42:token", "--no-privacy") as remote:
        user = remote("private", **{"as": {"first_name": "Bo", "language_code": "zh"}})["id"]
        async with ExtBot("42:token", base_url=f"{remote.url}/bot") as bot:
            remote("say", chat=user, user=user, text="/ask something")
            (update,) = await bot.get_updates(timeout=10)
            assert (update.message.text, update.effective_user.language_code) == ("/ask something", "zh")
            remote("fault", trouble="reset_after", method="sendMessage")
            with pytest.raises(NetworkError):
                await bot.send_message(user, "sure", reply_markup=GO)
            card = remote("wait", chat=user, text="sure")
            remote("press", chat=user, message_id=card["message_id"], user=user, data="go")
            (update,) = await bot.get_updates(update.update_id + 1, timeout=10)
            await update.callback_query.answer("ok")
            assert [message["text"] for message in remote("messages", chat=user)] == ["/ask something", "sure"]
            assert {found["code"] for found in remote("violations")} == {"link_preview"}
            assert [call["trouble"] for call in remote("requests", methods=["sendMessage"])] == ["reset_after"]
            with pytest.raises(AssertionError, match="no button"):
                remote("press", chat=user, message_id=card["message_id"], user=user, data="stop")
