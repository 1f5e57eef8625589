"""More dispatchers and more workers: nothing lost, nothing twice, and what a subtask then costs.

    BENCH_AMQP_URL=… BENCH_POSTGRES_URL=… python -m benchmarks.scale [--subtasks N] [--rounds N]

On one machine more processes make nothing faster once its cores are busy; what shows is whether they cost more: the
processor time per subtask of the control plane, of the workers, and of the database for them, against one of each.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from statistics import median

from benchmarks.dags.contenders import Contender, Round, entries, taking_part
from benchmarks.dags.places import AMQP_URL, POSTGRES_URL
from benchmarks.dags.protocol import Load
from benchmarks.dags.table import lines
from benchmarks.dags.workloads import tasks_for

DISPATCHERS, WORKERS = (1, 2, 4), (1, 2, 4, 8)
AT_ONCE = 128
PARTS = ("dispatcher", "postgres", "worker")

Size = tuple[int, int]


def costs_us(measured: Round) -> dict[str, float]:
    """Processor microseconds per subtask by kind of process."""
    found = dict.fromkeys(PARTS, 0.0)
    for name, seconds in measured.cpu_s.items():
        kind = name.partition(" ")[0]
        if kind in found:
            found[kind] += seconds / measured.report.subtasks * 1e6
    return found


def deployment(stack: ExitStack, size: Size) -> Contender:
    """So many dispatchers and workers, up and warm."""
    dispatchers, workers = size
    arguments = ["--dispatchers", str(dispatchers), "--workers", str(workers)]
    entry = next(entry for entry in entries(arguments) if entry.name == "ours")
    contender = stack.enter_context(taking_part(entry))
    contender.perform(Load("mixed", 1, 60, AT_ONCE))
    return contender


def rows(rounds: Mapping[Size, list[Round]]) -> Iterator[tuple[str, ...]]:
    """What each size did."""
    whole_us = {size: median(sum(costs_us(one).values()) for one in of_size) for size, of_size in rounds.items()}
    least = whole_us[next(iter(whole_us))]
    for size, of_size in rounds.items():
        parts = (f"{median(costs_us(one)[part] for one in of_size):.0f}" for part in PARTS)
        lost = sum(len(one.report.faults) for one in of_size)
        rate = median(one.rate for one in of_size)
        yield (f"{size[0]} x {size[1]}", str(lost), f"{rate:,.0f}", *parts, f"{whole_us[size] / least:.2f}")


def main() -> int:
    options = parsed()
    if not (AMQP_URL and POSTGRES_URL):
        print("scale needs BENCH_AMQP_URL and BENCH_POSTGRES_URL")
        return 0
    load = Load("mixed", 7, tasks_for("mixed", options.subtasks), AT_ONCE)
    rounds: dict[Size, list[Round]] = {}
    for size in ((dispatchers, workers) for workers in WORKERS for dispatchers in DISPATCHERS):
        with ExitStack() as stack:
            contender = deployment(stack, size)
            rounds[size] = [contender.perform(load) for _ in range(options.rounds)]
        sys.stderr.write(f"{size}: {rounds[size][0].rate:.0f}/s, {sum(costs_us(rounds[size][0]).values()):.0f} µs\n")
    header = ("dispatchers x workers", "faults", "subtasks/s", *(f"{part} µs" for part in PARTS), "to 1 x 1")
    print(*lines(header, rows(rounds)), sep="\n")
    faults = [fault for of_size in rounds.values() for one in of_size for fault in one.report.faults]
    print(*faults[:20], sep="\n")
    return 1 if faults else 0


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subtasks", type=int, default=4_000, help="of one round")
    parser.add_argument("--rounds", type=int, default=2)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
