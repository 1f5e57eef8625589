"""Who may come in: people and group chats by numeric id, one-time codes that make them known, silence for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial

import structlog

from bot.limits import Limits
from bot.pairing import CODE_FOR, Attempt, attempt, code_digest, pairing_code
from bot.platform import Press
from bot.reply import Reply
from domain.chat import ChatMessage
from domain.people import Pairing, Person, Role
from domain.ports import Clock, Entropy, Store, UnitOfWork
from domain.texts import Language, language_for, say

log = structlog.get_logger()

CONSOLE = "console"  # whoever has a terminal here can start the program anyway
HOUR = timedelta(hours=1)
MAX_KNOCKS = 5  # wrong codes of one user within an hour
_RANK = tuple(Role)
_REFUSALS = frozenset({"access.wrong_code", "access.stranger"})


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessSettings:
    """Who is let in by configuration, and how much each may ask for.

    Args:
        users: `platform:user id` -> role.
        chats: `platform:chat id` of groups.
        per_minute: requests of one person.
        open_tasks: tasks of one person at once.
        tenant: whose installation it is; its codes open no other.
    """

    users: Mapping[str, Role] = field(default_factory=dict)
    chats: frozenset[str] = frozenset()
    per_minute: int = 10
    open_tasks: int = 5
    tenant: str = "local"

    @property
    def limits(self) -> Limits:
        """How much each may ask for."""
        return Limits(per_minute=self.per_minute, open_tasks=self.open_tasks)


def is_at_least(role: Role | None, needed: Role) -> bool:
    """Whether a role includes what another may."""
    return role is not None and _RANK.index(role) >= _RANK.index(needed)


class Access:
    """Knows who is who. Nobody is let in by default.

    Args:
        store: who is known, besides those of the settings.
        clock: for codes that expire.
        entropy: for codes.
        settings: who is let in by configuration.
    """

    def __init__(self, store: Store, clock: Clock, entropy: Entropy, settings: AccessSettings) -> None:
        self._store = store
        self._clock = clock
        self._entropy = entropy
        self._settings = settings

    async def admit(self, message: ChatMessage) -> Person | Reply | None:
        """Who wrote a message, if they may: they themselves in private, they and the chat in a group.

        A reply is what to say instead (a code was sent, or somebody unknown wrote for the first time in an hour); None
        means silence.
        """
        return await self._store.transact(partial(self._admit, message=message))

    async def admit_press(self, press: Press) -> Person | None:
        """Who pressed a button, if they are known; None for anybody else. Where it was pressed does not count: messages
        with buttons of ours stand only where we were let in."""
        person = await self.person(press.platform, press.user_id)
        return person if person.role is not None else None

    def admitted_still(self, uow: UnitOfWork, message: ChatMessage) -> Person | None:
        """Who it is in whose name something is handed in without them being there, if they may come in there still."""
        person = self._person(uow, message.platform, message.user_id)
        is_let_in = not message.is_group or self._is_known(uow, message)
        return person if person.role is not None and is_let_in else None

    async def person(self, platform: str, user_id: str) -> Person:
        """Somebody by id; a stranger has no role."""
        return await self._store.transact(lambda uow: self._person(uow, platform, user_id))

    async def new_code(self, role: Role, by: str) -> str:
        """Make a one-time code that gives whoever sends it first this role, for fifteen minutes. Only its digest is
        kept.

        Args:
            role: what its sender becomes.
            by: who made it, as `platform:user id`, for the records.
        """
        code = pairing_code(self._entropy)
        now = self._clock.now()
        pairing = Pairing(digest=self._digest(code), role=role, expires_at=now + CODE_FOR, made_by=by)
        await self._store.transact(lambda uow: uow.people.issue(pairing))
        log.info("pairing_code_made", role=role.value, by=by)
        return code

    async def let_in(self, message: ChatMessage) -> bool:
        """Let a group in without a code. False when it was in already."""

        def work(uow: UnitOfWork) -> bool:
            if self._is_known(uow, message):
                return False
            self._let_in(uow, message)
            return True

        return await self._store.transact(work)

    async def everybody(self) -> list[Person]:
        """Everybody with a role: those of the settings, then those who were paired."""
        paired = await self._store.transact(lambda uow: uow.people.known())
        configured = [_person_of(name, role) for name, role in self._settings.users.items()]
        by_name = {name_of(person): person for person in paired}
        merged = [replace(one, role=_higher(one.role, by_name.pop(name_of(one), one).role)) for one in configured]
        return [*merged, *by_name.values()]

    def is_configured(self, name: str) -> bool:
        """Whether `platform:id` is let in by the settings, which no command changes."""
        return name in self._settings.users or name in self._settings.chats

    async def remove(self, platform: str, some_id: str) -> bool:
        """Let a person or a group in no longer. False when neither was known."""

        def work(uow: UnitOfWork) -> bool:
            is_person = uow.people.remove(platform, some_id)
            return uow.people.shut_out(platform, some_id) or is_person

        return await self._store.transact(work)

    async def speak(self, person: Person, language: Language | None) -> None:
        """Speak to somebody in this language from now on; None: in that of their words."""

        def work(uow: UnitOfWork) -> None:
            known = uow.people.find(person.platform, person.user_id)
            known = known or Person(platform=person.platform, user_id=person.user_id)
            uow.people.put(replace(known, language=language), self._clock.now())

        await self._store.transact(work)

    # --- inside a transaction -------------------------------------------------------------------------------------

    def _admit(self, uow: UnitOfWork, message: ChatMessage) -> Person | Reply | None:
        person = self._person(uow, message.platform, message.user_id)
        tried = attempt(message.text) if person.platform != CONSOLE else None
        if message.is_group:
            return self._in_group(uow, message, person, tried)
        if tried and (tried.code or (person.role is None and not tried.is_bare and not tried.is_start)):
            return self._redeemed(uow, message, person, tried.code)
        return person if person.role is not None else self._greeted(uow, message, person)

    def _in_group(
        self, uow: UnitOfWork, message: ChatMessage, person: Person, tried: Attempt | None
    ) -> Person | Reply | None:
        if person.role is None:
            return None
        if tried and tried.code and is_at_least(person.role, Role.ADMIN):
            return self._opened(uow, message, person, tried.code)
        if self._is_known(uow, message):
            return person
        is_let_in_now = tried is not None and tried.is_bare and not tried.is_start and person.role is Role.OWNER
        return person if is_let_in_now else None

    def _opened(self, uow: UnitOfWork, message: ChatMessage, person: Person, code: str) -> Reply | None:
        """A code in a group is used up, whatever came of it: others have read it."""
        if self._is_tired(uow, person) or _is_taken(uow, message):
            return None
        pairing = uow.people.redeem(self._digest(code), self._clock.now())
        if pairing is None:
            uow.people.knocked(person.platform, person.user_id, self._clock.now())
            return _said(message, person, "access.wrong_code")
        if self._is_known(uow, message):
            return _said(message, person, "access.group_already")
        self._let_in(uow, message)
        return _said(message, person, "access.group_in")

    def _redeemed(self, uow: UnitOfWork, message: ChatMessage, person: Person, code: str | None) -> Reply | None:
        """Somebody sent a code in private. After too many wrong ones even the right one is not looked at."""
        if self._is_tired(uow, person) or _is_taken(uow, message):
            return None
        now = self._clock.now()
        pairing = uow.people.redeem(self._digest(code), now) if code else None
        if pairing is None:
            uow.people.knocked(person.platform, person.user_id, now)
            return _said(message, person, "access.wrong_code")
        if is_at_least(person.role, pairing.role):
            uow.people.issue(pairing)  # it is still good for somebody else
            return _said(message, person, "access.already")
        known = uow.people.find(person.platform, person.user_id) or person
        uow.people.put(replace(known, role=pairing.role), now)
        log.info("paired", user=name_of(person), role=pairing.role.value, by=pairing.made_by)
        return _said(message, person, f"access.welcome_{pairing.role}")

    def _greeted(self, uow: UnitOfWork, message: ChatMessage, person: Person) -> Reply | None:
        """Say how to get in, at most once an hour."""
        now = self._clock.now()
        if uow.people.tries(person.platform, person.user_id, now - HOUR):
            return None
        uow.people.knocked(person.platform, person.user_id, now)
        return _said(message, person, "access.stranger", user=name_of(person))

    def _is_tired(self, uow: UnitOfWork, person: Person) -> bool:
        return uow.people.tries(person.platform, person.user_id, self._clock.now() - HOUR) >= MAX_KNOCKS

    def _person(self, uow: UnitOfWork, platform: str, user_id: str) -> Person:
        known = uow.people.find(platform, user_id) or Person(platform=platform, user_id=user_id)
        if platform == CONSOLE:
            return replace(known, role=Role.OWNER)
        return replace(known, role=_higher(known.role, self._settings.users.get(name_of(known))))

    def _is_known(self, uow: UnitOfWork, message: ChatMessage) -> bool:
        """Whether the chat, or something that it lies in, was let in."""
        places = (message.chat_id, *message.within)
        is_configured = any(f"{message.platform}:{place}" in self._settings.chats for place in places)
        return is_configured or any(uow.people.is_chat_known(message.platform, place) for place in places)

    def _let_in(self, uow: UnitOfWork, message: ChatMessage) -> None:
        by = f"{message.platform}:{message.user_id}"
        uow.people.let_in(message.platform, message.chat_id, by, self._clock.now())
        log.info("group_let_in", chat=f"{message.platform}:{message.chat_id}", by=by)

    def _digest(self, code: str) -> str:
        return code_digest(code, self._settings.tenant)


def _is_taken(uow: UnitOfWork, message: ChatMessage) -> bool:
    """Whether it came before: its code was used up then."""
    known = uow.inbox.known(message.platform, message.bot_id, message.update_key)
    return known is not None and not message.is_edit


def name_of(person: Person) -> str:
    """`platform:user id`, as settings and commands write it."""
    return f"{person.platform}:{person.user_id}"


def _person_of(name: str, role: Role) -> Person:
    platform, _, user_id = name.partition(":")
    return Person(platform=platform, user_id=user_id, role=role)


def _higher(one: Role | None, other: Role | None) -> Role | None:
    return max((role for role in (one, other) if role is not None), key=_RANK.index, default=None)


def _said(message: ChatMessage, person: Person, key: str, /, **values: str) -> Reply:
    language = language_for(message.text, message.locale, person.language)
    return Reply(text=say(key, language, **values), language=language, is_refusal=key in _REFUSALS)
