"""The planner's process is killed in the midst of a plan, on RabbitMQ and PostgreSQL; another one goes on."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.command import XINGSHU, Command, folder_with_examples
from tests.acceptance.deployment import Deployment, ready, services_of_its_own
from tests.acceptance.talking_model import answer_of, is_planning, plan_of, settings_for, step, talking, told
from tests.fakes_model import Fault, Reply, chunk, said

pytestmark = [pytest.mark.process, pytest.mark.rabbitmq, pytest.mark.postgres, pytest.mark.timeout(150)]

EARLY = step("t1", "file_write", path="early.txt", content="early")
LATE = step("t2", "file_read", "t1", path="early.txt")


class Model:
    """Writes one step and falls silent; asked again, it writes the other."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, request: dict[str, Any]) -> Reply:
        if not is_planning(request):
            return answer_of("It says early.", "t2")
        self.asked.append(told(request))
        return Reply(stream=tuple(self._beginning())) if len(self.asked) == 1 else said(plan_of(LATE))

    def _beginning(self) -> Iterator[Any]:
        yield chunk(plan_of(EARLY, LATE).partition('{"id": "t2"')[0])
        yield Fault.HANG


def test_another_planner_goes_on_and_nothing_runs_twice(amqp_url: str, postgres_url: str, tmp_path: Path):
    model = Model()
    folder = folder_with_examples(tmp_path)
    with services_of_its_own(amqp_url, postgres_url) as services, talking(model) as server:
        command = Command(folder, services | settings_for(server))
        assert command("setup").code == 0
        deployment = Deployment(command)
        ready(deployment)
        asking = subprocess.Popen(
            [XINGSHU, "ask", "write early and read it", "--json"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=folder,
            env=command.environment,
        )
        while not (folder / "early.txt").exists():
            assert asking.poll() is None, command.log()[-4000:]
        deployment.kill("planner")
        deployment.restart("planner")
        out, err = asking.communicate(timeout=90)
        codes = deployment.stop()
    assert asking.returncode == 0, err.decode() + command.log()[-4000:]
    assert set(codes.values()) == {0}
    document = json.loads(out)
    attempts = {subtask["id"]: (subtask["state"], subtask["attempts"]) for subtask in document["subtasks"]}
    assert attempts == {"t1": ("succeeded", 1), "t2": ("succeeded", 1)}
    assert len(model.asked) == 2
    assert "early.txt" in model.asked[1]  # the second planner tells what has begun
    assert document["answer"].startswith("It says early.")
