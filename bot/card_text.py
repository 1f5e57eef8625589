"""A card in words: what every platform draws, each in its own way, and plain lines for one that only takes text."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from domain.card import Awaited, Card, CardLine
from domain.markdown import readable
from domain.plan import Repair
from domain.safe_text import safe, safe_line
from domain.task import FINAL_TASK, SubtaskState, TaskState
from domain.texts import Language, say
from domain.when import told_time
from domain.wording import duration, repaired, why

MARKS = {
    SubtaskState.PENDING: "○",
    SubtaskState.READY: "◌",
    SubtaskState.DISPATCHED: "◐",
    SubtaskState.RUNNING: "●",
    SubtaskState.SUCCEEDED: "✓",
    SubtaskState.FAILED: "✗",
    SubtaskState.SKIPPED: "↷",
    SubtaskState.CANCELLED: "⊘",
    SubtaskState.UNKNOWN: "?",
}
TASK_MARKS = {
    TaskState.RECEIVED: "○",
    TaskState.PLANNING: "◐",
    TaskState.RUNNING: "●",
    TaskState.WAITING: "!",
    TaskState.ANSWERED: "✓",
    TaskState.FAILED: "✗",
    TaskState.CANCELLED: "⊘",
}
APPROVAL_MARK = "!"
PATIENCE_S = 3.0  # an agent that is there says `started` within a second, or is done
TITLE, AGENT, REASON, QUESTION = 60, 30, 100, 600  # characters
STEP, FEW_STEPS = 24, 2  # characters of a title within a sentence, and how many titles it names
DRAFT, DRAFT_LINES = 400, 6  # characters and lines of an unfinished answer
LOUDNESS = (
    SubtaskState.FAILED,
    SubtaskState.UNKNOWN,
    SubtaskState.RUNNING,
    SubtaskState.DISPATCHED,
    SubtaskState.READY,
    SubtaskState.PENDING,
    SubtaskState.CANCELLED,
    SubtaskState.SUCCEEDED,
    SubtaskState.SKIPPED,
)


QUIET_FROM = LOUDNESS.index(SubtaskState.READY)
UNSEEN = (SubtaskState.PENDING, 0)
WAITING = frozenset({SubtaskState.READY, SubtaskState.DISPATCHED})
INDENT = "  "


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One subtask of a card in words; what there is nothing to say about is empty. `count` is about its children."""

    mark: str
    title: str
    count: str
    agent: str
    seconds: str
    retries: str
    note: str


def title_of(card: Card) -> str:
    """Mark, task id, state, how many subtasks are done, how long it has taken, and what is known around it."""
    around = (left_of(card), ahead_of(card), cost_of(card))
    taken = starts_of(card) or duration(card.seconds, card.language)
    parts = (name_of(card), state_of(card), count_of(card), taken, *around)
    return " · ".join(part for part in parts if part)


def name_of(card: Card) -> str:
    """Mark and task id."""
    return f"{TASK_MARKS[card.state]} {card.task_id}"


def state_of(card: Card) -> str:
    """What the task is doing."""
    if card.is_planning and card.lines:
        return say("card.growing", card.language, count=card.total)
    return say(f"state.{card.state}", card.language)


def count_of(card: Card) -> str:
    """How many subtasks have ended, of how many; empty before there are any."""
    return f"{card.done}/{card.total}" if card.lines else ""


def starts_of(card: Card) -> str:
    """When it begins, in its person's time zone; empty when it may begin already."""
    at = card.starts_at
    if at is None:
        return ""
    zone = at.tzinfo if isinstance(at.tzinfo, ZoneInfo) else ZoneInfo("UTC")
    return say("card.starts", card.language, time=told_time(at, zone, card.language))


def left_of(card: Card, told: Callable[[float, Language], str] = duration) -> str:
    """How long it will probably take yet, told by a wording of durations; empty when nobody can say, it is over, or it
    takes longer than it usually does."""
    left_s = card.around.left_s
    if left_s is None or left_s < 1 or card.state in FINAL_TASK:
        return ""
    return say("card.left", card.language, duration=told(left_s, card.language))


def ahead_of(card: Card) -> str:
    """How many tasks the planner takes first; empty when it does not wait for the planner."""
    ahead = card.around.ahead
    if ahead is None or card.state is not TaskState.RECEIVED:
        return ""
    return say("card.ahead", card.language, count=ahead) if ahead else say("card.next", card.language)


