"""Allowing and refusing what waits for a person: bound to the parameters that were shown, once, by whom it concerns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from bot.card_text import TITLE
from bot.commands.changing import Change, announce, changed
from bot.commands.finding import held, open_ones, read_step
from bot.commands.means import Asker, Means, may_decide
from bot.drawing.buttons import offer_row
from bot.lists import approvals_text
from bot.reply import Reply
from domain import events as e
from domain.approval import Offer, awaiting, digest
from domain.ends import node_of
from domain.errors import Refused
from domain.ports import UnitOfWork
from domain.safe_text import safe_line
from domain.task import Task
from domain.wording import duration


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What came of it: the steps that were decided about, and those that were only shown now, with their offers."""

    change: Change
    keys: tuple[str, ...] = ()
    shown: tuple[Offer, ...] = ()


class Approving:
    """Decides over steps that wait for leave."""

    def __init__(self, means: Means) -> None:
        self._means = means

    async def approve(self, asker: Asker, typed: str) -> Reply:
        """`/approve [id [step]]`: allow what was shown, in a card, a question or by `/status`. What was not is shown
        now, and waits for its second `/approve`.

        Raises Refused when there is nothing of theirs to allow.
        """
        decision = await self._means.store.transact(lambda uow: self._approved(uow, asker, typed))
        await announce(self._means.bus, decision.change)
        asker = asker.about(decision.change.after)
        parts = [self._outcome(asker, decision, "control.approved")] if decision.keys else []
        if not decision.shown:
            return Reply(text="\n".join(parts), language=asker.language)
        return self._shown_again(asker, decision, [*parts, asker.say("control.not_shown_yet")])

    async def deny(self, asker: Asker, typed: str) -> Reply:
        """`/deny [id [step]]`: refuse what waits, shown or not. Raises Refused when nothing of theirs does."""

        def work(uow: UnitOfWork) -> Decision:
            task, keys = self._waiting(uow, asker, typed)
            now = self._means.clock.now()
            for offer in uow.offers.live(task.id, now):
                if offer.key in keys:
                    uow.offers.decide(offer.code, asker.name, now, is_allowed=False)
            return Decision(change=changed(uow, task, e.Denied(keys=frozenset(keys), at=now)), keys=keys)

        decision = await self._means.store.transact(work)
        await announce(self._means.bus, decision.change)
        asker = asker.about(decision.change.after)
        return Reply(text=self._outcome(asker, decision, "control.denied"), language=asker.language)

    async def decide(self, asker: Asker, code: str, *, is_allowed: bool) -> Reply:
        """A button: allow or refuse one offer. It counts only while what would run is what was shown; else what would
        run now is shown, to be decided about anew.

        Raises Refused when it is not theirs to decide, was decided before, or does not wait any more.
        """
        now = self._means.clock.now()

        def work(uow: UnitOfWork) -> tuple[Decision, str]:
            offer, task = self._offered(uow, asker, code, now)
            stale = _stale(task, offer, now)
            if stale:
                return Decision(change=_none(task), shown=self._means.offering.of(uow, task, now, [offer.key])), stale
            if not uow.offers.decide(code, asker.name, now, is_allowed=is_allowed):
                raise Refused("control.decided")
            keys = frozenset({offer.key})
            event = e.Approved(at=now, keys=keys) if is_allowed else e.Denied(keys=keys, at=now)
            return Decision(change=changed(uow, task, event), keys=(offer.key,)), ""

        decision, stale = await self._means.store.transact(work)
        await announce(self._means.bus, decision.change)
        asker = asker.about(decision.change.after)
        if stale:
            return self._shown_again(asker, decision, [asker.say(stale)])
        key = "control.approved" if is_allowed else "control.denied"
        return Reply(text=self._outcome(asker, decision, key), language=asker.language, is_notice=True)

    # --- inside a transaction -------------------------------------------------------------------------------------

    def _approved(self, uow: UnitOfWork, asker: Asker, typed: str) -> Decision:
        task, keys = self._waiting(uow, asker, typed)
        now = self._means.clock.now()
        standing = {offer.key: offer for offer in uow.offers.live(task.id, now) if _is_for(offer, task)}
        seen = [key for key in keys if key in standing]
        allowed = [key for key in seen if uow.offers.decide(standing[key].code, asker.name, now, is_allowed=True)]
        change = changed(uow, task, e.Approved(at=now, keys=frozenset(allowed))) if allowed else _none(task)
        unseen = [key for key in keys if key not in standing]
        return Decision(
            change=change, keys=tuple(allowed), shown=self._means.offering.of(uow, change.after, now, unseen)
        )

    def _waiting(self, uow: UnitOfWork, asker: Asker, typed: str) -> tuple[Task, tuple[str, ...]]:
        """The task that is meant, held for change, and those of its steps that wait. Raises Refused when none does."""
        name, step = read_step(typed)
        task = held(uow, asker, name or _only_waiting(uow, asker), may_decide)
        keys = tuple(sub.key for sub in awaiting(task))
        if step is not None and step not in keys:
            raise Refused("control.step_not_waiting", task=task.id, step=safe_line(step, TITLE))
        if not keys:
            raise Refused("control.none_waiting", task=task.id)
        return task, keys if step is None else (step,)

    def _offered(self, uow: UnitOfWork, asker: Asker, code: str, now: datetime) -> tuple[Offer, Task]:
        """An offer that can still be decided about by whoever asks, and its task. Raises Refused for any other."""
        offer = uow.offers.find(code)
        task = uow.tasks.lock([offer.task_id]).get(offer.task_id) if offer else None
        if offer is None or task is None or not may_decide(asker, task):
            raise Refused("control.not_yours")
        if offer.decided_at is not None:
            raise _decided(asker.about(task), offer, now)
        if offer.key not in {sub.key for sub in awaiting(task)}:
            raise Refused("control.step_not_waiting", task=task.id, step=safe_line(offer.key, TITLE))
        return offer, task

    # --- words ----------------------------------------------------------------------------------------------------

    def _outcome(self, asker: Asker, decision: Decision, key: str) -> str:
        task = decision.change.after
        titles = (safe_line(node_of(task, one).title, TITLE) for one in decision.keys)
        steps = asker.say("status.comma").join(asker.say("status.name", title=title) for title in titles)
        return asker.say(key, steps=steps, task=task.id)

    def _shown_again(self, asker: Asker, decision: Decision, lines: Sequence[str]) -> Reply:
        task, keys = decision.change.after, [offer.key for offer in decision.shown]
        return Reply(
            text="\n".join([*lines, approvals_text(task, asker.language, keys)]),
            buttons=tuple(offer_row(offer, node_of(task, offer.key).title, asker.language) for offer in decision.shown),
            language=asker.language,
            is_refusal=not decision.keys,
            is_private=asker.message.is_group,
        )


