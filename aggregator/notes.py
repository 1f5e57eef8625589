"""What a reader must not miss, whoever writes the answer: what was lost, left out, changed or made, and what next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aggregator.passages import line, once, path, section, titles
from aggregator.results import succeeded
from aggregator.tree import is_replaced, is_ruled_out, lost, unneeded
from domain.answer import Statement
from domain.ends import node_of
from domain.markdown import literal
from domain.task import Subtask, SubtaskState, Task
from domain.texts import say
from domain.wording import repaired, why

SOURCES = 8  # subtasks named behind one line
HOPELESS = frozenset(
    {"bad_params", "bad_reference", "bad_plan", "refused", "unknown_skill", "too_large", "too_many_items", "too_deep"}
)


def notes(task: Task) -> list[Statement]:
    """Everything code knows about how a task ended, under its headings."""
    return [
        *_lost(task),
        *_unneeded(task),
        *_unplaced(task),
        *_rounds(task),
        *_repairs(task),
        *_files(task),
        *_next(task),
    ]


def _lost(task: Task) -> list[Statement]:
    """What did not succeed and why; what has the same reason shares a line. A single subtask has said it already."""
    if len(task.subtasks) == 1 and task.cancelled_at is None:
        return []
    return section("answer.lost_head", task.language, _grouped(task, lost(task)))


def _grouped(task: Task, subs: Sequence[Subtask]) -> list[Statement]:
    """A line per reason."""
    groups: dict[str, list[Subtask]] = {}
    for sub in subs:
        groups.setdefault(why_lost(task, sub), []).append(sub)
    return [_group(task, reason, group) for reason, group in groups.items()]


def _group(task: Task, reason: str, subs: Sequence[Subtask]) -> Statement:
    keys = [sub.key for sub in subs]
    most = max(sub.failures for sub in subs)
    tries = say("answer.tries", task.language, count=most) if most > 1 else ""
    named = titles(task, keys)
    text = say("answer.lost", task.language, titles=named, why=literal(reason), tries=tries)
    return Statement(text=text, sources=_sources(task, keys))


def _sources(task: Task, keys: Sequence[str]) -> tuple[str, ...]:
    """Who a line is about; of many children, who they are children of."""
    return once(keys if len(keys) <= SOURCES else (node_of(task, key).parent or key for key in keys))


def why_lost(task: Task, sub: Subtask) -> str:
    """Why a subtask did not succeed, as one line of plain text."""
    return why(sub.failure, task.language) if sub.failure else say("failure.error", task.language)


def _unneeded(task: Task) -> list[Statement]:
    """What was planned for a case that did not come about or was taken out, and what only followed from it: no
    failures."""
    skipped = unneeded(task)
    spared = [task.subtasks[key] for key in task.subtasks if key in skipped]
    ruled_out = [sub for sub in spared if is_ruled_out(sub)]
    followed = [sub for sub in spared if sub not in ruled_out]
    told = _grouped(task, ruled_out)
    if followed:
        told.append(_group(task, say("answer.followed", task.language), followed))
    return section("answer.unneeded_head", task.language, told)


def _rounds(task: Task) -> list[Statement]:
    """Why the task was planned anew, and what had been lost until then."""
    told = []
    for number, miss in enumerate(task.plan.misses if task.plan else ()):
        told.append(Statement(text=f"- {line(miss) or say('failure.critical', task.language)}"))
        before = [sub for sub in task.subtasks.values() if node_of(task, sub.key).round == number]
        failed = [sub for sub in before if is_replaced(task, sub) and sub.state is not SubtaskState.SKIPPED]
        told += [Statement(text=f"  {one.text}", sources=one.sources) for one in _grouped(task, failed)]
    return section("answer.rounds_head", task.language, told)


def _unplaced(task: Task) -> list[Statement]:
    parts = task.plan.unplaced if task.plan else ()
    told = [Statement(text=say("answer.unplaced", task.language, part=line(part))) for part in parts]
    return section("answer.unplaced_head", task.language, told)


def _repairs(task: Task) -> list[Statement]:
    told = []
    for repair in task.plan.repairs if task.plan else ():
        text = f"- {literal(repaired(repair, task.language))}"
        told.append(Statement(text=text, sources=once({repair.subtask} & task.subtasks.keys())))
    return section("answer.repairs_head", task.language, told)


def _files(task: Task) -> list[Statement]:
    told = [Statement(text=f"- {path(name)}", sources=once(keys)) for name, keys in made_files(task).items()]
    return section("answer.files_head", task.language, told)


def made_files(task: Task) -> dict[str, list[str]]:
    """Files and who made them."""
    made: dict[str, list[str]] = {}
    for sub, result in succeeded(task):
        for name in result.files:
            if path(name):
                made.setdefault(name, []).append(sub.key)
    return made


def _next(task: Task) -> list[Statement]:
    return section("answer.next_head", task.language, list(_advice(task)))


def _advice(task: Task) -> Iterator[Statement]:
    tried = [sub for sub in lost(task) if sub.state is not SubtaskState.SKIPPED]
    hopeless = [sub for sub in tried if sub.failure and sub.failure.code in HOPELESS]
    hopeful = [sub for sub in tried if sub not in hopeless]
    unsent = [sub for sub in hopeful if sub.state is SubtaskState.FAILED and sub.attempt == 0]
    unknown = [sub for sub in task.subtasks.values() if sub.state is SubtaskState.UNKNOWN]
    if unknown:
        yield _advise(task, "answer.next_check", unknown)
    if hopeless:
        yield _advise(task, "answer.next_params", hopeless)
    if unsent:
        yield _advise(task, "answer.next_start", unsent)
    elif hopeful:
        yield _advise(task, "answer.next_retry", hopeful)
    if (task.plan and task.plan.unplaced) or (task.failure and task.failure.code == "no_plan"):
        yield Statement(text=say("answer.next_agents", task.language))


def _advise(task: Task, advice: str, subs: Sequence[Subtask]) -> Statement:
    keys = [sub.key for sub in subs]
    skills = ", ".join(dict.fromkeys(line(node_of(task, key).skill, 80) for key in keys))
    text = say(advice, task.language, task=task.id, titles=titles(task, keys), skills=skills)
    return Statement(text=text, sources=_sources(task, keys))
