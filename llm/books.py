"""Every call to a language model is written down: who asked, for which task, and what it took."""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from domain.errors import ModelDown, StoreDown
from domain.model import Completion, Prompt, Purpose, Usage
from domain.ports import Call, Clock, Listener, Model, Store
from domain.task import Scope

log = structlog.get_logger()


class BookedModel:
    """`domain.ports.Model` for one owner and task, with every call in the books, failed ones included.

    Args:
        model: who is asked.
        store: where the books are; while it is down, calls go unbooked and are logged.
        clock: the time of the calls.
        scope: who pays.
        task_id: what for; None for a preview.
    """

    def __init__(self, model: Model, store: Store, clock: Clock, scope: Scope, task_id: str | None) -> None:
        self._model = model
        self._store = store
        self._clock = clock
        self._scope = scope
        self._task_id = task_id

    async def complete(self, prompt: Prompt, listener: Listener | None = None) -> Completion:
        """Ask, and book what that took. Raises ModelDown as the model does."""
        try:
            completion = await self._model.complete(prompt, listener)
        except ModelDown as down:
            await self._book(prompt.purpose, down.usage)
            raise
        await self._book(prompt.purpose, completion.usage)
        return completion

    async def _book(self, purpose: Purpose, usages: Sequence[Usage]) -> None:
        now = self._clock.now()
        calls = [
            Call(scope=self._scope, task_id=self._task_id, purpose=purpose, usage=usage, at=now) for usage in usages
        ]
        if not calls:
            return
        try:
            await self._store.transact(lambda uow: uow.calls.add(calls))
        except StoreDown:
            log.warning("calls_not_booked", calls=len(calls), task=self._task_id)
