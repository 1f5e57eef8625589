"""A language model as the stages see it."""

from __future__ import annotations

from typing import Protocol

from domain.model import Completion, Prompt


class Listener(Protocol):
    """Hears an answer while it is written. Its methods return at once."""

    @property
    def has_acted(self) -> bool:
        """Whether something was already done about what was heard, so that it cannot be said all over again."""
        ...

    def heard(self, piece: str) -> None:
        """The next piece of the answer (never of a model's thoughts)."""
        ...

    def restarted(self) -> None:
        """The answer begins anew: forget what was heard."""
        ...


class Model(Protocol):
    """A language model, with its fall-backs behind it."""

    async def complete(self, prompt: Prompt, listener: Listener | None = None) -> Completion:
        """Ask once, retries and fall-backs included. A `listener` hears the answer as it comes.

        Raises ModelDown when no usable answer came; Interrupted when one broke off after its listener had acted.
        """
        ...
