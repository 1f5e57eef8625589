"""Changing a text by a unified diff or by replacing a passage, so that doing it twice changes nothing more."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from domain.errors import Refused

# https://www.gnu.org/software/diffutils/manual/html_node/Detailed-Unified.html
_HEADER = re.compile(r"@@(?: -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))?)? @@|@@ ?\.\.\. ?@@")


@dataclass(frozen=True, slots=True, kw_only=True)
class Patched:
    """What became of a text. `changes` is 0 when it already was as asked for."""

    text: str
    changes: int


@dataclass(slots=True, kw_only=True)
class _Hunk:
    """Lines before and after; their places are counted from 0, None when the diff does not say."""

    old_at: int | None
    new_at: int | None
    old_count: int
    new_count: int
    old: list[str] = field(default_factory=list)
    new: list[str] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether all lines its header promised are there."""
        return len(self.old) >= self.old_count and len(self.new) >= self.new_count


def replaced(text: str, old: str, new: str) -> Patched:
    """Replace the one passage `old` by `new`.

    A passage inside an earlier replacement does not count, so the second time finds nothing left to do. Raises
    Refused when `old` is not there or stands there more than once.
    """
    pieces = text.split(new) if new else [text]
    found = sum(piece.count(old) for piece in pieces)
    if found == 0 and len(pieces) > 1:
        return Patched(text=text, changes=0)
    if found == 0:
        raise Refused("skill.patch_not_found")
    if found > 1:
        raise Refused("skill.patch_ambiguous", count=found)
    return Patched(text=new.join(piece.replace(old, new) for piece in pieces), changes=1)


def applied(text: str, diff: str) -> Patched:
    """Apply a unified diff of one file; its line numbers may be off, and lines end in a line feed in both.

    Raises Refused when a hunk does not fit.
    """
    hunks = list(_hunks(diff))
    if not hunks:
        raise Refused("skill.patch_unreadable")
    lines = text.split("\n")
    ending = "" if lines[-1] else "\n"
    lines = lines if lines[-1] else lines[:-1]
    if all(_is_done(lines, hunk) for hunk in hunks):
        return Patched(text=text, changes=0)
    shift, position = 0, 0
    for number, hunk in enumerate(hunks, start=1):
        place = _place(lines, hunk, position, shift)
        if place is None:
            raise Refused("skill.patch_misfit", number=number, count=len(hunks))
        lines[place : place + len(hunk.old)] = hunk.new
        position = place + len(hunk.new)
        shift = place - (hunk.old_at if hunk.old_at is not None else place) + len(hunk.new) - len(hunk.old)
    return Patched(text="\n".join(lines) + (ending if lines else ""), changes=len(hunks))


def _hunks(diff: str) -> Iterator[_Hunk]:
    hunk: _Hunk | None = None
    lines = diff.rstrip("\n").split("\n")
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        header = _HEADER.match(line)
        if header:
            if hunk:
                yield hunk
            hunk = _begun(header)
        elif hunk and hunk.is_whole and line.startswith("--- ") and following.startswith("+++ "):
            raise Refused("skill.patch_one_file")
        elif hunk:
            _add(hunk, line)
    if hunk:
        yield hunk


def _begun(header: re.Match[str]) -> _Hunk:
    if header[1] is None:
        return _Hunk(old_at=None, new_at=None, old_count=0, new_count=0)
    old, old_count, new, new_count = (int(number or 1) for number in header.groups())
    return _Hunk(old_at=max(0, old - 1), new_at=max(0, new - 1), old_count=old_count, new_count=new_count)


def _add(hunk: _Hunk, line: str) -> None:
    if line.startswith(("\\", "diff --git ")):  # “\ No newline at end of file”
        return
    if not line.startswith("+"):
        hunk.old.append(line[1:])
    if not line.startswith("-"):
        hunk.new.append(line[1:])


def _is_done(lines: Sequence[str], hunk: _Hunk) -> bool:
    """Whether a hunk stands there already. Of a shorter new side that proves something only if the old is gone."""
    place = _nearest(lines, hunk.new, hunk.new_at, 0)
    if place is None or (hunk.new_at is not None and place != hunk.new_at):
        return False
    return len(hunk.new) >= len(hunk.old) or lines[place : place + len(hunk.old)] != hunk.old


def _place(lines: Sequence[str], hunk: _Hunk, position: int, shift: int) -> int | None:
    if not hunk.old:
        return min(len(lines), max(position, (hunk.old_at or 0) + shift))
    expected = None if hunk.old_at is None else hunk.old_at + shift
    return _nearest(lines, hunk.old, expected, position)


def _nearest(lines: Sequence[str], wanted: Sequence[str], expected: int | None, position: int) -> int | None:
    """Where `wanted` stands, not before `position`, closest to `expected`."""
    places = (
        place for place in range(position, len(lines) - len(wanted) + 1) if lines[place : place + len(wanted)] == wanted
    )
    return min(places, key=lambda place: abs(place - (expected or 0)), default=None)
