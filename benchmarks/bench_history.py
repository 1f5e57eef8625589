"""What finished work that is still stored costs the work under way, on SQLite and PostgreSQL.

    python -m benchmarks.bench_history [--subtasks N] [sqlite:///path | postgresql://...]...

The store's figures of `bench_store` (microseconds a subtask, settled and dispatched in batches) are taken in an empty
database, and again beside so many finished subtasks (1,000,000), their attempts and their tasks. The least of several
runs is told, which the machine's other work disturbs least, and the ratio.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Mapping
from datetime import timedelta
from statistics import median
from typing import Any

from sqlalchemy import Engine, delete, insert, select, text

from benchmarks.bench_store import BATCH, fresh, measure
from benchmarks.dags.places import POSTGRES_URL
from benchmarks.dags.table import lines
from storage.engines import open_engine, read_url
from storage.tables import ATTEMPT, DELIVERY, SUBTASK, TASK

RUNS = 3
EACH = 10  # subtasks of one finished task
TASKS_AT_ONCE = 1_000
EARLIER = timedelta(days=10)
MEASURED_HERE = TASK.c.id.startswith("B")
Row = dict[str, Any]


def bury(engine: Engine, subtasks: int) -> None:
    """Add answered tasks of an earlier day, made after one that was just worked through."""
    with engine.begin() as connection:
        task, delivery, subtask, attempt = (
            dict(connection.execute(select(of_all).limit(1)).mappings().one())
            for of_all in (TASK, DELIVERY, SUBTASK, ATTEMPT)
        )
    over = {"state": "answered", "answer": "{}", "answered_at": task["settled_at"]}
    task, delivery, attempt = earlier(task | over), delivery | {"is_open": False}, earlier(attempt)
    del attempt["id"]  # numbered anew
    for start in range(0, subtasks // EACH, TASKS_AT_ONCE):
        names = [f"H{number:07d}" for number in range(start, min(start + TASKS_AT_ONCE, subtasks // EACH))]
        keys = [(name, f"n{place}", place) for name in names for place in range(EACH)]
        with engine.begin() as connection:
            connection.execute(insert(TASK), [task | {"id": name} for name in names])
            connection.execute(insert(DELIVERY), [delivery | {"task_id": name} for name in names])
            of_task = [{"task_id": name, "key": key, "position": place} for name, key, place in keys]
            connection.execute(insert(SUBTASK), [earlier(subtask) | one for one in of_task])
            tried = [{"task_id": name, "key": key} for name, key, _ in keys]
            connection.execute(insert(ATTEMPT), [attempt | one for one in tried])
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE"))


def earlier(row: Row) -> Row:
    """The same some days before."""
    return {name: value - EARLIER if name.endswith("_at") and value else value for name, value in row.items()}


def costs_us(url: str, engine: Engine) -> Mapping[str, float]:
    """Microseconds a subtask by what is done with it: the least of the runs."""
    runs = []
    for _ in range(RUNS):
        with engine.begin() as connection:
            connection.execute(delete(TASK).where(MEASURED_HERE))
        figures = asyncio.run(measure(url))
        runs.append({name: median(spent) / BATCH * 1e6 for name, spent in figures.seconds.items()})
    return {name: min(run[name] for run in runs) for name in runs[0]}


def compared(url: str, subtasks: int) -> list[tuple[str, ...]]:
    """Rows of the table for one database."""
    url = fresh(url)
    engine = open_engine(read_url(url))
    empty = costs_us(url, engine)
    bury(engine, subtasks)
    full = costs_us(url, engine)
    engine.dispose()
    kind = url.partition(":")[0]
    return [
        (kind, name, f"{empty[name]:.0f}", f"{full[name]:.0f}", f"{full[name] / empty[name]:.2f}") for name in empty
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("urls", nargs="*")
    parser.add_argument("--subtasks", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        urls = options.urls or [f"sqlite:///{folder}/bench.db", *filter(None, [POSTGRES_URL])]
        rows = [row for url in urls for row in compared(url, options.subtasks)]
    header = ("database", "what", "empty, µs a subtask", f"beside {options.subtasks:,}", "ratio")
    print(*lines(header, rows), sep="\n")


if __name__ == "__main__":
    main()
