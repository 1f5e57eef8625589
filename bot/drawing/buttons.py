"""The buttons of messages that we write by ourselves. Labels are short, as a telephone cuts what is long."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bot.drawing.inert import ours
from bot.drawing.rich_text import RichText
from bot.platform import Traits
from bot.post import MAX_PRESS, Action, Button, Look, Verb
from domain.approval import Offer
from domain.card import Card, CardLine
from domain.safe_text import safe_line
from domain.task import FINAL_TASK, SubtaskState, TaskState
from domain.texts import Language, say

LABEL = 20  # characters
MOST = 3  # offers or lost steps that have buttons of their own
MAX_KEY = 40  # characters of a step that a button can name

Row = tuple[Button, ...]


def card_buttons(card: Card, traits: Traits) -> tuple[Row, ...]:
    """What can be done about a task now; nothing on a platform where nothing can be pressed."""
    if not traits.has_buttons:
        return ()
    rows = _when_over(card) if card.state in FINAL_TASK else _meanwhile(card, traits)
    return tuple(rows)


def offer_row(offer: Offer, title: str, language: Language) -> Row:
    """Allow and deny one thing. Without a title where the message is about nothing else: there it would only be cut."""
    allow, deny = ("button.allow", "button.deny") if title else ("button.allow_this", "button.deny_this")
    return (
        Button(
            label=_label(allow, language, title),
            action=Action(verb=Verb.ALLOW, subject=offer.code),
            look=Look.GOOD,
        ),
        Button(
            label=_label(deny, language, title),
            action=Action(verb=Verb.DENY, subject=offer.code),
            look=Look.BAD,
        ),
    )


def how_to_reply(task_id: str, language: Language, traits: Traits) -> RichText:
    """How a task's question is answered: where there are no buttons, a line that is typed next is the reply."""
    if traits.has_buttons:
        return RichText(say("card.reply_to_this", language))
    return ours(say("card.reply", language, task=task_id))


def cancel_button(task_id: str, language: Language) -> Button:
    """Start nothing more of a task."""
    return Button(label=say("button.cancel", language), action=Action(verb=Verb.CANCEL, subject=task_id))


def answer_button(task_id: str, language: Language) -> Button:
    """Answer a task's question in a form."""
    action = Action(verb=Verb.REPLY, subject=task_id)
    return Button(label=say("button.reply", language), action=action, look=Look.GOOD)


def _meanwhile(card: Card, traits: Traits) -> Iterator[Row]:
    titles = {line.key: line.title for line in card.lines}
    for offer in card.around.offers[:MOST]:
        yield offer_row(offer, titles.get(offer.key, offer.key), card.language)
    asked = [answer_button(card.task_id, card.language)] if card.question and traits.has_forms else []
    yield (*asked, _details(card), cancel_button(card.task_id, card.language))


def _when_over(card: Card) -> Iterator[Row]:
    failed = [line for line in card.lines if line.state is SubtaskState.FAILED and not line.total]
    if len(failed) > 1:
        yield from _retries(card, failed)
    all_of_it = "button.retry_all" if len(failed) > 1 else "button.retry"
    yield (*([_retry(card, all_of_it)] if _can_retry(card) else []), _details(card))


def _can_retry(card: Card) -> bool:
    """Whether all that did not succeed may be run again by one press: not what may have happened outside already."""
    is_unclear = any(line.state is SubtaskState.UNKNOWN for line in card.lines)
    has_lost = any(map(_is_lost, card.lines)) if card.lines else card.state is not TaskState.ANSWERED
    return has_lost and not is_unclear


def _is_lost(line: CardLine) -> bool:
    """Whether a step did not succeed, and nobody wanted it so."""
    is_dropped = line.failure is not None and line.failure.code == "dropped"
    return line.state in (SubtaskState.FAILED, SubtaskState.CANCELLED) and not is_dropped


def _retries(card: Card, failed: Iterable[CardLine]) -> Iterator[Row]:
    named = [line for line in failed if len(line.key) <= MAX_KEY]
    for line in named[:MOST]:
        action = Action(verb=Verb.RETRY, subject=card.task_id, argument=line.key)
        if len(str(action).encode()) <= MAX_PRESS:
            yield (Button(label=_label("button.retry_step", card.language, line.title), action=action),)


def _retry(card: Card, key: str) -> Button:
    return Button(label=say(key, card.language), action=Action(verb=Verb.RETRY, subject=card.task_id))


def _details(card: Card) -> Button:
    return Button(label=say("button.details", card.language), action=Action(verb=Verb.DETAILS, subject=card.task_id))


def _label(key: str, language: Language, title: str) -> str:
    return safe_line(say(key, language, title=" ".join(title.split())), LABEL)
