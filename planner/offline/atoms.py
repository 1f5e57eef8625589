"""The parts of a request that are taken as they stand: quoted texts, paths, URLs, SQL, numbers.

They are found first and masked, so that nothing inside them is read as a connective or as a request of its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

MASK = "\ue000"  # a private-use character: never a word, a space or a connective


class Kind(StrEnum):
    """What an atom is."""

    QUOTE = "quote"
    SQL = "sql"
    URL = "url"
    GLOB = "glob"
    PATH = "path"
    NUMBER = "number"


@dataclass(frozen=True, slots=True, kw_only=True)
class Atom:
    """One such part: what it says, and where it stands (quotation marks and labels included)."""

    kind: Kind
    value: str
    start: int
    end: int

    @property
    def shape(self) -> str:
        """What requests for one skill have in common: the kind, for a path with its ending."""
        if self.kind is not Kind.PATH:
            return f"<{self.kind}>"
        name = self.value.rstrip("/").rpartition("/")[2]
        _, dot, ending = name.rpartition(".")
        return f"<.{ending.casefold()}>" if dot and ending else "<folder>"


_QUOTES = (
    r"“([^“”]*)”|「([^「」]*)」|『([^『』]*)』|‘([^‘’]*)’|"
    r"\"([^\"]*)\"|`([^`]*)`|(?<![A-Za-z0-9])'([^'\n]*)'(?![A-Za-z0-9])"
)
_ITEM = r"[\w*.\"`()\-+/]+(?:\s+as\s+[\w\"]+)?"
_SELECT = rf"select\s+(?:distinct\s+)?{_ITEM}(?:\s*,\s*{_ITEM})*\s+from\s"
_SQL_START = re.compile(rf"\bsql\s*[:：]\s*|\b(?={_SELECT})|\b(?=with\s+\w+\s+as\s*\()", re.IGNORECASE)
_SQL_END = re.compile(
    r"[;；。\n]|[,，]\s*(?:and\s+)?(?:then|finally|after that)\b|\band\s+then\b|\bthen\b(?!.*\bend\b)"
    r"|[,，]?\s*(?:然后|接着|最后|随后|再)|\s(?=[查来对在并])",
    re.IGNORECASE,
)
_SQL_ON = re.compile(r"\s+(?:on|in|over|against|using)\s+(?=[A-Za-z0-9_./~-]*[/.][A-Za-z0-9_./-]*\s*$)", re.IGNORECASE)
_URL = r"https?://[^\s，。；、“”「」\"'<>]+"
_PATH = (
    r"(?<![A-Za-z0-9_./~-])(?:"
    r"(?:~|\.{1,2})?/?(?:[A-Za-z0-9_.-]+/)+[A-Za-z0-9_.-]*"  # with a slash
    r"|[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\.(?:[a-z][a-z0-9]{0,7}|[A-Z][A-Z0-9]{0,7})"  # with an ending
    r"|/[A-Za-z0-9_.-]+|\.{1,2}/|\.[a-z][a-z0-9]+"
    r")(?![A-Za-z0-9_/])"
)
_GLOB = r"(?<![A-Za-z0-9_./*-])[A-Za-z0-9_./-]*\*[A-Za-z0-9_.*/?-]*"
_NUMBER = r"(?<![A-Za-z0-9_.\-])-?\d{1,18}(?:\.\d{1,18})?(?![A-Za-z0-9_])"
_PLAIN = re.compile(rf"(?P<url>{_URL})|(?P<glob>{_GLOB})|(?P<path>{_PATH})|(?P<number>{_NUMBER})")
_QUOTED = re.compile(_QUOTES)
_NO_PATH = re.compile(r"and/or|he/she|e\.g|i\.e|\d+/\d+|[a-z]/[a-z]", re.IGNORECASE)

_LONGEST_NAME = 300  # characters of a file name behind SQL


def find_atoms(text: str) -> list[Atom]:
    """All atoms of a text, in order, none inside another."""
    quotes = [
        Atom(kind=Kind.QUOTE, value=match[match.lastindex or 0], start=match.start(), end=match.end())
        for match in _QUOTED.finditer(text)
    ]
    atoms = quotes + _sql(masked(text, quotes), text)
    atoms += _plain(masked(text, atoms))
    return sorted(_outermost(atoms), key=lambda atom: atom.start)


def masked(text: str, atoms: list[Atom]) -> str:
    """The text with every atom overwritten, no position moved."""
    characters = list(text)
    for atom in atoms:
        characters[atom.start : atom.end] = MASK * (atom.end - atom.start)
    return "".join(characters)


def _sql(free: str, text: str) -> list[Atom]:
    """SQL goes on to the end of the clause, over its own commas; `free` is the text with quotes masked."""
    found: list[Atom] = []
    position = 0
    while start := _SQL_START.search(free, position):
        stop = _SQL_END.search(free, start.end())
        end = stop.start() if stop else len(free)
        file = _SQL_ON.search(free, max(start.end(), end - _LONGEST_NAME), end)
        end = file.start() if file else end
        found.append(Atom(kind=Kind.SQL, value=text[start.end() : end].strip(), start=start.start(), end=end))
        position = max(end, start.end() + 1)
    return found


def _plain(free: str) -> list[Atom]:
    found: list[Atom] = []
    for match in _PLAIN.finditer(free):
        kind = Kind(match.lastgroup or "")
        value = match[0].rstrip(".") if kind is Kind.PATH and match[0].strip("./") else match[0]
        value = value.rstrip(".,;:!?)") if kind is Kind.URL else value
        if kind is not Kind.PATH or not _NO_PATH.fullmatch(value):
            found.append(Atom(kind=kind, value=value, start=match.start(), end=match.start() + len(value)))
    return found


def _outermost(atoms: list[Atom]) -> list[Atom]:
    """Without atoms inside a larger one: SQL may hold quotes."""
    sql = [atom for atom in atoms if atom.kind is Kind.SQL]
    return [
        atom
        for atom in atoms
        if atom.kind is Kind.SQL or not any(outer.start <= atom.start and atom.end <= outer.end for outer in sql)
    ]
