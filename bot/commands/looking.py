"""Looking at tasks, agents and costs. All of it is read from rows; nothing that is down can keep it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from bot.around import around_of
from bot.commands.finding import held, named, newest, open_ones
from bot.commands.means import Asker, Means, may_decide, may_see
from bot.commands.paging import PAGE, Page, page_buttons
from bot.cost_text import LATELY, cost_text
from bot.drawing.buttons import card_buttons
from bot.lists import agents_text, approvals_text, tasks_text
from bot.platform import Traits
from bot.post import Action, Button, Verb
from bot.reply import Reply
from bot.status_text import Standing, status_text
from domain.agents import SILENCE, Worker
from domain.approval import awaiting
from domain.card import card_of
from domain.errors import Refused
from domain.ports import Spend, UnitOfWork
from domain.task import Task

BUTTONS = 5  # tasks of a short list that have one


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A task with what is around it; `is_theirs` is whether whoever looks may decide about it."""

    standing: Standing
    is_theirs: bool


class Looking:
    """Shows how things stand."""

    def __init__(self, means: Means) -> None:
        self._means = means

    async def status(self, asker: Asker, typed: str) -> Reply:
        """`/status [id]`: one task with everything that keeps it; without an id all open ones in short, if there are
        several. Raises Refused when there is none."""
        if not typed:
            lines = await self._means.store.transact(lambda uow: open_ones(uow, asker))
            if len(lines) > 1:
                listed = tasks_text(lines, asker.language, self._means.clock.now())
                text = f"{asker.say('control.several_open', count=len(lines))}\n{listed}"
                rows = tuple((_details(line.id),) for line in lines[:BUTTONS])
                return Reply(text=text, buttons=rows, language=asker.language, is_private=asker.message.is_group)
        now = self._means.clock.now()
        seen = await self._means.store.transact(lambda uow: self._seen(uow, asker, typed, now))
        return _shown(asker.about(seen.standing.task), seen)

    async def tasks(self, asker: Asker, page: Page) -> Reply:
        """`/tasks [filter] [page]`: ten a page, newest first. Raises Refused for a list that is not theirs to see."""
        scope = None if page.is_everybodys else asker.scope
        if scope is None and not page.may_be_seen(asker):
            raise Refused("control.everybody_private" if asker.message.is_group else "control.everybody_admins")
        found = await self._means.store.transact(
            lambda uow: uow.tasks.recent(scope, PAGE + 1, offset=page.offset, states=page.states)
        )
        lines, now = found[:PAGE], self._means.clock.now()
        if not lines:
            nothing = page.nothing(asker.language)
            return Reply(text=nothing, language=asker.language, edits=page.is_turned)
        has_more = len(found) > PAGE
        more = asker.say("control.page_more", command=page.command(page.number + 1)) if has_more else ""
        parts = (page.head(asker.language), tasks_text(lines, asker.language, now), more)
        return Reply(
            text="\n".join(filter(None, parts)),
            buttons=page_buttons(page, asker, has_more=has_more),
            language=asker.language,
            edits=page.is_turned,
        )

    async def agents(self, asker: Asker, _typed: str) -> Reply:
        """`/agents`: who is there and what each can do."""
        now = self._means.clock.now()
        workers, waiting = await self._means.store.transact(
            lambda uow: (uow.registry.alive(now - SILENCE), uow.registry.backlogs())
        )
        return Reply(text=agents_text(workers, asker.language, waiting, now), language=asker.language)

    async def cost(self, asker: Asker, typed: str) -> Reply:
        """`/cost [id]`: what language models took for a task, or for whoever asks lately."""
        since = self._means.clock.now() - LATELY
        if not typed:
            spends = await self._means.store.transact(lambda uow: uow.calls.spent(asker.scope, since))
            return Reply(text=cost_text(spends, asker.language), language=asker.language)

        def work(uow: UnitOfWork) -> tuple[Task, list[Spend]]:
            task = named(uow, asker, typed)
            return task, uow.calls.spent_on(task.scope, task.id)

        task, spends = await self._means.store.transact(work)
        asker = asker.about(task)
        return Reply(text=cost_text(spends, asker.language, task.id), language=asker.language)

    # --- inside a transaction -------------------------------------------------------------------------------------

    def _seen(self, uow: UnitOfWork, asker: Asker, typed: str, now: datetime) -> Seen:
        task = held(uow, asker, typed, may_see) if typed else newest(uow, asker)
        is_theirs = may_decide(asker, task)
        if is_theirs and awaiting(task):
            self._means.offering.of(uow, task, now)
        around = around_of(uow, task, now)
        alive = uow.registry.alive(now - SILENCE)
        return Seen(
            standing=Standing(
                task=task,
                now=now,
                attempts=uow.tasks.attempts(task.id),
                around=around if is_theirs else replace(around, offers=()),
                offered=_offered(alive),
                roles=frozenset(uow.registry.roles_alive(now - SILENCE)),
            ),
            is_theirs=is_theirs,
        )


def _shown(asker: Asker, seen: Seen) -> Reply:
    standing, task = seen.standing, seen.standing.task
    card = replace(card_of(task, standing.now, around=standing.around), language=asker.language)
    parts = [status_text(standing, asker.language), approvals_text(task, asker.language) if seen.is_theirs else ""]
    fitting = frozenset(Verb) - {Verb.DETAILS} if seen.is_theirs else {Verb.CANCEL}
    rows = (tuple(button for button in row if button.action.verb in fitting) for row in card_buttons(card, Traits()))
    return Reply(
        card=card,
        text="\n".join(filter(None, parts)),
        answer=task.answer,
        buttons=tuple(row for row in rows if row),
        language=asker.language,
    )


def _offered(workers: Sequence[Worker]) -> frozenset[str] | None:
    """Skills that somebody performs; None when one of them announces none, so that nobody knows."""
    if any(not worker.skills for worker in workers):
        return None
    return frozenset(spec.name for worker in workers for spec in worker.skills)


def _details(task_id: str) -> Button:
    return Button(label=task_id, action=Action(verb=Verb.DETAILS, subject=task_id))
