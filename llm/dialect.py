"""How a server is asked. "OpenAI-compatible" servers differ; what one refuses is left out, or asked for in a lesser
way, and that is remembered for a day."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from domain.model import Prompt
from domain.ports import Clock
from llm.failures import Doubt, Trouble

_REMEMBERED = timedelta(hours=24)  # servers are upgraded: then what they refused is tried again
# A refusal of a parameter comes with these codes; 500 is llama-cpp-python's for a response_format it cannot do.
_REFUSALS = frozenset({400, 404, 422, 500})
_FORM_WORDS = re.compile(r"response_format|json_schema|json_object|json mode|tool_choice|\btools\b|schema|grammar")
_VAGUE_WORDS = re.compile(r"\btool|\bstrict\b|validation error")
_STREAM_WORDS = re.compile(r"\bstream(ing)?\b")
_LENGTHS = ("max_tokens", "max_completion_tokens")


class Form(StrEnum):
    """Ways to get JSON out of a server, the surest first."""

    STRICT = "strict json_schema"
    SCHEMA = "json_schema"
    TOOL = "tool"
    OBJECT = "json_object"
    PLAIN = "plain"  # the prompt says it all; no server can refuse that


_FREE = (Form.OBJECT, Form.PLAIN)  # without a schema


@dataclass(frozen=True, slots=True)
class Dialect:
    """What is left out for a server: names of parameters, and forms of the answer."""

    refused: frozenset[str] = field(default_factory=frozenset)

    def form(self, prompt: Prompt) -> Form:
        """How the shape of the answer is asked for."""
        forms = tuple(Form) if prompt.schema is not None else _FREE if prompt.wants_json else (Form.PLAIN,)
        return next((form for form in forms if form not in self.refused), Form.PLAIN)

    def request(self, model: str, prompt: Prompt) -> dict[str, Any]:
        """The request's parameters in this dialect."""
        optional: dict[str, Any] = {"temperature": prompt.temperature}
        if length := self._length:
            optional[length] = prompt.max_tokens
        if "stream" not in self.refused:
            optional |= {"stream": True, "stream_options": {"include_usage": True}}
        return {
            "model": model,
            "messages": list(_messages(prompt)),
            **{name: value for name, value in optional.items() if name not in self.refused},
            **_shape(self.form(prompt), prompt),
        }

    def without_refused(self, trouble: Trouble, prompt: Prompt) -> Dialect | None:
        """The dialect without what this refusal names; None when it names nothing that was sent."""
        if trouble.http_code not in _REFUSALS or trouble.is_overflow:
            return None
        named = self._named(trouble, prompt)
        return self._without(named) if named else None

    def without_doubted(self, doubt: Doubt, prompt: Prompt) -> Dialect:
        """The dialect without what unusable answers cast doubt on."""
        suspects = {Doubt.FORM: self.form(prompt), Doubt.STREAM: "stream", Doubt.LENGTH: self._length}
        suspect = suspects[doubt]
        return self._without(suspect) if suspect and suspect != Form.PLAIN else self

    @property
    def _length(self) -> str | None:
        return next((name for name in _LENGTHS if name not in self.refused), None)

    def _named(self, trouble: Trouble, prompt: Prompt) -> str | None:
        """What is named most clearly; a word such as "strict" may mean anything and comes last."""
        form = self.form(prompt)
        if form is not Form.PLAIN and _FORM_WORDS.search(trouble.said):
            return form
        for name in ("stream_options", "temperature", self._length):
            if name and name not in self.refused and name in trouble.said:
                return name
        if "stream" not in self.refused and trouble.http_code != 500 and _STREAM_WORDS.search(trouble.said):
            return "stream"
        return form if form is not Form.PLAIN and _VAGUE_WORDS.search(trouble.said) else None

    def _without(self, name: str) -> Dialect:
        return Dialect(self.refused | {name})


def _shape(form: Form, prompt: Prompt) -> dict[str, Any]:
    """What asks for the answer's shape."""
    if form is Form.OBJECT:
        return {"response_format": {"type": "json_object"}}
    if form is Form.PLAIN:
        return {}
    name = prompt.purpose.value
    if form is Form.TOOL:
        called = f"submit_{name}"
        tool = {"name": called, "description": f"Submit the {name}.", "parameters": prompt.schema}
        return {
            "tools": [{"type": "function", "function": tool}],
            "tool_choice": {"type": "function", "function": {"name": called}},
        }
    described: Mapping[str, Any] = {"name": name, "schema": prompt.schema}
    if form is Form.STRICT:
        described = {**described, "strict": True}
    return {"response_format": {"type": "json_schema", "json_schema": described}}


def _messages(prompt: Prompt) -> Iterator[dict[str, str]]:
    yield {"role": "system", "content": prompt.system}
    yield {"role": "user", "content": prompt.user}
    for role, text in prompt.history:
        yield {"role": role, "content": text}


class Learned:
    """What a model's server refused in the last day."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._refused_at: dict[str, datetime] = {}

    @property
    def dialect(self) -> Dialect:
        """How to ask first."""
        return Dialect(frozenset(self._valid()))

    def keep(self, dialect: Dialect) -> None:
        """Remember what is left out; what was known before keeps its age."""
        self._refused_at = dict.fromkeys(dialect.refused, self._clock.now()) | self._valid()

    def _valid(self) -> dict[str, datetime]:
        now = self._clock.now()
        return {name: at for name, at in self._refused_at.items() if now - at < _REMEMBERED}
