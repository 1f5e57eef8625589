"""What the bot keeps about chats: people, offers, previews, its own messages, and who speaks for which token."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from domain.approval import Offer
from domain.people import Pairing, Person
from domain.post import Posted, PostKind
from domain.preview import Preview
from domain.task import Place, Scope


class People(Protocol):
    """Who is known, which group chats are, and the codes that make them so. All of it per tenant of the store."""

    def find(self, platform: str, user_id: str) -> Person | None:
        """Somebody by id."""
        ...

    def put(self, person: Person, at: datetime) -> None:
        """Write somebody down as they are from now on. They become known at the time they get a role."""
        ...

    def remove(self, platform: str, user_id: str) -> bool:
        """Forget somebody. False when nobody of that id was known."""
        ...

    def known(self) -> list[Person]:
        """Everybody with a role, owners first, then in the order they became known."""
        ...

    def is_chat_known(self, platform: str, chat_id: str) -> bool:
        """Whether a group chat was let in."""
        ...

    def let_in(self, platform: str, chat_id: str, by: str, at: datetime) -> None:
        """Let a group chat in."""
        ...

    def shut_out(self, platform: str, chat_id: str) -> bool:
        """Let it in no longer. False when it was not."""
        ...

    def issue(self, pairing: Pairing) -> None:
        """Keep a code's digest until it is redeemed or has expired; forget the expired ones."""
        ...

    def redeem(self, digest: str, now: datetime) -> Pairing | None:
        """Use a code up; None when there is none like it any more. Two at once: one gets it."""
        ...

    def tries(self, platform: str, user_id: str, since: datetime) -> int:
        """How often somebody knocked (`knocked`) since then, as far as the last day goes."""
        ...

    def knocked(self, platform: str, user_id: str, at: datetime) -> None:
        """Somebody unknown wrote, or sent a wrong code. Knocks from more than a day before are forgotten."""
        ...


class Offers(Protocol):
    """What was shown to be allowed or refused."""

    def make(self, offer: Offer) -> None:
        """Keep a new offer."""
        ...

    def find(self, code: str) -> Offer | None:
        """An offer by its code, whatever became of it."""
        ...

    def live(self, task_id: str, now: datetime) -> list[Offer]:
        """Offers of a task that are neither decided nor expired, oldest first."""
        ...

    def decide(self, code: str, by: str, at: datetime, *, is_allowed: bool) -> bool:
        """Note the decision. False when it was decided before, or there is none like it: then this one does not count.
        Whether it is still live is for the one who asks."""
        ...


class Previews(Protocol):
    """Plans that were shown and not begun."""

    def put(self, preview: Preview) -> None:
        """Keep it, or what it was changed to. Ones that expired a day ago are forgotten."""
        ...

    def find(self, scope: Scope, code: str) -> Preview | None:
        """One of this user's by its code, expired or not."""
        ...

    def shown_in(self, scope: Scope, place: Place, message_id: str) -> Preview | None:
        """The one that a message shows; the newest, if several were shown there."""
        ...


class Posts(Protocol):
    """Messages of ours."""

    def intend(self, posted: Posted) -> Posted:
        """Write down that it is about to be sent. Returns what stood there before, if anything, and then changes
        nothing."""
        ...

    def placed(self, posted: Posted) -> None:
        """Keep its `message_id` and `is_filled` as given."""
        ...

    def of_task(self, task_id: str, kind: PostKind | None = None) -> list[Posted]:
        """What was posted about a task, by kind and part."""
        ...

    def find(self, place: Place, message_id: str) -> Posted | None:
        """What a message of ours in this place is."""
        ...

    def forget(self, task_id: str, kind: PostKind, part: int) -> None:
        """It is not there any more (deleted in the chat): another may be sent in its place."""
        ...


class Leaders(Protocol):
    """Who speaks for something that only one process may speak for, such as a bot's token."""

    def take(self, name: str, holder: str, now: datetime, until: datetime) -> bool:
        """Take or extend it. False while another holder's time lasts."""
        ...

    def give_up(self, name: str, holder: str) -> None:
        """Let go of it, so that another need not wait."""
        ...


class Cursors(Protocol):
    """How far each chat was read, on platforms that keep no queue for us."""

    def seen(self, place: Place, message_id: str) -> None:
        """Everything up to this message was taken. It never moves back (ids compare as numbers)."""
        ...

    def all(self, platform: str, bot_id: str) -> Mapping[str, str]:
        """The last message taken, by chat id (a thread's id where there is one)."""
        ...


class Chats(Protocol):
    """The repositories of this page, in one transaction."""

    @property
    def people(self) -> People:
        """Who is known."""
        ...

    @property
    def offers(self) -> Offers:
        """What was shown to be approved."""
        ...

    @property
    def previews(self) -> Previews:
        """Plans that were only shown."""
        ...

    @property
    def posts(self) -> Posts:
        """Messages of ours."""
        ...

    @property
    def leaders(self) -> Leaders:
        """Who speaks for which token."""
        ...

    @property
    def cursors(self) -> Cursors:
        """How far chats were read."""
        ...
