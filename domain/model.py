"""What is asked of a language model, and what comes back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class Purpose(StrEnum):
    """Why a model is asked; names the call in logs, caches and bills."""

    PLAN = "plan"
    ANSWER = "answer"
    AGENT = "agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One question. `system` is static, so that a provider's prefix cache works; `user` is what varies.

    `history` continues a conversation: (role, text) pairs after `user`. `wants_json` asks for a JSON object; `schema`
    is the JSON Schema it should follow, for servers that can be held to one.
    """

    purpose: Purpose
    system: str
    user: str
    history: tuple[tuple[str, str], ...] = ()
    wants_json: bool = False
    schema: Mapping[str, Any] | None = None
    max_tokens: int = 4096
    temperature: float = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What one call to one model took. `cost` is in US dollars by the operator's prices (0 without them);
    `is_estimated` means that the server did not say and characters were counted instead. `failed` is the cause when
    the call brought nothing."""

    model: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0  # of the prompt, read from the provider's prefix cache
    cost: float = 0.0
    seconds: float = 0.0
    is_estimated: bool = False
    failed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What a model said. Never blank and never cut off by a lost connection: that is ModelDown.

    `is_truncated` is whether `max_tokens` ended it; `is_fallback` whether a model before it in the list did not
    answer; `usage` lists every call it took, failed ones included, the last one being this answer's.
    """

    text: str
    model: str
    usage: tuple[Usage, ...] = ()
    is_truncated: bool = False
    is_fallback: bool = False
