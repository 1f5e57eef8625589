"""Whole worlds on a virtual clock: whatever dies, every promise holds; and each mechanism is there for a reason."""

from __future__ import annotations

import pytest

from tests.chaos.simulation.world import World

SEEDS = 300
BLOCK = 25


@pytest.mark.parametrize("first", range(0, SEEDS, BLOCK))
def test_every_promise_holds_in_every_world(first: int) -> None:
    for seed in range(first, first + BLOCK):
        broken = World(seed).run()
        assert not broken, f"World({seed}).run()"


@pytest.mark.parametrize(
    "mechanism", ["sweep", "reaper", "republish", "late timers", "fence", "grant", "unknown", "claim"]
)
def test_without_a_mechanism_worlds_go_bad(mechanism: str) -> None:
    assert any(World(seed, without=mechanism).run() for seed in range(SEEDS))


def test_the_same_seed_gives_the_same_world() -> None:
    def story(seed: int) -> object:
        world = World(seed)
        world.run()
        return world.engine.now, world.engine.deaths, world.rows.tasks, world.rows.attempts

    assert story(7) == story(7)
    assert story(7) != story(8)
