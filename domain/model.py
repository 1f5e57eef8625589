"""What is asked of a language model, and what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Purpose(StrEnum):
    """Why a model is asked; names the call in logs, caches and bills."""

    PLAN = "plan"
    ANSWER = "answer"
    AGENT = "agent"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """One question. `system` is static, so that a provider's prefix cache works; `user` is what varies.

    `history` continues a conversation: (role, text) pairs after `user`. `wants_json` asks for a JSON object.
    """

    purpose: Purpose
    system: str
    user: str
    history: tuple[tuple[str, str], ...] = ()
    wants_json: bool = False
    max_tokens: int = 4096
    temperature: float = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What a model said. Never blank and never cut off by a lost connection: that is ModelDown.

    `is_cached` is whether it came from the response cache; `is_truncated` whether `max_tokens` ended it.
    """

    text: str
    model: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    is_cached: bool = False
    is_truncated: bool = False
