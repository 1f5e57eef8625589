"""One question to one model: every call it takes, in a lesser dialect or after a pause, and what each one took."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from domain.errors import Interrupted
from domain.model import Completion, Prompt, Usage
from domain.ports import Clock
from llm import tokens
from llm.dialect import Form, Learned
from llm.draft import Draft
from llm.failures import CallFailed, Doubt, Trouble
from llm.models import ModelSpec
from llm.voice import Voice

if TYPE_CHECKING:
    from llm.endpoint import Endpoint

_TOLERATED = 2  # answers in a row that are not in the form asked for, before it is asked for in a lesser one
_ALARMING = frozenset({401, 402, 403, 404})  # the operator must do something

log = structlog.get_logger()


class Candidate:
    """A model of the list: where it is, and what was learned about asking it."""

    def __init__(self, spec: ModelSpec, endpoint: Endpoint, clock: Clock) -> None:
        self.spec = spec
        self.endpoint = endpoint
        self.clock = clock
        self.learned = Learned(clock)
        self.misshapen = 0  # answers in a row

    def again_after_s(self, trouble: Trouble) -> float | None:
        """Seconds after which the same question may be answered; None when waiting does not help."""
        if not trouble.passes:
            return None
        return max(trouble.retry_after_s or 0.0, self.endpoint.breaker.rest_s(self.clock.now()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked and who listens; `until` is when the time for it is over, `call_s` the seconds for one call, `bill`
    all calls made so far."""

    prompt: Prompt
    voice: Voice
    call_s: float
    until: datetime
    bill: list[Usage] = field(default_factory=list)


class Asking:
    """Asks one model; `ask` may be called again after a failure and goes on from what was learned."""

    def __init__(self, candidate: Candidate, question: Question) -> None:
        self._candidate = candidate
        self._question = question
        self._dialect = candidate.learned.dialect

    async def ask(self, until: datetime) -> Completion:
        """One answer, leaving out what the server refuses; a slot is waited for until `until`.

        Raises CallFailed, or Interrupted when the listener had already acted.
        """
        while True:
            async with self._candidate.endpoint.admitted(until):
                completion = await self._call()
            if completion is not None:
                return completion

    async def _call(self) -> Completion | None:
        """One call; None when the server refused a parameter and shall be asked without it."""
        prompt, voice = self._question.prompt, self._question.voice
        draft = Draft(voice, self._dialect.form(prompt), wants_json=prompt.wants_json)
        started_at = self._candidate.clock.now()
        limit_s = min(self._question.call_s, (self._question.until - started_at).total_seconds())
        try:
            await self._candidate.endpoint.ask(self._dialect.request(self._name, prompt), draft, limit_s)
            text = draft.text()
            voice.settle(text)
        except CallFailed as failed:
            self._book(draft, started_at, failed.trouble)
            self._recover(failed)
            return None
        self._candidate.endpoint.breaker.record(self._candidate.clock.now(), is_outage=False)
        self._book(draft, started_at)
        self._learn(Doubt.FORM if draft.is_misshapen else None)
        return Completion(text=text, model=self._name, is_truncated=draft.finish == "length")

    @property
    def _name(self) -> str:
        return self._candidate.spec.name

    def _recover(self, failed: CallFailed) -> None:
        """Return when the same question shall be put in a lesser dialect at once, else raise."""
        trouble = replace(failed.trouble, said=failed.trouble.said.replace(self._name.casefold(), ""))
        lesser = self._dialect.without_refused(trouble, self._question.prompt)
        is_outage = trouble.is_outage and lesser is None
        self._candidate.endpoint.breaker.record(self._candidate.clock.now(), is_outage=is_outage)
        if self._question.voice.is_bound:
            again_s, detail = self._candidate.again_after_s(trouble), f"{self._name}: {trouble.cause}"
            bill = self._question.bill
            raise Interrupted("error.model_down", usage=bill, retry_after_s=again_s, detail=detail) from failed
        self._question.voice.forget()
        if trouble.doubt:
            self._learn(trouble.doubt)
        if lesser is None:
            raise failed
        log.info("model_parameter_left_out", model=self._name, cause=trouble.cause)
        self._dialect = lesser

    def _learn(self, doubt: Doubt | None) -> None:
        """Keep what worked. A server may take a parameter and then answer rubbish: that costs the parameter, too."""
        candidate = self._candidate
        if doubt or self._dialect.form(self._question.prompt) is not Form.PLAIN:
            candidate.misshapen = candidate.misshapen + 1 if doubt else 0
        if doubt and (doubt is Doubt.LENGTH or candidate.misshapen >= _TOLERATED):
            self._dialect = self._dialect.without_doubted(doubt, self._question.prompt)
        candidate.learned.keep(self._dialect)

    def _book(self, draft: Draft, started_at: datetime, trouble: Trouble | None = None) -> None:
        usage = self._usage(draft, started_at, trouble)
        self._question.bill.append(usage)
        told = log.bind(purpose=self._question.prompt.purpose.value, model=self._name, seconds=round(usage.seconds, 3))
        if trouble is None:
            told.info("model_called", prompt_tokens=usage.prompt_tokens, completion_tokens=usage.completion_tokens)
        elif trouble.http_code in _ALARMING:
            told.error("model_call_refused", cause=trouble.cause)
        else:
            told.warning("model_call_failed", cause=trouble.cause)

    def _usage(self, draft: Draft, started_at: datetime, trouble: Trouble | None) -> Usage:
        read = tokens.counted(draft.counts, "prompt_tokens")
        written = tokens.counted(draft.counts, "completion_tokens")
        is_estimated = not (read or written) and draft.has_begun
        if is_estimated:
            read, written = tokens.estimated_prompt(self._question.prompt), tokens.estimated(draft.written)
        return Usage(
            model=self._name,
            prompt_tokens=read,
            completion_tokens=written,
            cached_tokens=tokens.from_prefix_cache(draft.counts),
            cost=tokens.cost(self._candidate.spec.price, read, written),
            seconds=(self._candidate.clock.now() - started_at).total_seconds(),
            is_estimated=is_estimated,
            failed=trouble.cause if trouble else "",
        )
