"""Platforms with limits and faults, processes that die: every promise holds, and each mechanism has its reason."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
import structlog

from tests.chaos.chats.server import CALM, ROUGH, Risks
from tests.chaos.chats.world import DISCORD, DISCORD_LIMITS, TELEGRAM, TELEGRAM_LIMITS, Outcome, Size, World

pytestmark = pytest.mark.timeout(300)  # a whole world in virtual time costs up to half a minute of real work
PLATFORMS = {"telegram": (TELEGRAM, TELEGRAM_LIMITS), "discord": (DISCORD, DISCORD_LIMITS)}
BUSY = Size(tasks=60, over_s=60.0, risks=Risks(flooded=0.0))
WILD = Size(tasks=40, private=8, groups=2, over_s=200.0, life_s=15.0, risks=ROUGH)
QUIET = Size(tasks=40, over_s=40.0, life_s=0.0, risks=CALM)
SMALL = Size(tasks=12, private=4, groups=1, over_s=60.0, life_s=10.0, risks=ROUGH)
CROWDED = Size(tasks=50, private=15, groups=0, over_s=100.0, life_s=0.0, risks=CALM)


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    yield
    structlog.reset_defaults()


def played(seed: int, size: Size, platform: str, without: str = "") -> Outcome:
    traits, limits = PLATFORMS[platform]
    return World(seed, size, traits, limits, without).run()


@pytest.mark.parametrize("platform", PLATFORMS)
def test_answers_come_once_and_cards_are_young(platform: str) -> None:
    outcome = played(1, BUSY, platform)
    assert outcome.broken == []
    assert outcome.share("card private", 0.95) <= 5.0
    assert outcome.share("first card private", 0.9) <= 1.0
    assert outcome.share("answer private", 0.95) <= 2.0


@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_promise_holds_in_a_wild_world(platform: str) -> None:
    outcome = played(2, WILD, platform)
    assert outcome.broken == []
    assert outcome.counts["deaths"] > 5
    assert outcome.counts["bans"] > 5


def test_nobody_is_told_to_wait_while_nothing_goes_wrong() -> None:
    outcome = played(3, QUIET, "telegram")
    assert outcome.broken == []
    assert outcome.counts["told to wait"] == 0
    assert outcome.counts["stray placeholders"] == 0
    assert outcome.share("card private", 0.95) <= 5.0


@pytest.mark.parametrize("without", ["stub", "intent", "rest"])
def test_without_a_mechanism_promises_break(without: str) -> None:
    assert played(2, SMALL, "telegram").broken == []
    assert any(played(seed, SMALL, "telegram", without).broken for seed in (2, 4, 5))


def test_without_the_reserve_answers_wait_for_edits() -> None:
    with_reserve = played(6, CROWDED, "telegram").share("answer private", 0.9)
    without = played(6, CROWDED, "telegram", "reserve").share("answer private", 0.9)
    assert without > 1.2 * with_reserve
