"""A card in words: what every platform draws, each in its own way, and plain lines for one that only takes text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from domain.card import Card, CardLine
from domain.safe_text import safe_line
from domain.task import SubtaskState, TaskState
from domain.texts import say
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
TITLE, AGENT, REASON = 60, 30, 100  # characters
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One subtask of a card in words; what there is nothing to say about is empty."""

    mark: str
    title: str
    agent: str
    seconds: str
    retries: str
    note: str


def title_of(card: Card) -> str:
    """Mark, task id, state, how many subtasks are done, how long it has taken."""
    counted = f"{card.done}/{card.total}" if card.lines else ""
    parts = (card.task_id, say(f"state.{card.state}", card.language), counted, duration(card.seconds, card.language))
    return f"{TASK_MARKS[card.state]} " + " · ".join(part for part in parts if part)


def row_of(card: Card, line: CardLine) -> Row:
    """One subtask in words."""
    return Row(
        mark=APPROVAL_MARK if line.needs_approval else MARKS[line.state],
        title=safe_line(line.title, TITLE),
        agent=safe_line(line.agent or "", AGENT),
        seconds="" if line.seconds is None else duration(line.seconds, card.language),
        retries=say("card.retries", card.language, count=line.retries) if line.retries else "",
        note=_note(card, line),
    )


def visible(card: Card, limit: int) -> tuple[Sequence[CardLine], int]:
    """The lines to show when there is room for `limit`, in the plan's order, and how many are left out: those that
    want attention stay."""
    if card.total <= limit:
        return card.lines, 0
    loudest = sorted(card.lines, key=lambda line: (not line.needs_approval, LOUDNESS.index(line.state)))[: limit - 1]
    shown = [line for line in card.lines if line in loudest]
    return shown, card.total - len(shown)


def repairs_of(card: Card) -> list[str]:
    """What was changed to make the plan runnable, one sentence each."""
    return [f"↻ {repaired(repair, card.language)}" for repair in card.repairs]


def hidden_text(card: Card, count: int) -> str:
    """The line in place of `count` left-out ones."""
    return say("card.hidden", card.language, count=count)


def card_text(card: Card, limit: int = 40) -> str:
    """The whole card as plain lines, at most `limit` of them about subtasks."""
    shown, hidden = visible(card, limit)
    lines = [title_of(card), *(_plain(row_of(card, line)) for line in shown)]
    if hidden:
        lines.append(hidden_text(card, hidden))
    return "\n".join(lines + repairs_of(card))


def changes(before: Card | None, after: Card) -> list[str]:
    """What became different between two cards of a task, one plain line each."""
    old = {line.key: (line.state, line.retries) for line in before.lines} if before else {}
    lines = [] if before and before.state is after.state else [title_of(after)]
    lines += [
        f"  {after.task_id} {_plain(row_of(after, line))}"
        for line in after.lines
        if old.get(line.key, (SubtaskState.PENDING, 0)) != (line.state, line.retries)
    ]
    return lines if before and before.lines else lines + repairs_of(after)


def _plain(row: Row) -> str:
    parts = (row.title, row.agent, row.seconds, row.retries, row.note)
    return f"{row.mark} " + " · ".join(part for part in parts if part)


def _note(card: Card, line: CardLine) -> str:
    if line.needs_approval:
        return say("card.approval", card.language, task=card.task_id)
    match line.state:
        case SubtaskState.READY:
            return say("card.again" if line.retries else "card.agent", card.language)
        case SubtaskState.DISPATCHED if (line.seconds or 0.0) >= PATIENCE_S:
            return say("card.agent", card.language)
        case SubtaskState.FAILED | SubtaskState.SKIPPED | SubtaskState.CANCELLED | SubtaskState.UNKNOWN:
            return why(line.failure, card.language, REASON) if line.failure else ""
        case _:
            return ""
