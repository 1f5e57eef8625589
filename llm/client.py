"""The language model behind the port: fall-back models in order, retries, a breaker for each, one time budget."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import structlog

from domain.errors import Misconfigured, ModelDown
from domain.model import Completion, Prompt, Purpose
from domain.ports import Clock, Entropy
from llm.breaker import Breaker
from llm.endpoint import Endpoint
from llm.failures import CallFailed, Trouble
from llm.retries import RetryLimits, retrying

_PATIENT_S = 60.0  # a slow model deserves that much before its call counts as lost

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """Where the models are and how long they may take.

    Args:
        base_url: of any OpenAI-compatible server; empty means OpenAI's own.
        api_key: local servers need none.
        models: the model to ask and its fall-backs, in order.
        connect_s: seconds to reach the server.
        attempt_s: seconds for one call; when not given, half of the total, so that there is a second one.
        total_s: seconds for one question, retries and fall-backs included.
        agent_total_s: the same when an agent asks, whose own time limit is short.
        retries: how often one model is asked again.
    """

    base_url: str = ""
    api_key: str | None = field(default=None, repr=False)
    models: tuple[str, ...] = ()
    connect_s: float = 5.0
    attempt_s: float | None = None
    total_s: float = 180.0
    agent_total_s: float = 60.0
    retries: RetryLimits = field(default_factory=RetryLimits)

    def attempt_limit_s(self, total_s: float) -> float:
        """Seconds for one call of a question that may take `total_s`."""
        return self.attempt_s or max(_PATIENT_S, total_s / 2)

    @property
    def identity(self) -> str:
        """Which models on which server answer: part of the key under which answers are kept."""
        return f"{urlsplit(self.base_url).hostname or 'api.openai.com'} {','.join(self.models)}"


@dataclass(frozen=True, slots=True)
class _Time:
    """How long one model may be asked, and for how many seconds at once."""

    until: datetime
    attempt_s: float


class OpenAIModel:
    """`domain.ports.Model` on an OpenAI-compatible server."""

    def __init__(self, settings: ModelSettings, clock: Clock, entropy: Entropy) -> None:
        if not settings.models:
            raise Misconfigured("error.setting", name="XINGSHU_MODEL", detail="it names no model")
        self._settings = settings
        self._clock = clock
        self._entropy = entropy
        self._endpoint = Endpoint(settings.base_url, settings.api_key or "", settings.connect_s, clock)
        self._breakers = {model: Breaker() for model in settings.models}

    async def complete(self, prompt: Prompt) -> Completion:
        """Ask the models in order, each within its share of the time left. Raises ModelDown naming why each
        of them brought nothing."""
        is_agent = prompt.purpose is Purpose.AGENT
        total_s = self._settings.agent_total_s if is_agent else self._settings.total_s
        attempt_s = self._settings.attempt_limit_s(total_s)
        until = self._in(total_s)
        models = list(self._breakers)
        causes: list[str] = []
        for position, model in enumerate(models):
            share_s = self._left_s(until) / (len(models) - position)
            try:
                return await self._persist(model, prompt, _Time(self._in(share_s), attempt_s))
            except CallFailed as failed:
                causes.append(f"{model}: {failed.trouble.cause}")
        raise ModelDown("error.model_down", detail="; ".join(causes))

    async def close(self) -> None:
        """Release connections."""
        await self._endpoint.close()

    async def _persist(self, model: str, prompt: Prompt, time: _Time) -> Completion:
        persistent = retrying(self._settings.retries, self._clock, self._entropy, time.until)
        return await persistent(self._attempt, model, prompt, time)

    async def _attempt(self, model: str, prompt: Prompt, time: _Time) -> Completion:
        breaker = self._breakers[model]
        started_at = self._clock.now()
        if not breaker.admits(started_at):
            raise CallFailed(Trouble(cause="failed too often, asked again later"))
        told = log.bind(purpose=prompt.purpose.value, model=model)
        try:
            completion = await self._endpoint.ask(model, prompt, min(time.attempt_s, self._left_s(time.until)))
        except CallFailed as failed:
            breaker.record(self._clock.now(), is_outage=failed.trouble.is_outage)
            told.warning("model_call_failed", seconds=self._since_s(started_at), cause=failed.trouble.cause)
            raise
        breaker.record(self._clock.now(), is_outage=False)
        told.info(
            "model_called",
            seconds=self._since_s(started_at),
            prompt_tokens=completion.prompt_tokens,
            completion_tokens=completion.completion_tokens,
        )
        return completion

    def _in(self, seconds: float) -> datetime:
        return self._clock.now() + timedelta(seconds=seconds)

    def _left_s(self, until: datetime) -> float:
        return max(0.0, (until - self._clock.now()).total_seconds())

    def _since_s(self, at: datetime) -> float:
        return round((self._clock.now() - at).total_seconds(), 3)