def cost_of(card: Card) -> str:
    """What model calls took so far; empty when there is nothing to tell."""
    cost = card.around.cost
    if not cost:
        return ""
    dollars = f"{max(cost, 0.001):.3f}" if cost < 0.1 else f"{cost:,.2f}"
    return say("cost.price", card.language, dollars=dollars)


def model_of(card: Card, told: Callable[[float, Language], str] = duration) -> list[str]:
    """That no model answers, and how long one is asked again, told by a wording of durations; nothing when none is
    waited for."""
    return [model_text(card.model, card.language, told)] if card.model else []


def model_text(model: Awaited, language: Language, told: Callable[[float, Language], str] = duration) -> str:
    """The same in one sentence."""
    return say("card.model", language, cause=safe_line(model.cause, REASON), duration=told(model.left_s, language))


def question_of(card: Card) -> list[str]:
    """What the task asks its person, and how to answer it; nothing when it asks nothing."""
    if card.question is None:
        return []
    asked = safe(card.question, QUESTION).strip().splitlines()
    return [f"? {asked[0]}", *(INDENT + line for line in asked[1:]), _how(card)] if asked else [_how(card)]


def _how(card: Card) -> str:
    return INDENT + say("card.reply", card.language, task=card.task_id)


def row_of(card: Card, line: CardLine) -> Row:
    """One subtask in words."""
    return Row(
        mark=APPROVAL_MARK if line.needs_approval else MARKS[line.state],
        title=safe_line(line.title, TITLE),
        count=f"{line.done}/{line.total}" if line.total else "",
        agent=safe_line(line.agent or "", AGENT),
        seconds="" if line.seconds is None else duration(line.seconds, card.language),
        retries=say("card.retries", card.language, count=line.retries) if line.retries else "",
        note=_note(card, line),
    )


def visible(card: Card, limit: int) -> tuple[Sequence[CardLine], int]:
    """The lines to show when there is room for `limit`, in the plan's order, and how many are left out in silence."""
    shown, hidden = chosen(card, limit)
    return shown, len(hidden)


def chosen(card: Card, limit: int) -> tuple[Sequence[CardLine], Sequence[CardLine]]:
    """The lines to show when there is room for `limit`, in the plan's order, and those left out in silence.

    Where room is short, quiet children go first, as their parent counts them; then those stay that want attention,
    and whatever they are children of.
    """
    if card.total <= limit:
        return card.lines, ()
    ranks = _ranks(card.lines)
    kept = [line for line in card.lines if not line.depth or ranks[line.key] < QUIET_FROM]
    if len(kept) <= limit:
        return kept, ()
    loudest = {line.key for line in sorted(kept, key=lambda line: ranks[line.key])[: limit - 1]}
    return [line for line in kept if line.key in loudest], [line for line in kept if line.key not in loudest]


def loud(card: Card) -> frozenset[str]:
    """Keys of the lines that want attention, or hold one that does: what failed, what waits for a person, what runs."""
    return frozenset(key for key, rank in _ranks(card.lines).items() if rank < QUIET_FROM)


def _ranks(lines: Sequence[CardLine]) -> dict[str, int]:
    """How much each line wants attention, the most first; a parent as much as the loudest of its children."""
    ranks = {line.key: -1 if line.needs_approval else LOUDNESS.index(line.state) for line in lines}
    for line in reversed(lines):  # children before their parents
        parent = line.key.rpartition(".")[0]
        if line.depth and parent in ranks:
            ranks[parent] = min(ranks[parent], ranks[line.key])
    return ranks


def repairs_of(card: Card, known: Collection[Repair] = ()) -> list[str]:
    """What was changed to make the plan runnable, one sentence each, without what is known."""
    return [f"↻ {repaired(repair, card.language)}" for repair in card.repairs if repair not in known]


def rounds_of(card: Card, known: int = 0) -> list[str]:
    """Why it was planned anew each time, after the first `known` times."""
    told = [safe_line(miss, REASON) or say("failure.critical", card.language) for miss in card.rounds]
    count = len(told) + card.rounds_left
    lines = [
        say("card.round", card.language, number=number, count=count, why=why)
        for number, why in enumerate(told, start=1)
    ]
    return lines[known:]


