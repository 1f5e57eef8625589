"""One OpenAI-compatible server: one HTTP call in, one usable completion or a classified failure out."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import openai
import structlog

from domain.errors import Misconfigured
from domain.model import Completion, Prompt
from domain.ports import Clock
from llm.dialect import Dialect
from llm.failures import CallFailed, Trouble, timed_out, trouble_of
from llm.reading import read_completion

_OPENAI = "https://api.openai.com/v1"
_NO_KEY = "none"  # the client library refuses an empty key; local servers look at none
_REMEMBERED = timedelta(hours=24)  # servers are upgraded: then what they refused is tried again

log = structlog.get_logger()


def _is_http(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.hostname)


class Endpoint:
    """A server, and what was learned about the parameters it takes for each model."""

    def __init__(self, base_url: str, api_key: str, connect_s: float, clock: Clock) -> None:
        self._clock = clock
        self._connect_s = connect_s
        self._key = api_key
        self._learned: dict[str, tuple[Dialect, datetime]] = {}
        if not api_key.isascii() or not api_key.isprintable():
            raise Misconfigured("error.setting", name="OPENAI_API_KEY", detail="it holds characters no key has")
        if base_url and not _is_http(base_url):
            raise Misconfigured("error.setting", name="OPENAI_BASE_URL", detail="it is not an http(s) URL")
        self._client = openai.AsyncOpenAI(base_url=base_url or _OPENAI, api_key=api_key or _NO_KEY, max_retries=0)

    async def ask(self, model: str, prompt: Prompt, timeout_s: float) -> Completion:
        """Ask once, leaving out what the server refuses. Raises CallFailed."""
        dialect = self._dialect(model)
        while True:
            try:
                completion = await self._call(dialect, model, prompt, timeout_s)
            except CallFailed as failed:
                lesser = dialect.without_refused(failed.trouble, prompt)
                trouble = failed.trouble.hiding(self._key)
                if lesser is None:
                    raise CallFailed(trouble) from failed.__cause__
                log.info("model_parameter_left_out", model=model, cause=trouble.cause)
                dialect = lesser
            else:
                self._learned[model] = (dialect, self._clock.now())
                return completion

    async def close(self) -> None:
        """Release connections."""
        await self._client.close()

    def _dialect(self, model: str) -> Dialect:
        dialect, learned_at = self._learned.get(model, (Dialect(), self._clock.now()))
        return dialect if self._clock.now() - learned_at < _REMEMBERED else Dialect()

    async def _call(self, dialect: Dialect, model: str, prompt: Prompt, timeout_s: float) -> Completion:
        # The answer comes in one piece, so the wait for its first byte is the wait for all of it; the outer
        # timeout ends a server that drips bytes for ever.
        timeout = openai.Timeout(timeout_s, connect=min(self._connect_s, timeout_s))
        create = self._client.chat.completions.with_raw_response.create
        try:
            async with asyncio.timeout(timeout_s):
                answer = await create(**dialect.request(model, prompt), timeout=timeout)
                body = answer.text
        except TimeoutError as error:
            raise CallFailed(timed_out(timeout_s)) from error
        except openai.OpenAIError as error:
            raise CallFailed(trouble_of(error, self._clock.now(), timeout_s)) from error
        except UnicodeEncodeError as error:
            raise CallFailed(Trouble(cause="the question is not valid text")) from error
        return read_completion(body, model, prompt)
