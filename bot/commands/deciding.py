"""Cancelling tasks, trying them again, and answering what they ask."""

from __future__ import annotations

from dataclasses import replace

from bot.cancel_text import cancel_text
from bot.commands.changing import announce, changed
from bot.commands.finding import OPEN, held, meant, named, read_step
from bot.commands.means import Asker, Means, may_decide, may_see
from bot.reply import Accepted, Reply
from bot.request_text import request_text
from bot.retry import carried
from domain import events as e
from domain.chat import ChatMessage
from domain.errors import Refused
from domain.ports import UnitOfWork
from domain.task import FINAL_TASK, Task, UploadState


class Deciding:
    """Decides over tasks as a whole."""

    def __init__(self, means: Means) -> None:
        self._means = means

    async def cancel(self, asker: Asker, typed: str) -> Reply:
        """`/cancel [id]`: start nothing more of a task, and say what had happened already. Raises Refused when there is
        none of that id, or no only open one."""
        now = self._means.clock.now()
        change = await self._means.store.transact(
            lambda uow: changed(
                uow,
                held(uow, asker, typed or meant(uow, asker, OPEN, "chat.nothing_open"), may_see),
                e.CancelRequested(at=now),
            )
        )
        await announce(self._means.bus, change)
        asker = asker.about(change.after)
        if not change.is_one:
            return asker.reply("chat.already_over", task=change.after.id)
        text = cancel_text(change.before, change.after, asker.language)
        return Reply(text=text, language=asker.language)

    async def answer(self, asker: Asker, task_id: str, text: str) -> Accepted | Reply:
        """What somebody wrote in a form below a task's question. Raises Refused when nothing is asked any more."""
        if not text.strip():
            return replace(asker.reply("control.how_to_reply", task=task_id), is_notice=True)
        said = request_text(text)
        event = e.QuestionAnswered(reply=said, at=self._means.clock.now())
        change = await self._means.store.transact(
            lambda uow: changed(uow, held(uow, asker, task_id, may_decide), event)
        )
        await announce(self._means.bus, change)
        if not change.is_one:
            raise Refused("control.not_asking", task=change.after.id)
        return Accepted(task_id=change.after.id, is_new=False, is_reply=True)

    async def retry(self, asker: Asker, typed: str) -> Accepted | Reply:
        """`/retry id [step]`: try a task that is over again, as a new one that keeps what need not run again.

        Raises Refused when there is none of that id, or nothing of it to try again."""
        name, step = read_step(typed)
        if not name:
            raise Refused("chat.retry_usage")
        task = await self._means.store.transact(lambda uow: named(uow, asker, name, may_decide))
        return await self._tried_again(asker, task, step, asker.message)

    async def retry_pressed(self, asker: Asker, task_id: str, step: str | None) -> Accepted | Reply:
        """The button below a task: a second press while the new try is open only names it."""

        def work(uow: UnitOfWork) -> tuple[Task, str, Task | None]:
            task = named(uow, asker, task_id, may_decide)
            return (task, *_last_try(uow, asker.message, task, step))

        task, key, going = await self._means.store.transact(work)
        if going is not None:
            return replace(asker.reply("control.tried_again", task=task.id, new=going.id), is_notice=True)
        route = task.route
        is_here = route.place == asker.message.place
        message = replace(
            asker.message, update_key=key, message_id=route.reply_to if is_here else asker.message.message_id
        )
        return await self._tried_again(asker, task, step, message)

    async def _tried_again(self, asker: Asker, task: Task, step: str | None, message: ChatMessage) -> Accepted | Reply:
        """The new task belongs to whom the old one belonged, whoever wants it tried again."""
        plan, kept = carried(task, step)
        owner = task.scope.owner.partition(":")[2]
        message = replace(message, text=task.request, user_id=owner, is_edit=False, gathers=False, uploads=())
        intake, person = self._means.intake, asker.person
        if plan is None:
            files = tuple(replace(upload, path="", state=UploadState.PENDING) for upload in task.uploads)
            message = replace(message, uploads=files)
            return await intake.receive(message, retry_of=task.id, is_fresh=True, person=person)
        return await intake.submit_plan(message, plan, kept, retry_of=task.id, person=person)


def _last_try(uow: UnitOfWork, message: ChatMessage, task: Task, step: str | None) -> tuple[str, Task | None]:
    """Under which name the next try of a button is taken in, and the try before it, if that is not over yet. However
    often it is pressed at once, all presses find the same name."""
    key = f"retry:{task.id}:{step or ''}"
    while known := uow.inbox.known(message.platform, message.bot_id, key):
        earlier = uow.tasks.peek(known)
        if earlier is not None and earlier.state not in FINAL_TASK:
            return key, earlier
        key = f"retry:{task.id}:{step or ''}:{known}"
    return key, None
