"""What a message says is done here. Plain text is /ask."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from bot.commands import words
from bot.commands.approving import Approving
from bot.commands.deciding import Deciding
from bot.commands.looking import Looking
from bot.commands.means import Asker, Means, asker_of
from bot.commands.paging import read_page
from bot.commands.people import Persons
from bot.commands.previewing import Previews
from bot.commands.scheduling import Scheduling
from bot.commands.words import ABOUT_ONE, MAY, WORDY, Typed, may, nearest
from bot.intake import Timing
from bot.reply import Accepted, Reply
from domain.chat import ChatMessage
from domain.errors import ModelDown, Refused
from domain.people import Person
from domain.safe_text import safe_line
from domain.when import read_limits

Do = Callable[[Asker, str], Awaitable[Accepted | Reply]]

_NAME = 40  # characters of an unknown command that are said again


class Commands:
    """Answers commands and hands requests to the intake. Nothing is held while anything is waited for, so that every
    command works while anything else runs."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._previews = Previews(means)
        looking, deciding, approving, persons = Looking(means), Deciding(means), Approving(means), Persons(means)
        scheduling = Scheduling(means)
        self._looking = looking
        self._do: Mapping[str, Do] = {
            "ask": self._ask,
            "fresh": self._fresh,
            "plan": self._previews.show,
            "status": looking.status,
            "tasks": self._tasks,
            "cancel": deciding.cancel,
            "retry": deciding.retry,
            "approve": approving.approve,
            "deny": approving.deny,
            "schedule": scheduling.schedule,
            "agents": looking.agents,
            "cost": looking.cost,
            "language": persons.language,
            "help": persons.help,
            "start": persons.start,
            "pair": persons.pair,
            "members": persons.members,
        }

    async def receive(self, message: ChatMessage, person: Person) -> Accepted | Reply:
        """Do what a message of somebody who was let in says.

        Raises StoreDown when the database does not answer: then nothing happened and the update must not be
        acknowledged.
        """
        typed = words.read(message.text)
        if typed is None:
            return await self._heard(message, person)
        if message.is_edit:
            return await self._edited(message, person, typed)
        return await self._obeyed(message, person, typed)

    async def is_slow(self, message: ChatMessage) -> bool:
        """Whether a model will be asked before there is a reply, and nothing is lost when that comes to nothing."""
        if words.is_slow(message.text):
            return True
        scope = self._means.intake.scope_of(message)
        return bool(message.reply_to) and await self._previews.is_shown_in(scope, message)

    async def preview_reply(self, message: ChatMessage, person: Person) -> Reply | None:
        """What a reply to the message of a plan preview brings: the plan for its text. None when it replies to
        something else."""
        if not message.reply_to or message.is_edit:
            return None
        asker = await asker_of(self._means, message, person, message.text)
        try:
            return await self._previews.replied(asker)
        except (Refused, ModelDown) as error:
            return refusal(error, asker)

    async def preview_shown(self, message: ChatMessage, code: str, message_id: str) -> None:
        """Note which message of ours shows the preview that a message asked for."""
        await self._previews.shown(self._means.intake.scope_of(message), code, message_id)

    async def _heard(self, message: ChatMessage, person: Person) -> Accepted | Reply:
        return await self.preview_reply(message, person) or await self._means.intake.hear(message, person)

    async def _edited(self, message: ChatMessage, person: Person, typed: Typed) -> Accepted | Reply:
        """The words of a request may be edited; another command was obeyed as it was, if it came before."""
        if typed.name in ("ask", "fresh"):
            return await self._means.intake.hear(replace(message, text=typed.argument), person)
        key = message.platform, message.bot_id, message.update_key
        known = await self._means.store.transact(lambda uow: uow.inbox.known(*key))
        return Reply() if known is not None else await self._obeyed(message, person, typed)

    async def _obeyed(self, message: ChatMessage, person: Person, typed: Typed) -> Accepted | Reply:
        asker = await asker_of(self._means, message, person, typed.argument if typed.name in WORDY else "")
        try:
            _check(typed, asker)
            return await self._do[typed.name](asker, typed.argument or await self._pointed_at(message, typed))
        except (Refused, ModelDown) as error:
            return refusal(error, asker)

    async def _pointed_at(self, message: ChatMessage, typed: Typed) -> str:
        """The id of the task whose card, question or answer a bare command replies to; empty for none. Whether it is
        theirs is seen later, as if they had typed it."""
        if not message.reply_to or typed.name not in ABOUT_ONE:
            return ""
        posted = await self._means.store.transact(lambda uow: uow.posts.find(message.place, message.reply_to))
        return posted.task_id if posted else ""

    async def _ask(self, asker: Asker, text: str) -> Accepted | Reply:
        return await self._requested(asker, text)

    async def _fresh(self, asker: Asker, text: str) -> Accepted | Reply:
        return await self._requested(asker, text, is_fresh=True)

    async def _requested(self, asker: Asker, text: str, *, is_fresh: bool = False) -> Accepted | Reply:
        """A request; how long it may take, and by when it must have begun, may stand before it."""
        limits, request = read_limits(text)
        timing = Timing(deadline_s=limits.deadline, expires_s=limits.expires)
        message = replace(asker.message, text=request)
        return await self._means.intake.receive(message, is_fresh=is_fresh, person=asker.person, timing=timing)

    async def _tasks(self, asker: Asker, typed: str) -> Reply:
        return await self._looking.tasks(asker, read_page(typed))


def refusal(error: Refused | ModelDown, asker: Asker) -> Reply:
    """Why something was not done."""
    return Reply(text=error.say(asker.language), is_refusal=True, language=asker.language)


def _check(typed: Typed, asker: Asker) -> None:
    """Raises Refused for a command that is none, or not for them."""
    role = asker.person.role
    if typed.is_known and not may(role, typed.name):
        needed = asker.say(f"access.role_{MAY[typed.name]}")
        raise Refused("access.may_not", command=typed.name, role=needed)
    if not typed.is_known:
        name = safe_line(f"/{typed.name}", _NAME)
        meant = nearest(typed.name, role)
        if meant is None:
            raise Refused("chat.unknown_command", typed=name)
        raise Refused("chat.did_you_mean", typed=name, nearest=f"/{meant}")
