"""The same plans through Xingshu, through a bare broker, and through other task queues: `python -m benchmarks.dags`.

Every contender is a process that is told a `Load` on its standard input and answers with a `Report`
(`benchmarks.dags.protocol`), so that rounds of all contenders alternate within one run and their ratios mean something.
"""
