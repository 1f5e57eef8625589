"""Letting people in and out, and the language they are spoken to in."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bot.access import name_of
from bot.commands.means import Asker, Means
from bot.commands.words import offered
from bot.lists import help_text
from bot.pairing import CODE_FOR
from bot.reply import Reply
from domain.errors import Refused
from domain.people import Role
from domain.safe_text import safe_line
from domain.texts import Language

MEMBERS = 40  # listed in one message
_TYPED = 40  # characters of what was typed that are said again

_LANGUAGES: Mapping[str, Language | None] = MappingProxyType(
    {
        "zh": "zh",
        "cn": "zh",
        "chinese": "zh",
        "中文": "zh",
        "汉语": "zh",
        "en": "en",
        "english": "en",
        "英文": "en",
        "英语": "en",
        "auto": None,
        "自动": None,
    }
)
_ROLES: Mapping[str, Role] = MappingProxyType(
    {"": Role.MEMBER, "member": Role.MEMBER, "成员": Role.MEMBER, "admin": Role.ADMIN, "管理员": Role.ADMIN}
)


class Persons:
    """Who may use the bot, and how each is spoken to."""

    def __init__(self, means: Means) -> None:
        self._access = means.access

    async def pair(self, asker: Asker, typed: str) -> Reply:
        """`/pair [admin]`: a code for somebody new; in a group, let the group in. Raises Refused for anything else."""
        role = _ROLES.get(typed.lower())
        if role is None:
            raise Refused("access.pair_usage")
        if asker.message.is_group:
            if typed:
                raise Refused("access.pair_private")
            is_new = await self._access.let_in(asker.message)
            return asker.reply("access.group_in" if is_new else "access.group_already")
        code = await self._access.new_code(role, asker.name)
        named = asker.say(f"access.role_{role}")
        minutes = int(CODE_FOR.total_seconds()) // 60
        return asker.reply("access.code", role=named, code=code, minutes=minutes)

    async def members(self, asker: Asker, typed: str) -> Reply:
        """`/members`, or `/members remove platform:id`. Raises Refused for anything else."""
        if not typed:
            return await self._listed(asker)
        verb, _, who = typed.partition(" ")
        if verb.lower() not in {"remove", "移除", "删除"} or not who.strip():
            raise Refused("access.members_usage")
        return await self._removed(asker, who.strip())

    async def language(self, asker: Asker, typed: str) -> Reply:
        """`/language zh|en|auto`: how to speak to somebody from now on. Raises Refused for anything else."""
        word = typed.lower()
        if word not in _LANGUAGES:
            raise Refused("control.language_usage")
        chosen = _LANGUAGES[word]
        await self._access.speak(asker.person, chosen)
        spoken = asker.spoken(chosen)
        return spoken.reply("control.language_auto" if chosen is None else "control.language_set")

    async def help(self, asker: Asker, _typed: str) -> Reply:
        """`/help`: the commands that they may use."""
        return Reply(text=help_text(offered(asker.person.role), asker.language), language=asker.language)

    async def start(self, asker: Asker, _typed: str) -> Reply:
        """`/start`: what Telegram sends when somebody opens the chat."""
        text = help_text(offered(asker.person.role), asker.language)
        return Reply(text=f"{asker.say('control.greeting')}\n\n{text}", language=asker.language)

    async def _listed(self, asker: Asker) -> Reply:
        if asker.message.is_group:
            raise Refused("control.private_only")
        people = await self._access.everybody()
        lines = [asker.say("access.members_head", count=len(people))]
        for person in people[:MEMBERS]:
            name = name_of(person)
            notes = [asker.say("access.member_configured")] if self._access.is_configured(name) else []
            notes += [asker.say("access.member_you")] if name == asker.name else []
            role = asker.say(f"access.role_{person.role}")
            lines.append(asker.say("access.member_line", user=name, role=role, note="".join(notes)))
        if len(people) > MEMBERS:
            lines.append(asker.say("access.members_more", count=len(people) - MEMBERS))
        return Reply(text="\n".join([*lines, asker.say("access.members_how")]), language=asker.language)

    async def _removed(self, asker: Asker, who: str) -> Reply:
        name = safe_line(who, _TYPED)
        platform, _, some_id = who.partition(":")
        if who == asker.name:
            raise Refused("access.not_yourself")
        is_gone = await self._access.remove(platform, some_id)
        if self._access.is_configured(who):
            raise Refused("access.is_configured", user=name)
        if not is_gone:
            raise Refused("access.not_known", user=name)
        return asker.reply("access.removed", user=name)
