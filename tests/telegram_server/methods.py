"""The methods of the Bot API that this server knows: their parameters, what they do, what they cost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.telegram_server import asking, editing, sending
from tests.telegram_server import parameters as p
from tests.telegram_server.sending import Effect
from tests.telegram_server.world import Call, World


@dataclass(frozen=True, slots=True)
class Method:
    """`is_metered`: counts for flood control."""

    name: str
    wanted: p.Fields
    prepare: Callable[[World, Call], Effect]
    is_metered: bool = False


_SENDING: dict[str, p.Reader] = {
    "business_connection_id": p.string,
    "message_thread_id": p.integer,
    "direct_messages_topic_id": p.integer,
    "disable_notification": p.boolean,
    "protect_content": p.boolean,
    "allow_paid_broadcast": p.boolean,
    "message_effect_id": p.string,
    "suggested_post_parameters": p.anything,
    "reply_parameters": p.REPLY,
    "reply_markup": p.markup,
}
_CAPTION: dict[str, p.Reader] = {"caption": p.string, "parse_mode": p.string, "caption_entities": p.ENTITIES}
_TEXT: dict[str, p.Reader] = {"parse_mode": p.string, "entities": p.ENTITIES}
_EDITED: dict[str, p.Reader] = {
    "business_connection_id": p.string,
    "chat_id": p.chat,
    "message_id": p.integer,
    "inline_message_id": p.string,
    "reply_markup": p.INLINE,
}
_ALBUM = {
    name: reader for name, reader in _SENDING.items() if name not in {"reply_markup", "suggested_post_parameters"}
}
_TO_CHAT: dict[str, p.Reader] = {"chat_id": p.chat}
_TYPES: dict[str, p.Reader] = {"allowed_updates": p.array(p.string)}
_WHERE: dict[str, p.Reader] = {"scope": p.SCOPE, "language_code": p.string}
_DROP: dict[str, p.Reader] = {"drop_pending_updates": p.boolean}


def _named(name: str) -> p.Fields:
    return p.Fields({}, {name: p.string, "language_code": p.string})


_ALL = (
    Method("getMe", p.Fields(), asking.get_me),
    Method(
        "getUpdates",
        p.Fields({}, {"offset": p.integer, "limit": p.integer, "timeout": p.integer, **_TYPES}),
        asking.get_updates,
    ),
    Method(
        "setWebhook",
        p.Fields(
            {},
            {
                "url": p.string,
                "certificate": p.file,
                "ip_address": p.string,
                "max_connections": p.integer,
                "secret_token": p.string,
                **_TYPES,
                **_DROP,
            },
        ),
        asking.set_webhook,
    ),
    Method("deleteWebhook", p.Fields({}, _DROP), asking.delete_webhook),
    Method("getWebhookInfo", p.Fields(), asking.get_webhook_info),
    Method(
        "sendMessage",
        p.Fields({**_TO_CHAT, "text": p.string}, {**_SENDING, **_TEXT, "link_preview_options": p.LINK_PREVIEW}),
        sending.send_message,
        is_metered=True,
    ),
    Method(
        "sendDocument",
        p.Fields(
            {**_TO_CHAT, "document": p.file},
            {**_SENDING, **_CAPTION, "thumbnail": p.file, "disable_content_type_detection": p.boolean},
        ),
        sending.send_document,
        is_metered=True,
    ),
    Method(
        "sendPhoto",
        p.Fields(
            {**_TO_CHAT, "photo": p.file},
            {**_SENDING, **_CAPTION, "has_spoiler": p.boolean, "show_caption_above_media": p.boolean},
        ),
        sending.send_photo,
        is_metered=True,
    ),
    Method(
        "sendMediaGroup",
        p.Fields({**_TO_CHAT, "media": p.array(p.media)}, _ALBUM),
        sending.send_media_group,
        is_metered=True,
    ),
    Method(
        "sendChatAction",
        p.Fields(
            {**_TO_CHAT, "action": p.string}, {"message_thread_id": p.integer, "business_connection_id": p.string}
        ),
        sending.send_chat_action,
    ),
    Method(
        "sendMessageDraft",
        p.Fields(
            {"chat_id": p.integer, "draft_id": p.integer}, {**_TEXT, "text": p.string, "message_thread_id": p.integer}
        ),
        sending.send_message_draft,
    ),
    Method(
        "editMessageText",
        p.Fields({"text": p.string}, {**_EDITED, **_TEXT, "link_preview_options": p.LINK_PREVIEW}),
        editing.edit_message_text,
        is_metered=True,
    ),
    Method(
        "editMessageCaption",
        p.Fields({}, {**_EDITED, **_CAPTION, "show_caption_above_media": p.boolean}),
        editing.edit_message_caption,
        is_metered=True,
    ),
    Method("editMessageMedia", p.Fields({"media": p.media}, _EDITED), editing.edit_message_media, is_metered=True),
    Method("editMessageReplyMarkup", p.Fields({}, _EDITED), editing.edit_message_reply_markup, is_metered=True),
    Method("deleteMessage", p.Fields({**_TO_CHAT, "message_id": p.integer}), editing.delete_message),
    Method("deleteMessages", p.Fields({**_TO_CHAT, "message_ids": p.array(p.integer)}), editing.delete_messages),
    Method(
        "answerCallbackQuery",
        p.Fields(
            {"callback_query_id": p.string},
            {"text": p.string, "show_alert": p.boolean, "url": p.string, "cache_time": p.integer},
        ),
        asking.answer_callback_query,
    ),
    Method("setMyCommands", p.Fields({"commands": p.array(p.COMMAND)}, _WHERE), asking.set_my_commands),
    Method("getMyCommands", p.Fields({}, _WHERE), asking.get_my_commands),
    Method("deleteMyCommands", p.Fields({}, _WHERE), asking.delete_my_commands),
    Method("setMyName", _named("name"), asking.set_profile),
    Method("setMyDescription", _named("description"), asking.set_profile),
    Method("setMyShortDescription", _named("short_description"), asking.set_profile),
    Method("getFile", p.Fields({"file_id": p.string}), asking.get_file),
    Method("getChat", p.Fields(_TO_CHAT), asking.get_chat),
    Method("getChatMember", p.Fields({**_TO_CHAT, "user_id": p.integer}), asking.get_chat_member),
    Method("getChatAdministrators", p.Fields(_TO_CHAT), asking.get_chat_administrators),
    Method(
        "setMessageReaction",
        p.Fields({**_TO_CHAT, "message_id": p.integer}, {"reaction": p.array(p.REACTION), "is_big": p.boolean}),
        asking.set_message_reaction,
    ),
    Method("logOut", p.Fields(), asking.get_nothing),
    Method("close", p.Fields(), asking.get_nothing),
)
METHODS = {method.name.lower(): method for method in _ALL}
