"""What buttons do. They prove nothing: who may is decided by who pressed, what happens by what stands in the rows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from bot.commands.approving import Approving
from bot.commands.commands import refusal
from bot.commands.deciding import Deciding
from bot.commands.looking import Looking
from bot.commands.means import Asker, Means, asker_of, message_of
from bot.commands.paging import pressed_page
from bot.commands.previewing import Previews
from bot.commands.scheduling import Scheduling
from bot.platform import Press
from bot.post import Action, Verb
from bot.reply import Accepted, Reply
from domain.errors import ModelDown, Refused
from domain.people import Person

NOTICE = 200  # characters of a fleeting notice (Telegram's answerCallbackQuery)

Do = Callable[[Asker, Action], Awaitable[Accepted | Reply]]


class Controls:
    """Does what buttons, and the forms behind some of them, ask for."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._looking = Looking(means)
        self._deciding = Deciding(means)
        self._approving = Approving(means)
        self._previews = Previews(means)
        self._scheduling = Scheduling(means)
        self._do: Mapping[Verb, Do] = {
            Verb.CANCEL: self._cancel,
            Verb.DETAILS: self._details,
            Verb.RETRY: self._retry,
            Verb.ALLOW: self._allow,
            Verb.DENY: self._deny,
            Verb.PAGE: self._page,
            Verb.RUN: self._run,
            Verb.DROP: self._drop,
            Verb.EDIT: self._edit,
            Verb.DISCARD: self._discard,
            Verb.REPLY: self._reply,
            Verb.SCHEDULE: self._schedule,
        }

    async def pressed(self, press: Press, person: Person) -> Accepted | Reply:
        """Do what a button says, for whoever pressed it.

        What can be said in a few words is a notice; anything longer is for them alone where others read along.
        Raises StoreDown when the database does not answer: then nothing happened.
        """
        asker = await asker_of(self._means, message_of(press), person, press.text)
        if person.role is None:
            return replace(asker.reply("control.not_yours"), is_refusal=True, is_notice=True)
        try:
            outcome = await self._do[press.action.verb](asker, press.action)
        except (Refused, ModelDown) as error:
            outcome = replace(refusal(error, asker), is_notice=True)
        return _fitting(outcome, press) if isinstance(outcome, Reply) else outcome

    # --- tasks ----------------------------------------------------------------------------------------------------

    async def _cancel(self, asker: Asker, action: Action) -> Reply:
        return replace(await self._deciding.cancel(asker, action.subject), is_notice=True)

    async def _details(self, asker: Asker, action: Action) -> Reply:
        return await self._looking.status(asker, action.subject)

    async def _retry(self, asker: Asker, action: Action) -> Accepted | Reply:
        return await self._deciding.retry_pressed(asker, action.subject, action.argument or None)

    async def _allow(self, asker: Asker, action: Action) -> Reply:
        return await self._approving.decide(asker, action.subject, is_allowed=True)

    async def _deny(self, asker: Asker, action: Action) -> Reply:
        return await self._approving.decide(asker, action.subject, is_allowed=False)

    async def _page(self, asker: Asker, action: Action) -> Reply:
        return await self._looking.tasks(asker, pressed_page(action, asker))

    async def _reply(self, asker: Asker, action: Action) -> Accepted | Reply:
        return await self._deciding.answer(asker, action.subject, asker.message.text)

    async def _schedule(self, asker: Asker, action: Action) -> Accepted | Reply:
        return await self._scheduling.pressed(asker, action.subject, action.argument)

    # --- previews -------------------------------------------------------------------------------------------------

    async def _run(self, asker: Asker, action: Action) -> Accepted | Reply:
        return await self._previews.run(asker, action.subject, action.argument)

    async def _drop(self, asker: Asker, action: Action) -> Reply:
        return await self._previews.drop(asker, action.subject, action.argument)

    async def _edit(self, asker: Asker, action: Action) -> Reply:
        return await self._previews.edit(asker, action.subject)

    async def _discard(self, asker: Asker, action: Action) -> Reply:
        return await self._previews.discard(asker, action.subject)


def _fitting(reply: Reply, press: Press) -> Reply:
    """As short as a notice must be, or as private as a message in a group can be."""
    is_notice = reply.is_notice and len(reply.text) <= NOTICE and not (reply.buttons or reply.card)
    return replace(reply, is_notice=is_notice, is_private=press.is_group and not is_notice and not reply.edits)
