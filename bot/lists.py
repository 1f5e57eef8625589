"""Replies that list something: tasks, agents, a plan, what waits for approval, the commands."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bot.card_text import REASON, TASK_MARKS, TITLE
from domain.agents import Worker
from domain.ends import node_of, waits_for_approval
from domain.errors import Refused
from domain.outputs import outputs_for
from domain.plan import Condition, Node, Plan, When
from domain.ports import TaskLine
from domain.reference import resolve
from domain.safe_text import safe, safe_line
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
    notes = [say("chat.plan_unplaced", language, part=safe_line(part, REASON)) for part in plan.unplaced]
    notes += [repaired(repair, language) for repair in plan.repairs]
    if plan.nodes:
        steps = [_planned(node, language) for node in plan.nodes]
        return "\n".join([say("chat.plan_head", language, count=len(steps)), *steps, *notes])
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


def approvals_text(task: Task) -> str:
    """What waits for a person, with the parameters that would be used; empty when nothing does."""
    waiting = [node_of(task, sub.key) for sub in task.subtasks.values() if waits_for_approval(task, sub)]
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
    try:
        return dict(resolve(dict(node.params), outputs_for(task, node.id)))
    except Refused:
        return node.params


def help_text(names: Iterable[str], language: Language) -> str:
    """The commands, a line each."""
    return "\n".join([say("help.head", language), *(f"  {say(f'help.{name}', language)}" for name in names)])
