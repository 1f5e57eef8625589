"""The live card of a task as one message: what a chat sees while it runs, and what is left of it when it is over."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from rich.cells import cell_len

from bot.card_text import (
    INDENT,
    Row,
    ahead_of,
    chosen,
    cost_of,
    count_of,
    is_absent,
    left_of,
    loud,
    notes_of,
    question_of,
    row_of,
    starts_of,
    state_of,
)
from bot.drawing.buttons import card_buttons, how_to_reply
from bot.drawing.inert import ours, outside
from bot.drawing.markdown import rich
from bot.drawing.marks import APPROVAL_MARK, MARKS, TASK_MARKS
from bot.drawing.rich_text import NOTHING, RichText, Style, joined, part, styled
from bot.drawing.split import beginning
from bot.drawing.timing import about, timeless
from bot.platform import Traits
from bot.post import Post
from domain.card import Card, CardLine
from domain.safe_text import safe_line
from domain.task import FINAL_TASK, IN_FLIGHT, SubtaskState
from domain.texts import say
from domain.wording import duration, why

REQUEST = 60  # characters of a request
REASON = 60  # characters of what a skill said when it failed
NOTES = 3  # repairs and rounds told on a card
DRAFT, DRAFT_LINES = 500, 6  # characters and lines of the answer that is being written
LOST = frozenset({SubtaskState.FAILED, SubtaskState.UNKNOWN})
OUT = frozenset({SubtaskState.SKIPPED, SubtaskState.CANCELLED})
APART = " · "

Lines = Sequence[CardLine]


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """How much of a card is shown: lines about subtasks, and whether there is room for what matters less."""

    lines: int
    has_draft: bool = True
    has_notes: bool = True
    has_request: bool = True


def card_post(card: Card, traits: Traits) -> Post:
    """The card as a silent message, short enough for its platform: what matters least goes first."""
    text = NOTHING
    for room in _rooms(traits.card_lines):
        text = _over(card, room, traits) if card.state in FINAL_TASK else _live(card, room, traits)
        if traits.measure(text) <= traits.max_text:
            break
    else:
        text = beginning(text, traits.max_text, traits.measure)
    return Post(text=text, buttons=card_buttons(card, traits), card=card, task_id=card.task_id)


def same_but_for_time(one: Post, other: Post) -> bool:
    """Whether only durations differ between two drawings of a card, so that an edit for them can wait."""
    return (timeless(one.text.text), one.buttons) == (timeless(other.text.text), other.buttons)


def _rooms(lines: int) -> Iterator[Room]:
    yield Room(lines=lines)
    yield Room(lines=lines, has_draft=False)
    yield Room(lines=lines, has_draft=False, has_notes=False)
    while lines:
        yield Room(lines=lines, has_draft=False, has_notes=False, has_request=False)
        lines //= 2
    yield Room(lines=0, has_draft=False, has_notes=False, has_request=False)


def _live(card: Card, room: Room, traits: Traits) -> RichText:
    """A card while there is something to come."""
    shown, hidden = _shown(card, room.lines)
    blocks = (
        [*_title(card, traits.columns), *([_request(card)] if room.has_request else [])],
        _asked(card, traits),
        [*(_line(card, line, traits) for line in shown), *_tally(card, hidden)],
        _notes(card) if room.has_notes else [],
        _draft(card, traits.columns) if room.has_draft else [],
    )
    return joined((joined(block, "\n") for block in blocks if block), "\n\n")


def _over(card: Card, room: Room, traits: Traits) -> RichText:
    """What is left of a card once there is an answer: the title, and what was lost."""
    lost = [line for line in card.lines if line.state in LOST]
    rows = [_line(card, replace(line, depth=0), traits) for line in lost[: room.lines]]
    return joined([*_title(card, traits.columns), *rows, *_tally(card, lost[room.lines :])], "\n")


# --- the parts of a card --------------------------------------------------------------------------------------------


def _title(card: Card, columns: int) -> list[RichText]:
    """What stands first: one line, or two where that would be too long."""
    is_over = card.state in FINAL_TASK
    told = duration if is_over else about
    elapsed = starts_of(card) or told(card.seconds, card.language)
    counted = "" if card.is_planning else count_of(card)
    head = APART.join(filter(None, (f"{TASK_MARKS[card.state]} {card.task_id}", state_of(card), counted)))
    rest = APART.join(filter(None, (elapsed, left_of(card, about), ahead_of(card), cost_of(card))))
    lines = [styled(head, Style.BOLD), RichText(rest)]
    return lines if cell_len(f"{head}{APART}{rest}") > columns else [joined(lines, APART)]


def _request(card: Card) -> RichText:
    return styled(outside(safe_line(card.request, REQUEST)), Style.ITALIC)


def _asked(card: Card, traits: Traits) -> list[RichText]:
    asked = question_of(card)[:-1]
    how = [how_to_reply(card.task_id, card.language, traits)] if card.question is not None else []
    return [*(styled(outside(line), Style.BOLD) for line in asked), *how]


def _notes(card: Card) -> list[RichText]:
    told = notes_of(card, about)
    more = [say("card.hidden", card.language, count=len(told) - NOTES)] if len(told) > NOTES else []
    return [ours(note) for note in (*told[:NOTES], *more)]


def _draft(card: Card, columns: int) -> list[RichText]:
    """The end of the answer that is being written, as it will look."""
    text = rich(card.draft[-DRAFT:], columns)
    if not text.text:
        return []
    start = sum(len(line) + 1 for line in text.text.split("\n")[:-DRAFT_LINES])
    return [
        RichText(say("card.draft", card.language)),
        styled(_in_line(part(text, start, len(text.text))), Style.QUOTE),
    ]


def _in_line(text: RichText) -> RichText:
    """Without quotes and blocks of its own."""
    return RichText(text.text, tuple(span for span in text.spans if span.style not in (Style.QUOTE, Style.BLOCK)))


# --- its lines ------------------------------------------------------------------------------------------------------


def _shown(card: Card, room: int) -> tuple[Lines, Lines]:
    """Lines to show and lines to count. What wants attention is shown even if it needs twice the room; of the quiet
    ones each state is either shown or counted."""
    attention = loud(card)
    if len(attention) >= 2 * room:
        return _parted(card.lines, _keys([line for line in card.lines if line.key in attention], 2 * room))
    shown, hidden = chosen(card, max(room, len(attention) + 1))
    counted = {line.state for line in hidden}
    kept, more = _parted(shown, {line.key for line in shown if line.key in attention or line.state not in counted})
    return kept, [*more, *hidden]


def _keys(lines: Lines, room: int) -> frozenset[str]:
    """As many as there is room for: what moves or waits for its person first, and some of what was lost in any case."""
    lost = [line.key for line in lines if line.state in LOST]
    moving = [line.key for line in lines if line.state not in LOST][: room - min(len(lost), room // 4)]
    return frozenset([*moving, *lost[: room - len(moving)]])


def _parted(lines: Lines, keys: Collection[str]) -> tuple[Lines, Lines]:
    return [line for line in lines if line.key in keys], [line for line in lines if line.key not in keys]


def _line(card: Card, line: CardLine, traits: Traits) -> RichText:
    """One subtask: what wants attention in bold, what will not happen struck out."""
    row = row_of(card, line)
    if line.needs_approval and traits.has_buttons and any(offer.key == line.key for offer in card.around.offers):
        row = replace(row, note=say("card.your_approval", card.language))
    extras = [ours(extra) for extra in _extras(card, line, row) if extra]
    mark = APPROVAL_MARK if line.needs_approval else MARKS[line.state]
    title = joined([RichText(f"{INDENT * line.depth}{mark} "), _titled(line, outside(row.title))])
    return joined([title, *extras], APART)


def _titled(line: CardLine, title: RichText) -> RichText:
    if line.needs_approval or line.state in LOST or line.state is SubtaskState.RUNNING:
        return styled(title, Style.BOLD)
    return styled(title, Style.STRIKE) if line.state in OUT else title


def _extras(card: Card, line: CardLine, row: Row) -> Iterable[str]:
    """What stands behind the title. Who did what is done is no news any more."""
    if line.needs_approval or is_absent(card, line):
        return (row.retries, row.note)
    if line.failure is not None and line.state in LOST:
        return (row.count, row.agent, row.retries, why(line.failure, card.language, REASON))
    is_moving = line.seconds is not None and line.state in IN_FLIGHT
    seconds = about(line.seconds or 0.0, card.language) if is_moving else row.seconds
    agent = "" if line.state is SubtaskState.SUCCEEDED or line.state in OUT else row.agent
    return (row.count, agent, seconds, row.retries, row.note)


def _tally(card: Card, lines: Sequence[CardLine]) -> list[RichText]:
    """How many there are of each state, for those that have no line of their own."""
    counted = Counter("approval" if line.needs_approval else line.state.value for line in lines)
    marks = {"approval": APPROVAL_MARK, **{state.value: MARKS[state] for state in reversed(SubtaskState)}}
    told = [
        f"{mark} " + say(f"card.tally_{name}", card.language, count=counted[name])
        for name, mark in marks.items()
        if counted[name]
    ]
    return [RichText(APART.join(told))] if told else []
