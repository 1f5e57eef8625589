"""The worlds that every test run plays; split over files, because a file runs on one processor."""

from __future__ import annotations

import pytest

from tests.chaos.simulation.world import World

SEEDS = 2000
FILES = 4
BLOCK = 25  # worlds of one test, so that none is long even where many share a processor


def share_of(file: int) -> pytest.MarkDecorator:
    """The first seeds of the blocks that one file plays."""
    each = SEEDS // FILES
    return pytest.mark.parametrize("first", range(file * each, (file + 1) * each, BLOCK))


def play(first: int) -> None:
    """A block of worlds. A broken promise says how to see it again."""
    for seed in range(first, first + BLOCK):
        broken = World(seed).run()
        assert not broken, f"python -m tests.chaos.simulation {seed}"
