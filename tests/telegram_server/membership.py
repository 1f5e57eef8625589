"""Who is in which chat, who blocked the bot, and what became of groups and of the token."""

from __future__ import annotations

from tests.telegram_server.asking import member_json
from tests.telegram_server.model import Chat, Content, Json, Kind, User
from tests.telegram_server.world import World


class Membership:
    """Acts that change where the bot may write."""

    def __init__(self, world: World) -> None:
        self._world = world

    def block(self, user: User) -> None:
        """The person blocks the bot."""
        self._set_blocked(user, is_blocked=True)

    def unblock(self, user: User) -> None:
        """And lets it write again."""
        self._set_blocked(user, is_blocked=False)

    def _set_blocked(self, user: User, *, is_blocked: bool) -> None:
        chat = self._world.chats[user.id]
        user.has_blocked = is_blocked
        if not is_blocked:
            self._world.untell("chat", chat.id)
        self._tell_change(chat, user, *(("member", "kicked") if is_blocked else ("kicked", "member")))

    def deactivate(self, user: User) -> None:
        """The account is deleted."""
        user.is_deactivated = True
        self._world.changed()

    def set_bot(self, chat: Chat, status: str, by: User) -> None:
        """Make the bot `member`, `administrator`, `left` or `kicked` in a group."""
        before, chat.bot_is = chat.bot_is, status
        if status in {"member", "administrator"}:
            self._world.untell("chat", chat.id)
        self._tell_change(chat, by, before, status)

    def mute_bot(self, chat: Chat, *, is_muted: bool = True) -> None:
        """The bot is in the group and may not write."""
        chat.is_muted = is_muted
        if not is_muted:
            self._world.untell("chat", chat.id)
        self._world.changed()

    def delete_group(self, chat: Chat) -> None:
        """The group is gone."""
        chat.is_deleted = True
        self._world.changed()

    def set_member(self, chat: Chat, user: User, status: str) -> None:
        """Make a person `member`, `administrator`, `creator`, `left` or `kicked` in a group."""
        chat.members[user.id] = status

    def upgrade(self, chat: Chat, by: User) -> Chat:
        """A group becomes a supergroup with another id."""
        world = self._world
        new = world.new_chat(
            Kind.SUPERGROUP, -1_000_000_500_000 + chat.id, title=chat.title, members=dict(chat.members)
        )
        old_message = world.post(chat, by, Content(extra={"migrate_to_chat_id": new.id}))
        new_message = world.post(new, by, Content(extra={"migrate_from_chat_id": chat.id}))
        chat.upgraded_to = new.id
        for message in (old_message, new_message):
            world.updates.put("message", message.json(), queue=message.chat.id)
        return new

    def revoke_token(self) -> None:
        """The owner has BotFather make a new token; a call that waits ends as well."""
        self._world.is_revoked = True
        self._world.updates.wake()

    def restore_token(self) -> None:
        self._world.is_revoked = False
        self._world.untell("token", self._world.token)

    def _tell_change(self, chat: Chat, by: User, before: str, after: str) -> None:
        world = self._world
        member = member_json(world, chat, world.bot.id)
        body: Json = {
            "chat": chat.json(),
            "from": by.json(),
            "date": int(world.now().timestamp()),
            "old_chat_member": _with_state(member, before),
            "new_chat_member": _with_state(member, after),
        }
        world.updates.put("my_chat_member", body, queue=chat.id)
        world.changed()


def _with_state(member: Json, state: str) -> Json:
    changed = {**member, "status": state}
    if state == "kicked":
        changed["until_date"] = 0
    return changed
