"""Why a task is not done yet, in a person's words, from rows only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from bot.card_text import AGENT, REASON, TITLE, model_text
from domain.card import NOTHING_KNOWN, Around, awaited
from domain.ends import has_begun, node_of, plan_of, waits_for_approval
from domain.safe_text import safe_line
from domain.steering import is_fetching
from domain.task import FINAL, Attempt, Outcome, Subtask, SubtaskState, Task, TaskState, UploadState
from domain.texts import Language, say
from domain.when import told_time
from domain.wording import duration, why

STEPS = 6  # subtasks that are told about one by one
NAMES = 3  # of what one of them waits for


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What the rows say about a task at `now`.

    Args:
        task: as it stands.
        now: the time of looking.
        attempts: its ended attempts, in the order they ended.
        around: what else is known.
        offered: skills that somebody performs at the moment; None when that cannot be said, because an agent that
            announces none is there.
        roles: parts of the control plane that are running.
    """

    task: Task
    now: datetime
    attempts: Sequence[Attempt] = ()
    around: Around = NOTHING_KNOWN
    offered: frozenset[str] | None = None
    roles: frozenset[str] = frozenset()


def status_text(standing: Standing, language: Language) -> str:
    """What keeps a task, what happened last, and how long it may still take. Empty when it is over."""
    if standing.task.answer is not None:
        return ""
    view = _View(standing, language)
    return "\n".join([*view.blocks(), *view.last(), *view.deadline(), *view.origin()])


