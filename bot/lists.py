"""Replies that list something: tasks, agents, a plan, what waits for approval, the commands."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot.card_text import REASON, TASK_MARKS, TITLE
from domain.agents import Worker
from domain.ends import waits_for_approval
from domain.errors import Refused
from domain.plan import Node, Plan
from domain.ports import TaskLine
from domain.reference import resolve
from domain.safe_text import safe, safe_line
from domain.skill import Effect
from domain.task import Task
from domain.texts import Language, say
from domain.wording import repaired

DESCRIPTION = 72  # characters: with its name it should fit one line of a terminal
PARAMS = 1000  # characters of parameters shown before somebody approves them


def tasks_text(lines: Sequence[TaskLine], language: Language) -> str:
    """The newest tasks, one line each."""
    if not lines:
        return say("chat.no_tasks", language)
    return "\n".join(
        say(
            "chat.task_line",
            language,
            mark=TASK_MARKS[line.state],
            task=line.id,
            state=say(f"state.{line.state}", language),
            done=line.done,
            total=line.total,
            request=safe_line(line.request, TITLE),
        )
        for line in lines
    )


def agents_text(workers: Sequence[Worker], language: Language) -> str:
    """Who is alive and what each can do."""
    by_agent: dict[str, list[Worker]] = {}
    for worker in workers:
        by_agent.setdefault(worker.agent, []).append(worker)
    if not by_agent:
        return say("chat.no_agents", language)
    return "\n".join(line for agent, crew in sorted(by_agent.items()) for line in _agent(agent, crew, language))


def _agent(agent: str, crew: Sequence[Worker], language: Language) -> Iterable[str]:
    yield say("chat.agent_line", language, agent=safe_line(agent, TITLE), workers=len(crew))
    skills = {skill.name: skill for worker in crew for skill in worker.skills}
    if not skills:
        yield say("chat.silent_skills", language)
    for name, skill in sorted(skills.items()):
        described = safe_line(skill.description, DESCRIPTION)
        yield say("chat.skill_line", language, skill=safe_line(name, TITLE), description=described)


def plan_text(plan: Plan, language: Language) -> str:
    """A plan before anything of it was started."""
    lines = [say("chat.plan_unplaced", language, part=safe_line(part, REASON)) for part in plan.unplaced]
    lines += [repaired(repair, language) for repair in plan.repairs]
    if plan.nodes:
        steps = [_planned(node, language) for node in plan.nodes]
        return "\n".join([say("chat.plan_head", language, count=len(steps)), *steps, *lines])
    if plan.answer is not None:
        return "\n".join([say("chat.plan_reply", language), safe(plan.answer), *lines])
    return "\n".join([say("chat.plan_empty", language), *lines])


def _planned(node: Node, language: Language) -> str:
    after = say("chat.plan_after", language, steps=", ".join(node.dependencies)) if node.dependencies else ""
    return say(
        "chat.plan_line",
        language,
        key=node.id,
        title=safe_line(node.title, TITLE),
        skill=safe_line(node.skill, TITLE),
        after=after,
        approval=say("chat.plan_approval", language) if node.effect is Effect.EXTERNAL else "",
    )


def approvals_text(task: Task) -> str:
    """What waits for a person, with the parameters that would be used; empty when nothing does."""
    waiting = (
        [task.plan.by_id[sub.key] for sub in task.subtasks.values() if waits_for_approval(task, sub)]
        if task.plan
        else []
    )
    if not waiting:
        return ""
    asked = [
        say(
            "chat.approval_of",
            task.language,
            title=safe_line(node.title, TITLE),
            skill=safe_line(node.skill, TITLE),
            params=safe_line(json.dumps(_filled(task, node), ensure_ascii=False), PARAMS),
        )
        for node in waiting
    ]
    return "\n".join([*asked, say("chat.approve_how", task.language, task=task.id)])


def _filled(task: Task, node: Node) -> Mapping[str, Any]:
    """The parameters as the agent would get them; as planned when that cannot be worked out."""
    outputs = {sub.key: sub.result.output for sub in task.subtasks.values() if sub.result}
    try:
        return dict(resolve(dict(node.params), outputs))
    except Refused:
        return node.params


def help_text(names: Iterable[str], language: Language) -> str:
    """The commands, a line each."""
    return "\n".join([say("help.head", language), *(f"  {say(f'help.{name}', language)}" for name in names)])
