"""Methods that are about the bot itself: updates, queries, commands, files, webhook."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from tests.telegram_server.access import chat_of
from tests.telegram_server.model import ANONYMOUS_ADMIN_ID, Chat, Json, Kind
from tests.telegram_server.sending import Effect
from tests.telegram_server.text import units
from tests.telegram_server.updates import ALL_TYPES, DEFAULT_TYPES, Poll
from tests.telegram_server.violations import ApiError, Code, bad_request
from tests.telegram_server.world import Call, Query, World

MAX_POLL_S, MAX_ANSWER, MAX_COMMANDS = 50, 200, 100
_SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
_TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
_SCOPES: dict[str, set[str]] = {
    "default": set(),
    "all_private_chats": set(),
    "all_group_chats": set(),
    "all_chat_administrators": set(),
    "chat": {"chat_id"},
    "chat_administrators": {"chat_id"},
    "chat_member": {"chat_id", "user_id"},
}


def get_me(world: World, _call: Call) -> Effect:
    me = {
        **world.bot.json(),
        "can_join_groups": True,
        "can_read_all_group_messages": not world.rules.has_privacy,
        "supports_inline_queries": False,
    }
    return lambda: me


def get_updates(world: World, call: Call) -> Effect:
    if world.webhook.url:
        world.violate(Code.POLLED_WITH_WEBHOOK, world.webhook.url, call)
        raise ApiError(
            409,
            "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook"
            " first",
        )
    _take_types(world, call)
    offset = call.get("offset", 0)
    limit = min(max(call.get("limit", 100), 1), 100)
    timeout_s = min(max(call.get("timeout", 0), 0), MAX_POLL_S)

    def conflict() -> None:
        world.violate(Code.TWO_POLLERS, "getUpdates while another one waits", call)

    poll = Poll(offset=offset, limit=limit, timeout_s=timeout_s, is_gone=call.is_gone, on_conflict=conflict)
    return lambda: world.updates.poll(poll)


def _take_types(world: World, call: Call) -> None:
    types = call.get("allowed_updates")
    if types is None:
        return
    if unknown := set(types) - ALL_TYPES:
        raise bad_request(f"unknown type of update {min(unknown)}", Code.BAD_PARAMETER)
    world.updates.types = frozenset(types) if types else DEFAULT_TYPES


def set_webhook(world: World, call: Call) -> Effect:
    url = call.get("url", "")
    if not url:
        return delete_webhook(world, call)
    parts = urlsplit(url)
    if not parts.hostname or (parts.scheme != "https" and parts.hostname != "127.0.0.1"):
        raise bad_request("bad webhook: An HTTPS URL must be provided for webhook", Code.BAD_PARAMETER)
    secret = call.get("secret_token", "")
    if secret and not _SECRET.fullmatch(secret):
        raise bad_request("secret token contains unallowed characters", Code.BAD_PARAMETER)
    _take_types(world, call)

    def register() -> bool:
        _drop(world, call)
        world.updates.abort("Conflict: terminated by setWebhook request")
        world.webhook.url, world.webhook.secret = url, secret
        world.webhook.max_connections = call.get("max_connections", 40)
        world.changed()
        world.updates.wake()
        return True

    return register


def delete_webhook(world: World, call: Call) -> Effect:
    def remove() -> bool:
        _drop(world, call)
        world.webhook.url = world.webhook.secret = ""
        world.changed()
        return True

    return remove


def _drop(world: World, call: Call) -> None:
    if call.get("drop_pending_updates"):
        world.updates.clear()


def get_webhook_info(world: World, _call: Call) -> Effect:
    hook = world.webhook
    info: Json = {
        "url": hook.url,
        "has_custom_certificate": False,
        "pending_update_count": len(world.updates.pending),
    }
    if hook.url:
        info["max_connections"] = hook.max_connections
    if hook.last_error_at:
        info |= {"last_error_date": int(hook.last_error_at.timestamp()), "last_error_message": hook.last_error}
    if world.updates.types != DEFAULT_TYPES:
        info["allowed_updates"] = sorted(world.updates.types)
    return lambda: info


# --- callback queries ---------------------------------------------------------------------------------------------


def answer_callback_query(world: World, call: Call) -> Effect:
    query = world.queries.get(call.parameters["callback_query_id"])
    if units(call.get("text", "")) > MAX_ANSWER:
        raise bad_request("MESSAGE_TOO_LONG", Code.ANSWER_TOO_LONG)
    if query is None:
        raise bad_request(_TOO_OLD)
    call.request.chat_id = query.message.chat.id
    age_s = (world.now() - query.at).total_seconds()
    if query.answers:
        raise bad_request(_TOO_OLD, _second_answer(world, call, query))
    if age_s > world.rules.query_age_s:
        query.answers.append({})
        raise bad_request(_TOO_OLD)
    _check_punctual(world, call, query)

    def answer() -> bool:
        query.answers.append({name: value for name, value in call.parameters.items() if name != "callback_query_id"})
        world.changed()
        return True

    return answer


def _second_answer(world: World, call: Call, query: Query) -> Code | None:
    """An update that was delivered again is rightly answered again, and so is one whose answer got lost."""
    query.answers.append({})
    deliveries = query.update.deliveries if query.update else 1
    is_needless = len(query.answers) > deliveries and call.fingerprint not in world.lost
    return Code.ANSWERED_TWICE if is_needless else None


def _check_punctual(world: World, call: Call, query: Query) -> None:
    delivered = query.update and query.update.delivered_at
    waited_s = (world.now() - (delivered or query.at)).total_seconds()
    if waited_s > world.rules.answer_within_s:
        world.violate(Code.LATE_ANSWER, f"after {waited_s:.0f} s", call)


# --- commands -----------------------------------------------------------------------------------------------------


def _place(call: Call) -> str:
    scope = call.get("scope") or {"type": "default"}
    kind = scope["type"]
    if kind not in _SCOPES:
        raise bad_request("can't parse BotCommandScope: Unsupported type specified", Code.BAD_COMMAND)
    if set(scope) - {"type"} != _SCOPES[kind]:
        raise bad_request("can't parse BotCommandScope: wrong fields", Code.BAD_COMMAND)
    language = call.get("language_code", "")
    if language and not re.fullmatch("[a-z]{2}", language):
        raise bad_request("invalid language code specified", Code.BAD_COMMAND)
    return "/".join([kind, *(str(scope[name]) for name in sorted(_SCOPES[kind])), language])


def set_my_commands(world: World, call: Call) -> Effect:
    place = _place(call)
    commands = [dict(command) for command in call.parameters["commands"]]
    if len(commands) > MAX_COMMANDS:
        raise bad_request("BOT_COMMANDS_TOO_MUCH", Code.BAD_COMMAND)
    for command in commands:
        command["command"] = command["command"].removeprefix("/")
        if not _COMMAND.fullmatch(command["command"]):
            raise bad_request("BOT_COMMAND_INVALID", Code.BAD_COMMAND)
        if not 1 <= units(command["description"].strip()) <= 256:
            raise bad_request("command description length must be between 1 and 256", Code.BAD_COMMAND)
    if len({command["command"] for command in commands}) < len(commands):
        world.violate(Code.BAD_COMMAND, "a command twice", call)

    def keep() -> bool:
        world.commands[place] = commands
        world.changed()
        return True

    return keep


def get_my_commands(world: World, call: Call) -> Effect:
    place = _place(call)
    return lambda: world.commands.get(place, [])


def delete_my_commands(world: World, call: Call) -> Effect:
    place = _place(call)
    return lambda: world.commands.pop(place, None) is not None or True


def set_profile(world: World, call: Call) -> Effect:
    """setMyName, setMyDescription, setMyShortDescription."""

    def keep() -> bool:
        for name, value in call.parameters.items():
            if name != "language_code":
                world.profile[f"{name}/{call.get('language_code', '')}"] = value
        return True

    return keep


# --- files and chats ----------------------------------------------------------------------------------------------


def get_file(world: World, call: Call) -> Effect:
    stored = world.files.get(call.parameters["file_id"].removesuffix("-s"))
    if stored is None:
        raise bad_request("invalid file_id", Code.BAD_FILE)
    if stored.size > world.rules.max_download:
        raise bad_request("file is too big", Code.FILE_TOO_BIG)
    return lambda: {**stored.json(), "file_path": stored.path}


def get_chat(world: World, call: Call) -> Effect:
    chat = chat_of(world, call, is_writing=False)
    full: Json = {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": _NO_GIFTS}
    return lambda: {**chat.json(), **full}


_NO_GIFTS = {
    "unlimited_gifts": False,
    "limited_gifts": False,
    "unique_gifts": False,
    "premium_subscription": False,
    "gifts_from_channels": False,
}


def get_chat_member(world: World, call: Call) -> Effect:
    chat = chat_of(world, call, is_writing=False)
    user_id = call.parameters["user_id"]
    user = world.users.get(user_id)
    if user is None:
        raise bad_request("PARTICIPANT_ID_INVALID" if chat.kind is not Kind.PRIVATE else "user not found")
    return lambda: member_json(world, chat, user_id)


def get_chat_administrators(world: World, call: Call) -> Effect:
    chat = chat_of(world, call, is_writing=False)
    if chat.kind is Kind.PRIVATE:
        raise bad_request("there are no administrators in the private chat")
    admins = [user for user, is_ in chat.members.items() if is_ in {"administrator", "creator"}]
    return lambda: [member_json(world, chat, user) for user in admins if user != ANONYMOUS_ADMIN_ID]


_RIGHTS = [
    "can_be_edited",
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
    "is_anonymous",
]


def member_json(world: World, chat: Chat, user_id: int) -> Json:
    """ChatMember."""
    status = chat.bot_is if user_id == world.bot.id else chat.members.get(user_id, "left")
    if chat.kind is Kind.PRIVATE:
        status = "member"
    member: Json = {"user": world.users[user_id].json(), "status": status}
    if status == "administrator":
        member |= {right: right == "can_manage_chat" for right in _RIGHTS}
    elif status == "creator":
        member["is_anonymous"] = False
    elif status == "kicked":
        member["until_date"] = 0
    return member


def set_message_reaction(world: World, call: Call) -> Effect:
    chat = chat_of(world, call)
    message = chat.messages.get(call.parameters["message_id"])
    if message is None or message.is_deleted:
        raise bad_request("message to react not found")
    reactions = call.get("reaction", [])
    if len(reactions) > 1:
        raise bad_request("REACTIONS_TOO_MANY", Code.BAD_PARAMETER)

    def react() -> bool:
        world.reactions[chat.id, message.id] = [reaction.get("emoji", "") for reaction in reactions]
        world.changed()
        return True

    return react


def get_nothing(_world: World, _call: Call) -> Effect:
    """logOut and close, which mean nothing on loopback."""
    return lambda: True
