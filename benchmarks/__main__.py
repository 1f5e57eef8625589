"""Print the figures of docs/reference/performance.md."""

from __future__ import annotations

from benchmarks import throughput

throughput.main()
