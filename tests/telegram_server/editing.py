"""Methods that change or delete messages."""

from __future__ import annotations

from datetime import timedelta

from tests.telegram_server.access import chat_of
from tests.telegram_server.formatting import caption, check_preview, checked_markup, message_text
from tests.telegram_server.model import Chat, Content, Kind, Message
from tests.telegram_server.sending import Effect, media_content, with_markup
from tests.telegram_server.violations import ApiError, Code, bad_request
from tests.telegram_server.world import Call, World

_UNCHANGED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current content"
    " and reply markup of the message"
)
_DELETABLE = timedelta(hours=48)


def edit_message_text(world: World, call: Call) -> Effect:
    text, entities = message_text(world, call, is_edit=True)
    markup = checked_markup(call.get("reply_markup"))
    message = _own(world, call)
    if message.content.media:
        raise bad_request("there is no text in the message to edit", Code.NOT_EDITABLE)
    check_preview(world, call)
    return _showing(world, call, message, Content(text=text, entities=entities, markup=markup))


def edit_message_caption(world: World, call: Call) -> Effect:
    text, entities = caption(world, call, call.parameters, is_edit=True)
    markup = checked_markup(call.get("reply_markup"))
    message = _own(world, call)
    if not message.content.media:
        raise bad_request("there is no caption in the message to edit", Code.NOT_EDITABLE)
    old = message.content
    content = Content(text=text, entities=entities, media=old.media, file=old.file, markup=markup)
    return _showing(world, call, message, content)


def edit_message_media(world: World, call: Call) -> Effect:
    item = call.parameters["media"]
    markup = checked_markup(call.get("reply_markup"))
    message = _own(world, call)
    content = with_markup(media_content(world, call, item, is_edit=True), markup)
    if message.album and item["type"] != message.content.media:
        raise bad_request("can't use the media of the specified type in the album", Code.BAD_PARAMETER)
    return _showing(world, call, message, content)


def edit_message_reply_markup(world: World, call: Call) -> Effect:
    markup = checked_markup(call.get("reply_markup"))
    message = _own(world, call)
    return _showing(world, call, message, with_markup(message.content, markup))


def _own(world: World, call: Call) -> Message:
    """The message to edit."""
    if call.get("inline_message_id") is not None or call.get("chat_id") is None:
        raise bad_request("MESSAGE_ID_INVALID", Code.BAD_PARAMETER)
    chat = chat_of(world, call)
    message = _existing(chat, call.get("message_id"), "message to edit not found")
    if not message.is_ours or (message.content.markup and "inline_keyboard" not in message.content.markup):
        raise bad_request("message can't be edited", Code.NOT_EDITABLE)
    return message


def _existing(chat: Chat, message_id: int | None, otherwise: str) -> Message:
    if message_id is None:
        raise bad_request("message identifier is not specified", Code.MISSING_PARAMETER)
    message = chat.messages.get(message_id)
    if message is None or message.is_deleted:
        raise bad_request(otherwise, told=("message", chat.id, message_id))
    return message


def _showing(world: World, call: Call, message: Message, content: Content) -> Effect:
    def show() -> object:
        if content == message.content:
            raise _unchanged(world, call)
        message.show(world.now(), content)
        world.changed()
        return message.json()

    return show


def _unchanged(world: World, call: Call) -> ApiError:
    """Repeating an edit whose answer got lost is what a careful client does."""
    return bad_request(_UNCHANGED, None if call.fingerprint in world.lost else Code.NOT_MODIFIED)


def delete_message(world: World, call: Call) -> Effect:
    chat = chat_of(world, call)
    message = _existing(chat, call.parameters["message_id"], "message to delete not found")
    _check_deletable(world, message)

    def delete() -> bool:
        message.deleted_at = world.now()
        world.changed()
        return True

    return delete


def delete_messages(world: World, call: Call) -> Effect:
    chat = chat_of(world, call)
    numbers = call.parameters["message_ids"]
    if not 1 <= len(numbers) <= 100:
        raise bad_request("too many message identifiers specified", Code.BAD_PARAMETER)
    found = [chat.messages[number] for number in numbers if number in chat.messages]
    for message in found:
        _check_deletable(world, message)

    def delete() -> bool:
        for message in found:
            message.deleted_at = message.deleted_at or world.now()
        world.changed()
        return True

    return delete


def _check_deletable(world: World, message: Message) -> None:
    chat = message.chat
    may = message.is_ours or chat.kind is Kind.PRIVATE or chat.bot_is == "administrator"
    is_recent = world.now() - message.sent_at < _DELETABLE or chat.bot_is == "administrator"
    if not may or not is_recent:
        raise bad_request("message can't be deleted for everyone", told=("delete", chat.id, message.id))
