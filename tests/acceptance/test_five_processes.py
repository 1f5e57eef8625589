"""Every role in a process of its own, on RabbitMQ and PostgreSQL; then each of them killed while a task runs."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.command import ROOT, XINGSHU, Command, folder_with_examples
from tests.acceptance.deployment import ROLES, Deployment, ready, services_of_its_own

pytestmark = [pytest.mark.process, pytest.mark.rabbitmq, pytest.mark.postgres, pytest.mark.timeout(150)]

LISTENER = ROOT / "examples/listener/listener.py"


@pytest.fixture(scope="module")
def services(amqp_url: str, postgres_url: str) -> Iterator[dict[str, str]]:
    with services_of_its_own(amqp_url, postgres_url) as settings:
        yield settings


@pytest.fixture(scope="module")
def deployment(services: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    command = Command(folder_with_examples(tmp_path_factory.mktemp("five")), services)
    assert command("setup").code == 0
    running = Deployment(command)
    yield running
    codes = running.stop()
    assert codes == dict.fromkeys(ROLES, 0), command.log()[-4000:]


def plan(folder: Path, *tasks: dict[str, object]) -> str:
    full = [{"skill": "echo", "params": {"text": "hi"}, "dependencies": [], **task} for task in tasks]
    (folder / "plan.json").write_text(json.dumps({"tasks": full}))
    return "plan.json"


def test_the_same_request_is_answered_by_five_processes(deployment: Deployment):
    ready(deployment)
    request = "review the code in examples/shop, profile examples/sales.csv, then write a report"
    ran = deployment.command("ask", request, "--json", timeout_s=60)
    assert ran.code == 0, ran.err + deployment.command.log()[-4000:]
    assert {subtask["agent"] for subtask in ran.json["subtasks"]} == {"code", "data", "writer"}
    assert [subtask["attempts"] for subtask in ran.json["subtasks"]] == [1, 1, 1]
    trace = ran.json["trace_id"]
    logs = [path.name for path in deployment.command.folder.glob("process-*.log") if trace in path.read_text()]
    assert len(logs) >= 4  # planner, dispatcher, aggregator, agents


@pytest.mark.parametrize("role", ["planner", "dispatcher", "aggregator", "agents", "bot"])
def test_any_process_may_be_killed_while_a_task_runs(deployment: Deployment, role: str):
    """A chain with a step that lasts: the killed role comes back, the task ends in one answer, nothing is lost."""
    ready(deployment)
    chain = plan(
        deployment.command.folder,
        {"id": "a"},
        {"id": "slow", "dependencies": ["a"], "params": {"text": "slow", "seconds": 3}},
        {"id": "z", "dependencies": ["slow"], "params": {"text": "{{slow.output.text}} and done"}},
    )
    asking = subprocess.Popen(
        [XINGSHU, "run", chain, "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=deployment.command.folder,
        env=deployment.command.environment,
    )
    assert asking.stderr is not None
    for line in asking.stderr:  # progress: wait until the lasting step is under way
        if b"slow" in line:
            break
    deployment.kill(role)
    deployment.restart(role)
    out, err = asking.communicate(timeout=90)
    assert asking.returncode == 0, err.decode() + deployment.command.log()[-4000:]
    told = json.loads(out)
    assert {subtask["id"]: subtask["state"] for subtask in told["subtasks"]} == dict.fromkeys(
        ("a", "slow", "z"), "succeeded"
    )
    assert told["subtasks"][2]["output"]["text"] == "slow and done"


def test_cancelling_starts_nothing_more(deployment: Deployment):
    ready(deployment)
    chain = plan(
        deployment.command.folder,
        {"id": "slow", "params": {"text": "x", "seconds": 30}},
        {"id": "never", "dependencies": ["slow"]},
    )
    asking = deployment.command.start("run", chain, "--json")
    while not (running := [row for row in deployment.command("tasks", "--json").json if row["state"] == "running"]):
        pass
    assert deployment.command("cancel", running[0]["task_id"]).code == 0
    assert asking.wait(30) == 130
    states = [
        subtask["state"] for subtask in deployment.command("status", running[0]["task_id"], "--json").json["subtasks"]
    ]
    assert states == ["cancelled", "cancelled"]


def test_a_foreign_listener_joins_as_an_agent(deployment: Deployment, services: dict[str, str]):
    """Plain pika, no hello, no `started`: vouched for by configuration alone."""
    ready(deployment)
    command = Command(deployment.command.folder, {**services, "XINGSHU_AGENTS": "wordsmith=word_count"})
    listener = subprocess.Popen([sys.executable, LISTENER, "wordsmith", "--url", services["AMQP_URL"]])
    dispatcher = command.start_serving("serve", "--role", "dispatcher")
    try:
        deployment.kill("dispatcher")  # the one without the setting would not know whom to ask
        (command.folder / "words.json").write_text(
            json.dumps({"tasks": [{"id": "w", "skill": "word_count", "params": {"text": "one two three"}}]})
        )
        while not any(row["agent"] == "wordsmith" for row in command("agents", "--json").json):
            pass
        ran = command("run", "words.json", "--json", timeout_s=60)
        assert ran.code == 0, ran.err
        (subtask,) = ran.json["subtasks"]
        assert (subtask["agent"], subtask["attempts"], subtask["output"]["words"]) == ("wordsmith", 1, 3)
    finally:
        listener.terminate()
        listener.wait(10)
        dispatcher.terminate()
        dispatcher.wait(30)
        deployment.restart("dispatcher")


def test_a_named_agent_on_a_machine_with_only_a_broker(deployment: Deployment, services: dict[str, str]):
    """`worker` with no database: it announces itself, and gets what only it can do."""
    ready(deployment)
    alone = {"AMQP_URL": services["AMQP_URL"], "XINGSHU_AGENTS": "yunce=echo", "DATABASE_URL": "sqlite:////proc/none"}
    worker = Command(deployment.command.folder, alone).start("worker", "yunce", "--concurrency", "2")
    try:
        while not any(row["agent"] == "yunce" for row in deployment.command("agents", "--json").json):
            assert worker.poll() is None, deployment.command.log()[-2000:]
        agents = {deployment.command("ask", "echo hi", "--json").json["subtasks"][0]["agent"] for _ in range(12)}
        assert agents == {"echo", "yunce"}
    finally:
        worker.terminate()
        assert worker.wait(30) == 0
    while any(row["agent"] == "yunce" for row in deployment.command("agents", "--json").json):
        pass
