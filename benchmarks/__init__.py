"""Figures, not tests: `make bench`, or `python -m benchmarks.throughput` and its neighbours."""
