"""Run everybody through every workload, round by round, and print what came of it.

    BENCH_AMQP_URL=amqp://…/vhost BENCH_POSTGRES_URL=postgresql://…/database python -m benchmarks.dags [--quick]

Both must be for this run alone: queues are purged and tables emptied. Without them only the embedded figures are
printed. BENCH_PEERS_PYTHON names a Python that has the other task queues (`benchmarks/peers/README.md`).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

from benchmarks.dags import table
from benchmarks.dags.contenders import Contender, Round, entries, taking_part
from benchmarks.dags.protocol import Load
from benchmarks.dags.workloads import WORKLOADS, tasks_for

AT_ONCE = {"chain10": 64, "fan50": 64, "layered": 64, "diamond4": 256, "mixed": 128}


def loads(options: argparse.Namespace, *, is_slow: bool) -> Iterator[tuple[str, Load]]:
    """What one round of a contender is made of."""
    subtasks = options.subtasks // (4 if is_slow else 1)
    for workload in options.workloads:
        yield workload, Load(workload, options.seed, tasks_for(workload, subtasks), AT_ONCE[workload])
    if not options.saturated_only:
        yield table.UNLOADED, Load("diamond4", options.seed, options.unloaded // (3 if is_slow else 1), 1)
        yield table.BURST, Load("mixed", options.seed, options.burst, options.burst)


def measure(contenders: Sequence[Contender], options: argparse.Namespace) -> table.Results:
    """Every contender in turn does the same part, then the next part; who is first changes from round to round."""
    results = table.Results()
    for number in range(options.rounds):
        turned = [*contenders[number % len(contenders) :], *contenders[: number % len(contenders)]]
        parts = [list(loads(options, is_slow=contender.entry.is_slow)) for contender in turned]
        for of_all in zip(*parts, strict=True):
            for contender, (kind, load) in zip(turned, of_all, strict=True):
                measured = contender.perform(load)
                results.add(kind, measured)
                _tell(number, kind, measured)
    return results


def _tell(number: int, kind: str, measured: Round) -> None:
    busy = sum(measured.cpu_s.values()) / max(measured.machine_s, 0.01)
    sys.stderr.write(
        f"round {number + 1} {kind:9} {measured.contender:9} {measured.rate:7.0f}/s "
        f"own {measured.own_cpu_us:6.0f} µs, {busy:4.0%} of the machine, {len(measured.report.faults)} faults\n"
    )


def main() -> int:
    options = parsed()
    ours = [] if options.concurrency is None else ["--concurrency", str(options.concurrency)]
    with ExitStack() as stack:
        wanted = [entry for entry in entries(ours) if not options.only or entry.name in options.only]
        contenders = [stack.enter_context(taking_part(entry)) for entry in wanted]
        for contender in contenders:  # connections, plans of statements, the worker's pace
            contender.perform(Load("mixed", 1, options.warming, 64))
        results = measure(contenders, options)
        parts = [table.throughput(results), table.ratios(results), table.costs(results)]
        print("\n\n".join("\n".join(part) for part in parts), end="\n\n")
        for contender in contenders:
            told = ", ".join(f"{name} {mib:.0f}" for name, mib in contender.memory_mib().items())
            print(f"memory of {contender.entry.name}, MiB: {told}")
    print(*results.faults[:20], sep="\n")
    return 1 if results.faults else 0


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round of small loads: a minute or two")
    parser.add_argument("--only", nargs="+", default=(), help="contenders: bare limit ours embedded celery taskiq dbos")
    parser.add_argument("--workloads", nargs="+", choices=WORKLOADS, default=list(WORKLOADS))
    parser.add_argument("--saturated-only", action="store_true", help="leave out the unloaded and the burst part")
    parser.add_argument("--rounds", type=int, help="how often everything is measured (3)")
    parser.add_argument("--subtasks", type=int, help="of one saturated load (5,000)")
    parser.add_argument("--concurrency", type=int, help="of our worker; by default as configured")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 3)
    options.subtasks = options.subtasks or (1_000 if options.quick else 5_000)
    options.unloaded = 30 if options.quick else 200
    options.burst = 200 if options.quick else 500
    options.warming = 30 if options.quick else 100
    return options


if __name__ == "__main__":
    sys.exit(main())