def draft_of(card: Card) -> list[str]:
    """The end of the answer that is being written, under its heading; nothing when none is."""
    lines = safe(readable(card.draft)).strip().splitlines()[-DRAFT_LINES:]
    text = "\n".join(lines)
    tail = text if len(text) <= DRAFT else f"…{text[-DRAFT:]}"
    return [say("card.draft", card.language), *(INDENT + line for line in tail.splitlines() if line)] if tail else []


def notes_of(card: Card, told: Callable[[float, Language], str] = duration) -> list[str]:
    """What there is to say about the task as a whole, the most pressing first; `told` words durations."""
    return [*model_of(card, told), *absent_of(card), *rounds_of(card), *repairs_of(card)]


def hidden_text(card: Card, count: int) -> str:
    """The line in place of `count` left-out ones."""
    return say("card.hidden", card.language, count=count)


def card_text(card: Card, limit: int = 40) -> str:
    """The whole card as plain lines, at most `limit` of them about subtasks."""
    shown, hidden = visible(card, limit)
    rows = [INDENT * line.depth + _plain(row_of(card, line)) for line in shown]
    more = [hidden_text(card, hidden)] if hidden else []
    parts = ([title_of(card)], question_of(card), rows, more, notes_of(card), draft_of(card))
    return "\n".join(line for part in parts for line in part)


def changes(before: Card | None, after: Card) -> list[str]:
    """What became different between two cards of a task, one plain line each."""
    known = {line.key: (line.state, line.retries) for line in before.lines} if before else {}
    moved = [line for line in after.lines if known.get(line.key, UNSEEN) != (line.state, line.retries)]
    return [
        *([title_of(after)] if before is None or _has_turned(before, after) else []),
        *(f"  {after.task_id} {_plain(row_of(after, line))}" for line in moved),
        *(model_of(after) if before is None or before.model is None else []),
        *rounds_of(after, len(before.rounds) if before else 0),
        *repairs_of(after, before.repairs if before else ()),
    ]


def _has_turned(before: Card, after: Card) -> bool:
    return before.state is not after.state or (after.is_planning and after.total > before.total)


def absent_of(card: Card) -> list[str]:
    """Agents that are waited for without any subtask saying so, as none of them was asked yet."""
    told = {line.agent for line in card.lines if line.state in WAITING}
    missing = sorted(card.around.absent - told)
    return [say("card.absent", card.language, agent=safe_line(agent, AGENT)) for agent in missing]


def _plain(row: Row) -> str:
    parts = (row.title, row.count, row.agent, row.seconds, row.retries, row.note)
    return f"{row.mark} " + " · ".join(part for part in parts if part)


def _note(card: Card, line: CardLine) -> str:
    if line.needs_approval:
        return say("card.approval", card.language, task=card.task_id)
    match line.state:
        case SubtaskState.PENDING:
            return _after(card, line)
        case SubtaskState.READY | SubtaskState.DISPATCHED:
            return _whom(card, line)
        case SubtaskState.FAILED | SubtaskState.SKIPPED | SubtaskState.CANCELLED | SubtaskState.UNKNOWN:
            return why(line.failure, card.language, REASON) if line.failure else ""
        case _:
            return ""


def _whom(card: Card, line: CardLine) -> str:
    """What one that could run is waiting for."""
    if is_absent(card, line):
        return say("card.absent", card.language, agent=safe_line(line.agent or "", AGENT))
    if line.state is SubtaskState.READY:
        return say("card.again" if line.retries else "card.agent", card.language)
    return say("card.agent", card.language) if (line.seconds or 0.0) >= PATIENCE_S else ""


def is_absent(card: Card, line: CardLine) -> bool:
    """Whether it waits for an agent that nobody performs."""
    return line.agent in card.around.absent and line.state in WAITING


def _after(card: Card, line: CardLine) -> str:
    """What it waits for, the first few by name."""
    titles = line.waits_for
    if not titles:
        return ""
    named = say("answer.comma", card.language).join(safe_line(title, STEP) for title in titles[:FEW_STEPS])
    more = len(titles) - FEW_STEPS
    steps = say("card.and_more", card.language, steps=named, count=more) if more > 0 else named
    return say("card.after", card.language, steps=steps)
