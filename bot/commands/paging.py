"""Pages of `/tasks`: which tasks, whose, and the buttons that turn them."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from bot.access import is_at_least
from bot.commands.means import Asker
from bot.limits import OPEN
from bot.post import Action, Button, Verb
from domain.errors import Refused
from domain.people import Role
from domain.safe_text import safe_line
from domain.task import TaskState
from domain.texts import Language, say

PAGE = 10  # tasks
MAX_PAGE = 10_000
EVERYBODY = "everybody"

FILTERS: Mapping[str, Collection[TaskState]] = MappingProxyType(
    {
        "all": (),
        "open": tuple(OPEN),
        "running": (TaskState.RECEIVED, TaskState.PLANNING, TaskState.RUNNING),
        "waiting": (TaskState.WAITING,),
        "done": (TaskState.ANSWERED,),
        "failed": (TaskState.FAILED,),
        "cancelled": (TaskState.CANCELLED,),
    }
)
_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "answered": "done",
        "finished": "done",
        "canceled": "cancelled",
        "active": "open",
        "everyone": EVERYBODY,
        "全部": "all",
        "所有": "all",
        "未完成": "open",
        "进行中": "running",
        "执行中": "running",
        "运行中": "running",
        "等待": "waiting",
        "待处理": "waiting",
        "完成": "done",
        "已完成": "done",
        "已回答": "done",
        "失败": "failed",
        "取消": "cancelled",
        "已取消": "cancelled",
        "所有人": EVERYBODY,
        "大家": EVERYBODY,
    }
)
_TURN = re.compile(r"(\d{1,5})@(.+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of a list, from 1. `is_turned`: a button asked for it, so it takes the place of the page before."""

    filter: str = "all"
    number: int = 1
    is_everybodys: bool = False
    is_turned: bool = False

    @property
    def states(self) -> Collection[TaskState]:
        """Which tasks are listed; all of them when empty."""
        return FILTERS[self.filter]

    @property
    def offset(self) -> int:
        """How many come on the pages before."""
        return (self.number - 1) * PAGE

    @property
    def is_plain(self) -> bool:
        """Whether it is the beginning of everything of one's own."""
        return self == Page(is_turned=self.is_turned)

    def may_be_seen(self, asker: Asker) -> bool:
        """Everybody's tasks are for admins, where nobody reads along."""
        return is_at_least(asker.person.role, Role.ADMIN) and not asker.message.is_group

    def head(self, language: Language) -> str:
        """What is listed; empty where that goes without saying."""
        if self.is_plain:
            return ""
        which = say(f"control.filter_{self.filter}", language)
        whose = say("control.of_everybody", language) if self.is_everybodys else ""
        return say("control.page_head", language, which=which, whose=whose, number=self.number)

    def nothing(self, language: Language) -> str:
        """What is said in place of an empty page."""
        if self.is_plain:
            return say("chat.no_tasks", language)
        return self.head(language) + say("control.page_empty", language)

    def command(self, number: int) -> str:
        """What to type for another page."""
        words = [EVERYBODY] if self.is_everybodys else []
        words += [self.filter] if self.filter != "all" else []
        return " ".join(["/tasks", *words, str(number)])

    def action(self, number: int, asker: Asker) -> Action:
        """What a button for another page says. It turns only for whoever asked for the list."""
        subject = f"{EVERYBODY}-{self.filter}" if self.is_everybodys else self.filter
        return Action(verb=Verb.PAGE, subject=subject, argument=f"{number}@{asker.message.user_id}")


def read_page(typed: str) -> Page:
    """What somebody typed behind `/tasks`: a filter and a page in any order. Raises Refused for anything else."""
    page = Page()
    for word in typed.lower().split():
        name = _WORDS.get(word, word)
        if name.isascii() and name.isdecimal() and 1 <= int(name) <= MAX_PAGE:
            page = replace(page, number=int(name))
        elif name == EVERYBODY:
            page = replace(page, is_everybodys=True)
        elif name in FILTERS:
            page = replace(page, filter=name)
        else:
            raise Refused("control.tasks_usage", typed=safe_line(word, 40))
    return page


def pressed_page(action: Action, asker: Asker) -> Page:
    """The page that a button asks for. Raises Refused when it stands below somebody else's list."""
    turn = _TURN.fullmatch(action.argument)
    whose, _, name = action.subject.rpartition("-")
    if turn is None or name not in FILTERS or whose not in ("", EVERYBODY) or not 1 <= int(turn[1]) <= MAX_PAGE:
        raise Refused("control.old_button")
    if turn[2] != asker.message.user_id:
        raise Refused("control.not_your_list")
    return Page(filter=name, number=int(turn[1]), is_everybodys=whose == EVERYBODY, is_turned=True)


def page_buttons(page: Page, asker: Asker, *, has_more: bool) -> tuple[tuple[Button, ...], ...]:
    """Back and on, where there is something."""
    back = [("control.previous", page.number - 1)] if page.number > 1 else []
    on = [("control.next", page.number + 1)] if has_more else []
    row = tuple(
        Button(label=say(key, asker.language), action=page.action(number, asker)) for key, number in (*back, *on)
    )
    return (row,) if row else ()
