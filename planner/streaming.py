"""The tasks of a plan while a model is still writing it: each is there as soon as its last bracket is.

The text is parsed once, piece by piece, and never again from its beginning. Whatever is odd about it only means that
nothing is early: the whole text is read, mended and checked anyway when it is complete.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import ijson

from domain.plan import Node
from domain.plan_json.words import TASKS, WRAPPERS, folded
from domain.strict_json import MAX_DEPTH

MAX_HEAD = 100_000  # characters in which a plan must begin; more is thinking aloud
MAX_PREAMBLE = 300  # characters of talk before it; behind more there may be drafts of a plan
_THOUGHT = re.compile(r"\s*\ufeff?\s*<(?:think|thinking)>", re.IGNORECASE)
_THOUGHT_END = re.compile(r"</(?:think|thinking)>", re.IGNORECASE)
_OPENING = re.compile(r'\{\s*"|\[\s*\{')
_HIGH, _LOW = r"\\u[dD][89aAbB][0-9a-fA-F]{2}", r"\\u[dD][c-fC-F]"
_HALF = re.compile(f"{_HIGH}(?!{_LOW})|(?<!{_HIGH}){_LOW}")  # half a character: the parser would replace it

JudgeEntry = Callable[[Any], Node | None]


class EarlyNodes:
    """Hears a plan being written, and hands on its tasks as they become certain (`domain.ports.Listener`).

    Args:
        judge: begins to judge a plan: what it returns makes a node of each finished entry, None when that must wait for
            the whole plan.
        hand_on: takes the node; returns at once.
    """

    def __init__(self, judge: Callable[[], JudgeEntry], hand_on: Callable[[Node], None]) -> None:
        self._new_judge = judge
        self._hand_on = hand_on
        self.nodes: tuple[Node, ...] = ()
        self.restarted()

    @property
    def has_acted(self) -> bool:
        """Whether any node was handed on."""
        return bool(self.nodes)

    def restarted(self) -> None:
        """Forget what was heard. What was handed on stays so."""
        self._entries = TaskEntries()
        self._judge = self._new_judge()

    def heard(self, piece: str) -> None:
        """Read on."""
        for entry in self._entries.feed(piece):
            node = self._judge(entry)
            if node is not None:
                self.nodes = (*self.nodes, node)
                self._hand_on(node)


class TaskEntries:
    """Finds the task list in a text that comes in pieces."""

    def __init__(self) -> None:
        self._head = ""
        self._waiting: list[str] = []
        self._tree = _Tree()
        self._events: list[tuple[str, Any]] = ijson.sendable_list()
        self._parser = ijson.basic_parse_coro(self._events, use_float=True)
        self._has_begun = False
        self._is_over = False

    def feed(self, piece: str) -> list[Any]:
        """The entries that the next piece completes."""
        if self._is_over:
            return []
        if not self._has_begun:
            piece = self._begun(piece)
        self._waiting.append(piece)
        if "}" not in piece:  # nothing ends in it
            return []
        text = "".join(self._waiting)
        self._waiting.clear()
        return list(self._parsed(text))

    def _begun(self, piece: str) -> str:
        """What of the text so far belongs to JSON; empty until it begins."""
        self._head += piece
        start = _start(self._head) if "{" in self._head else None
        self._is_over = start is None and len(self._head) > MAX_HEAD
        if start is None:
            return ""
        self._has_begun = True
        return self._head[start:]

    def _parsed(self, text: str) -> Iterator[Any]:
        """Entries that end in `text`. Behind the first error, or the end of the plan, nothing is read any more."""
        if _HALF.search(text):
            self._is_over = True
            return
        try:
            self._parser.send(text.encode())
        except (ijson.JSONError, ValueError, ArithmeticError):
            self._is_over = True
        events = self._events[:]
        del self._events[:]
        for event, value in events:
            try:
                entry = self._tree.take(event, value)
            except ValueError:
                self._is_over = True
                return
            if entry is not None:
                yield entry


def _start(head: str) -> int | None:
    """Where the JSON begins: behind a thought that has ended, and at most a short preamble."""
    begin = 0
    if _THOUGHT.match(head):
        end = _THOUGHT_END.search(head)
        if end is None:
            return None
        begin = end.end()
    opening = _OPENING.search(head, begin)
    return opening.start() if opening and opening.start() - begin <= MAX_PREAMBLE else None


class _Tree:
    """Builds JSON from parser events."""

    def __init__(self) -> None:
        self._open: list[Any] = []
        self._keys: list[str] = []

    def take(self, event: str, value: Any) -> Any | None:
        """An entry of the task list when this event completes one. Raises ValueError for what strict JSON is not."""
        match event:
            case "map_key":
                self._name(value)
            case "start_map":
                self._enter({})
            case "start_array":
                self._enter([])
            case "end_map" | "end_array":
                return self._leave()
            case _:
                self._put(value)
        return None

    def _name(self, key: str) -> None:
        if key in self._open[-1]:
            raise ValueError("a key stands twice")
        self._keys[-1] = key

    def _enter(self, container: Any) -> None:
        if len(self._open) > MAX_DEPTH:
            raise ValueError("nested too deep")
        self._put(container)
        self._open.append(container)
        self._keys.append("")

    def _put(self, value: Any) -> None:
        if not self._open:
            return
        holder = self._open[-1]
        if isinstance(holder, list):
            holder.append(value)
        else:
            holder[self._keys[-1]] = value

    def _leave(self) -> Any | None:
        done = self._open.pop()
        self._keys.pop()
        is_entry = isinstance(done, dict) and bool(self._open) and isinstance(self._open[-1], list)
        return done if is_entry and self._is_in_task_list() else None

    def _is_in_task_list(self) -> bool:
        """Whether what is open is the task list: the root, or under its name in the root or in a wrapper of it."""
        if len(self._open) == 1:
            return True
        *around, name = map(folded, self._keys[:-1])
        return name in TASKS and len(around) <= 1 and all(outer in WRAPPERS for outer in around)
