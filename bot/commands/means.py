"""What commands and buttons work with, and whoever uses them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Protocol

from bot.access import Access, is_at_least
from bot.intake import Intake
from bot.offers import APPROVAL_S, Offering
from bot.platform import Press
from bot.reply import Reply
from bot.scheduling.book import ScheduleBook
from domain.chat import ChatMessage
from domain.people import Person, Role
from domain.plan import Plan
from domain.ports import Clock, ControlBus, Entropy, Store
from domain.task import Route, Scope, Task
from domain.texts import Language, language_for, say

Preview = Callable[[Scope, str, Language], Awaitable[Plan]]
"""Plans a text for its owner without starting anything; raises Refused or ModelDown."""

PREVIEW_S = 1800.0
TELLING = 1000  # characters that tell a language


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What commands and buttons work with.

    Args:
        intake: takes requests in.
        store: where everything is.
        bus: who must hear of a changed task.
        clock: the time of it.
        entropy: codes of offers and previews.
        access: who is known.
        preview: plans a text.
        approval_s: seconds for which an offer to approve something stands.
        preview_s: seconds for which a plan that was shown can be run.
        book: keeps schedules.
    """

    intake: Intake
    store: Store
    bus: ControlBus
    clock: Clock
    entropy: Entropy
    access: Access
    preview: Preview
    book: ScheduleBook
    approval_s: float = APPROVAL_S
    preview_s: float = PREVIEW_S

    @property
    def offering(self) -> Offering:
        """Makes offers of what waits for a person."""
        return Offering(entropy=self.entropy, approval_s=self.approval_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asker:
    """Who wants something, and how to speak to them. `message` is what they sent; of a pressed button, what they would
    have sent instead."""

    person: Person
    scope: Scope
    message: ChatMessage
    language: Language

    @property
    def name(self) -> str:
        """`platform:user id`, for the records."""
        return self.scope.owner

    def say(self, key: str, /, **values: object) -> str:
        """A sentence in their language."""
        return say(key, self.language, **values)

    def reply(self, key: str, /, **values: object) -> Reply:
        """A reply of one sentence."""
        return Reply(text=self.say(key, **values), language=self.language)

    def spoken(self, chosen: Language | None) -> Asker:
        """The same, spoken to in a language that was just chosen; None: as before it was."""
        return self if chosen is None else replace(self, language=chosen)

    def about(self, task: Task) -> Asker:
        """The same, speaking the language of a task of theirs unless they chose another."""
        if self.person.language is not None or task.scope != self.scope:
            return self
        return replace(self, language=task.language)


async def asker_of(means: Means, message: ChatMessage, person: Person, words: str = "") -> Asker:
    """Somebody who sent a message. Where it has no words of its own, their newest request says which language is
    spoken."""
    scope = means.intake.scope_of(message)
    if not words and person.language is None:
        newest = await means.store.transact(lambda uow: uow.tasks.recent(scope, 1))
        words = newest[0].request if newest else ""
    language = language_for(words[:TELLING], message.locale, person.language)
    return Asker(person=person, scope=scope, message=message, language=language)


def message_of(press: Press) -> ChatMessage:
    """What whoever pressed a button would have sent instead."""
    return ChatMessage(
        platform=press.platform,
        bot_id=press.bot_id,
        chat_id=press.chat_id,
        user_id=press.user_id,
        update_key=press.key,
        text=press.text,
        received_at=press.received_at,
        thread_id=press.thread_id,
        message_id=press.message_id,
        is_group=press.is_group,
        locale=press.locale,
    )


# --- whose task it is -------------------------------------------------------------------------------------------------


class Owned(Protocol):
    """What belongs to somebody and was asked for somewhere: a task, a schedule."""

    @property
    def scope(self) -> Scope:
        """Whose it is."""
        ...

    @property
    def route(self) -> Route:
        """Where it was asked for."""
        ...


def may_decide(asker: Asker, task: Owned) -> bool:
    """Whether a task is somebody's to decide about: their own or, for admins, one that was asked for in the group where
    they speak."""
    if task.scope == asker.scope:
        return True
    message, route = asker.message, task.route
    is_here = (route.platform, route.chat_id) == (message.platform, message.chat_id) and route.is_group
    return is_here and message.is_group and _is_admin(asker, task)


def may_see(asker: Asker, task: Owned) -> bool:
    """Whether somebody may look at a task and cancel it: what they may decide about and, for admins in private,
    everybody's."""
    return may_decide(asker, task) or (not asker.message.is_group and _is_admin(asker, task))


def _is_admin(asker: Asker, task: Owned) -> bool:
    return is_at_least(asker.person.role, Role.ADMIN) and task.scope.tenant == asker.scope.tenant
