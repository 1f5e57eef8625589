"""What the bot keeps: people, offers, previews, posts, leaders, cursors; updates taken and what was shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from domain.approval import Offer
from domain.people import Pairing, Person, Role
from domain.ports import Clock, Delivery
from domain.post import Posted, PostKind
from domain.preview import Preview
from domain.task import Place, Scope
from tests.twins.rows import Database, Known, Led, Shown, Taken

DAY = timedelta(days=1)


class MemoryInbox:
    """`domain.ports.Inbox`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._rows = database.inbox
        self._clock = clock

    def claim(self, platform: str, bot_id: str, update_key: str, task_id: str, said: str = "") -> str | None:
        earlier = self.known(platform, bot_id, update_key)
        if earlier is None:
            taken = Taken(task_id=task_id, said=said, at=self._clock.now())
            self._rows.put((platform, bot_id, update_key), taken)
        return earlier

    def known(self, platform: str, bot_id: str, update_key: str) -> str | None:
        taken = self._rows.get((platform, bot_id, update_key))
        return taken.task_id if taken else None

    def reword(self, platform: str, bot_id: str, update_key: str, said: str) -> None:
        key = (platform, bot_id, update_key)
        if (taken := self._rows.get(key)) is not None:
            self._rows.put(key, replace(taken, said=said))

    def said(self, task_id: str) -> list[str]:
        theirs = [
            (taken.at, len(key[2]), key[2], taken.said)
            for key, taken in self._rows.items()
            if taken.task_id == task_id and task_id and taken.said
        ]
        return [said for *_, said in sorted(theirs)]


class MemoryDeliveries:
    """`domain.ports.Deliveries`."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows = database.shown

    def pending(self, platform: str, bot_id: str, limit: int) -> list[Delivery]:
        found = []
        for task in self._database.tasks.values():
            shown = self._rows[task.id]
            is_unsent = task.answer is not None and shown.delivered_at is None
            is_theirs = (task.route.platform, task.route.bot_id) == (platform, bot_id)
            if is_theirs and (is_unsent or task.version > shown.version):
                found.append(
                    Delivery(
                        task=task,
                        shown_version=shown.version,
                        platform_message_id=shown.message_id,
                        tries=shown.tries,
                    )
                )
        return sorted(found, key=lambda one: (one.tries, one.task.created_at, one.task.id))[:limit]

    def shown(self, task_id: str, version: int, platform_message_id: str | None) -> None:
        if (row := self._rows.get(task_id)) is not None:
            newest, message_id = max(row.version, version), platform_message_id or row.message_id
            self._rows.put(task_id, replace(row, version=newest, message_id=message_id, tries=0))

    def delivered(self, task_id: str, at: datetime) -> bool:
        row = self._rows.get(task_id)
        if row is None or row.delivered_at is not None:
            return False
        self._rows.put(task_id, replace(row, delivered_at=at))
        return True

    def failed(self, task_id: str, error: str) -> None:
        row = self._rows.get(task_id) or Shown()
        self._rows.put(task_id, replace(row, tries=row.tries + 1))


class MemoryPeople:
    """`domain.ports.People`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def find(self, platform: str, user_id: str) -> Person | None:
        known = self._database.people.get((platform, user_id))
        return known.person if known else None

    def put(self, person: Person, at: datetime) -> None:
        key = (person.platform, person.user_id)
        known = self._database.people.get(key)
        since = known.since if known is not None and known.person.role is not None else at
        self._database.people.put(key, Known(person, since))

    def remove(self, platform: str, user_id: str) -> bool:
        return self._database.people.pop((platform, user_id))

    def known(self) -> list[Person]:
        with_role = [known for known in self._database.people.values() if known.person.role is not None]
        return [known.person for known in sorted(with_role, key=_rank)]

    def is_chat_known(self, platform: str, chat_id: str) -> bool:
        return (platform, chat_id) in self._database.chats

    def let_in(self, platform: str, chat_id: str, by: str, at: datetime) -> None:
        if not self.is_chat_known(platform, chat_id):
            self._database.chats.put((platform, chat_id), by)

    def shut_out(self, platform: str, chat_id: str) -> bool:
        return self._database.chats.pop((platform, chat_id))

    def issue(self, pairing: Pairing) -> None:
        now = self._clock.now()
        self._database.pairings.pop_where(lambda one: one.expires_at <= now)
        self._database.pairings.put(pairing.digest, pairing)

    def redeem(self, digest: str, now: datetime) -> Pairing | None:
        pairing = self._database.pairings.get(digest)
        if pairing is None or pairing.expires_at <= now:
            return None
        self._database.pairings.pop(digest)
        return pairing

    def tries(self, platform: str, user_id: str, since: datetime) -> int:
        return sum(at >= since for at in self._database.knocks.get((platform, user_id)) or ())

    def knocked(self, platform: str, user_id: str, at: datetime) -> None:
        for somebody, knocks in self._database.knocks.items():
            recent = tuple(knock for knock in knocks if knock >= at - DAY)
            self._database.knocks.put(somebody, recent)
        earlier = self._database.knocks.get((platform, user_id)) or ()
        self._database.knocks.put((platform, user_id), (*earlier, at))


