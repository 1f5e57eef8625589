"""What to do next for a task's chat: pure decisions, one message at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.delivery.nonces import generation
from bot.delivery.scene import Done, Part, Scene
from bot.drawing.answers import NAME, placeholder
from bot.drawing.asks import ask_post, settled_ask
from bot.drawing.cards import card_post, same_but_for_time
from bot.drawing.rich_text import RichText
from bot.lane import Urgency
from bot.platform import Traits
from bot.post import Post
from domain.card import card_of
from domain.errors import Refused
from domain.post import Posted, PostKind
from domain.safe_text import safe_line
from domain.task import FINAL_TASK, Task, TaskState
from domain.texts import say

SELDOM = 0.05  # of a task's age: how old its durations may be
MAX_GENERATIONS = 5  # so often a message that somebody deletes is sent again


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a card shows since when."""

    post: Post
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What a step depends on beside the scene.

    Args:
        traits: of the platform.
        refresh_s: seconds after which a card shows that time has passed.
        parts: the messages of the answer, once they are drawn.
        shown: what the card shows, as far as this process knows.
        draft: the beginning of an answer that is being written.
    """

    traits: Traits
    refresh_s: float
    parts: Sequence[Part] | None = None
    shown: Shown | None = None
    draft: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One message to send, or to edit where it is there already.

    Args:
        urgency: against other messages.
        posted: which message of ours.
        post: what it is to show.
        is_filled: whether that is what it is for, and not its placeholder.
        shown_version: the version of the task that a card shows then.
        is_last: the answer is out then.
    """

    urgency: Urgency
    posted: Posted
    post: Post
    is_filled: bool = True
    shown_version: int | None = None
    is_last: bool = False

    def done(self, message_id: str) -> Done:
        """It was carried out."""
        posted = replace(self.posted, message_id=message_id, is_filled=self.is_filled)
        news = posted if posted != self.posted else None
        return Done(posted=news, shown_version=self.shown_version, is_delivered=self.is_last)

    def gone(self, scene: Scene) -> Done:
        """It could not be, as its message is not there any more. Another is sent, unless nobody misses it.

        Raises Refused when one after the other goes away."""
        if self.posted.kind is PostKind.ASK:
            return Done(posted=replace(self.posted, is_filled=True))
        is_spent = generation(self.posted.nonce) >= MAX_GENERATIONS
        if self.posted.kind is PostKind.CARD and (is_spent or scene.task.answer is not None):
            return Done(shown_version=self.shown_version)
        if is_spent:
            raise Refused("chat.message_gone")
        return Done(gone=self.posted)

    def passed_over(self) -> Done:
        """It is refused, and nobody misses it: the message stays as it is."""
        posted = replace(self.posted, is_filled=True) if self.posted.kind is PostKind.ASK else None
        return Done(posted=posted, shown_version=self.shown_version)


def next_step(scene: Scene, view: View) -> Step | None:
    """The most urgent thing to do; None when the chat has all that it is owed for now."""
    return (
        _answer(scene, view)
        or _ask(scene, view)
        or _first_card(scene, view)
        or _settled_ask(scene, view)
        or _card_edit(scene, view)
    )


def _answer(scene: Scene, view: View) -> Step | None:
    """The next part of the answer. Where sending twice shows twice, a placeholder is sent, and filled once it is known
    to be there: an edit may be repeated."""
    part = scene.open_part(view.parts) if view.parts is not None and scene.task.answer is not None else None
    posted = scene.posts.get(part.key) if part else None
    if view.parts is None or part is None or posted is None:
        return None
    post, is_stub = part.post, posted.message_id is None and not view.traits.sends_once
    if is_stub:
        post = replace(placeholder(scene.task), is_silent=post.is_silent, reply_to=post.reply_to)
    is_last = not is_stub and part is view.parts[-1]
    return Step(urgency=Urgency.FINAL, posted=posted, post=post, is_filled=not is_stub, is_last=is_last)


