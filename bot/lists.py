"""Replies that list something: tasks, agents, a plan, what waits for approval, the commands."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from bot.card_text import REASON, TASK_MARKS, TITLE
from domain.agents import Worker
from domain.approval import awaiting, filled
from domain.backlog import Backlog
from domain.ends import node_of
from domain.plan import Condition, Node, Plan, When
from domain.ports import TaskLine
from domain.safe_text import safe, safe_line
from domain.task import Task
from domain.texts import Language, say
from domain.wording import repaired

DESCRIPTION = 72  # characters: with its name it should fit one line of a terminal
PARAMS = 1000  # characters of parameters shown before somebody approves them


def tasks_text(lines: Sequence[TaskLine], language: Language, now: datetime | None = None) -> str:
    """Tasks, one line each; with their age where it is known what time it is."""
    if not lines:
        return say("chat.no_tasks", language)
    return "\n".join(
        say(
            "control.task_line",
            language,
            mark=TASK_MARKS[line.state],
            task=line.id,
            state=say(f"state.{line.state}", language),
            count=f" · {line.done}/{line.total}" if line.total else "",
            age=_age(line, now, language),
            request=safe_line(line.request, TITLE),
        )
        for line in lines
    )


def _age(line: TaskLine, now: datetime | None, language: Language) -> str:
    if now is None:
        return ""
    return say("control.age", language, age=ago((now - line.created_at).total_seconds(), language))


def ago(seconds: float, language: Language) -> str:
    """How long ago something was, in the one unit that matters."""
    whole = max(0, int(seconds))
    for unit, length in (("days", 86_400), ("hours", 3600), ("minutes", 60)):
        if whole >= length:
            return say(f"control.ago_{unit}", language, count=whole // length)
    return say("control.ago_seconds", language, count=whole)


def agents_text(
    workers: Sequence[Worker], language: Language, backlogs: Iterable[Backlog] = (), now: datetime | None = None
) -> str:
    """Who is alive and what each can do; with what each has before it, where that and the time are known."""
    waiting = {backlog.agent: backlog for backlog in backlogs} if now else {}
    by_agent: dict[str, list[Worker]] = {agent: [] for agent in waiting}
    for worker in workers:
        by_agent.setdefault(worker.agent, []).append(worker)
    if not by_agent:
        return say("chat.no_agents", language)
    lines: list[str] = []
    for agent, crew in sorted(by_agent.items()):
        head, *skills = _agent(agent, crew, language)
        load = backlog_text(waiting[agent], language, now) if now and agent in waiting else ""
        lines += [head + load, *skills]
    return "\n".join(lines)


def backlog_text(backlog: Backlog, language: Language, now: datetime) -> str:
    """What waits for one agent, to stand behind its name."""
    parts = [say("chat.agent_load", language, running=backlog.running, sent=backlog.sent)]
    if backlog.oldest_at is not None:
        parts.append(say("chat.agent_oldest", language, age=ago(backlog.waited_s(now), language)))
    if backlog.depth is not None:
        figures = {"messages": backlog.depth.messages, "consumers": backlog.depth.consumers}
        parts.append(say("chat.agent_queue", language, **figures))
    return "".join(parts)


def _agent(agent: str, crew: Sequence[Worker], language: Language) -> Iterable[str]:
    yield say("chat.agent_line", language, agent=safe_line(agent, TITLE), workers=len(crew))
    skills = {skill.name: skill for worker in crew for skill in worker.skills}
    if crew and not skills:
        yield say("chat.silent_skills", language)
    for name, skill in sorted(skills.items()):
        described = safe_line(skill.description, DESCRIPTION)
        yield say("chat.skill_line", language, skill=safe_line(name, TITLE), description=described)


def plan_text(plan: Plan, language: Language, task_id: str = "") -> str:
    """A plan before anything of it was started; with `task_id` that of a task which was just begun."""
    notes = [say("chat.plan_unplaced", language, part=safe_line(part, REASON)) for part in plan.unplaced]
    notes += [repaired(repair, language) for repair in plan.repairs]
    if plan.nodes:
        head = "control.plan_begun" if task_id else "chat.plan_head"
        steps = [_planned(node, language) for node in plan.nodes]
        return "\n".join([say(head, language, count=len(steps), task=task_id), *steps, *notes])
    return "\n".join([*_without_steps(plan, language), *notes])


def _without_steps(plan: Plan, language: Language) -> list[str]:
    if plan.question is not None:
        return [say("chat.plan_question", language), safe(plan.question)]
    if plan.answer is not None:
        return [say("chat.plan_reply", language), safe(plan.answer)]
    return [say("chat.plan_empty", language)]


def _planned(node: Node, language: Language) -> str:
    title, skill = safe_line(node.title, TITLE), safe_line(node.skill, TITLE)
    line = say("chat.plan_line", language, key=node.id, title=title, skill=skill)
    return line + "".join(_circumstances(node, language))


def _circumstances(node: Node, language: Language) -> Iterable[str]:
    """When, how often and with whose leave it would run, a clause each."""
    if node.dependencies:
        yield say("chat.plan_after", language, steps=", ".join(node.dependencies))
    if node.when is not When.ALL_SUCCESS:
        yield say(f"chat.plan_{node.when}", language)
    if node.is_map:
        yield say("chat.plan_each", language, items=_place(node.for_each))
    if node.condition:
        yield say("chat.plan_if", language, comparison=_comparison(node.condition, language))
    if node.needs_approval:
        yield say("chat.plan_approval", language)


def _comparison(condition: Condition, language: Language) -> str:
    value = safe_line(json.dumps(condition.value, ensure_ascii=False), TITLE)
    return say(f"chat.op_{condition.op}", language, ref=_place(condition.ref), value=value)


def _place(reference: str) -> str:
    """A reference without its braces."""
    return safe_line(reference, TITLE).strip("{} ")


def approvals_text(task: Task, language: Language, keys: Collection[str] | None = None) -> str:
    """What waits for a person, with the parameters that would be used; empty when nothing does.

    Args:
        task: as it stands.
        language: to say it in.
        keys: only these steps; all that wait for None.
    """
    waiting = [sub.key for sub in awaiting(task) if keys is None or sub.key in keys]
    if not waiting:
        return ""
    asked = [_approval(task, key, language) for key in waiting]
    step = f" {waiting[0]}" if len(awaiting(task)) > 1 else ""
    return "\n".join([*asked, say("control.approve_how", language, task=task.id, step=step)])


def _approval(task: Task, key: str, language: Language) -> str:
    node = node_of(task, key)
    params = json.dumps(filled(task, key), ensure_ascii=False)
    shown = safe_line(params, PARAMS)
    if len(params) > PARAMS:
        shown += " " + say("control.hidden", language, count=len(params) - PARAMS)
    return say(
        "control.approval_of",
        language,
        key=key,
        title=safe_line(node.title, TITLE),
        skill=safe_line(node.skill, TITLE),
        params=shown,
    )


def help_text(names: Iterable[str], language: Language) -> str:
    """The commands, a line each."""
    return "\n".join([say("help.head", language), *(f"  {say(f'help.{name}', language)}" for name in names)])
