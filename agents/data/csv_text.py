"""A text file with one row per line: which encoding, which delimiter, which names. Then DuckDB reads it strictly.

DuckDB's own guessing drops rows it cannot make sense of; a person who sends a broken file must be told instead.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb

from agents.data.column_types import BOOLEANS, NUMBER, NUMBERS, TIMES, typed
from agents.data.opened import literal, quoted
from agents.data.rows import Rows
from domain.errors import Refused

_BLOCK = 1024 * 1024
_SAMPLE = 256 * 1024  # characters looked at for delimiter and names
_SAMPLE_ROWS = 200
_DELIMITERS = ",;\t|"
_MAX_COLUMNS = 1000
_MARKUP = re.compile(r"\s*(<(!doctype|html|\?xml)|[{\[])", re.IGNORECASE)
_NUMBER = re.compile(NUMBER)
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """How the rows of a text file are laid out."""

    delimiter: str
    names: tuple[str, ...]
    has_header: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A file as UTF-8 with one kind of line end: the given one, or a copy. `encoding` is what it was."""

    path: Path
    encoding: str


def load_csv(connection: duckdb.DuckDBPyConnection, given: Path, table: str, scratch: Path) -> tuple[Text, Layout]:
    """Make `table` of a text file. Raises Refused with the line that is wrong when it is not one."""
    text = _readable(given, scratch)
    layout = _layout(text.path)
    columns = ", ".join(f"{literal(name)}: 'VARCHAR'" for name in layout.names)
    options = f"delim={literal(layout.delimiter)}, header={layout.has_header}, columns={{{columns}}}"
    read = f"read_csv(?, auto_detect=false, quote='\"', escape='\"', nullstr='', strict_mode=true, {options})"
    try:
        connection.execute(f"CREATE TABLE {quoted(table)} AS FROM {read}", [str(text.path)])
    except duckdb.InvalidInputException as error:
        raise _refusal(str(error)) from error
    typed(Rows.of(connection, table), (*NUMBERS, *BOOLEANS, *TIMES))
    return text, layout


def _readable(given: Path, scratch: Path) -> Text:
    encoding = _encoding(given)
    if encoding in {"utf-8", "utf-8-sig"} and not _mixes_line_ends(given):
        return Text(path=given, encoding="utf-8")
    copy = scratch / "text.csv"
    with given.open(encoding=encoding) as source, copy.open("w", encoding="utf-8", newline="\n") as target:
        while block := source.read(_BLOCK):
            target.write(block)
    return Text(path=copy, encoding=encoding.removesuffix("-sig"))


def _blocks(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            yield block


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        start = file.read(_BLOCK)
    marked = next((name for mark, name in _MARKS if start.startswith(mark)), None)
    if marked is None and b"\0" in start:
        raise Refused("data.binary")
    for name in (marked,) if marked else ("utf-8", "gb18030"):
        if _decodes(path, name) and (name != "gb18030" or _is_chinese(start)):
            return name
    return "latin-1"  # every byte means something in it


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for block in _blocks(path):
            decoder.decode(block)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _is_chinese(start: bytes) -> bool:
    """Whether bytes read as GB 18030 are everyday Chinese: Latin-1 text may decode too, but to rare characters."""
    letters = [char for char in start.decode("gb18030", errors="ignore") if ord(char) > 127]
    common = sum(len(char.encode("gb2312", errors="ignore")) == 2 for char in letters)
    return common >= 0.9 * len(letters)


def _mixes_line_ends(path: Path) -> bool:
    pairs = feeds = 0
    for block in _blocks(path):
        pairs += block.count(b"\r\n")
        feeds += block.count(b"\n")
    return 0 < pairs < feeds


def _layout(path: Path) -> Layout:
    with path.open(encoding="utf-8-sig", newline="") as file:
        sample = file.read(_SAMPLE)
    if not sample.strip():
        raise Refused("data.empty")
    if _MARKUP.match(sample):
        raise Refused("data.not_a_table")
    delimiter, rows = max(((each, _rows(sample, each)) for each in _DELIMITERS), key=lambda found: _fit(found[1]))
    first = rows[0]
    if len(first) > _MAX_COLUMNS:
        raise Refused("data.too_wide", count=len(first), limit=_MAX_COLUMNS)
    has_header = not all(_NUMBER.fullmatch(cell.strip()) for cell in first)
    names = first if has_header else [""] * len(first)
    return Layout(delimiter=delimiter, names=_unique(names), has_header=has_header)


def _rows(sample: str, delimiter: str) -> list[list[str]]:
    """The first rows; a last one that the sample cuts off is left out."""
    lines = list(io.StringIO(sample, newline=""))  # not splitlines: a form feed ends no row
    whole = lines[:-1] if len(sample) == _SAMPLE and len(lines) > 1 else lines
    try:
        rows = (row for row in csv.reader(whole, delimiter=delimiter) if any(row))
        return list(itertools.islice(rows, _SAMPLE_ROWS)) or [[""]]
    except csv.Error as error:
        raise Refused("data.not_a_table") from error


def _fit(rows: list[list[str]]) -> tuple[float, int]:
    """How well a delimiter fits: the share of rows as wide as the first one, if that has more than one cell."""
    width = len(rows[0])
    return (sum(len(row) == width for row in rows) / len(rows) if width > 1 else 0.0, width)


def _unique(names: list[str]) -> tuple[str, ...]:
    """Names that SQL can tell apart, whatever their case; a missing one says its place."""
    taken: dict[str, str] = {}
    for place, name in enumerate(names, 1):
        plain = " ".join("".join(char if char.isprintable() else " " for char in name).split())[:100]
        wanted = unique = plain or f"column{place}"
        again = itertools.count(2)
        while unique.casefold() in taken:
            unique = f"{wanted}_{next(again)}"
        taken[unique.casefold()] = unique
    return tuple(taken.values())


def _refusal(said: str) -> Refused:
    """DuckDB's complaint as one sentence."""
    line = re.search(r"CSV Error on Line: (\d+)", said)
    widths = re.search(r"Expected Number of Columns: (\d+) Found: (\d+)", said)
    if line and widths:
        return Refused("data.ragged", line=int(line[1]), expected=int(widths[1]), found=int(widths[2]))
    if line and "unterminated quote" in said:
        return Refused("data.open_quote", line=int(line[1]))
    if "maximum_line_size" in said or "Maximum line size" in said:
        return Refused("data.long_line")
    return Refused("data.not_a_table")
