"""Model answers kept by everything that shaped them, per owner, with one call for equal questions at a time."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from types import MappingProxyType

import structlog

from domain.errors import ModelDown, StoreDown
from domain.model import Completion, Prompt, Purpose
from domain.ports import Clock, Model, Store
from domain.task import Scope

_KEY_VERSION = 1
_WARM = 0.3  # above this temperature variety is wanted

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class CachePolicy:
    """What is kept, and for how long.

    Args:
        identity: the models and the server they are on (`ModelSettings.identity`).
        ttl_s: seconds by purpose; a purpose that is missing is never kept.
    """

    identity: str
    ttl_s: Mapping[Purpose, float] = field(
        default_factory=lambda: MappingProxyType({Purpose.PLAN: 6 * 3600.0, Purpose.ANSWER: 3600.0})
    )


class ResponseCache:
    """One per process, so that equal questions meet; `of` gives each owner their own model."""

    def __init__(self, model: Model, store: Store, clock: Clock, policy: CachePolicy) -> None:
        self._model = model
        self._store = store
        self._clock = clock
        self._policy = policy
        self._flights: dict[str, asyncio.Future[Completion | ModelDown | None]] = {}

    def of(self, scope: Scope) -> Model:
        """The model as this owner may see it: nobody else's answers."""
        return _OwnersModel(self, scope)

    async def complete(self, scope: Scope, prompt: Prompt) -> Completion:
        """Answer from the cache, else from the model. Raises ModelDown as the model does."""
        if prompt.purpose not in self._policy.ttl_s or prompt.temperature > _WARM:
            return await self._model.complete(prompt)
        key = self._key(scope, prompt)
        while True:
            flight = self._flights.get(key)
            if flight is None:
                return await self._lead(key, scope, prompt)
            landed = await asyncio.shield(flight)
            if isinstance(landed, ModelDown):
                raise landed
            if landed is not None:
                return landed
            # Whoever led was cancelled: one of those who waited takes over.

    async def _lead(self, key: str, scope: Scope, prompt: Prompt) -> Completion:
        """Get the answer for all who ask meanwhile."""
        flight: asyncio.Future[Completion | ModelDown | None] = asyncio.get_running_loop().create_future()
        self._flights[key] = flight
        landed: Completion | ModelDown | None = None
        try:
            landed = await self._known(key, scope) or await self._fresh(key, scope, prompt)
        except ModelDown as down:
            landed = down
            raise
        else:
            return landed
        finally:
            del self._flights[key]
            flight.set_result(landed)

    async def _known(self, key: str, scope: Scope) -> Completion | None:
        now = self._clock.now()
        try:
            text = await self._store.transact(lambda uow: uow.cache.get(scope, key, now))
        except StoreDown:
            log.warning("cache_not_read")
            return None
        return _read(text) if text else None

    async def _fresh(self, key: str, scope: Scope, prompt: Prompt) -> Completion:
        completion = await self._model.complete(prompt)
        if not completion.is_truncated and completion.text.strip():
            await self._keep(key, scope, completion, self._policy.ttl_s[prompt.purpose])
        return completion

    async def _keep(self, key: str, scope: Scope, completion: Completion, ttl_s: float) -> None:
        text = json.dumps({"text": completion.text, "model": completion.model}, ensure_ascii=False)
        expires_at = self._clock.now() + timedelta(seconds=ttl_s)
        try:
            await self._store.transact(lambda uow: uow.cache.put(scope, key, text, expires_at))
        except StoreDown:
            log.warning("cache_not_written")

    def _key(self, scope: Scope, prompt: Prompt) -> str:
        """The whole question is hashed, not chosen fields: a field added later must change the key."""
        shaped_by = [_KEY_VERSION, self._policy.identity, asdict(scope), asdict(prompt)]
        canonical = json.dumps(shaped_by, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()


def _read(text: str) -> Completion | None:
    try:
        kept = json.loads(text)
        return Completion(text=str(kept["text"]), model=str(kept["model"]), is_cached=True)
    except (ValueError, KeyError, TypeError):  # written by another version: asked again
        return None


class _OwnersModel:
    """`domain.ports.Model` for one owner."""

    def __init__(self, cache: ResponseCache, scope: Scope) -> None:
        self._cache = cache
        self._scope = scope

    async def complete(self, prompt: Prompt) -> Completion:
        return await self._cache.complete(self._scope, prompt)
