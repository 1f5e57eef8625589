"""What a chat is owed of one task, read and written down in single transactions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count

from bot.around import Surroundings
from bot.delivery.nonces import first_nonce, is_of, next_nonce
from bot.offers import Offering
from bot.post import Post
from domain.approval import Offer, awaiting, digest
from domain.card import NOTHING_KNOWN, Around
from domain.ports import UnitOfWork
from domain.post import Posted, PostKind
from domain.task import Task

MAX_ASKS = 5  # of one task at a time; more would only make a telephone ring
QUESTION = "question"  # what an ask is about that is not about an offer

_Key = tuple[PostKind, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One message of an answer, and which one of its kind it is."""

    kind: PostKind
    number: int
    post: Post

    @property
    def key(self) -> _Key:
        """By which it is found among a task's messages."""
        return self.kind, self.number


def parts_of(posts: Iterable[Post]) -> tuple[Part, ...]:
    """The messages of an answer in their order."""
    numbers = {PostKind.ANSWER: count(), PostKind.FILE: count()}
    kinds = ((PostKind.FILE if post.attachment else PostKind.ANSWER, post) for post in posts)
    return tuple(Part(kind=kind, number=next(numbers[kind]), post=post) for kind, post in kinds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A task as it stands, what was posted about it, and what is known around it.

    Args:
        task: as its rows say.
        posts: messages of ours about it, by kind and part.
        offers: what its asks are about, by code, whatever became of it.
        around: what its card says beside it.
        at: when this was read.
        fresh: nonces of messages that were written down just now, and that nobody can have sent yet.
    """

    task: Task
    posts: Mapping[_Key, Posted]
    offers: Mapping[str, Offer]
    at: datetime
    around: Around = NOTHING_KNOWN
    fresh: frozenset[str] = frozenset()

    @property
    def card(self) -> Posted | None:
        """The message with the card."""
        return self.posts.get((PostKind.CARD, 0))

    @property
    def asks(self) -> list[Posted]:
        """The messages that a person is to react to, and those that once were."""
        return [posted for (kind, _), posted in self.posts.items() if kind is PostKind.ASK]

    def open_part(self, parts: Sequence[Part]) -> Part | None:
        """The first message of an answer that does not show it yet; None once it is out."""
        for part in parts:
            posted = self.posts.get(part.key)
            if posted is None or not posted.is_filled:
                return part
        return None

    def is_live(self, ask: Posted) -> bool:
        """Whether somebody's word is still waited for."""
        if self.task.settled_at is not None:
            return False
        if ask.about == QUESTION:
            return self.task.question is not None and is_of(ask.nonce, _question_of(self.task))
        offer = self.offers.get(ask.about)
        if offer is None or offer.decided_at is not None or offer.expires_at <= self.at:
            return False
        return any(sub.key == offer.key and digest(self.task, sub.key) == offer.digest for sub in awaiting(self.task))


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What was done for a task's chat, to be written down.

    Args:
        posted: the message it was done to, as it is now.
        gone: this message is not there any more; another takes its place.
        adopted: the id of the task's card, from a time when messages were not written down.
        shown_version: the version of the task that the card shows now.
        is_delivered: the whole answer is out.
    """

    posted: Posted | None = None
    gone: Posted | None = None
    adopted: str | None = None
    shown_version: int | None = None
    is_delivered: bool = False


NOTHING = Done()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """Reads scenes, and writes down beforehand what is going to be sent. `offering` makes what can be approved."""

    offering: Offering
    surroundings: Surroundings = field(default_factory=Surroundings)

    def turn_page(
        self, uow: UnitOfWork, task_id: str, done: Done, parts: Sequence[Part] | None, now: datetime
    ) -> Scene | None:
        """Write down what was done, and what is to be done next; see how things stand then.

        Args:
            uow: the transaction.
            task_id: whose chat it is about.
            done: what was done since the last time.
            parts: the messages of its answer, once they are drawn.
            now: the time.

        Returns None when there is no such task.
        """
        note_done(uow, task_id, done, now)
        task = uow.tasks.peek(task_id)
        if task is None:
            return None
        scene = Scene(task=task, posts=_posts_of(uow, task, done.adopted), offers={}, at=now)
        scene = replace(scene, offers=_offers_of(uow, scene.asks))
        offers = dict(scene.offers)
        news = [_renewed(posted, done.gone) for posted in self._news(uow, scene, parts, offers)]
        written = {(posted.kind, posted.part): uow.posts.intend(posted) for posted in news}
        return replace(
            scene,
            posts={**scene.posts, **written},
            offers=offers,
            around=self.surroundings.of(uow, task, now),
            fresh=frozenset(posted.nonce for posted in written.values()),
        )

    def _news(
        self, uow: UnitOfWork, scene: Scene, parts: Sequence[Part] | None, offers: dict[str, Offer]
    ) -> Iterator[Posted]:
        """The messages that are to be sent now and were not written down. An answer that was faster than its card needs
        none any more."""
        part = scene.open_part(parts) if parts is not None else None
        if scene.task.answer is None:
            yield from self._new_asks(uow, scene, offers)
            if scene.card is None:
                yield _message(scene.task, PostKind.CARD, 0, "0")
        elif part is not None and part.key not in scene.posts:
            yield _message(scene.task, part.kind, part.number, str(part.number))

    def _new_asks(self, uow: UnitOfWork, scene: Scene, offers: dict[str, Offer]) -> Iterator[Posted]:
        """Asks for what nobody was asked yet. What was offered and has expired is offered again only by request."""
        task = scene.task
        parts = count(max((ask.part for ask in scene.asks), default=-1) + 1)
        if task.question is not None and not any(is_of(ask.nonce, _question_of(task)) for ask in scene.asks):
            yield _message(task, PostKind.ASK, next(parts), _question_of(task), QUESTION)
        asked = {(offer.key, offer.digest) for offer in offers.values() if offer.decided_at is None}
        unasked = [sub.key for sub in awaiting(task) if (sub.key, digest(task, sub.key)) not in asked]
        room = MAX_ASKS - sum(scene.is_live(ask) for ask in scene.asks)
        for offer in self.offering.of(uow, task, scene.at, unasked[: max(0, room)]):
            offers[offer.code] = offer
            yield _message(task, PostKind.ASK, next(parts), offer.code, offer.code)


def note_done(uow: UnitOfWork, task_id: str, done: Done, now: datetime) -> None:
    """Write down what was done."""
    if done.gone is not None:
        uow.posts.forget(task_id, done.gone.kind, done.gone.part)
    if done.posted is not None:
        uow.posts.placed(done.posted)
    if done.shown_version is not None:
        message_id = done.posted.message_id if done.posted else None
        uow.deliveries.shown(task_id, done.shown_version, message_id)
    if done.is_delivered:
        uow.deliveries.delivered(task_id, now)


def _posts_of(uow: UnitOfWork, task: Task, adopted: str | None) -> dict[_Key, Posted]:
    posts = {(posted.kind, posted.part): posted for posted in uow.posts.of_task(task.id)}
    if adopted is not None and (PostKind.CARD, 0) not in posts:
        card = replace(_message(task, PostKind.CARD, 0, "0"), message_id=adopted, is_filled=True)
        uow.posts.intend(card)
        posts[PostKind.CARD, 0] = card
    return posts


def _offers_of(uow: UnitOfWork, asks: Sequence[Posted]) -> dict[str, Offer]:
    found = {ask.about: uow.offers.find(ask.about) for ask in asks if ask.about != QUESTION}
    return {code: offer for code, offer in found.items() if offer is not None}


def _message(task: Task, kind: PostKind, part: int, what: str, about: str = "") -> Posted:
    nonce = first_nonce(task.id, kind, what)
    return Posted(task_id=task.id, kind=kind, part=part, place=task.route.place, nonce=nonce, about=about)


def _renewed(posted: Posted, gone: Posted | None) -> Posted:
    """In the place of one that is gone, another has another name."""
    if gone is None or (gone.kind, gone.part) != (posted.kind, posted.part):
        return posted
    return replace(posted, nonce=next_nonce(gone.nonce))


def _question_of(task: Task) -> str:
    """Which of a task's questions it is that is open."""
    return f"q{len(task.dialogue)}"
