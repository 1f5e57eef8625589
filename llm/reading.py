"""One answer of a server, judged: usable text, or a failed call.

A gateway may answer with code 200 and send a web page, an error object, or nothing; a connection may be cut
without any error. So whatever has no end mark or no text is a failed call.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from domain.model import Completion, Prompt
from llm.failures import unusable

_THOUGHTS = ("reasoning_content", "reasoning")  # where vLLM and others leave JSON when they think it is thought


def read_completion(body: str, model: str, prompt: Prompt) -> Completion:
    """Read a chat completion. Raises CallFailed when there is no usable answer in it."""
    document = _document(body)
    choice = _first_choice(document)
    end = choice.get("finish_reason")
    if not end:
        raise unusable("the answer was cut off")
    if end == "content_filter":
        raise unusable("the answer was withheld by a content filter")
    text = _text(choice.get("message"), prompt)
    if not text.strip():
        raise unusable("the answer is blank")
    usage = document.get("usage")
    return Completion(
        text=text,
        model=model,
        prompt_tokens=_count(usage, "prompt_tokens"),
        completion_tokens=_count(usage, "completion_tokens"),
        is_truncated=end == "length",
    )


def _document(body: str) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise unusable("the answer is not JSON") from error
    if not isinstance(document, Mapping):
        raise unusable("the answer is not a completion")
    if reported := document.get("error"):
        raise unusable(str(reported.get("message", "an error") if isinstance(reported, Mapping) else reported))
    return document


def _first_choice(document: Mapping[str, Any]) -> Mapping[str, Any]:
    choices = document.get("choices")
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], Mapping):
        raise unusable("the answer holds no choice")
    first: Mapping[str, Any] = choices[0]
    return first


def _text(message: Any, prompt: Prompt) -> str:
    """The content, else what was misfiled as thought if it may be the JSON asked for, else the refusal."""
    if not isinstance(message, Mapping):
        return ""
    names = ("content", *_THOUGHTS, "refusal") if prompt.wants_json else ("content", "refusal")
    return next((text for text in (_joined(message.get(name)) for name in names) if text.strip()), "")


def _joined(content: Any) -> str:
    """Content is a text or a list of parts."""
    if isinstance(content, list):
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, Mapping))
    return content if isinstance(content, str) else ""


def _count(usage: Any, name: str) -> int:
    count = usage.get(name) if isinstance(usage, Mapping) else None
    return count if isinstance(count, int) else 0
