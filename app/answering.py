"""How this process writes answers: with the model and the response cache if there is a model, else by rules."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

from domain.errors import ModelDown
from domain.model import Purpose

if TYPE_CHECKING:
    from aggregator.drafts import Write
    from aggregator.model_answer import Reply
    from aggregator.role import AnswerWith
    from app.wiring import House
    from domain.answer import Answer
    from domain.model import Prompt
    from domain.ports import Listener
    from domain.task import Task


def answer_with(house: House) -> AnswerWith:
    """Writes the answer of a settled task."""
    from aggregator.model_answer import ModelAnswer
    from aggregator.summary import summarise

    async def by_rules(task: Task, _write: Write) -> Answer:
        return summarise(task)

    async def ask(task: Task, prompt: Prompt, listener: Listener) -> Reply:
        return await _reply(house, task, prompt, listener)

    return ModelAnswer(ask) if house.model else by_rules


async def _reply(house: House, task: Task, prompt: Prompt, listener: Listener) -> Reply:
    from aggregator.model_answer import Reply, ReplyCodec
    from llm import Question

    model = house.model_for(task.scope, task.id)
    if model is None:
        raise ModelDown("error.no_model")
    question = Question(
        scope=task.scope,
        kind="answer",
        purpose=Purpose.ANSWER,
        shaped_by=asdict(prompt),
        ttl_s=house.settings.answer_cache_s,
        is_bypassed=task.is_fresh,
        task_id=task.id,
    )

    async def said() -> Reply:
        return Reply.of(await model.complete(prompt, listener))

    return await house.response_cache.through(question, said, ReplyCodec(task))
