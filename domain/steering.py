"""What a person decides about a task that is under way: its words, its files, its steps, what waits for them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from domain import events as e
from domain import growth
from domain.ends import Step, put, stand, waits_for_approval, withdraw
from domain.task import Exchange, Task, TaskState, Upload, UploadState


def is_unbegun(task: Task) -> bool:
    """Whether its words may still change: nothing was planned, asked or ended."""
    return task.plan is None and task.question is None and not task.dialogue and task.settled_at is None


def can_be_amended(task: Task) -> bool:
    """Whether more can be asked of it: it is neither over, nor being cancelled, nor waiting for a reply."""
    return task.settled_at is None and task.cancelled_at is None and task.question is None


def reworded(task: Task, event: e.Reworded) -> Step:
    """Whoever plans the old words plans in vain."""
    if not is_unbegun(task):
        return task, ()
    task = replace(
        task,
        request=event.request,
        language=event.language,
        state=TaskState.RECEIVED,
        claimed_by=None,
        claimed_until=event.until,
        model_away=None,
    )
    return with_uploads(replace(task, uploads=()), event.uploads), (e.Replan(),)


def with_uploads(task: Task, uploads: tuple[Upload, ...]) -> Task:
    """The task with more files; nobody plans it before they are there, or its time is up."""
    held = task.deadline_at if is_fetching(uploads) else task.claimed_until
    return replace(task, uploads=(*task.uploads, *uploads), claimed_until=held)


def fetched(task: Task, event: e.Fetched) -> Step:
    """Once no file is missing any more, the task is anybody's to plan."""
    now = {upload.ref: upload for upload in event.uploads}
    uploads = tuple(now.get(upload.ref, upload) for upload in task.uploads)
    if uploads == task.uploads:
        return task, ()
    task = replace(task, uploads=uploads)
    if is_fetching(uploads) or task.planned_at is not None or task.claimed_by is not None:
        return task, ()
    return replace(task, claimed_until=None), (e.Replan(),)


def is_fetching(uploads: Iterable[Upload]) -> bool:
    """Whether a file is still on its way."""
    return any(upload.state is UploadState.PENDING for upload in uploads)


def amended(task: Task, event: e.Amended) -> Step:
    """What runs goes on; the planner hears what was added, and plans what is new. It knows results by now, so what it
    adds may only read, unless a person allows more."""
    if not can_be_amended(task):
        return task, ()
    begun = any(sub.attempt for sub in task.subtasks.values())
    task = replace(
        task,
        dialogue=(*task.dialogue, Exchange(said="", reply=event.text)),
        state=TaskState.PLANNING if task.plan else TaskState.RECEIVED,
        plan=task.plan and replace(task.plan, is_amended=task.plan.is_amended or begun),
        planned_at=None,
        claimed_until=None,
        claimed_by=None,
        model_away=None,
    )
    return with_uploads(task, event.uploads), (e.Replan(),)


def step_dropped(task: Task, event: e.StepDropped) -> Step:
    """The step, and what was made of it, never runs (again); what needs it is skipped."""
    if task.plan is None or event.key not in task.subtasks:
        return task, ()
    below = [sub.key for sub in task.subtasks.values() if _is_below(task, sub.key, event.key)]
    return withdraw(task, below, "dropped", event.at)


def _is_below(task: Task, key: str, top: str) -> bool:
    return task.plan is not None and any(node.id == top for node in growth.lineage(task.plan, key))


def approved(task: Task, event: e.Approved) -> Step:
    """Let what waits go on."""
    waiting = [
        sub
        for sub in task.subtasks.values()
        if waits_for_approval(task, sub) and (event.keys is None or sub.key in event.keys)
    ]
    if not waiting:
        return task, ()
    return stand(put(task, [replace(sub, approved=True) for sub in waiting]), event.at)


def denied(task: Task, event: e.Denied) -> Step:
    """What was refused never runs; what needs it is skipped."""
    waiting = [sub.key for sub in task.subtasks.values() if sub.key in event.keys and waits_for_approval(task, sub)]
    return withdraw(task, waiting, "denied", event.at)
