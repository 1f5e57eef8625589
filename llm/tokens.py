"""Counting tokens where the server does not, and what they cost."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from domain.model import Prompt
from llm.models import Price

_DENSE = re.compile(r"[\u1100-\u11ff\u2e80-\ud7ff\uf900-\ufaff\uff00-\uffef\U00020000-\U0003ffff]")
_PER_DENSE, _PER_LATIN = 1.6, 4.0  # characters a token


def estimated(text: str) -> int:
    """About how many tokens a text is: Chinese, Japanese and Korean characters weigh more than others."""
    dense = len(_DENSE.findall(text))
    return round(dense / _PER_DENSE + (len(text) - dense) / _PER_LATIN)


def estimated_prompt(prompt: Prompt) -> int:
    """About how many tokens a question is."""
    texts = (prompt.system, prompt.user, *(text for _, text in prompt.history))
    return sum(map(estimated, texts))


def counted(counts: Any, name: str) -> int:
    """A figure of the server's `usage`; 0 when there is none that makes sense."""
    count = counts.get(name) if isinstance(counts, Mapping) else None
    return count if isinstance(count, int) and 0 <= count < 2**31 else 0


def from_prefix_cache(counts: Any) -> int:
    """Tokens of the prompt that the provider had kept: OpenAI's field, else DeepSeek's."""
    details = counts.get("prompt_tokens_details") if isinstance(counts, Mapping) else None
    return counted(details, "cached_tokens") or counted(counts, "prompt_cache_hit_tokens")


def cost(price: Price | None, prompt_tokens: int, completion_tokens: int) -> float:
    """US dollars; kept prefixes are counted in full, so that the figure is never too low."""
    if price is None:
        return 0.0
    return (prompt_tokens * price.per_in + completion_tokens * price.per_out) / 1_000_000
