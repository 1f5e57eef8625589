"""What of a clause is not taken yet, while parameters are taken out of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from planner.offline.atoms import MASK, Atom, Kind
from planner.offline.clauses import Clause

EDGE = " \t\r\n,，;；。.:：!！、"
_LEADS = re.compile(
    r"(?:(?<![A-Za-z])(?:in|from|under|inside|within|of|to|into|at|on|with|by|as|the|file|folder|directory)\s+)+$"
    r"|(?:[在从到于把给对向为成的]|文件|目录)\s*$",
    re.IGNORECASE,
)
_TRAILS = re.compile(
    r"\s*(?:(?:目录|文件夹|文件)?(?:里面?|中|内|下面?|上)?的?|(?:folder|directory|file)(?![A-Za-z]))", re.IGNORECASE
)
_NEAR = 40  # characters before an atom in which the words that lead to it stand
Test = Callable[[Atom], bool]


class Remains:
    """A clause, less the atoms and spans taken from it."""

    def __init__(self, clause: Clause) -> None:
        self.clause = clause
        self._left = list(clause.atoms)
        self._taken: list[tuple[int, int]] = []

    def atoms(self, kind: Kind) -> list[Atom]:
        """The atoms of a kind that are left, in order."""
        return [atom for atom in self._left if atom.kind is kind]

    def take(self, atom: Atom) -> Atom:
        """Take an atom away, with the small words around it."""
        self._left.remove(atom)
        self.consume(atom.start, atom.end)
        return atom

    def atom_at(self, position: int) -> Atom | None:
        """The atom that begins at a position, if it is left."""
        return next((atom for atom in self._left if atom.start == position), None)

    def consume(self, start: int, end: int) -> None:
        """Take a span away, with the small words that lead to it and away from it."""
        leads = _LEADS.search(self.clause.free, max(0, start - _NEAR), start)
        trails = _TRAILS.match(self.clause.free, end)
        self._taken.append((leads.start() if leads else start, trails.end() if trails else end))

    @property
    def open(self) -> str:
        """The clause with atoms and all that was taken masked; positions as in the clause."""
        free = self.clause.free
        for low, high in self._taken:
            free = free[:low] + MASK * (high - low) + free[high:]
        return free

    def rest(self, start: int, end: int) -> tuple[str, str]:
        """What is left between two positions: as written, and with atoms masked; both of the same length."""
        kept = list(self._outside(start, end))
        free = "".join(self.clause.free[low:high] for low, high in kept)
        text = "".join(self.clause.text[low:high] for low, high in kept)
        lead = len(free) - len(free.lstrip(EDGE))
        tail = len(free.rstrip(EDGE))
        return text[lead:tail], free[lead:tail]

    def _outside(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        position = start
        for low, high in sorted(self._taken):
            if position < min(low, end):
                yield position, min(low, end)
            position = max(position, high)
        if position < end:
            yield position, end
