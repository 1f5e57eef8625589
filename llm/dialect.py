"""Which parameters a server takes. "OpenAI-compatible" servers differ; what one refuses is left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from domain.model import Prompt
from llm.failures import Trouble

# A refusal of a parameter comes with these codes; 500 is llama-cpp-python's for a response_format it cannot do.
_REFUSALS = frozenset({400, 404, 422, 500})
_JSON_WORDS = ("response_format", "json_object", "json_schema", "json mode")
_LENGTH = "max_tokens"
_NEWER_LENGTH = "max_completion_tokens"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """What is sent along with the messages. `length` is the name the limit of the answer goes by, if any."""

    json_mode: bool = True
    temperature: bool = True
    length: str | None = _LENGTH

    def request(self, model: str, prompt: Prompt) -> dict[str, Any]:
        """The request's parameters in this dialect."""
        request: dict[str, Any] = {"model": model, "messages": list(_messages(prompt))}
        if self.temperature:
            request["temperature"] = prompt.temperature
        if self.length:
            request[self.length] = prompt.max_tokens
        if self.json_mode and prompt.wants_json:
            request["response_format"] = {"type": "json_object"}
        return request

    def without_refused(self, trouble: Trouble, prompt: Prompt) -> Dialect | None:
        """The dialect without the parameter this refusal names; None when it names none that was sent."""
        said = trouble.said.casefold()
        if trouble.http_code not in _REFUSALS:
            return None
        if self.json_mode and prompt.wants_json and any(word in said for word in _JSON_WORDS):
            return replace(self, json_mode=False)
        if self.temperature and "temperature" in said:
            return replace(self, temperature=False)
        if self.length and self.length in said:
            return replace(self, length=_NEWER_LENGTH if self.length == _LENGTH else None)
        return None


def _messages(prompt: Prompt) -> Iterator[dict[str, str]]:
    yield {"role": "system", "content": prompt.system}
    yield {"role": "user", "content": prompt.user}
    for role, text in prompt.history:
        yield {"role": role, "content": text}
