"""Records as Discord's JSON. Source: discord-api-docs resources/*, and what discord.py 2.7 reads of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from tests.discord_server.world import (
    APPLICATION_ID,
    Attachment,
    Channel,
    Flag,
    Guild,
    Interaction,
    Kind,
    Member,
    Message,
    Role,
    User,
    World,
)

Json = dict[str, Any]
_CDN_LIFE = timedelta(hours=24)
_EMPTY = (
    "icon splash discovery_splash banner description afk_channel_id application_id system_channel_id rules_channel_id "
    "public_updates_channel_id safety_alerts_channel_id vanity_url_code widget_channel_id home_header max_presences "
    "incidents_data"
)
_ZERO = (
    "verification_level default_message_notifications explicit_content_filter mfa_level system_channel_flags "
    "premium_tier premium_subscription_count nsfw_level"
)
_PLAIN_GUILD: Json = {
    **dict.fromkeys(_EMPTY.split()),
    **dict.fromkeys(_ZERO.split(), 0),
    "region": "deprecated",
    "afk_timeout": 300,
    "emojis": [],
    "stickers": [],
    "features": [],
    "nsfw": False,
    "premium_progress_bar_enabled": False,
    "widget_enabled": False,
    "max_members": 25_000_000,
    "max_stage_video_channel_users": 50,
    "max_video_channel_users": 25,
}


def stamp(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def user(person: User) -> Json:
    shape: Json = {
        "id": str(person.id),
        "username": person.name,
        "discriminator": "0",
        "global_name": None if person.is_bot else person.name,
        "avatar": None,
        "public_flags": 0,
        "flags": 0,
        "banner": None,
        "accent_color": None,
        "avatar_decoration_data": None,
        "primary_guild": None,
    }
    if person.is_bot:
        shape["bot"] = True
    return shape


def own_user(world: World) -> Json:
    return {**user(world.bot), "verified": True, "mfa_enabled": False, "locale": "en-US", "email": None}


def application(world: World, *, sees_content: bool) -> Json:
    owner = next((person for person in world.users.values() if not person.is_bot), world.bot)
    return {
        "id": str(APPLICATION_ID),
        "name": world.bot.name,
        "icon": None,
        "description": "",
        "bot_public": False,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "owner": user(owner),
        "team": None,
        "flags": 1 << 18 if sees_content else 0,
        "bot": user(world.bot),
        "type": None,
        "flags_new": "0",
        "redirect_uris": [],
        "role_connections_verification_url": None,
        "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0,
        "eligible_oauth2_scopes": ["bot", "applications.commands"],
        "interactions_endpoint_url": None,
        "approximate_guild_count": len(world.guilds),
        "approximate_user_install_count": 0,
        "integration_types_config": {"0": {}},
    }


def role(part: Role) -> Json:
    shape: Json = {
        "id": str(part.id),
        "name": part.name,
        "permissions": str(part.permissions),
        "position": part.position,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": part.is_managed,
        "mentionable": False,
        "flags": 0,
        "icon": None,
        "unicode_emoji": None,
    }
    if part.is_managed:
        shape["tags"] = {"bot_id": str(APPLICATION_ID)}
    return shape


def member(part: Member) -> Json:
    return {**_partial_member(part), "user": user(part.user)}


def _partial_member(part: Member) -> Json:
    return {
        "roles": [str(number) for number in part.roles],
        "nick": part.nick,
        "avatar": None,
        "banner": None,
        "joined_at": stamp(part.joined_at),
        "premium_since": None,
        "deaf": False,
        "mute": False,
        "pending": False,
        "flags": 0,
        "communication_disabled_until": None,
    }


def channel(world: World, part: Channel) -> Json:
    shape: Json = {"id": str(part.id), "type": int(part.kind), "flags": 0, "last_message_id": _last(part)}
    if part.kind is Kind.DM and part.recipient is not None:
        return {**shape, "recipients": [user(part.recipient)]}
    shape |= {
        "guild_id": str(part.guild_id),
        "name": part.name,
        "parent_id": _id(part.parent_id),
        "rate_limit_per_user": 0,
    }
    if part.thread is not None:
        return {**shape, **_thread(world, part)}
    return {
        **shape,
        "position": 0,
        "topic": None,
        "nsfw": False,
        "permission_overwrites": [
            {"id": str(one.target), "type": int(one.is_member), "allow": str(one.allow), "deny": str(one.deny)}
            for one in part.overwrites.values()
        ],
    }


def _thread(world: World, part: Channel) -> Json:
    thread = part.thread
    assert thread is not None
    shape: Json = {
        "owner_id": str(thread.owner_id),
        "message_count": len(part.messages),
        "total_message_sent": len(part.messages),
        "member_count": len(thread.members),
        "thread_metadata": {
            "archived": thread.is_archived,
            "locked": thread.is_locked,
            "auto_archive_duration": 1440,
            "archive_timestamp": stamp(thread.changed_at),
            "create_timestamp": stamp(thread.changed_at),
        },
    }
    if world.bot.id in thread.members:
        shape["member"] = {
            "id": str(part.id),
            "user_id": str(world.bot.id),
            "join_timestamp": stamp(thread.changed_at),
            "flags": 0,
        }
    return shape


def guild(world: World, part: Guild, *, has_members: bool = False) -> Json:
    """As GUILD_CREATE has it; without the privileged intent only the bot is among the members."""
    shown = part.members.values() if has_members else [part.members[world.bot.id]]
    own = [c for c in world.channels.values() if c.guild_id == part.id]
    threads = [c for c in own if c.thread is not None and not c.thread.is_archived]
    return {
        **short_guild(part),
        "joined_at": stamp(part.bot_joined_at),
        "large": False,
        "unavailable": False,
        "member_count": len(part.members),
        "members": [member(one) for one in shown],
        "channels": [channel(world, one) for one in own if one.thread is None],
        "threads": [channel(world, one) for one in threads],
        "presences": [],
        "voice_states": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def short_guild(part: Guild) -> Json:
    return {
        **_PLAIN_GUILD,
        "id": str(part.id),
        "name": part.name,
        "owner_id": str(part.owner_id),
        "roles": [role(one) for one in part.roles.values()],
        "preferred_locale": part.locale,
    }


def attachment(part: Attachment, cdn: str, now: datetime) -> Json:
    expires = int((now + _CDN_LIFE).timestamp())
    name = f"attachments/{part.channel_id}/{part.id}/{part.filename}?ex={expires:x}&is={int(now.timestamp()):x}&hm=0"
    shape: Json = {
        "id": str(part.id),
        "filename": part.filename,
        "size": len(part.content),
        "url": f"{cdn}/{name}",
        "proxy_url": f"{cdn}/{name}",
        "content_type": part.content_type,
    }
    if part.description:
        shape["description"] = part.description
    if part.is_ephemeral:
        shape["ephemeral"] = True
    return shape


def message(world: World, part: Message, cdn: str, *, is_inner: bool = False) -> Json:
    """As REST has it; MESSAGE_CREATE adds guild and member."""
    now = world.clock.now()
    where = world.channels[part.channel_id]
    shape: Json = {
        "id": str(part.id),
        "channel_id": str(part.channel_id),
        "author": user(part.author),
        "content": part.content,
        "timestamp": stamp(part.at),
        "edited_timestamp": stamp(part.edited_at),
        "tts": False,
        "mention_everyone": part.pinged_everyone,
        "mentions": [user(world.users[number]) for number in sorted(part.mentioned) if number in world.users],
        "mention_roles": [str(number) for number in sorted(part.pinged_roles)],
        "attachments": [attachment(one, cdn, now) for one in part.attachments],
        "embeds": [] if part.flags & Flag.SUPPRESS_EMBEDS else [_embed(one) for one in part.embeds],
        "pinned": False,
        "type": part.type,
        "flags": part.flags,
        "components": part.components,
    }
    if part.nonce is not None:
        shape["nonce"] = part.nonce
    if part.reactions:
        shape["reactions"] = [_reaction(world, emoji, people) for emoji, people in part.reactions.items()]
    if part.thread_id in world.channels:
        shape["thread"] = channel(world, world.channels[part.thread_id])
    if part.interaction is not None:
        shape |= _from_interaction(part.interaction)
    if part.reply_to is not None:
        shape["message_reference"] = {"type": 0, "message_id": str(part.reply_to), "channel_id": str(part.channel_id)}
        if where.guild_id is not None:
            shape["message_reference"]["guild_id"] = str(where.guild_id)
        if not is_inner:
            shape["referenced_message"] = _referenced(world, where, part.reply_to, cdn)
    return shape


def _referenced(world: World, where: Channel, number: int, cdn: str) -> Json | None:
    found = where.messages.get(number)
    return None if found is None or found.is_deleted else message(world, found, cdn, is_inner=True)


def _embed(embed: Json) -> Json:
    return {"type": "rich", **embed}


def _reaction(world: World, emoji: str, people: set[int]) -> Json:
    return {
        "emoji": {"id": None, "name": emoji},
        "count": len(people),
        "count_details": {"burst": 0, "normal": len(people)},
        "burst_colors": [],
        "me_burst": False,
        "me": world.bot.id in people,
    }


def _from_interaction(cause: Interaction) -> Json:
    metadata: Json = {
        "id": str(cause.id),
        "type": cause.type,
        "user": user(cause.user),
        "authorizing_integration_owners": integration_owners(cause),
    }
    if cause.message is not None:
        metadata["interacted_message_id"] = str(cause.message.id)
    shape: Json = {
        "application_id": str(APPLICATION_ID),
        "webhook_id": str(APPLICATION_ID),
        "interaction_metadata": metadata,
    }
    if cause.type == 2:
        shape["interaction"] = {"id": str(cause.id), "type": 2, "name": cause.data["name"], "user": user(cause.user)}
    return shape


def integration_owners(cause: Interaction) -> Json:
    return {"0": "0" if cause.guild is None else str(cause.guild.id)}


def message_event(world: World, part: Message, cdn: str) -> Json:
    """As MESSAGE_CREATE and MESSAGE_UPDATE have it."""
    shape = message(world, part, cdn)
    where = world.channels[part.channel_id]
    found = world.guild_of(where)
    shape["channel_type"] = int(where.kind)
    if found is None:
        return shape
    shape["guild_id"] = str(found.id)
    author = found.members.get(part.author.id)
    if author is not None and part.interaction is None:
        shape["member"] = _partial_member(author)
    for one in shape["mentions"]:
        mentioned = found.members.get(int(one["id"]))
        if mentioned is not None:
            one["member"] = _partial_member(mentioned)
    return shape


def without_content(shape: Json) -> Json:
    """A message for somebody without the MESSAGE_CONTENT intent."""
    bare = {**shape, "content": "", "embeds": [], "attachments": [], "components": []}
    if bare.get("referenced_message"):
        bare["referenced_message"] = without_content(bare["referenced_message"])
    return bare


def interaction(world: World, part: Interaction, cdn: str) -> Json:
    """As INTERACTION_CREATE has it."""
    where = part.channel
    shape: Json = {
        "id": str(part.id),
        "application_id": str(APPLICATION_ID),
        "type": part.type,
        "token": part.token,
        "version": 1,
        "data": part.data,
        "channel_id": str(where.id),
        "channel": {**channel(world, where), "permissions": str(int(world.permissions(part.user, where)))},
        "app_permissions": str(int(world.permissions(world.bot, where))),
        "locale": part.user.locale,
        "entitlements": [],
        "entitlement_sku_ids": [],
        "authorizing_integration_owners": integration_owners(part),
        "context": 1 if part.guild is None else 0,
        "attachment_size_limit": 10 * 1024 * 1024,
    }
    if part.message is not None:
        shape["message"] = message(world, part.message, cdn)
    if part.guild is None:
        return {**shape, "user": user(part.user)}
    inside = member(part.guild.members[part.user.id])
    inside["permissions"] = shape["channel"]["permissions"]
    shape |= {"guild_id": str(part.guild.id), "guild_locale": part.guild.locale, "member": inside}
    shape["guild"] = {"id": str(part.guild.id), "locale": part.guild.locale, "features": []}
    return shape


def _id(number: int | None) -> str | None:
    return None if number is None else str(number)


def _last(part: Channel) -> str | None:
    return str(next(reversed(part.messages))) if part.messages else None
