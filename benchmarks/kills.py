"""Kill -9 a random role every two seconds while tasks run, start it again, and see that every task ends once.

BENCH_AMQP_URL and BENCH_POSTGRES_URL say where. Leases and sweeps are shortened, the rules are the same.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from benchmarks.bench_command import ROLES, XINGSHU, run
from benchmarks.dags.workloads import plans

SEED, SECONDS, EVERY_S, TASKS = 7, 40.0, 2.0, 300
FAST = {"XINGSHU_LEASE_S": "6", "XINGSHU_SWEEP_S": "1", "XINGSHU_DISPATCH_TTL_S": "5"}


def five_layers_of_ten() -> list[dict[str, object]]:
    """As Plan JSON."""
    dag = plans("layered", SEED, 1)[0]
    return [
        {
            "id": f"n{node}",
            "skill": "echo",
            "params": {"text": "x" * 150},
            "dependencies": [f"n{one}" for one in needed],
        }
        for node, needed in enumerate(dag)
    ]


def start(folder: Path, settings: dict[str, str], role: str) -> subprocess.Popen[bytes]:
    environment = {"PATH": os.environ["PATH"], "XINGSHU_AGENTS": "echo", "XINGSHU_LOG_LEVEL": "warning", **settings}  # noqa: TID251 -- a child's environment
    with (folder / f"{role}.log").open("ab") as log:
        return subprocess.Popen([XINGSHU, "serve", "--role", role], cwd=folder, env=environment, stderr=log)


def stop(processes: Iterable[subprocess.Popen[bytes]]) -> None:
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait(40)


def main() -> None:
    chance = random.Random(SEED)  # noqa: S311 -- which role dies
    settings = {"AMQP_URL": os.environ["BENCH_AMQP_URL"], "DATABASE_URL": os.environ["BENCH_POSTGRES_URL"], **FAST}  # noqa: TID251 -- where to measure
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "plan.json").write_text(json.dumps({"tasks": five_layers_of_ten()}))
        processes = {role: start(folder, settings, role) for role in ROLES}
        while "echo" not in run(folder, settings, "agents"):
            pass
        environment = {"PATH": os.environ["PATH"], "XINGSHU_LOG_LEVEL": "warning", **settings}  # noqa: TID251 -- same
        running = subprocess.Popen(
            [XINGSHU, "run", "plan.json", "--count", str(TASKS), "--concurrency", "8", "--json"],
            cwd=folder,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        killed: Counter[str] = Counter()
        until = time.monotonic() + SECONDS
        while running.poll() is None and time.monotonic() < until:
            time.sleep(EVERY_S)
            role = chance.choice(ROLES)
            processes[role].kill()
            processes[role].wait()
            killed[role] += 1
            processes[role] = start(folder, settings, role)
        out, _ = running.communicate(timeout=180)
        stop(processes.values())
        told = json.loads(out)
        print(f"killed {sum(killed.values())} times: {dict(killed)}")
        lost, seconds = told["failed"], told["seconds"]
        print(f"{told['tasks']} tasks, {told['subtasks']} subtasks, not answered: {lost}, {seconds:.0f} s")


if __name__ == "__main__":
    main()