def _only_waiting(uow: UnitOfWork, asker: Asker) -> str:
    """The id of their only open task in which something waits for leave. Raises Refused for none, or several."""
    found = (uow.tasks.find(asker.scope, line.id) for line in open_ones(uow, asker))
    fitting = [task.id for task in found if task is not None and awaiting(task)]
    if len(fitting) == 1:
        return fitting[0]
    raise Refused("chat.which_one", tasks=", ".join(fitting)) if fitting else Refused("chat.nothing_waits")


def _stale(task: Task, offer: Offer, now: datetime) -> str:
    """Why an offer does not count any more, as a sentence's key; empty when it does."""
    if not _is_for(offer, task):
        return "control.parameters_changed"
    return "control.offer_expired" if offer.expires_at <= now else ""


def _is_for(offer: Offer, task: Task) -> bool:
    """Whether what was shown is what would run."""
    return offer.digest == digest(task, offer.key)


def _none(task: Task) -> Change:
    return Change(before=task, after=task)


def _decided(asker: Asker, offer: Offer, now: datetime) -> Refused:
    what = "allowed" if offer.is_allowed else "denied"
    ago = duration((now - (offer.decided_at or now)).total_seconds(), asker.language)
    if offer.decided_by == asker.name:
        return Refused(f"control.{what}_by_you", ago=ago)
    return Refused(f"control.{what}_by", who=safe_line(offer.decided_by or "", TITLE), ago=ago)
