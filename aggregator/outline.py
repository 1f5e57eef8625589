"""What was done, a line per subtask, as the tree that the plan became."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from aggregator.passages import line, once, title
from aggregator.results import facts, long_text
from aggregator.tree import below, is_end, made, roots, unneeded
from domain.answer import Statement
from domain.ends import node_of
from domain.task import Result, SubtaskState, Task
from domain.texts import say

CHILDREN = 8  # of one parent that are told; the others are counted


def done(task: Task) -> list[Statement]:
    """A line per succeeded subtask, children below their parent; siblings that say the same share one."""
    return list(_told(task, roots(task), ""))


def _told(task: Task, keys: Iterable[str], indent: str) -> Iterator[Statement]:
    for text, named in _shared(task, keys):
        yield Statement(text=indent + text, sources=once(named))
        for key in named:
            yield from _children(task, key, f"{indent}  ")


def _children(task: Task, parent: str, indent: str) -> Iterator[Statement]:
    """The first few children that have something to tell, and how many more there are."""
    told = [key for _, named in _shared(task, made(task, parent)) for key in named]
    yield from _told(task, told[:CHILDREN], indent)
    if len(told) > CHILDREN:
        more = say("answer.more_steps", task.language, count=len(told) - CHILDREN)
        yield Statement(text=indent + more, sources=(parent,))


def _shared(task: Task, keys: Iterable[str]) -> Sequence[tuple[str, Sequence[str]]]:
    """Lines, with the subtasks each is about."""
    lines: dict[str, list[str]] = {}
    for key in keys:
        if text := _line(task, key):
            lines.setdefault(text, []).append(key)
    return list(lines.items())


def _line(task: Task, key: str) -> str:
    """What is said of a subtask; nothing when there is no success to tell of."""
    if made(task, key):
        return _parent(task, key) if any(sub.state is SubtaskState.SUCCEEDED for sub in below(task, key)) else ""
    sub = task.subtasks[key]
    if sub.result is None or sub.state is not SubtaskState.SUCCEEDED:
        return ""
    if node_of(task, key).is_map:
        return say("answer.no_items", task.language, title=title(task, key))
    return _step(task, key, sub.result)


def _parent(task: Task, key: str) -> str:
    """How many children of a subtask succeeded, and what its agent said when it made them."""
    spared = unneeded(task)
    states = [task.subtasks[child].state for child in made(task, key) if child not in spared]
    counted = say("answer.some_of", task.language, done=states.count(SubtaskState.SUCCEEDED), count=len(states))
    result = task.subtasks[key].result
    text = " · ".join(part for part in (counted, line(result.summary) if result else "") if part)
    return say("answer.step", task.language, title=title(task, key), text=text)


def _step(task: Task, key: str, result: Result) -> str:
    name = title(task, key)
    is_last = is_end(task, key)
    said = "" if is_last and long_text(result) == result.summary else line(result.summary)
    known = facts(result, task.language) if is_last else []
    text = " · ".join(part for part in (said, *known) if part)
    says_more = text not in {"", name}
    return say("answer.step" if says_more else "answer.bare_step", task.language, title=name, text=text)