def without_file(task: Task, parts: Sequence[Part], posted: Posted) -> tuple[Part, ...]:
    """The answer with a message that says so in the place of a file that cannot be sent."""
    return tuple(
        replace(part, post=_unsent(task, part.post)) if part.key == (posted.kind, posted.part) else part
        for part in parts
    )


def _unsent(task: Task, post: Post) -> Post:
    name = safe_line(post.attachment.name if post.attachment else "", NAME)
    return replace(post, attachment=None, text=RichText(say("answer.not_attached", task.language, names=name)))


def _ask(scene: Scene, view: View) -> Step | None:
    for ask in scene.asks:
        if ask.message_id is None and not ask.is_filled and scene.is_live(ask):
            post = ask_post(scene.task, scene.around, scene.offers.get(ask.about), view.traits)
            return Step(urgency=Urgency.ASK, posted=ask, post=post, is_filled=False)
    return None


def _settled_ask(scene: Scene, view: View) -> Step | None:
    """Show on an ask that its time is over. It counts as filled once it shows its last form."""
    for ask in scene.asks:
        if ask.message_id is not None and not ask.is_filled and not scene.is_live(ask):
            post = settled_ask(scene.task, scene.offers.get(ask.about), view.traits)
            return Step(urgency=Urgency.EDIT, posted=ask, post=post)
    return None


def _first_card(scene: Scene, view: View) -> Step | None:
    if scene.card is None or scene.card.message_id is not None or scene.task.answer is not None:
        return None
    post = replace(draw_card(scene, view), is_silent=True, reply_to=scene.task.route.reply_to)
    return Step(urgency=Urgency.CARD, posted=scene.card, post=post, shown_version=scene.task.version)


def _card_edit(scene: Scene, view: View) -> Step | None:
    if scene.card is None or scene.card.message_id is None:
        return None
    post = draw_card(scene, view)
    urgency = Urgency.EDIT
    if view.shown is not None:
        if (view.shown.post.text, view.shown.post.buttons) == (post.text, post.buttons):
            return None
        if same_but_for_time(view.shown.post, post):
            if not is_moving(scene.task) or scene.at < view.shown.at + _refresh(scene.task, view, view.shown):
                return None
            urgency = Urgency.TIME
    return Step(urgency=urgency, posted=scene.card, post=post, shown_version=scene.task.version)


def draw_card(scene: Scene, view: View) -> Post:
    """The card as it is to look now."""
    is_being_answered = scene.task.settled_at is not None and scene.task.answer is None
    draft = view.draft if is_being_answered else ""
    return card_post(card_of(scene.task, scene.at, draft, scene.around), view.traits)


def is_moving(task: Task) -> bool:
    """Whether its card changes just because time passes."""
    return task.state not in FINAL_TASK and task.state is not TaskState.WAITING


def is_working(task: Task) -> bool:
    """Whether somebody is thinking about what to say: its plan or its answer."""
    is_planned = task.state is TaskState.PLANNING and task.model_away is None
    return is_planned or (task.settled_at is not None and task.answer is None)


def next_look_at(scene: Scene, view: View) -> datetime | None:
    """When there will be something to do though nothing was heard: time has passed on the card, or for an ask."""
    times = [
        scene.offers[ask.about].expires_at for ask in scene.asks if ask.about in scene.offers and scene.is_live(ask)
    ]
    if view.shown is not None and is_moving(scene.task):
        refresh = _refresh(scene.task, view, view.shown)
        due_at = view.shown.at + refresh
        times.append(due_at if due_at > scene.at else scene.at + refresh)  # it looked the same just now
    return min(times, default=None)


def _refresh(task: Task, view: View, shown: Shown) -> timedelta:
    """How soon a card is to tell that time has passed: the longer it has taken, the more seldom anybody looks."""
    age_s = (shown.at - task.created_at).total_seconds()
    return timedelta(seconds=max(view.refresh_s, SELDOM * age_s))
