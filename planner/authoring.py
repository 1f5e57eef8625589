"""One request being planned by a model: asked while listening, asked for the rest when it breaks off, asked once more
when what it wrote has defects."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import structlog

from domain.errors import Interrupted, ModelDown
from domain.model import Completion
from domain.plan import Node
from domain.plan_check import Limits
from domain.ports import Model
from domain.task import SubtaskState
from planner.drafts import Draft, Written, drafted
from planner.early import Judge
from planner.prompt import ask_again, plan_prompt
from planner.request import Begun, PlanRequest
from planner.streaming import EarlyNodes

MAX_RESTS = 2  # how often the rest of a plan is asked for after its writing broke off
EARLY_AUTHOR = "model"  # which one is known when it has finished

Grow = Callable[[Sequence[Node], str], Awaitable[None]]
"""Commits nodes that are certain, with their author's name, while the rest is still being written."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Authored:
    """A model's draft; the request as it stands after it, with all that has begun; and whether it is the first model's
    first word."""

    draft: Draft
    request: PlanRequest
    is_first_word: bool = False


class Authoring:
    """Has one request planned.

    Args:
        model: who is asked.
        request: what for.
        limits: how large the plan may be.
        grow: commits what is certain early; None waits for the whole plan.
    """

    def __init__(self, model: Model, request: PlanRequest, limits: Limits, grow: Grow | None) -> None:
        self._model = model
        self._request = request
        self._limits = limits
        self._grow = grow
        self._listener: EarlyNodes | None = None

    @property
    def request(self) -> PlanRequest:
        """The request as it stands: with all that has begun."""
        early = self._listener.nodes if self._listener else ()
        started = tuple(Begun(node=node, state=SubtaskState.RUNNING) for node in early)
        return replace(self._request, begun=(*self._request.begun, *started))

    async def authored(self) -> Authored:
        """The best plan the model comes up with. Raises ModelDown when it brings none."""
        before = self._request
        completion = await self._asked()
        draft = self._drafted(completion)
        is_first_word = not completion.is_fallback and self._request is before
        if draft.defects:
            log.info("plan_asked_again", model=completion.model, defects=len(draft.defects))
            draft, is_first_word = await self._corrected(completion, draft), False
        return Authored(draft=draft, request=self.request, is_first_word=is_first_word)

    async def _asked(self) -> Completion:
        """The answer; when it breaks off after something had begun, the answer to what the rest is."""
        for _ in range(MAX_RESTS):
            try:
                return await self._listened()
            except Interrupted as interrupted:
                self._request, self._listener = self.request, None
                log.warning("plan_broke_off", cause=str(interrupted), begun=len(self._request.begun))
        return await self._listened()

    async def _listened(self) -> Completion:
        """The answer; certain tasks are committed while it comes, and all of them before it is returned."""
        prompt = plan_prompt(self._request)
        if self._grow is None:
            return await self._model.complete(prompt)
        early: asyncio.Queue[Node | None] = asyncio.Queue()
        judge = partial(Judge, request=self._request, limits=self._limits)
        self._listener = EarlyNodes(judge, early.put_nowait)
        async with asyncio.TaskGroup() as group:
            group.create_task(_committed(early, self._grow))
            try:
                outcome: Completion | ModelDown = await self._model.complete(prompt, self._listener)
            except ModelDown as down:
                outcome = down
            early.put_nowait(None)
        if isinstance(outcome, ModelDown):
            raise outcome
        return outcome

    async def _corrected(self, completion: Completion, draft: Draft) -> Draft:
        """The better of the first draft and one that was asked for with its defects named."""
        most = max(1, len(draft.plan.nodes)) if draft.is_cut else None
        again = ask_again(plan_prompt(self._request), completion.text, self._defects(draft), most)
        try:
            second = self._drafted(await self._model.complete(again))
        except ModelDown:
            if draft.can_run:
                return draft
            raise
        return draft if draft.can_run and not second.can_run else second

    def _defects(self, draft: Draft) -> list[str]:
        """What is wrong, and what cannot be changed any more."""
        early = [node.id for node in self._listener.nodes] if self._listener else []
        begun = f"these tasks have begun and stay as they are, so list them unchanged: {', '.join(early)}"
        return [*draft.defects, begun] if early else draft.defects

    def _drafted(self, completion: Completion) -> Draft:
        written = Written(
            text=completion.text,
            author=completion.model,
            is_truncated=completion.is_truncated,
            early=self._listener.nodes if self._listener else (),
        )
        return drafted(written, self._request, self._limits)


async def _committed(early: asyncio.Queue[Node | None], grow: Grow) -> None:
    """Commit what is waiting, all at once, until None comes."""
    node = await early.get()
    while node is not None:
        nodes = [node]
        while not early.empty() and (node := early.get_nowait()) is not None:
            nodes.append(node)
        await grow(nodes, EARLY_AUTHOR)
        if node is not None:
            node = await early.get()
