"""A card as a terminal shows it. Marks differ in shape, so nothing depends on colour."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bot.card_text import (
    INDENT,
    draft_of,
    hidden_text,
    notes_of,
    question_of,
    row_of,
    title_of,
    visible,
)
from domain.card import Card, CardLine
from domain.task import SubtaskState, TaskState

STYLES = {
    SubtaskState.PENDING: "dim",
    SubtaskState.READY: "dim",
    SubtaskState.DISPATCHED: "cyan",
    SubtaskState.RUNNING: "bold cyan",
    SubtaskState.SUCCEEDED: "green",
    SubtaskState.FAILED: "bold red",
    SubtaskState.SKIPPED: "dim",
    SubtaskState.CANCELLED: "yellow",
    SubtaskState.UNKNOWN: "bold yellow",
}
TASK_STYLES = {
    TaskState.ANSWERED: "bold green",
    TaskState.FAILED: "bold red",
    TaskState.CANCELLED: "bold yellow",
    TaskState.WAITING: "bold yellow",
}

FEW = 3  # rows of subtasks that are shown however little room there is
USUAL_WIDTH = 72  # columns of text


def card_view(card: Card, limit: int = 40) -> RenderableType:
    """The card for a rich console: a title, what it asks, a row per subtask, rounds, repairs, the answer so far.

    Args:
        card: what to show.
        limit: how many rows there is room for below the title.
    """
    asked, notes, draft = question_of(card), notes_of(card), draft_of(card)
    taken = sum(1 + cell_len(line) // USUAL_WIDTH for line in (*asked, *notes, *draft))
    shown, hidden = visible(card, max(FEW, limit - taken))
    more = [hidden_text(card, hidden)] if hidden else []
    return Group(
        Text(title_of(card), style=TASK_STYLES.get(card.state, "bold")),
        *_indented(asked, "bold yellow"),
        *([_rows(card, shown)] if shown else []),
        *_indented([*more, *notes], "dim"),
        *_indented(draft, "italic"),
    )


def _indented(lines: Iterable[str], style: str) -> list[RenderableType]:
    """Lines that wrap under themselves."""
    return [
        Padding(Text(line.lstrip(), style=style), (0, 0, 0, 2 + len(line) - len(line.lstrip())), expand=False)
        for line in lines
    ]


def render(view: RenderableType, columns: int) -> str:
    """What a rich console would print, with ANSI colours, for a terminal `columns` wide."""
    console = Console(width=max(columns, 20), force_terminal=True, color_system="standard", legacy_windows=False)
    with console.capture() as captured:
        console.print(view, end="")
    return captured.get()


def _rows(card: Card, lines: Sequence[CardLine]) -> Table:
    """Mark, seconds and, wrapping under itself in whatever width is left, everything else."""
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True, justify="right", style="dim")
    table.add_column(overflow="fold")
    for line in lines:
        row, style = row_of(card, line), "bold yellow" if line.needs_approval else STYLES[line.state]
        extras = (row.count, ""), (row.agent, "dim"), (row.retries, "yellow"), (row.note, style)
        indent = INDENT * line.depth
        text = Text.assemble(indent, row.title, *((f" · {extra}", look) for extra, look in extras if extra))
        table.add_row(Text(f"  {indent}{row.mark}", style=style), row.seconds, text)
    return table
