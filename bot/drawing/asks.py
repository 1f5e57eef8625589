"""What a task needs of its person, as an audible message: its question, or one thing to allow or refuse."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from bot.card_text import AGENT, QUESTION, TITLE
from bot.drawing.buttons import Row, answer_button, cancel_button, how_to_reply, offer_row
from bot.drawing.inert import cleaned, ours, outside
from bot.drawing.markdown import rich
from bot.drawing.marks import CALL
from bot.drawing.rich_text import RichText, Style, joined, styled
from bot.drawing.split import beginning
from bot.drawing.timing import about
from bot.platform import Traits
from bot.post import Post
from domain.approval import Offer, filled
from domain.card import Around
from domain.ends import node_of
from domain.markdown import code
from domain.safe_text import ELLIPSIS, safe, safe_line
from domain.task import FINAL_TASK, Task
from domain.texts import Language, say

REPLY = 200  # characters of what was answered
SHORTEST = 16  # characters of a parameter that are always shown


def ask_post(task: Task, around: Around, offer: Offer | None, traits: Traits) -> Post:
    """The question of a task, or what one offer would let happen, with its exact parameters."""
    text = _question(task, traits) if offer is None else _offered(task, around, offer, traits)
    return Post(
        text=text,
        buttons=_buttons(task, offer, traits),
        is_silent=False,
        reply_to=task.route.reply_to,
        task_id=task.id,
    )


def settled_ask(task: Task, offer: Offer | None, traits: Traits) -> Post:
    """The same message once it is decided, answered or too late."""
    asked = _asked(task) if offer is None else _heading(task, offer)
    outcome = _outcome(task) if offer is None else _decision(task, offer)
    text = joined([asked, outcome], "\n")
    return Post(text=beginning(text, traits.max_text, traits.measure), reply_to=task.route.reply_to, task_id=task.id)


def _buttons(task: Task, offer: Offer | None, traits: Traits) -> tuple[Row, ...]:
    if not traits.has_buttons:
        return ()
    cancel = cancel_button(task.id, task.language)
    if offer is None:
        return ((*([answer_button(task.id, task.language)] if traits.has_forms else []), cancel),)
    return (offer_row(offer, "", task.language), (cancel,))


# --- a question -----------------------------------------------------------------------------------------------------


def _question(task: Task, traits: Traits) -> RichText:
    asked = styled(outside(safe(task.question or "", QUESTION).strip()), Style.BOLD)
    how = how_to_reply(task.id, task.language, traits)
    return joined([joined([RichText(f"? {task.id}"), asked], "\n"), how], "\n\n")


def _asked(task: Task) -> RichText:
    said = [exchange.said for exchange in task.dialogue if exchange.said]
    question = task.question or (said[-1] if said else "")
    return joined([RichText(f"? {task.id}"), outside(safe(question, QUESTION).strip())], "\n")


def _outcome(task: Task) -> RichText:
    replies = [exchange.reply for exchange in task.dialogue if exchange.said]
    if task.question is None and replies:
        return outside(say("ask.answered", task.language, reply=safe_line(replies[-1], REPLY)))
    return RichText(say("ask.moot", task.language))


# --- an offer -------------------------------------------------------------------------------------------------------


def _heading(task: Task, offer: Offer, place: str = "") -> RichText:
    title = safe_line(node_of(task, offer.key).title, TITLE)
    asked = styled(outside(say("ask.approval", task.language, title=title)), Style.BOLD)
    return joined([RichText(f"{CALL} {task.id}{place}"), asked], "\n")


def _offered(task: Task, around: Around, offer: Offer, traits: Traits) -> RichText:
    """Everything that would run. Where that is too long, values are cut in their middle, and it says so."""
    head, params = _head(task, around, offer), filled(task, offer.key)
    longest = max([SHORTEST, *(len(text) for text in _strings(params))])
    text = joined([head, _block(params), _foot(task, offer, traits)], "\n")
    cut_foot = _foot(task, offer, traits, is_cut=True)
    while traits.measure(text) > traits.max_text and longest > SHORTEST:
        longest = max(SHORTEST, longest * 3 // 4)
        text = joined([head, _block(_shortened(params, longest, task.language)), cut_foot], "\n")
    if traits.measure(text) <= traits.max_text:
        return text
    room = traits.max_text - traits.measure(cut_foot) - 1
    return joined([beginning(text, room, traits.measure), cut_foot], "\n")


def _head(task: Task, around: Around, offer: Offer) -> RichText:
    """What is asked; of several things, which one this is."""
    codes = [each.code for each in around.offers]
    place = f" · {codes.index(offer.code) + 1}/{len(codes)}" if len(codes) > 1 and offer.code in codes else ""
    skill = code(safe_line(node_of(task, offer.key).skill, AGENT))
    return joined([_heading(task, offer, place), rich(say("ask.skill", task.language, skill=skill))], "\n")


def _block(params: Any) -> RichText:
    shown = json.dumps(params, ensure_ascii=False, indent=2)
    return styled("".join(map(_visible, shown)), Style.BLOCK, "json")


def _visible(char: str) -> str:
    """A character, or JSON's escape for one that nobody could see: what is allowed is exactly what is shown."""
    return char if char.isascii() or cleaned(char) == char else json.dumps(char)[1:-1]


def _foot(task: Task, offer: Offer, traits: Traits, *, is_cut: bool = False) -> RichText:
    time = about((offer.expires_at - offer.made_at).total_seconds(), task.language)
    warning = [say("ask.cut", task.language)] if is_cut else []
    how = [] if traits.has_buttons else [say("ask.typed", task.language, task=task.id, step=offer.key)]
    return ours("\n".join([*warning, say("ask.once", task.language, time=time), *how]))


def _shortened(value: Any, limit: int, language: Language) -> Any:
    """Values whose texts have about `limit` characters, the beginning and the end of each."""
    if isinstance(value, str) and len(value) > limit:
        hidden = say("ask.hidden", language, count=len(value) - limit)
        return f"{value[: limit // 2]}{ELLIPSIS} ({hidden}) {ELLIPSIS}{value[limit // 2 - limit :]}"
    if isinstance(value, Mapping):
        return {key: _shortened(each, limit, language) for key, each in value.items()}
    return [_shortened(each, limit, language) for each in value] if isinstance(value, list) else value


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for child in value.values() if isinstance(value, Mapping) else value:
            yield from _strings(child)


def _decision(task: Task, offer: Offer) -> RichText:
    if offer.is_allowed is not None:
        return RichText(say("ask.allowed" if offer.is_allowed else "ask.denied", task.language))
    return RichText(say("ask.moot" if task.state in FINAL_TASK else "ask.expired", task.language))
