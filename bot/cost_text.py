"""What language models took, and what a plan will probably take, in a person's words."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta

from bot.card_text import TITLE
from domain.estimate import Estimate
from domain.ports import Spend
from domain.safe_text import safe_line
from domain.texts import Language, say
from domain.wording import duration

LATELY = timedelta(days=30)  # what /cost without an id looks back


def cost_text(spends: Sequence[Spend], language: Language, task_id: str | None = None) -> str:
    """What was spent, in all and by purpose and model.

    Args:
        spends: of one task, or of one user lately.
        task_id: which task; None for what a user spent lately.
    """
    which = {"task": task_id} if task_id else {"days": LATELY.days}
    about = "task" if task_id else "recent"
    if not spends:
        return say(f"cost.none_{about}", language, **which)
    head = say(f"cost.{about}", language, **which, figures=_figures(spends, language))
    lines = [_line(spend, language) for spend in spends]
    notes = [say("cost.estimated", language)] if any(spend.is_estimated for spend in spends) else []
    return "\n".join([head, *lines, *notes])


def estimate_text(estimated: Estimate, language: Language) -> str:
    """What a plan will probably take; empty when there is no history to say it from."""
    if not estimated.known:
        return ""
    figures = duration(estimated.seconds, language)
    if estimated.cost:
        price = say("cost.price", language, dollars=_dollars(estimated.cost))
        figures = say("estimate.figures", language, duration=figures, price=price)
    if estimated.known == 1:
        return say("estimate.whole", language, figures=figures)
    return say("estimate.partly", language, figures=figures, percent=max(1, int(estimated.known * 100)))


def _line(spend: Spend, language: Language) -> str:
    return say(
        "cost.line",
        language,
        purpose=say(f"cost.purpose.{spend.purpose}", language),
        model=safe_line(spend.model, TITLE),
        figures=_figures([spend], language),
    )


def _figures(spends: Sequence[Spend], language: Language) -> str:
    return " · ".join(_parts(spends, language))


def _parts(spends: Sequence[Spend], language: Language) -> Iterable[str]:
    """Calls, failures, hits, tokens and price together; what is nought is left out."""
    if calls := sum(spend.calls for spend in spends):
        yield say("cost.calls", language, calls=calls)
    if failures := sum(spend.failures for spend in spends):
        yield say("cost.failures", language, failures=failures)
    if hits := sum(spend.hits for spend in spends):
        yield say("cost.hits", language, hits=hits)
    prompt = sum(spend.prompt_tokens for spend in spends)
    completion = sum(spend.completion_tokens for spend in spends)
    if prompt + completion:
        yield say("cost.tokens", language, prompt=f"{prompt:,}", completion=f"{completion:,}")
        yield _price(spends, language)


def _price(spends: Sequence[Spend], language: Language) -> str:
    cost = sum(spend.cost for spend in spends)
    if not cost:
        return say("cost.unpriced", language)
    key = "cost.about" if any(spend.is_estimated for spend in spends) else "cost.price"
    return say(key, language, dollars=_dollars(cost))


def _dollars(cost: float) -> str:
    return f"{max(cost, 0.0001):.4f}" if cost < 1 else f"{cost:,.2f}"
