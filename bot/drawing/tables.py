"""Tables for narrow screens: drawn with monospaced characters where that fits, else a list of their rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from rich.cells import cell_len

from bot.drawing.inert import isolated
from bot.drawing.rich_text import NOTHING, RichText, Style, inserted, joined, styled

BULLET = "• "
_INDENT = "  "
_NUMBER = re.compile(r"[-+−]?[$€£¥]?\d[\d,. ]*(?:%|[a-zA-Z]{1,3})?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Cells of one line each. `is_right`: whether a column stands to the right; None where nobody said."""

    header: tuple[RichText, ...]
    rows: tuple[tuple[RichText, ...], ...]
    is_right: tuple[bool | None, ...]


def table_text(table: Table, columns: int) -> RichText:
    """The table in a width of `columns` monospaced characters; without any styles of its own if it is drawn."""
    widths = [max(cell_len(cell.text) for cell in cells) for cells in zip(table.header, *table.rows, strict=True)]
    if sum(widths) + 3 * (len(widths) - 1) <= columns:
        return styled("\n".join(_drawn(table, widths)), Style.BLOCK)
    if not table.rows:
        return joined([styled(cell, Style.BOLD) for cell in table.header], " · ")
    return joined((_listed(table.header, row) for row in table.rows), "\n")


def _drawn(table: Table, widths: Sequence[int]) -> Iterator[str]:
    sides = [
        _is_numeric([row[column] for row in table.rows]) if side is None else side
        for column, side in enumerate(table.is_right)
    ]
    yield _line(table.header, widths, sides)
    yield "─┼─".join("─" * width for width in widths)
    for row in table.rows:
        yield _line(row, widths, sides)


def _line(cells: Sequence[RichText], widths: Sequence[int], sides: Sequence[bool]) -> str:
    padded = (
        f"{blank}{shown}" if is_right else f"{shown}{blank}"
        for shown, blank, is_right in (
            (isolated(cell).text, " " * (width - cell_len(cell.text)), is_right)
            for cell, width, is_right in zip(cells, widths, sides, strict=True)
        )
    )
    return " │ ".join(padded).rstrip()


def _is_numeric(cells: Sequence[RichText]) -> bool:
    shown = [cell.text for cell in cells if cell.text]
    return bool(shown) and all(_NUMBER.fullmatch(text) for text in shown)


def _listed(header: Sequence[RichText], row: Sequence[RichText]) -> RichText:
    """A row as lines of "header: value", the first one in bold."""
    pairs = [(name, cell) for name, cell in zip(header, row, strict=True) if cell.text]
    lines = [
        _pair(name, styled(cell, Style.BOLD) if number == 0 else cell) for number, (name, cell) in enumerate(pairs)
    ]
    text = joined(lines, "\n") if lines else NOTHING
    starts = [0, *(place.end() for place in re.finditer("\n", text.text))]
    return inserted(text, [(start, BULLET if start == 0 else _INDENT) for start in starts])


def _pair(name: RichText, cell: RichText) -> RichText:
    pair = joined([name, cell], ": " if name.text.isascii() else "：") if name.text else cell
    return isolated(pair)
