"""A language model as the stages see it."""

from __future__ import annotations

from typing import Protocol

from domain.model import Completion, Prompt


class Model(Protocol):
    """A language model, with its fall-backs behind it."""

    async def complete(self, prompt: Prompt) -> Completion:
        """Ask once, retries and fall-backs included. Raises ModelDown when no usable answer came."""
        ...
