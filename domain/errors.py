"""The error tree, split by what the caller does about it.

    XingshuError
    ├── Refused         the input is wrong: tell the person, do not try again
    │   ├── NotFound    no such task in the caller's scope (also for somebody else's)
    │   ├── PlanRefused a plan that cannot be run; carries every problem
    │   ├── Malformed   bytes or text that are not what they should be
    │   ├── Unreachable nothing will ever arrive in a chat: blocked, gone, closed
    │   └── MessageGone a message of ours that is not in its chat any more
    ├── Unavailable     something outside is down: keep the row, try again later
    │   └── StoreDown · BrokerDown (Taken) · ModelDown (Interrupted) · Unroutable · Flooded
    └── Misconfigured   the operator must change a setting: say which, stop with exit code 2

Every error names a sentence of the catalogue (`domain.texts`), so a person reads it in their language; the
technical cause travels as `__cause__` and goes to the log only.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from domain.model import Usage
from domain.texts import Language, say


class Defect(Protocol):
    """One thing wrong with a plan (`domain.plan_check.Problem`)."""

    def say(self, language: Language) -> str:
        """The defect as a clause."""
        ...


class XingshuError(Exception):
    """Something a person must be told.

    Args:
        key: the sentence in the catalogue.
        values: what fills the sentence's braces.
    """

    def __init__(self, key: str, /, **values: Any) -> None:
        super().__init__(key, values)
        self.key = key
        self.values = values

    def __str__(self) -> str:
        return self.say("en")

    def say(self, language: Language) -> str:
        """The sentence to show, with what to do next."""
        return say(self.key, language, **self.values)


class Refused(XingshuError):
    """The input is wrong; trying again changes nothing."""


class NotFound(Refused):
    """Nothing of that name in the caller's scope."""


class Malformed(Refused):
    """Bytes or text that are not what they should be."""


class PlanRefused(Refused):
    """A plan that cannot be run."""

    def __init__(self, problems: Sequence[Defect]) -> None:
        self.problems = tuple(problems)
        super().__init__("plan.refused", count=len(self.problems), problems=self.problems)

    def say(self, language: Language) -> str:
        """All problems, the first few spelled out."""
        shown = "; ".join(problem.say(language) for problem in self.problems[:5])
        more = len(self.problems) - 5
        tail = say("plan.more_problems", language, count=more) if more > 0 else ""
        return say("plan.refused", language, problems=shown + tail)


class Unreachable(Refused):
    """Nothing that is sent there will arrive until people change something; `how` is the named state of the chat:
    blocked, chat_gone, topic_closed, not_allowed."""

    def __init__(self, how: str, /, **values: Any) -> None:
        super().__init__(f"chat.unreachable_{how}", **values)
        self.how = how


class MessageGone(Refused):
    """A message of ours is not in its chat any more, or cannot be edited."""


class Unavailable(XingshuError):
    """Something outside is down; the same call may work later."""


class StoreDown(Unavailable):
    """The database does not answer."""


class BrokerDown(Unavailable):
    """The broker does not answer or did not confirm in time."""


class Unroutable(Unavailable):
    """The broker has no queue for a message: its agent never announced itself."""


class Taken(BrokerDown):
    """The broker has given somebody else, for now, what only one may have."""


class Flooded(Unavailable):
    """A platform wants to be left alone for `retry_after_s` seconds."""

    def __init__(self, key: str, /, *, retry_after_s: float, **values: Any) -> None:
        super().__init__(key, retry_after_s=retry_after_s, **values)
        self.retry_after_s = retry_after_s


class ModelDown(Unavailable):
    """No configured model gave a usable answer.

    `usage` lists the calls that were made all the same. `retry_after_s` says after how many seconds one may answer;
    None when waiting does not help, because the operator must mend something or the question is at fault.
    """

    def __init__(
        self, key: str, /, *, usage: Sequence[Usage] = (), retry_after_s: float | None = None, **values: Any
    ) -> None:
        super().__init__(key, **values)
        self.usage = tuple(usage)
        self.retry_after_s = retry_after_s


class Interrupted(ModelDown):
    """A model's answer broke off after something had been done about its beginning: ask for the rest."""


class Misconfigured(XingshuError):
    """A setting is missing or wrong; the sentence names it."""
