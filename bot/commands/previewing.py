"""Plans that are shown before anything is done: run exactly as shown, changed, or thrown away."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from bot.commands.means import Asker, Means
from bot.cost_text import estimate_text
from bot.lists import plan_text
from bot.offers import code_of
from bot.plan_edit import fingerprint, without
from bot.post import Action, Button, Look, Verb
from bot.reply import Accepted, Reply
from bot.request_text import request_text
from domain.chat import ChatMessage
from domain.errors import Refused
from domain.estimate import HISTORY, estimate
from domain.plan import Plan
from domain.ports import UnitOfWork
from domain.preview import Preview
from domain.safe_text import safe_line
from domain.task import Scope
from domain.texts import say

DROPS = 8  # steps that have a button
LABEL = 24  # characters of a title on one


class Previews:
    """Makes previews, and does what their buttons say."""

    def __init__(self, means: Means) -> None:
        self._means = means

    async def show(self, asker: Asker, typed: str) -> Reply:
        """`/plan text`: plan it, start nothing. Raises Refused for what cannot be a request, ModelDown."""
        if asker.message.uploads:
            raise Refused("control.plan_with_files")
        now = self._means.clock.now()
        preview = Preview(
            code=code_of(self._means.entropy),
            scope=asker.scope,
            route=asker.message.route,
            request=request_text(typed),
            language=asker.language,
            plan=Plan(),
            made_at=now,
            expires_at=now,
        )
        return await self._planned(preview, asker)

    async def replied(self, asker: Asker) -> Reply | None:
        """A reply to the message that shows a preview is its new text; None when it replies to something else.

        Raises Refused, ModelDown as `show` does."""
        message = asker.message
        now = self._means.clock.now()
        preview = await self._means.store.transact(
            lambda uow: uow.previews.shown_in(asker.scope, message.place, message.reply_to)
        )
        if preview is None or preview.task_id is not None or preview.expires_at <= now:
            return None
        changed = replace(preview, request=request_text(message.text), language=asker.language, message_id="")
        return await self._planned(changed, asker)

    async def edit(self, asker: Asker, code: str) -> Reply:
        """The edit button: plan the text of its form anew; without one, say how to send it."""
        preview = await self._open(asker, code)
        if not asker.message.text.strip():
            return replace(asker.reply("control.edit_how"), is_notice=True)
        changed = replace(preview, request=request_text(asker.message.text), language=asker.language)
        return replace(await self._planned(changed, asker), edits=True)

    async def run(self, asker: Asker, code: str, shown: str) -> Accepted | Reply:
        """The run button: begin exactly what was shown. Raises Refused for a second press, with the task it became."""
        preview = await self._open(asker, code)
        if fingerprint(preview.plan) != shown:
            return await self._current(preview)
        message = _message(preview, asker.message)
        accepted = await self._means.intake.submit_plan(message, preview.plan, person=asker.person)
        if not accepted.is_new:
            raise Refused("control.preview_begun", task=accepted.task_id)
        begun = replace(preview, task_id=accepted.task_id)
        await self._means.store.transact(lambda uow: uow.previews.put(begun))
        text = plan_text(preview.plan, preview.language, task_id=accepted.task_id)
        return Reply(text=text, language=preview.language, edits=True, preview=code)

    async def drop(self, asker: Asker, code: str, which: str) -> Reply:
        """The button of a step: take it out, and what depends only on it. Raises Refused when it is needed."""
        number, _, shown = which.partition(".")
        preview = await self._open(asker, code)
        if fingerprint(preview.plan) != shown or not number.isdecimal() or int(number) >= len(preview.plan.nodes):
            return await self._current(preview)
        changed = replace(preview, plan=without(preview.plan, preview.plan.nodes[int(number)].id))
        await self._keep(changed)
        return await self._current(changed)

    async def discard(self, asker: Asker, code: str) -> Reply:
        """The discard button."""
        preview = await self._open(asker, code)
        await self._keep(replace(preview, expires_at=self._means.clock.now()))
        return replace(asker.reply("control.preview_discarded"), edits=True)

    async def is_shown_in(self, scope: Scope, message: ChatMessage) -> bool:
        """Whether a message replies to one that shows a preview of this user."""
        return bool(
            await self._means.store.transact(lambda uow: uow.previews.shown_in(scope, message.place, message.reply_to))
        )

    async def shown(self, scope: Scope, code: str, message_id: str) -> None:
        """Note which message shows a preview."""

        def work(uow: UnitOfWork) -> None:
            found = uow.previews.find(scope, code)
            if found is not None and found.message_id != message_id:
                uow.previews.put(replace(found, message_id=message_id))

        await self._means.store.transact(work)

    # --- one preview ----------------------------------------------------------------------------------------------

    async def _planned(self, preview: Preview, asker: Asker) -> Reply:
        """Plan what it says, keep that, and show it."""
        plan = await self._means.preview(preview.scope, preview.request, preview.language)
        now = self._means.clock.now()
        expires_at = now + timedelta(seconds=self._means.preview_s)
        planned = replace(preview, plan=plan, made_at=now, expires_at=expires_at)
        await self._keep(planned)
        return await self._shown(planned)

    async def _keep(self, preview: Preview) -> None:
        """Keep what it was changed to, unless it was begun meanwhile. Raises Refused then."""

        def work(uow: UnitOfWork) -> None:
            found = uow.previews.find(preview.scope, preview.code)
            if found is not None and found.task_id is not None:
                raise Refused("control.preview_begun", task=found.task_id)
            uow.previews.put(preview)

        await self._means.store.transact(work)

    async def _open(self, asker: Asker, code: str) -> Preview:
        """A preview that can still be decided about; from now on it is known which message shows it.

        Raises:
            Refused: it is not theirs or was never there, has expired, or was run."""
        now = self._means.clock.now()

        def work(uow: UnitOfWork) -> Preview | None:
            found = uow.previews.find(asker.scope, code)
            if found is None or found.expires_at <= now or found.message_id == asker.message.message_id:
                return found
            placed = replace(found, message_id=asker.message.message_id)
            uow.previews.put(placed)
            return placed

        preview = await self._means.store.transact(work)
        if preview is None or (preview.expires_at <= now and preview.task_id is None):
            raise Refused("control.preview_gone")
        if preview.task_id is not None:
            raise Refused("control.preview_begun", task=preview.task_id)
        return preview

    async def _current(self, preview: Preview) -> Reply:
        """The message that shows it, as it is now."""
        return replace(await self._shown(preview), edits=True)

    async def _shown(self, preview: Preview) -> Reply:
        since = self._means.clock.now() - HISTORY
        measured = await self._means.store.transact(lambda uow: uow.tasks.measured(since))
        language = preview.language
        parts = (plan_text(preview.plan, language), estimate_text(estimate(preview.plan, measured), language))
        return Reply(
            text="\n".join(filter(None, parts)),
            buttons=preview_buttons(preview),
            language=language,
            preview=preview.code,
        )


def preview_buttons(preview: Preview) -> tuple[tuple[Button, ...], ...]:
    """Run, edit, discard; and one per step that can go. What they do is bound to the plan as it is shown."""
    shown, language, code = fingerprint(preview.plan), preview.language, preview.code
    run = Button(
        label=say("control.button_run", language),
        action=Action(verb=Verb.RUN, subject=code, argument=shown),
        look=Look.GOOD,
    )
    edit = Button(label=say("control.button_edit", language), action=Action(verb=Verb.EDIT, subject=code))
    discard = Button(
        label=say("control.button_discard", language),
        action=Action(verb=Verb.DISCARD, subject=code),
        look=Look.BAD,
    )
    nodes = preview.plan.nodes[:DROPS] if len(preview.plan.nodes) > 1 else ()
    drops = tuple(
        Button(
            label=say("control.button_drop", language, title=safe_line(node.title, LABEL)),
            action=Action(verb=Verb.DROP, subject=code, argument=f"{number}.{shown}"),
        )
        for number, node in enumerate(nodes)
    )
    first = (run, edit, discard) if _can_run(preview.plan) else (edit, discard)
    return (first, *(drops[start : start + 2] for start in range(0, len(drops), 2)))


def _can_run(plan: Plan) -> bool:
    return bool(plan.nodes) or plan.answer is not None


def _message(preview: Preview, pressed: ChatMessage) -> ChatMessage:
    """What the task is an answer to: the message that asked for the plan. The preview's name makes it one task, however
    often it is begun."""
    route = preview.route
    return replace(
        pressed,
        platform=route.platform,
        bot_id=route.bot_id,
        chat_id=route.chat_id,
        thread_id=route.thread_id,
        message_id=route.reply_to,
        is_group=route.is_group,
        update_key=f"preview:{preview.code}",
        text=preview.request,
        uploads=preview.uploads,
    )
