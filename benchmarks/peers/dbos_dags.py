"""DBOS with its queue in PostgreSQL. Run by a Python that has it; see README.md."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
import time

import psycopg
from dbos import DBOS, DBOSClient

from benchmarks.dags.protocol import Load, Report, obey
from benchmarks.dags.stepping import ClosedLoop

POSTGRES_URL = os.environ["BENCH_POSTGRES_URL"]
QUEUE, TEXT = "bench", "x" * 150
ENDED = "SELECT workflow_uuid FROM dbos.workflow_status WHERE status = 'SUCCESS' AND workflow_uuid = ANY(%s)"


@DBOS.workflow(name="node")
def node(text: str) -> dict[str, str]:
    return {"status": "success", "output": text}


def work() -> None:
    DBOS(config={"name": "bench", "system_database_url": POSTGRES_URL, "run_admin_server": False, "log_level": "ERROR"})
    DBOS.launch()
    DBOS.register_queue(QUEUE, polling_interval_sec=0.01)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    threading.Event().wait()


class Orchestrator:
    """Steps through plans."""

    def __init__(self) -> None:
        self.client = DBOSClient(system_database_url=POSTGRES_URL)
        self.database = psycopg.connect(POSTGRES_URL, autocommit=True)
        self.waiting: dict[str, tuple[int, int]] = {}

    async def perform(self, load: Load) -> Report:
        return await asyncio.to_thread(self.work_through, load)

    def work_through(self, load: Load) -> Report:
        run, loop = str(time.monotonic_ns()), ClosedLoop(load, time.perf_counter)
        self.send(run, loop.begin())
        while not loop.is_over:
            ended = [row[0] for row in self.database.execute(ENDED, (list(self.waiting),))]
            if not ended:
                time.sleep(0.005)
            self.send(run, loop.end([self.waiting.pop(one) for one in ended]))
        return loop.report()

    def send(self, run: str, names) -> None:
        for task, place in names:
            name = f"{run}.{task}.{place}"
            self.waiting[name] = (task, place)
            self.client.enqueue({"queue_name": QUEUE, "workflow_name": "node", "workflow_id": name}, TEXT)


async def main() -> None:
    command = [sys.executable, "-m", "benchmarks.peers.dbos_dags", "work"]
    worker = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: ASYNC220 -- once, before anything runs
    try:
        assert worker.stdout is not None
        worker.stdout.readline()
        await obey(Orchestrator().perform, {"worker": worker.pid})
    finally:
        worker.terminate()
        worker.wait(20)


if __name__ == "__main__":
    if sys.argv[1:] == ["work"]:
        work()
    else:
        asyncio.run(main())
