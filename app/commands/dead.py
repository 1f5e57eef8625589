"""`dead`: what could not be taken, why, and bringing it back."""

from __future__ import annotations

import json
from collections.abc import Collection
from datetime import datetime
from functools import partial
from typing import Any

from app.commands.tasks import act
from app.exits import ANSWERED, MISUSE, answer, terminal_language
from app.settings import Settings
from app.wiring import House, house
from bot.lists import ago
from domain.dead import REPORTS, DeadLetter, Fate, requeueable
from domain.errors import NotFound, Refused
from domain.ports import UnitOfWork
from domain.safe_text import safe, safe_line
from domain.task import Task
from domain.texts import Language, say

NAME = 40  # characters of an agent's or a subtask's name
DETAIL = 300


async def letters(settings: Settings, *, as_json: bool, limit: int, everything: bool) -> int:
    """List the open ones, or all that are remembered."""
    fates = tuple(Fate) if everything else (Fate.OPEN,)
    async with house(settings) as here:
        found = await here.store.transact(lambda uow: uow.dead.recent(limit, fates))
        now = here.clock.now()
    if as_json:
        answer(json.dumps([document(letter) for letter in found], ensure_ascii=False, indent=2))
    else:
        answer(letters_text(found, terminal_language(), now))
    return ANSWERED


async def show(settings: Settings, *, letter: str, as_json: bool) -> int:
    """Explain one."""
    async with house(settings) as here:
        found, _ = await here.store.transact(partial(_found, letter_id=letter))
    answer(
        json.dumps(document(found), ensure_ascii=False, indent=2)
        if as_json
        else letter_text(found, terminal_language())
    )
    return ANSWERED


async def drop(settings: Settings, *, letter: str, as_json: bool) -> int:
    """Put one aside."""
    async with house(settings) as here:
        found, _ = await here.store.transact(partial(_settled, letter_id=letter, fate=Fate.DROPPED))
    _tell("dead.dropped", found, as_json=as_json)
    return ANSWERED


async def requeue(settings: Settings, *, letter: str, as_json: bool) -> int:
    """Bring one back: a report is published again, a step that was given up is tried again in a new task.

    Raises Refused where that makes no sense."""
    async with house(settings) as here:
        found, task = await here.store.transact(partial(_found, letter_id=letter))
        if found.fate is not Fate.OPEN:
            raise _not_open(found)
        requeueable(found, task)
        if found.reason in REPORTS:
            if (refusal := await here.control_bus.repeat(found.agent, found.body)) is not None:
                raise refusal
            await _note_requeued(here, found)
            _tell("dead.published", found, as_json=as_json)
            return ANSWERED
    assert found.subtask is not None  # noqa: S101 -- `requeueable` looked
    code = await act(settings, verb="retry", arguments=list(found.subtask), as_json=as_json, user=None)
    if code != MISUSE:  # there was something to try again, however that went
        async with house(settings) as here:
            await _note_requeued(here, found)
    return code


def letters_text(found: Collection[DeadLetter], language: Language, now: datetime) -> str:
    """Letters, a line each."""
    if not found:
        return say("dead.none", language)
    lines = [
        say(
            "dead.line",
            language,
            id=letter.id,
            reason=say(f"dead.reason_{letter.reason}", language),
            agent=safe_line(letter.agent, NAME),
            subtask=_about(letter, language),
            seen=letter.seen,
            age=ago((now - letter.last_at).total_seconds(), language),
        )
        for letter in found
    ]
    return "\n".join([*lines, say("dead.how", language)])


def letter_text(letter: DeadLetter, language: Language) -> str:
    """One letter: what it is, what that means, what to do."""
    reason = say(f"dead.reason_{letter.reason}", language)
    parts = [
        say("dead.head", language, id=letter.id, reason=reason, fate=say(f"dead.fate_{letter.fate}", language)),
        say(f"dead.why_{letter.reason}", language),
        say(
            "dead.seen",
            language,
            agent=safe_line(letter.agent, NAME),
            subtask=_about(letter, language),
            seen=letter.seen,
            first=f"{letter.at:%Y-%m-%d %H:%M:%S}",
            last=f"{letter.last_at:%Y-%m-%d %H:%M:%S}",
        ),
    ]
    if letter.detail:
        parts.append(say("dead.detail", language, detail=safe_line(letter.detail, DETAIL)))
    if shown := letter.shown_body:
        parts.append(say("dead.body", language, body=safe(shown)))
    return "\n".join(parts)


def document(letter: DeadLetter) -> dict[str, Any]:
    """A letter for programs."""
    return {
        "id": letter.id,
        "reason": letter.reason.value,
        "state": letter.fate.value,
        "agent": letter.agent,
        "subtask": str(letter.subtask) if letter.subtask else None,
        "attempt": letter.attempt,
        "seen": letter.seen,
        "first_at": letter.at.isoformat(),
        "last_at": letter.last_at.isoformat(),
        "detail": letter.detail,
        "body": letter.shown_body,
        "what": say(f"dead.why_{letter.reason}", "en"),
    }


def _about(letter: DeadLetter, language: Language) -> str:
    return say("dead.about", language, subtask=letter.subtask) if letter.subtask else ""


def _tell(key: str, letter: DeadLetter, *, as_json: bool) -> None:
    said = say(key, terminal_language(), id=letter.id)
    answer(json.dumps({"ok": True, "id": letter.id, "text": said}, ensure_ascii=False) if as_json else said)


def _found(uow: UnitOfWork, letter_id: str) -> tuple[DeadLetter, Task | None]:
    letter = uow.dead.find(letter_id.upper())
    if letter is None:
        raise NotFound("dead.unknown", id=safe_line(letter_id, NAME))
    return letter, uow.tasks.peek(letter.subtask.task) if letter.subtask else None


def _settled(uow: UnitOfWork, letter_id: str, fate: Fate) -> tuple[DeadLetter, Task | None]:
    letter, task = _found(uow, letter_id)
    if not uow.dead.settle(letter.id, fate):
        raise _not_open(letter)
    return letter, task


def _not_open(letter: DeadLetter) -> Refused:
    return Refused("dead.not_open", id=letter.id, fate=say(f"dead.fate_{letter.fate}", terminal_language()))


async def _note_requeued(here: House, letter: DeadLetter) -> None:
    await here.store.transact(partial(_settled, letter_id=letter.id, fate=Fate.REQUEUED))