class _View:
    """One standing in one language."""

    def __init__(self, standing: Standing, language: Language) -> None:
        self._standing = standing
        self._task = standing.task
        self._language = language

    def blocks(self) -> Iterable[str]:
        """What keeps it, the most telling first."""
        task = self._task
        if task.settled_at is not None:
            yield self._say("status.answering", age=self._age(task.settled_at))
            yield from self._nobody("aggregator")
        elif task.question is None:
            yield from self._planning()
            yield from self._steps()

    def last(self) -> Iterable[str]:
        """What happened last."""
        _, (at, what) = max(enumerate(self._events()), key=lambda numbered: (numbered[1][0], numbered[0]))
        yield self._say("status.last", age=self._age(at), what=what)

    def deadline(self) -> Iterable[str]:
        """How long it may still take."""
        task, now = self._task, self._standing.now
        if task.settled_at is not None:
            return
        left_s = (task.deadline_at - now).total_seconds()
        key = "status.deadline" if left_s > 0 else "status.overdue"
        yield self._say(key, left=duration(abs(left_s), self._language))

    def origin(self) -> Iterable[str]:
        """What handed it in, and until when it must have begun."""
        task, now = self._task, self._standing.now
        if task.schedule_id is not None:
            yield self._say("status.scheduled", schedule=task.schedule_id)
        if task.expires_at is not None and task.expires_at > now and not has_begun(task):
            left = duration((task.expires_at - now).total_seconds(), self._language)
            yield self._say("status.expires", left=left)

    # --- before there is a plan -----------------------------------------------------------------------------------

    def _planning(self) -> Iterable[str]:
        task, ahead = self._task, self._standing.around.ahead
        if task.planned_at is not None:
            return
        if task.run_at is not None and task.run_at > self._standing.now:
            yield self._starts(task.run_at)
            return
        if is_fetching(task.uploads):
            missing = sum(upload.state is UploadState.PENDING for upload in task.uploads)
            yield self._say("status.fetching", count=missing)
        elif (model := awaited(task, self._standing.now)) is not None:
            yield model_text(model, self._language)
        elif task.state is TaskState.PLANNING and task.claimed_by is not None:
            is_silent = task.claimed_until is not None and task.claimed_until <= self._standing.now
            yield self._say("status.planner_silent" if is_silent else "status.planning")
        else:
            yield self._say("status.ahead" if ahead else "status.next", count=ahead)
        yield from self._nobody("planner")

    def _starts(self, at: datetime) -> str:
        zone = ZoneInfo(self._task.zone or "UTC")
        left = duration((at - self._standing.now).total_seconds(), self._language)
        return self._say("status.starts", time=told_time(at, zone, self._language), zone=zone.key, left=left)

    def _nobody(self, role: str) -> Iterable[str]:
        """A part of the control plane that is not running is worth a word, if any is known to run."""
        if self._standing.roles and role not in self._standing.roles:
            yield self._say("status.no_role", role=role)

    # --- the steps ------------------------------------------------------------------------------------------------

    def _steps(self) -> Iterable[str]:
        offered = {offer.key for offer in self._standing.around.offers}  # shown in full below
        open_ones = (sub for sub in self._task.subtasks.values() if sub.state not in FINAL)
        moving = [sub for sub in open_ones if sub.key not in offered]
        told = sorted(moving, key=lambda sub: _ORDER.index(sub.state))[:STEPS]
        for sub in told:
            yield self._say("status.step", title=self._title(sub.key), what="".join(self._step(sub)))
        if len(moving) > len(told):
            yield self._say("status.more", count=len(moving) - len(told))
        if any(sub.state is SubtaskState.READY for sub in moving):
            yield from self._nobody("dispatcher")

    def _step(self, sub: Subtask) -> Iterable[str]:
        """Clauses about one step: what it is doing or waiting for, which try it is, what went wrong before."""
        match sub.state:
            case SubtaskState.RUNNING:
                yield self._running(sub)
            case SubtaskState.DISPATCHED:
                yield self._say("status.sent", agent=self._agent(sub), age=self._age(sub.dispatched_at))
                yield from self._absent(sub)
            case SubtaskState.READY:
                yield self._ready(sub)
            case _:
                yield self._pending(sub)
        yield from self._tries(sub)

    def _running(self, sub: Subtask) -> str:
        if sub.lease is not None and sub.lease.until <= self._standing.now:
            return self._say("status.silent", agent=self._agent(sub), age=self._age(sub.started_at))
        left_s = (sub.due_at - self._standing.now).total_seconds() if sub.due_at else 0.0
        limit = self._say("status.limit", left=duration(left_s, self._language)) if left_s > 0 else ""
        return self._say("status.running", agent=self._agent(sub), age=self._age(sub.started_at)) + limit

    def _ready(self, sub: Subtask) -> str:
        if waits_for_approval(self._task, sub):
            return self._say("status.approval")
        if sub.due_at is not None and sub.due_at > self._standing.now:
            left_s = (sub.due_at - self._standing.now).total_seconds()
            return self._say("status.pause", left=duration(left_s, self._language))
        skill, offered = node_of(self._task, sub.key).skill, self._standing.offered
        if offered is not None and skill not in offered:
            return self._say("status.no_agent", skill=safe_line(skill, AGENT))
        return self._say("status.turn")

    def _absent(self, sub: Subtask) -> Iterable[str]:
        if sub.agent in self._standing.around.absent:
            yield self._say("status.absent", agent=self._agent(sub))

    def _pending(self, sub: Subtask) -> str:
        plan = plan_of(self._task)
        if children := plan.made.get(sub.key, ()):
            ended = sum(self._task.subtasks[child.id].state in FINAL for child in children)
            return self._say("status.parts", done=ended, count=len(children))
        missing = [key for key in plan.edges[sub.key] if self._task.subtasks[key].state not in FINAL]
        named = self._say("status.comma").join(
            self._say("status.name", title=self._title(key)) for key in missing[:NAMES]
        )
        more = self._say("status.others", count=len(missing) - NAMES) if len(missing) > NAMES else ""
        return self._say("status.waits", steps=named + more)

    def _tries(self, sub: Subtask) -> Iterable[str]:
        if sub.failures:
            count = node_of(self._task, sub.key).max_attempts
            yield self._say("status.try", number=min(sub.failures + 1, count), count=count)
            if before := self._failure_before(sub):
                yield self._say("status.before", why=before)
        if sub.handbacks:
            yield self._say("status.handbacks", count=sub.handbacks)

    def _failure_before(self, sub: Subtask) -> str:
        failures = [attempt.failure for attempt in self._standing.attempts if attempt.key == sub.key]
        last = next((failure for failure in reversed(failures) if failure is not None), sub.failure)
        return why(last, self._language, REASON) if last else ""

    # --- what happened last ---------------------------------------------------------------------------------------

    def _events(self) -> Iterable[tuple[datetime, str]]:
        """Everything that has a time; of two at once the later one here tells more."""
        task = self._task
        yield task.created_at, self._say("status.event_received")
        if task.planned_at is not None:
            yield task.planned_at, self._say("status.event_planned")
        if task.cancelled_at is not None:
            yield task.cancelled_at, self._say("status.event_stopped")
        for attempt in self._standing.attempts:
            if attempt.key in task.subtasks and task.subtasks[attempt.key].state not in FINAL:
                yield attempt.ended_at, self._attempt(attempt)
        for sub in task.subtasks.values():
            yield from self._step_events(sub)

    def _step_events(self, sub: Subtask) -> Iterable[tuple[datetime, str]]:
        if sub.state is SubtaskState.DISPATCHED and sub.dispatched_at is not None:
            yield sub.dispatched_at, self._event("sent", sub.key, agent=self._agent(sub))
        if sub.state is SubtaskState.RUNNING and sub.started_at is not None:
            yield sub.started_at, self._event("begun", sub.key, agent=self._agent(sub))
        if sub.finished_at is not None:
            yield sub.finished_at, self._event(str(sub.state), sub.key)

    def _attempt(self, attempt: Attempt) -> str:
        known = attempt.outcome if attempt.outcome in _ENDS else Outcome.FAILED
        reason = why(attempt.failure, self._language, REASON) if attempt.failure and known is Outcome.FAILED else ""
        said = self._event(f"try_{known}", attempt.key, number=attempt.number)
        return self._say("wording.detail", reason=said, detail=reason) if reason else said

    def _event(self, what: str, key: str, /, **values: object) -> str:
        return self._say(f"status.event_{what}", title=self._title(key), **values)

    # --- words ----------------------------------------------------------------------------------------------------

    def _say(self, key: str, /, **values: object) -> str:
        return say(key, self._language, **values)

    def _age(self, since: datetime | None) -> str:
        return duration((self._standing.now - (since or self._standing.now)).total_seconds(), self._language)

    def _title(self, key: str) -> str:
        return safe_line(node_of(self._task, key).title, TITLE) if key in plan_of(self._task).by_id else key

    def _agent(self, sub: Subtask) -> str:
        return safe_line(sub.agent or "", AGENT)


_ORDER = (
    SubtaskState.RUNNING,
    SubtaskState.DISPATCHED,
    SubtaskState.READY,
    SubtaskState.PENDING,
)
_ENDS = frozenset({Outcome.FAILED, Outcome.TIMED_OUT, Outcome.HANDED_BACK, Outcome.LEASE_EXPIRED})
