"""A card as a terminal shows it. Marks differ in shape, so nothing depends on colour."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from bot.card_text import hidden_text, repairs_of, row_of, title_of, visible
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


def card_view(card: Card, limit: int = 40) -> RenderableType:
    """The card for a rich console: a title, a row per subtask, repairs.

    Args:
        card: what to show.
        limit: how many rows there is room for.
    """
    shown, hidden = visible(card, limit)
    parts: list[RenderableType] = [Text(title_of(card), style=TASK_STYLES.get(card.state, "bold"))]
    if shown:
        parts.append(_rows(card, shown))
    if hidden:
        parts.append(Text(f"  {hidden_text(card, hidden)}", style="dim"))
    parts += [Text(f"  {sentence}", style="dim") for sentence in repairs_of(card)]
    return Group(*parts)


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
        extras = (row.agent, "dim"), (row.retries, "yellow"), (row.note, style)
        text = Text.assemble(row.title, *((f" · {extra}", look) for extra, look in extras if extra))
        table.add_row(Text(f"  {row.mark}", style=style), row.seconds, text)
    return table
