"""`python -m tests.chaos.simulation SEED [--without MECHANISM]`: one world again, as a story."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping
from typing import Any

from tests.chaos.simulation.mechanisms import MECHANISMS, without
from tests.chaos.simulation.world import World

HIDDEN = frozenset({"event", "trace", "exc_info"})


def main() -> int:
    """Exit code 1 when a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.simulation", description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("--without", choices=sorted(MECHANISMS), default="", help="a mechanism to take out")
    given = parser.parse_args()
    with without(given.without):
        world = World(given.seed, tells=_tell)
        broken = world.run()
    ended = f"{world.now:8.2f}  the end, after {world.deaths.total()} deaths: {dict(world.deaths)}"
    sys.stdout.write("\n".join([ended, *(f"broken: {promise}" for promise in broken), ""]))
    return 1 if broken else 0


def _tell(at: float, level: str, event: Mapping[str, Any]) -> None:
    about = " ".join(f"{name}={value}" for name, value in sorted(event.items()) if name not in HIDDEN)
    sys.stdout.write(f"{at:8.2f}  {level:8}{event['event']:28}{about}\n")


if __name__ == "__main__":
    sys.exit(main())
