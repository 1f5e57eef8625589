"""Rounds as tables of Markdown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from statistics import median

from benchmarks.dags.contenders import PEERS, Round
from benchmarks.dags.workloads import WORKLOADS

UNLOADED, BURST = "unloaded", "burst"
Cells = Sequence[str]


def percentile(values: Iterable[float], percent: int) -> float:
    """The nearest-rank percentile."""
    ordered = sorted(values)
    return ordered[max(0, -(-percent * len(ordered) // 100) - 1)]


class Results:
    """Everything measured, by contender and by what was measured: a workload, `unloaded` or `burst`.

    Ratios are taken within a round, where both stood on the same machine at nearly the same time; the median of the
    rounds is told.
    """

    def __init__(self) -> None:
        self._rounds: dict[tuple[str, str], list[Round]] = defaultdict(list)

    def add(self, kind: str, measured: Round) -> None:
        self._rounds[measured.contender, kind].append(measured)

    @property
    def contenders(self) -> list[str]:
        return list(dict.fromkeys(name for name, _ in self._rounds))

    @property
    def faults(self) -> list[str]:
        """What was not as it must be, of anybody."""
        every = (one for rounds in self._rounds.values() for one in rounds)
        return [f"{one.contender}, {one.load.workload}: {fault}" for one in every for fault in one.report.faults]

    def of(self, contender: str, kind: str, figure: Callable[[Round], float]) -> float | None:
        rounds = self._rounds.get((contender, kind))
        return median(map(figure, rounds)) if rounds else None

    def ratio(self, kind: str, ours: str, theirs: str, figure: Callable[[Round], float]) -> float | None:
        pairs = zip(self._rounds.get((ours, kind), ()), self._rounds.get((theirs, kind), ()), strict=False)
        ratios = [figure(one) / figure(other) for one, other in pairs]
        return median(ratios) if ratios else None

    def cpu_us(self, contender: str, kind: str) -> Mapping[str, float]:
        """Processor microseconds per subtask, by process."""
        rounds = self._rounds.get((contender, kind), [])
        names = dict.fromkeys(name for one in rounds for name in one.cpu_s)
        return {name: median(one.cpu_s[name] / one.report.subtasks * 1e6 for one in rounds) for name in names}


def p50_ms(measured: Round) -> float:
    return percentile(measured.report.latencies_s, 50) * 1e3


def p99_ms(measured: Round) -> float:
    return percentile(measured.report.latencies_s, 99) * 1e3


def rate(measured: Round) -> float:
    return measured.rate


def own_cpu_us(measured: Round) -> float:
    return measured.own_cpu_us


def lines(header: Cells, rows: Iterable[Cells]) -> Iterator[str]:
    yield f"| {' | '.join(header)} |"
    yield f"|{' --- |' * len(header)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def shown(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def throughput(results: Results) -> Iterator[str]:
    """Everybody's figures."""
    header = ("subtasks/s", *WORKLOADS, "diamond, one at a time, p50 / p99 ms", "mixed all at once, p99 s")
    yield from lines(header, (_figures(results, name) for name in results.contenders))


def _figures(results: Results, name: str) -> Cells:
    rates = (shown(results.of(name, kind, rate), ",.0f") for kind in WORKLOADS)
    alone = (shown(results.of(name, UNLOADED, figure), ".1f") for figure in (p50_ms, p99_ms))
    burst = results.of(name, BURST, p99_ms)
    return (name, *rates, " / ".join(alone), shown(burst and burst / 1e3, ".2f"))


def ratios(results: Results) -> Iterator[str]:
    """Xingshu against the limit and against the best of its peers."""
    header = ("ratio", *WORKLOADS, "diamond p50 / p99", "burst p99")
    rows = [_against(results, "limit"), _processor(results)]
    rows += [_against(results, peer) for peer in PEERS if peer in results.contenders]
    yield from lines(header, rows)


def _against(results: Results, other: str) -> Cells:
    rates = (shown(results.ratio(kind, "ours", other, rate), ".2f") for kind in WORKLOADS)
    alone = (shown(results.ratio(UNLOADED, "ours", other, figure), ".2f") for figure in (p50_ms, p99_ms))
    return (f"ours : {other}", *rates, " / ".join(alone), shown(results.ratio(BURST, "ours", other, p99_ms), ".2f"))


def _processor(results: Results) -> Cells:
    kinds = (*WORKLOADS, UNLOADED, BURST)
    values = (shown(results.ratio(kind, "ours", "limit", own_cpu_us), ".2f") for kind in kinds)
    return ("own processor time, ours : limit", *values)


def costs(results: Results) -> Iterator[str]:
    """Processor time per subtask of saturated work, by process."""
    kinds = [kind for kind in WORKLOADS if any(results.of(name, kind, rate) for name in results.contenders)]
    header = ("processor µs per subtask", *kinds)
    yield from lines(header, (row for name in results.contenders for row in _costs(results, name, kinds)))


def _costs(results: Results, name: str, kinds: Sequence[str]) -> Iterator[Cells]:
    spent = {kind: results.cpu_us(name, kind) for kind in kinds}
    for process in dict.fromkeys(process for by_process in spent.values() for process in by_process):
        yield (f"{name}: {process}", *(shown(spent[kind].get(process), ".0f") for kind in kinds))
