"""Messages out: new ones, edits, files. What Telegram says to it becomes the errors of `bot.platform.Platform`."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import BinaryIO, TypeVar

import structlog
from telegram import Bot, InputFile, InputMediaDocument, Message
from telegram.constants import ChatAction
from telegram.error import BadRequest, ChatMigrated, TelegramError

from bot.platforms.telegram.faults import fault, has_no_text, is_markup, is_unchanged
from bot.platforms.telegram.look import NO_PREVIEW, Drawn, drawn, reply_to
from bot.platforms.telegram.traits import MEDIA_TIMEOUT_S, TRAITS
from bot.post import Attachment, Post
from domain.errors import Refused
from domain.task import Place

log = structlog.get_logger()
T = TypeVar("T")


class Sending:
    """Writes for one bot.

    Args:
        bot: its methods.
    """

    def __init__(self, bot: Bot) -> None:
        self._bot = bot
        self._moved: dict[int, int] = {}  # groups that became supergroups

    def moved(self, chat_id: int, to: int) -> None:
        """A group has another id from now on."""
        if chat_id != to:
            self._moved[chat_id] = to

    async def send(self, place: Place, post: Post) -> str:
        """Post a new message. Returns its id."""
        sent = await self._in_chat(
            place, lambda chat_id: _styled(post, lambda look: self._new(chat_id, place, post, look))
        )
        return str(sent.message_id)

    async def edit(self, place: Place, message_id: str, post: Post) -> None:
        """Make a message show this."""
        await self._in_chat(
            place, lambda chat_id: _styled(post, lambda look: self._changed(chat_id, int(message_id), post, look))
        )

    async def busy(self, place: Place) -> None:
        """Show that something is being written. Never raises."""
        thread = _thread(place)
        with suppress(TelegramError):
            await self._bot.send_chat_action(self._chat_id(place), ChatAction.TYPING, message_thread_id=thread)

    # --- calls --------------------------------------------------------------------------------------------------------

    async def _new(self, chat_id: int, place: Place, post: Post, look: Drawn) -> Message:
        if post.attachment is None:
            return await self._bot.send_message(
                chat_id,
                look.text,
                entities=look.entities,
                reply_markup=look.keyboard,
                link_preview_options=NO_PREVIEW,
                disable_notification=post.is_silent,
                reply_parameters=reply_to(post),
                message_thread_id=_thread(place),
            )
        async with _opened(post.attachment) as file:
            return await self._bot.send_document(
                chat_id,
                file,
                caption=look.text or None,
                caption_entities=look.entities,
                reply_markup=look.keyboard,
                disable_notification=post.is_silent,
                reply_parameters=reply_to(post),
                message_thread_id=_thread(place),
                read_timeout=MEDIA_TIMEOUT_S,
            )

    async def _changed(self, chat_id: int, message_id: int, post: Post, look: Drawn) -> None:
        try:
            if post.attachment is None:
                await self._show(chat_id, message_id, look)
            else:
                await self._show_file(chat_id, message_id, post.attachment, look)
        except BadRequest as error:
            if not is_unchanged(error):
                raise

    async def _show(self, chat_id: int, message_id: int, look: Drawn) -> None:
        """As text; as caption, if the message has a file."""
        styles, keyboard = look.entities, look.keyboard
        try:
            await self._bot.edit_message_text(
                look.text,
                chat_id,
                message_id,
                entities=styles,
                reply_markup=keyboard,
                link_preview_options=NO_PREVIEW,
            )
        except BadRequest as error:
            if not has_no_text(error):
                raise
            await self._bot.edit_message_caption(
                chat_id, message_id, caption=look.text, caption_entities=styles, reply_markup=keyboard
            )

    async def _show_file(self, chat_id: int, message_id: int, attachment: Attachment, look: Drawn) -> None:
        async with _opened(attachment, is_attached=True) as file:
            await self._bot.edit_message_media(
                InputMediaDocument(file, caption=look.text or None, caption_entities=look.entities),
                chat_id,
                message_id,
                reply_markup=look.keyboard,
                read_timeout=MEDIA_TIMEOUT_S,
            )

    # --- where --------------------------------------------------------------------------------------------------------

    async def _in_chat(self, place: Place, call: Callable[[int], Awaitable[T]]) -> T:
        """Call with the chat's id, once more if it has become another."""
        try:
            try:
                return await call(self._chat_id(place))
            except ChatMigrated as error:
                log.info("telegram_chat", chat=place.chat_id, state="moved", to=error.new_chat_id)
                self.moved(self._chat_id(place), error.new_chat_id)
                return await call(error.new_chat_id)
        except TelegramError as error:
            raise fault(error) from error

    def _chat_id(self, place: Place) -> int:
        chat_id = int(place.chat_id)
        while chat_id in self._moved:
            chat_id = self._moved[chat_id]
        return chat_id


async def _styled(post: Post, call: Callable[[Drawn], Awaitable[T]]) -> T:
    """Call with the post's styles; without them if Telegram will not have them, for the words are what matters."""
    try:
        return await call(drawn(post))
    except BadRequest as error:
        if not post.text.spans or not is_markup(error):
            raise
        log.warning("telegram_styles_refused", error=error.message, characters=len(post.text.text))
        return await call(drawn(post, is_plain=True))


@asynccontextmanager
async def _opened(attachment: Attachment, *, is_attached: bool = False) -> AsyncIterator[InputFile]:
    """The file, read while it is sent; `is_attached` to something that names it. Raises Refused when it cannot be read,
    or is too large to be sent."""
    try:
        handle, size = await asyncio.to_thread(_handle, attachment)
    except OSError as error:
        raise _unsendable(attachment) from error
    with handle:
        if not 0 < size <= TRAITS.max_file_bytes:
            raise _unsendable(attachment)
        yield InputFile(handle, filename=attachment.name, attach=is_attached, read_file_handle=False)


def _handle(attachment: Attachment) -> tuple[BinaryIO, int]:
    """What is in the file, and how many bytes that is."""
    if attachment.path is None:
        content = attachment.content or b""
        return io.BytesIO(content), len(content)
    return attachment.path.open("rb"), attachment.path.stat().st_size


def _unsendable(attachment: Attachment) -> Refused:
    return Refused("telegram.file_unsendable", name=attachment.name, limit=TRAITS.max_file_bytes // 1_000_000)


def _thread(place: Place) -> int | None:
    return int(place.thread_id) if place.thread_id else None
