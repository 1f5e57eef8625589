"""The commands: their names in both languages, who may use each, and how one is read out of a message."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from bot.access import is_at_least
from domain.people import Role
from domain.texts import Language, say

MAY: Mapping[str, Role] = MappingProxyType(
    {
        "ask": Role.MEMBER,
        "fresh": Role.MEMBER,
        "plan": Role.MEMBER,
        "status": Role.MEMBER,
        "tasks": Role.MEMBER,
        "cancel": Role.MEMBER,
        "retry": Role.MEMBER,
        "approve": Role.MEMBER,
        "deny": Role.MEMBER,
        "schedule": Role.MEMBER,
        "agents": Role.MEMBER,
        "cost": Role.MEMBER,
        "language": Role.MEMBER,
        "help": Role.MEMBER,
        "start": Role.MEMBER,
        "pair": Role.OWNER,
        "members": Role.OWNER,
    }
)
"""Every command, in the order of the help, and the least role that may use it."""

ALIASES: Mapping[str, str] = MappingProxyType(
    {
        "提问": "ask",
        "问": "ask",
        "重问": "fresh",
        "重新": "fresh",
        "计划": "plan",
        "预览": "plan",
        "状态": "status",
        "进度": "status",
        "任务": "tasks",
        "列表": "tasks",
        "取消": "cancel",
        "停止": "cancel",
        "重试": "retry",
        "批准": "approve",
        "同意": "approve",
        "拒绝": "deny",
        "定时": "schedule",
        "日程": "schedule",
        "提醒": "schedule",
        "代理": "agents",
        "费用": "cost",
        "花费": "cost",
        "语言": "language",
        "帮助": "help",
        "开始": "start",
        "配对": "pair",
        "成员": "members",
    }
)
WORDY = frozenset({"ask", "fresh", "plan", "schedule"})
"""Commands whose argument is a request, and so says which language is spoken."""

ABOUT_ONE = frozenset({"status", "cancel", "retry", "approve", "deny", "cost"})
"""Commands about one task: sent bare as a reply to a message about one, that is the one."""

UNLISTED = frozenset({"start"})  # Telegram's own; nobody needs to be told of it

_COMMAND = re.compile(r"[/／]([\w-]+)(?:@\w+)?(?:\s+(.*))?", re.DOTALL)  # Chinese keyboards type ／
_BY_LENGTH = sorted(ALIASES, key=len, reverse=True)
_ALIKE = 0.5  # how much of a mistyped name must be right


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A command as it was typed; `name` is ours where `is_known`."""

    name: str
    argument: str
    is_known: bool


def read(text: str) -> Typed | None:
    """The command in a message; None when it is plain text."""
    match = _COMMAND.fullmatch(text.strip())
    if match is None:
        return None
    word, argument = match[1].lower(), (match[2] or "").strip()
    name = ALIASES.get(word, word)
    if name in MAY:
        return Typed(name=name, argument=argument, is_known=True)
    alias = next((alias for alias in _BY_LENGTH if word.startswith(alias)), None)
    if alias is None:
        return Typed(name=word, argument=argument, is_known=False)
    rest = match[1][len(alias) :]  # in Chinese nothing stands between a command and what it is about
    return Typed(name=ALIASES[alias], argument=f"{rest} {argument}".strip(), is_known=True)


def is_slow(text: str) -> bool:
    """Whether a message asks a model before it is answered, and changes nothing."""
    typed = read(text)
    return typed is not None and typed.name == "plan"


def may(role: Role | None, name: str) -> bool:
    """Whether somebody of this role may use a command."""
    return is_at_least(role, MAY[name])


def offered(role: Role | None) -> list[str]:
    """The commands to show to somebody of this role, in order."""
    return [name for name in MAY if name not in UNLISTED and may(role, name)]


def nearest(word: str, role: Role | None) -> str | None:
    """The command somebody probably meant, as they would type it; only one that they may use."""
    theirs = [*offered(role), *(alias for alias, name in ALIASES.items() if may(role, name))]
    return next(iter(difflib.get_close_matches(word, theirs, n=1, cutoff=_ALIKE)), None)


def menu(role: Role | None, language: Language) -> list[tuple[str, str]]:
    """Names and descriptions for a platform's own list of commands."""
    return [(name, say(f"help.{name}", language).partition(" – ")[2]) for name in offered(role)]
