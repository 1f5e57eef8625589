"""Methods that make new messages. Each checks the call and returns what takes effect."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.telegram_server.access import Target, chat_of, target_of, topic_of
from tests.telegram_server.formatting import caption, check_preview, checked_markup, formatted, message_text
from tests.telegram_server.model import Content, Json, Kind, Message, StoredFile
from tests.telegram_server.parameters import Upload
from tests.telegram_server.text import MAX_TEXT, units
from tests.telegram_server.violations import Code, bad_request
from tests.telegram_server.world import Call, World

Effect = Callable[[], Any]
GENERAL = 1  # the topic of a forum that messages go to without naming it; only chat actions may name it
ACTIONS = frozenset(
    [
        "typing",
        "upload_photo",
        "record_video",
        "upload_video",
        "record_voice",
        "upload_voice",
        "upload_document",
        "choose_sticker",
        "find_location",
        "record_video_note",
        "upload_video_note",
    ]
)


def send_message(world: World, call: Call) -> Effect:
    text, entities = message_text(world, call, is_edit=False)
    markup = checked_markup(call.get("reply_markup"))
    target = target_of(world, call)
    check_preview(world, call)
    content = Content(text=text, entities=entities, markup=markup)
    return lambda: _post(world, call, target, content).json()


def _post(world: World, call: Call, target: Target, content: Content, album: str | None = None) -> Message:
    return world.post(
        target.chat,
        world.bot,
        content,
        thread=target.thread,
        is_topic_message=target.thread is not None,
        reply_to=target.reply_to,
        is_silent=bool(call.get("disable_notification")),
        album=album,
        is_ours=True,
    )


def send_document(world: World, call: Call) -> Effect:
    return _send_file(world, call, "document")


def send_photo(world: World, call: Call) -> Effect:
    return _send_file(world, call, "photo")


def _send_file(world: World, call: Call, kind: str) -> Effect:
    text, entities = caption(world, call, call.parameters)
    markup = checked_markup(call.get("reply_markup"))
    stored = stored_file(world, call, kind, call.parameters[kind])
    target = target_of(world, call)
    content = Content(text=text, entities=entities, media=kind, file=stored, markup=markup)
    return lambda: _post(world, call, target, content).json()


def stored_file(world: World, call: Call, kind: str, given: Upload | str) -> StoredFile:
    """The file of a call: uploaded, attached or known by its id."""
    if isinstance(given, str) and given.startswith("attach://"):
        attached = call.files.get(given.removeprefix("attach://"))
        if attached is None:
            raise bad_request(f"can't find file {given}", Code.BAD_FILE)
        given = attached
    if isinstance(given, Upload):
        return _uploaded(world, kind, given)
    if given.startswith(("http://", "https://")):
        raise bad_request("failed to get HTTP URL content", Code.BAD_FILE)
    known = world.files.get(given)
    if known is None:
        raise bad_request("wrong file identifier/HTTP URL specified", Code.BAD_FILE)
    if kind != "document" and not known.file_id.startswith(kind):
        raise bad_request(f"can't use file of type Document as {kind.capitalize()}", Code.BAD_FILE)
    return known


def _uploaded(world: World, kind: str, upload: Upload) -> StoredFile:
    if not upload.data:
        raise bad_request("file must be non-empty", Code.BAD_FILE)
    if kind != "photo":
        return world.store(upload, kind)
    if len(upload.data) > world.rules.max_photo:
        raise bad_request("file is too big", Code.FILE_TOO_BIG)
    width, height = _dimensions(upload.data)
    if width + height > 10000 or max(width, height) > 20 * min(width, height):
        raise bad_request("PHOTO_INVALID_DIMENSIONS", Code.BAD_FILE)
    stored = world.store(upload, kind)
    stored.dimensions = (width, height)
    return stored


def _dimensions(data: bytes) -> tuple[int, int]:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(io.BytesIO(data)) as image:
            return image.size
    except (UnidentifiedImageError, OSError):
        raise bad_request("IMAGE_PROCESS_FAILED", Code.BAD_FILE) from None


def send_media_group(world: World, call: Call) -> Effect:
    items: list[Json] = call.parameters["media"]
    if not 2 <= len(items) <= 10:
        raise bad_request("media group must include 2-10 items", Code.BAD_PARAMETER)
    if len({item["type"] for item in items}) > 1:
        raise bad_request("can't use the media of the specified type in the album", Code.BAD_PARAMETER)
    contents = [media_content(world, call, item) for item in items]
    target = target_of(world, call)
    call.cost = len(items)
    album = f"a{next(world.numbers)}"
    return lambda: [_post(world, call, target, content, album).json() for content in contents]


def media_content(world: World, call: Call, item: Json, *, is_edit: bool = False) -> Content:
    """What one InputMedia shows."""
    text, entities = caption(world, call, item, is_edit=is_edit)
    stored = stored_file(world, call, item["type"], item["media"])
    return Content(text=text, entities=entities, media=item["type"], file=stored)


def send_chat_action(world: World, call: Call) -> Effect:
    if call.parameters["action"] not in ACTIONS:
        raise bad_request("wrong parameter action in request", Code.BAD_PARAMETER)
    chat = chat_of(world, call)
    if (thread := call.get("message_thread_id")) != GENERAL:
        topic_of(chat, thread)

    def act() -> bool:
        world.actions.append((world.now(), chat.id, call.parameters["action"]))
        return True

    return act


def send_message_draft(world: World, call: Call) -> Effect:
    text, entities = formatted(world, call, call.get("text", ""), call.parameters)
    if units(text) > MAX_TEXT:
        raise bad_request("message is too long", Code.TEXT_TOO_LONG)
    if not call.parameters["draft_id"]:
        raise bad_request("RANDOM_ID_EMPTY", Code.BAD_PARAMETER)
    chat = chat_of(world, call)
    if chat.kind is not Kind.PRIVATE:
        raise bad_request("drafts can be sent only to private chats", Code.BAD_PARAMETER)

    def draft() -> bool:
        world.drafts.append({"chat": chat.id, "id": call.parameters["draft_id"], "text": text, "entities": entities})
        return True

    return draft


def with_markup(content: Content, markup: Json | None) -> Content:
    """The same with other buttons."""
    return replace(content, markup=markup)
