"""What a text means to a task that is there already: an edit, a reply, an addition. Decided inside a transaction."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.reply import Accepted, Reply
from domain import events as e
from domain.chat import MAX_REQUEST, ChatMessage
from domain.ports import UnitOfWork
from domain.progress import step
from domain.safe_text import safe_line
from domain.steer_text import Less, More, Stop, steer
from domain.steering import can_be_amended, is_unbegun
from domain.task import FINAL, Scope, Task
from domain.texts import Language, language_of, say
from domain.uploads import placed

TITLE = 60  # characters
BETWEEN = "\n\n"  # messages that are one request


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """A text of somebody: where and how it was said, its words made clean, and the language to answer in."""

    message: ChatMessage
    scope: Scope
    text: str
    language: Language
    now: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathering:
    """How long more of a request is waited for: after its latest part, and after its first, in seconds."""

    quiet_s: float = 0.4
    total_s: float = 5.0


USUAL = Gathering()


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """What came of it: what to say, and what a task's change asks for."""

    outcome: Accepted | Reply
    task_id: str = ""
    effects: tuple[e.Effect, ...] = ()


def meant(uow: UnitOfWork, heard: Heard, gathering: Gathering) -> Meant | None:
    """What a text means to a task that is there. None: it is a request of its own."""
    if heard.message.is_edit:
        return _edited(uow, heard, gathering)
    return _replied(uow, heard) or _added(uow, heard, gathering)


def claim(uow: UnitOfWork, heard: Heard, task_id: str) -> str | None:
    """Take the update for a task; the task that it became earlier, if it did. What it said is kept where it can be
    edited."""
    message = heard.message
    said = heard.text if message.message_id else ""
    return uow.inbox.claim(message.platform, message.bot_id, message.update_key, task_id, said)


# --- edits and additions before anything began ------------------------------------------------------------------------


def _edited(uow: UnitOfWork, heard: Heard, gathering: Gathering) -> Meant | None:
    message = heard.message
    known = uow.inbox.known(message.platform, message.bot_id, message.update_key)
    if known is None:
        return None
    task = uow.tasks.lock([known]).get(known)
    if task is None or task.scope != heard.scope:
        return Meant(outcome=Reply())  # a command, which was obeyed as it was
    before = uow.inbox.said(task.id)
    if not is_unbegun(task) or not before:
        text = say("chat.begun_already", heard.language, task=task.id)
        return Meant(outcome=Reply(text=text, is_refusal=True, is_private=True, language=heard.language))
    uow.inbox.reword(message.platform, message.bot_id, message.update_key, heard.text)
    request = BETWEEN.join(uow.inbox.said(task.id))
    if request == task.request:
        return Meant(outcome=Accepted(task_id=task.id, is_new=False))
    return _reworded(uow, task, e.Reworded(request=request, language=language_of(request), uploads=task.uploads))


def _added(uow: UnitOfWork, heard: Heard, gathering: Gathering) -> Meant | None:
    """Another part of a request that is still coming in."""
    gathered = uow.tasks.gathering(heard.scope, heard.message.place, heard.now) if heard.message.gathers else None
    task = uow.tasks.lock([gathered]).get(gathered) if gathered else None
    if task is None or not is_unbegun(task):
        return None
    request = BETWEEN.join(part for part in (task.request, heard.text) if part)
    is_late = task.created_at + timedelta(seconds=gathering.total_s) <= heard.now
    if is_late or len(request) > MAX_REQUEST:
        return None
    earlier = claim(uow, heard, task.id)
    if earlier is not None:
        return Meant(outcome=Accepted(task_id=earlier, is_new=False))
    changed = e.Reworded(
        request=request,
        language=heard.language if language_of(request) == "en" else "zh",
        uploads=(*task.uploads, *placed(heard.message.uploads, task.id, task.uploads)),
        until=heard.now + timedelta(seconds=gathering.quiet_s),
    )
    return _reworded(uow, task, changed)


def _reworded(uow: UnitOfWork, task: Task, event: e.Reworded) -> Meant:
    after, effects = step(task, event)
    uow.tasks.put(after)
    return Meant(outcome=Accepted(task_id=task.id, is_new=False), task_id=task.id, effects=effects)


# --- replies to what is under way -----------------------------------------------------------------------------------


def _replied(uow: UnitOfWork, heard: Heard) -> Meant | None:
    """The answer to a question, or what is wanted more or less of a task whose card was replied to."""
    task = _task_meant(uow, heard)
    if task is None or not (task.question is not None or can_be_amended(task)):
        return None
    earlier = claim(uow, heard, task.id)
    if earlier is not None:
        return Meant(outcome=Accepted(task_id=earlier, is_new=False))
    if task.question is not None:
        uploads = placed(heard.message.uploads, task.id, task.uploads)
        return _changed(uow, task, e.QuestionAnswered(reply=heard.text, at=heard.now, uploads=uploads))
    return _steered(uow, task, heard)


def _task_meant(uow: UnitOfWork, heard: Heard) -> Task | None:
    """The task of this person whose message was replied to, else the one that asks something in this chat."""
    message = heard.message
    posted = uow.posts.find(message.place, message.reply_to) if message.reply_to else None
    known = posted.task_id if posted else uow.tasks.asking(heard.scope, message.route)
    task = uow.tasks.lock([known]).get(known) if known else None
    return task if task is not None and task.scope == heard.scope else None


def _steered(uow: UnitOfWork, task: Task, heard: Heard) -> Meant:
    match steer(heard.text):
        case Stop():
            return _changed(uow, task, e.CancelRequested(at=heard.now))
        case Less() as less:
            return _less(uow, task, less, heard)
        case More(text=text):
            uploads = placed(heard.message.uploads, task.id, task.uploads)
            after = _changed(uow, task, e.Amended(text=text, at=heard.now, uploads=uploads))
            told = Reply(text=say("chat.amended", heard.language, task=task.id), language=heard.language)
            return replace(after, outcome=told)


def _less(uow: UnitOfWork, task: Task, less: Less, heard: Heard) -> Meant:
    keys = [node.id for node in task.plan.nodes if not node.parent] if task.plan else []
    key = less.name if less.name in task.subtasks else _numbered(keys, less.number)
    if key is None or task.plan is None:
        steps = safe_line(", ".join(keys), 200)
        return _said(heard, "chat.no_step_to_drop", task=task.id, steps=steps)
    title = safe_line(task.plan.by_id[key].title, TITLE)
    after = _changed(uow, task, e.StepDropped(key=key, at=heard.now))
    if not after.effects and task.subtasks[key].state in FINAL:
        return _said(heard, "chat.step_over", task=task.id, title=title)
    reply = Reply(text=say("chat.step_dropped", heard.language, task=task.id, title=title), language=heard.language)
    return Meant(outcome=reply, task_id=after.task_id, effects=after.effects)


def _numbered(keys: list[str], number: int) -> str | None:
    if number == 0 or not -len(keys) <= number <= len(keys):
        return None
    return keys[number if number < 0 else number - 1]


def _changed(uow: UnitOfWork, task: Task, event: e.Event) -> Meant:
    after, effects = step(task, event)
    if after is not task:
        ended = [effect.attempt for effect in effects if isinstance(effect, e.RecordAttempt)]
        uow.tasks.put(after, ended)
    return Meant(outcome=Accepted(task_id=task.id, is_new=False, is_reply=True), task_id=task.id, effects=effects)


def _said(heard: Heard, key: str, /, **values: str) -> Meant:
    return Meant(outcome=Reply(text=say(key, heard.language, **values), is_refusal=True, language=heard.language))