def _rank(known: Known) -> tuple[bool, datetime, str, str]:
    person = known.person
    return person.role is not Role.OWNER, known.since, person.platform, person.user_id


class MemoryOffers:
    """`domain.ports.Offers`."""

    def __init__(self, database: Database) -> None:
        self._rows = database.offers

    def make(self, offer: Offer) -> None:
        self._rows.put(offer.code, offer)

    def find(self, code: str) -> Offer | None:
        return self._rows.get(code)

    def live(self, task_id: str, now: datetime) -> list[Offer]:
        live = [
            offer
            for offer in self._rows.values()
            if offer.task_id == task_id and offer.decided_at is None and offer.expires_at > now
        ]
        return sorted(live, key=lambda offer: (offer.made_at, offer.code))

    def decide(self, code: str, by: str, at: datetime, *, is_allowed: bool) -> bool:
        offer = self._rows.get(code)
        if offer is None or offer.decided_at is not None:
            return False
        self._rows.put(code, replace(offer, decided_by=by, decided_at=at, is_allowed=is_allowed))
        return True


class MemoryPreviews:
    """`domain.ports.Previews`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._rows = database.previews
        self._clock = clock

    def put(self, preview: Preview) -> None:
        long_ago = self._clock.now() - DAY
        self._rows.pop_where(lambda one: one.expires_at <= long_ago)
        self._rows.put((preview.scope, preview.code), preview)

    def find(self, scope: Scope, code: str) -> Preview | None:
        return self._rows.get((scope, code))

    def shown_in(self, scope: Scope, place: Place, message_id: str) -> Preview | None:
        there = [
            preview
            for preview in self._rows.values()
            if (preview.scope, preview.route.place) == (scope, place) and preview.message_id == message_id != ""
        ]
        return max(there, key=lambda preview: preview.made_at, default=None)


class MemoryPosts:
    """`domain.ports.Posts`."""

    def __init__(self, database: Database) -> None:
        self._rows = database.posts

    def intend(self, posted: Posted) -> Posted:
        key = (posted.task_id, posted.kind, posted.part)
        if (there := self._rows.get(key)) is not None:
            return there
        self._rows.put(key, posted)
        return posted

    def placed(self, posted: Posted) -> None:
        key = (posted.task_id, posted.kind, posted.part)
        if (there := self._rows.get(key)) is not None:
            self._rows.put(key, replace(there, message_id=posted.message_id, is_filled=posted.is_filled))

    def of_task(self, task_id: str, kind: PostKind | None = None) -> list[Posted]:
        theirs = [one for one in self._rows.values() if one.task_id == task_id and kind in (None, one.kind)]
        return sorted(theirs, key=_place)

    def find(self, place: Place, message_id: str) -> Posted | None:
        there = [one for one in self._rows.values() if (one.place, one.message_id) == (place, message_id)]
        return min(there, key=_place, default=None)

    def forget(self, task_id: str, kind: PostKind, part: int) -> None:
        self._rows.pop((task_id, kind, part))


def _place(posted: Posted) -> tuple[str, str, int]:
    return posted.task_id, posted.kind.value, posted.part


class MemoryLeaders:
    """`domain.ports.Leaders`."""

    def __init__(self, database: Database) -> None:
        self._rows = database.leaders

    def take(self, name: str, holder: str, now: datetime, until: datetime) -> bool:
        led = self._rows.get(name)
        if led is not None and led.holder != holder and led.until > now:
            return False
        self._rows.put(name, Led(holder, until))
        return True

    def give_up(self, name: str, holder: str) -> None:
        led = self._rows.get(name)
        if led is not None and led.holder == holder:
            self._rows.pop(name)


class MemoryCursors:
    """`domain.ports.Cursors`."""

    def __init__(self, database: Database) -> None:
        self._rows = database.cursors

    def seen(self, place: Place, message_id: str) -> None:
        last = self._rows.get(place)
        number = int(message_id or 0)
        if last is None or number > int(last):
            self._rows.put(place, str(number))

    def all(self, platform: str, bot_id: str) -> Mapping[str, str]:
        return {
            place.thread_id or place.chat_id: last
            for place, last in self._rows.items()
            if (place.platform, place.bot_id) == (platform, bot_id)
        }
