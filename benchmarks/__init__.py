"""Figures, not tests: `make bench`, or one by one as `python -m benchmarks.<name>`."""
