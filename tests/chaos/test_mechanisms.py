"""Each mechanism is there for a reason: without it a world goes bad. And a world is its seed's alone."""

from __future__ import annotations

import pytest

from tests.chaos.simulation.mechanisms import MECHANISMS, without
from tests.chaos.simulation.world import World
from tests.chaos.worlds import SEEDS

pytestmark = pytest.mark.timeout(300)  # the rarest shows in a few hundred worlds


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_without_a_mechanism_a_world_goes_bad(mechanism: str) -> None:
    with without(mechanism):
        assert any(_is_bad(World(seed)) for seed in range(SEEDS)), f"nothing notices that {mechanism} is missing"


def _is_bad(world: World) -> bool:
    broken = world.run()
    crashes = [promise for promise in broken if "failed: " in promise or "logged" in promise]
    assert not crashes, "it is to be missing, not to crash"
    return bool(broken)


def test_the_same_seed_gives_the_same_world() -> None:
    def story(seed: int) -> object:
        world = World(seed)
        world.run()
        return world.now, world.deaths, list(world.database.tasks.values())

    assert story(7) == story(7)
    assert story(7) != story(8)
