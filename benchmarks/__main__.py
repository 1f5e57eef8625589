"""Print the figures of docs/reference/performance.md that a change of the code may move: about a quarter of an hour.

Each program runs by itself, too, as `python -m benchmarks.<name>`; most take `--quick` or a size.
"""

from __future__ import annotations

import subprocess
import sys

PROGRAMS = (
    ("dags",),
    ("scale",),
    ("fairness",),
    ("bench_scheduling",),
    ("bench_history", "--subtasks", "200000"),
    ("bench_command",),
)


def main() -> int:
    """Each in a process of its own, so that one leaves nothing for the next; the worst exit code."""
    return max(subprocess.call([sys.executable, "-m", f"benchmarks.{name}", *more]) for name, *more in PROGRAMS)


if __name__ == "__main__":
    sys.exit(main())
