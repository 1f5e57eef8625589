"""The language model behind the port: fall-back models in order, retries, breakers, one time budget."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from domain.errors import Misconfigured, ModelDown
from domain.model import Completion, Prompt, Purpose
from domain.ports import Clock, Entropy, Listener
from llm.asking import Asking, Candidate, Question
from llm.failures import CallFailed
from llm.models import ModelSettings
from llm.retries import retrying
from llm.voice import Voice


class OpenAIModel:
    """`domain.ports.Model` on OpenAI-compatible servers."""

    def __init__(self, settings: ModelSettings, clock: Clock, entropy: Entropy) -> None:
        from llm.endpoint import Endpoint  # the client library takes a second to load

        if not settings.models:
            raise Misconfigured("error.setting", name="XINGSHU_MODEL", detail="it names no model")
        self._settings = settings
        self._clock = clock
        self._entropy = entropy
        self._endpoints = {(spec.base_url, spec.api_key): Endpoint(spec, settings, clock) for spec in settings.models}
        self._candidates = [
            Candidate(spec, self._endpoints[spec.base_url, spec.api_key], clock) for spec in settings.models
        ]

    async def complete(self, prompt: Prompt, listener: Listener | None = None) -> Completion:
        """Ask the models in order, each within its share of the time left.

        Raises ModelDown naming why each of them brought nothing; Interrupted when an answer broke off after the
        listener had acted.
        """
        question = self._question(prompt, listener)
        causes: list[str] = []
        pauses_s: list[float] = []
        for position, candidate in enumerate(self._candidates):
            share_s = self._left_s(question) / (len(self._candidates) - position)
            try:
                completion = await self._persist(Asking(candidate, question), self._in(share_s))
            except CallFailed as failed:
                causes.append(f"{candidate.spec.name}: {failed.trouble.cause}")
                again_s = candidate.again_after_s(failed.trouble)
                pauses_s += [] if again_s is None else [again_s]
            else:
                return replace(completion, usage=tuple(question.bill), is_fallback=position > 0)
        soonest_s = min(pauses_s, default=None)
        raise ModelDown("error.model_down", usage=question.bill, retry_after_s=soonest_s, detail="; ".join(causes))

    async def close(self) -> None:
        """Release connections."""
        for endpoint in self._endpoints.values():
            await endpoint.close()

    def _question(self, prompt: Prompt, listener: Listener | None) -> Question:
        is_agent = prompt.purpose is Purpose.AGENT
        total_s = self._settings.agent_total_s if is_agent else self._settings.total_s
        asked = prompt if prompt.schema is None else replace(prompt, wants_json=True)
        return Question(
            prompt=asked,
            voice=Voice(listener, wants_json=asked.wants_json),
            call_s=self._settings.call_limit_s(total_s),
            until=self._in(total_s),
        )

    async def _persist(self, asking: Asking, until: datetime) -> Completion:
        persistent = retrying(self._settings.retries, self._clock, self._entropy, until)
        return await persistent(asking.ask, until)

    def _in(self, seconds: float) -> datetime:
        return self._clock.now() + timedelta(seconds=seconds)

    def _left_s(self, question: Question) -> float:
        return max(0.0, (question.until - self._clock.now()).total_seconds())
