"""One OpenAI-compatible server: one HTTP call in, a draft filled or a classified failure out."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from datetime import datetime
from typing import Any

import openai

from domain.errors import Misconfigured
from domain.ports import Clock
from llm.breaker import Breaker
from llm.draft import Draft
from llm.failures import CallFailed, Trouble
from llm.models import OPENAI, ModelSettings, ModelSpec, is_http, is_sendable
from llm.sdk_errors import classified
from llm.sse import Documents

_NO_KEY = "none"  # the client library refuses an empty key; local servers look at none
_TAIL_S = 1.0  # after the end of an answer only its usage comes, and at once
_RESTING = Trouble(cause="failed too often, asked again later", passes=True)
_CROWDED = Trouble(cause="busy with other questions until the time was over", passes=True)
_LATE = Trouble(cause="no time was left to ask")


class Endpoint:
    """A server: its connections, its breaker, and how many calls it is given at once."""

    def __init__(self, spec: ModelSpec, settings: ModelSettings, clock: Clock) -> None:
        if not is_sendable(spec.api_key):
            raise Misconfigured("error.setting", name="OPENAI_API_KEY", detail="it holds characters no key has")
        if spec.base_url and not is_http(spec.base_url):
            raise Misconfigured("error.setting", name="OPENAI_BASE_URL", detail="it is not an http(s) URL")
        self.breaker = Breaker()
        self._settings = settings
        self._clock = clock
        self._key = spec.api_key
        self._slots = asyncio.Semaphore(settings.slots)
        # Seconds between two reads are the patience's affair, which knows a token from a sign of life.
        timeout = openai.Timeout(None, connect=settings.connect_s)
        self._client = openai.AsyncOpenAI(
            base_url=spec.base_url or OPENAI, api_key=spec.api_key or _NO_KEY, max_retries=0, timeout=timeout
        )

    @asynccontextmanager
    async def admitted(self, until: datetime) -> AsyncIterator[None]:
        """Hold one of the slots; none is waited for at a server that is left alone, or beyond `until`. Raises
        CallFailed."""
        now = self._clock.now()
        if self.breaker.is_open(now):
            raise CallFailed(_RESTING)
        if now >= until:
            raise CallFailed(_LATE)
        await self._slot((until - now).total_seconds())
        try:
            if not self.breaker.admits(self._clock.now()):
                raise CallFailed(_RESTING)
            yield
        finally:
            self._slots.release()

    async def ask(self, request: Mapping[str, Any], draft: Draft, limit_s: float) -> None:
        """Make one call of at most `limit_s` seconds and fill the draft; it may come to a usable answer or not.

        Raises CallFailed. What goes wrong behind the end of an answer changes nothing.
        """
        patience = _Patience(self._settings, limit_s, is_stream="stream" in request)
        try:
            async with patience.scope:
                await self._follow(request, draft, patience)
        except TimeoutError:
            trouble = patience.trouble(draft)
        except CallFailed as failed:
            trouble = failed.trouble.hiding(self._key)
        else:
            return
        if not draft.finish:
            raise CallFailed(trouble)

    async def close(self) -> None:
        """Release connections."""
        await self._client.close()

    async def _slot(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._slots.acquire()
        except TimeoutError:
            raise CallFailed(_CROWDED) from None

    async def _follow(self, request: Mapping[str, Any], draft: Draft, patience: _Patience) -> None:
        documents = Documents()
        async with aclosing(self._bytes(request)) as pieces:
            async for piece in pieces:
                for document in documents.feed(piece):
                    if draft.take(document) or draft.finish:
                        patience.renew(draft)
        for document in documents.end():
            draft.take(document)

    async def _bytes(self, request: Mapping[str, Any]) -> AsyncGenerator[bytes, None]:
        """The body of the answer as it comes."""
        with classified(self._clock):
            answer = await self._client.chat.completions.with_raw_response.create(**request)
            async with aclosing(answer.http_response) as response:
                async for piece in response.aiter_bytes():
                    yield piece


class _Patience:
    """How long one call is waited for: until its first token, between tokens, in all."""

    def __init__(self, settings: ModelSettings, limit_s: float, *, is_stream: bool) -> None:
        self._idle_s = settings.idle_s
        self._time = asyncio.get_running_loop().time
        self._moved_at = self._time()
        self._end = self._moved_at + limit_s
        first_s = settings.first_s if is_stream else limit_s
        self.scope = asyncio.timeout_at(min(self._moved_at + first_s, self._end))

    def renew(self, draft: Draft) -> None:
        """Something came."""
        self._moved_at = self._time()
        self.scope.reschedule(min(self._moved_at + (_TAIL_S if draft.finish else self._idle_s), self._end))

    def trouble(self, draft: Draft) -> Trouble:
        """What to say when it is over. Only silence means that the server is gone."""
        silent_s = self._time() - self._moved_at
        if not draft.has_begun:
            cause = f"no answer within {silent_s:.0f} s"
        elif self._time() < self._end:
            cause = f"the answer stopped for {silent_s:.0f} s"
        else:
            cause = "the answer took too long"
        is_gone = silent_s >= self._idle_s
        return Trouble(cause=cause, is_retryable=True, is_outage=is_gone, passes=is_gone)
