"""`python -m tests.chaos.real [NAME…]`: play scenarios one after another and print the table."""

from __future__ import annotations

import argparse
import asyncio
import sys
from dataclasses import replace

from tests.chaos.real.run import ground, run
from tests.chaos.real.scenarios import SCENARIOS
from tests.chaos.real.verdict import HEADING


async def _play(given: argparse.Namespace) -> int:
    chosen = [one for one in SCENARIOS if one.name in given.names or not given.names]
    broken: list[str] = []
    rows = [HEADING]
    async with ground(keeps=given.keep) as on:
        sys.stdout.write(f"in {on.folder}\n")
        for scenario in chosen:
            size = (scenario.quick or scenario.full) if given.quick else scenario.full
            if given.requests:
                size = replace(size, requests=given.requests, lasts_s=given.requests * size.pause_s)
            verdict = await run(scenario, size, on, given.seed)
            rows.append(verdict.row(scenario.name))
            sys.stdout.write(f"{rows[-1]}\n")
            sys.stdout.flush()
            broken += [f"{scenario.name}: {said}" for said in verdict.broken(scenario.limits)]
            sys.stdout.write(
                f"  {verdict.unplanned} answers say that no model was there\n" if verdict.unplanned else ""
            )
            sys.stdout.write("".join(f"  {line}\n" for line in verdict.details))
    sys.stdout.write("\n".join(["", *rows, "", *broken, "all kept" if not broken else "BROKEN", ""]))
    return 1 if broken else 0


def main() -> None:
    """Exit code 0 when everything was kept."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.real", description=__doc__)
    parser.add_argument("names", nargs="*", help="such as C3; none: all")
    parser.add_argument("--quick", action="store_true", help="the sizes of the default suite")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="leave the folder with all logs")
    parser.add_argument("--requests", type=int, default=0, help="so many instead, at the same pace")
    given = parser.parse_args()
    sys.exit(asyncio.run(_play(given)))


if __name__ == "__main__":
    main()
