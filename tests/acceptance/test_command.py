"""One terminal, nothing configured: what a new user does in the first five minutes, and what goes wrong then."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from tests.acceptance.command import ROOT, Command, folder_with_examples

pytestmark = pytest.mark.process

ENGLISH = "review the code in examples/shop, profile examples/sales.csv, then write a report\n"
CHINESE = "审查 examples/shop 的代码,分析 examples/sales.csv,然后写一份报告\n"


@pytest.fixture
def xingshu(tmp_path: Path) -> Command:
    return Command(folder_with_examples(tmp_path))


def rows_of_sales() -> int:
    with (ROOT / "examples/sales.csv").open(newline="") as file:
        return sum(1 for _ in csv.reader(file)) - 1


@pytest.mark.parametrize("request_text", [ENGLISH, CHINESE], ids=["en", "zh"])
def test_a_piped_request_gets_a_true_answer(xingshu: Command, request_text: str):
    ran = xingshu("chat", text=request_text)
    assert ran.code == 0, ran.err
    rows = rows_of_sales()
    assert str(rows) in ran.out or f"{rows:,}" in ran.out
    assert re.search(r"\w+\.py:\d+", ran.out)
    reports = list((xingshu.folder / "reports").glob("*.md"))
    assert len(reports) == 1
    assert reports[0].name in ran.out
    written = reports[0].read_text()
    assert re.search(r"\w+\.py:\d+", written)
    assert str(rows) in written or f"{rows:,}" in written
    has_han = bool(re.search(r"[\u4e00-\u9fff]", ran.out))
    assert has_han == (request_text == CHINESE)


def test_ask_prints_json_for_programs(xingshu: Command):
    ran = xingshu("ask", "profile examples/sales.csv", "--json")
    assert ran.code == 0, ran.err
    told = ran.json
    assert {"task_id", "state", "answer", "plan", "subtasks", "repairs", "timings"} <= told.keys()
    assert (told["state"], len(told["task_id"])) == ("answered", 6)
    (subtask,) = told["subtasks"]
    assert {
        "id",
        "skill",
        "agent",
        "state",
        "attempts",
        "started_at",
        "finished_at",
        "output",
        "error",
    } <= subtask.keys()
    assert (subtask["skill"], subtask["agent"], subtask["state"], subtask["attempts"]) == (
        "data_profile",
        "data",
        "succeeded",
        1,
    )
    assert subtask["output"]["rows"] == rows_of_sales()
    status = xingshu("status", told["task_id"], "--json")
    assert status.json["answer"] == told["answer"]
    assert told["task_id"] in xingshu("tasks").out


def plan_file(folder: Path, text: str) -> str:
    (folder / "plan.json").write_text(text)
    return "plan.json"


def echoes(*tasks: dict[str, object]) -> str:
    return json.dumps(
        {"tasks": [{"skill": "echo", "params": {"text": "hi"}, "dependencies": [], **task} for task in tasks]}
    )


def test_a_given_plan_is_executed_with_its_references(xingshu: Command):
    plan = echoes(
        {"id": "a", "params": {"text": "one"}},
        {"id": "b", "dependencies": ["a"], "params": {"text": "{{a.output.text}} two"}},
    )
    ran = xingshu("run", plan_file(xingshu.folder, plan), "--json")
    assert ran.code == 0, ran.err
    assert {subtask["id"]: subtask["output"]["text"] for subtask in ran.json["subtasks"]} == {
        "a": "one",
        "b": "one two",
    }


def test_a_cycle_is_cut_and_told(xingshu: Command):
    plan = echoes({"id": "a", "dependencies": ["b"]}, {"id": "b", "dependencies": ["a", "a", "b", "ghost"]})
    ran = xingshu("run", plan_file(xingshu.folder, plan), "--json")
    assert ran.code == 0, ran.err
    kinds = [repair["kind"] for repair in ran.json["repairs"]]
    assert sorted(kinds) == ["cut_edge", "dangling_dependency", "duplicate_dependency", "self_dependency"]


@pytest.mark.parametrize(
    ("plan", "named"),
    [
        ("not json", "not valid JSON"),
        ('{"tasks": [], "tasks": []}', "twice"),
        ('{"tasks": []}', "neither tasks nor an answer"),
        ('{"tasks": 7}', "not a list"),
        (echoes({"id": "a", "skill": "fly_to_mars"}), "fly_to_mars"),
        (echoes({"id": "a", "params": {"text": "{{ghost.output}}"}}), "ghost"),
        (echoes(*({"id": f"n{number}"} for number in range(10_000))), "10000"),
        ("[" * 100_000, "nested"),
    ],
    ids=["not-json", "duplicate-keys", "empty", "wrong-shape", "unknown-skill", "dangling-reference", "flood", "deep"],
)
def test_a_bad_plan_is_refused_in_one_sentence(xingshu: Command, plan: str, named: str):
    ran = xingshu("run", plan_file(xingshu.folder, plan))
    assert ran.code == 2
    assert named in ran.err
    assert "Traceback" not in ran.err
    assert ran.out == ""


def test_many_runs_print_throughput(xingshu: Command):
    ran = xingshu(
        "run",
        plan_file(xingshu.folder, echoes({"id": "a"}, {"id": "b"})),
        "--count",
        "10",
        "--concurrency",
        "5",
        "--json",
    )
    assert ran.code == 0, ran.err
    assert (ran.json["tasks"], ran.json["subtasks"], ran.json["failed"]) == (10, 20, 0)
    assert ran.json["p50_ms"] <= ran.json["p99_ms"]


def test_somebody_elses_task_is_as_unknown_as_none(xingshu: Command):
    mine = xingshu("ask", "echo secret words", "--json", "--user", "ann").json["task_id"]
    assert "secret" in xingshu("status", mine, "--user", "ann").out
    theirs = xingshu("status", mine, "--user", "bob")
    nobodys = xingshu("status", "ZZZZZZ", "--user", "bob")
    assert (theirs.code, nobodys.code) == (2, 2)
    assert theirs.err.replace(mine, "X") == nobodys.err.replace("ZZZZZZ", "X")
    assert "secret" not in theirs.err + theirs.out


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"/stauts\n", "/status"),
        (b"/status ZZZZZZ\n", "ZZZZZZ"),
        (b"/status '; drop table task; --\n", "drop table"),
        ("x" * 100_000 + "\n", "20"),
        (b"\x00\x01\xff\xfe\x80\n", ""),
        ("\u202eevil\u202c book me a flight to Mars\n", ""),
    ],
    ids=["unknown-command", "unknown-id", "hostile-id", "too-long", "binary", "right-to-left"],
)
def test_bad_lines_get_one_clear_sentence_and_the_chat_goes_on(xingshu: Command, line: bytes | str, said: str):
    given = line.encode() if isinstance(line, str) else line
    ran = xingshu("chat", text=given + b"echo still here\n")
    assert "still here" in ran.out
    assert said in ran.out + ran.err
    assert "Traceback" not in ran.err + ran.out
    assert "\u202e" not in ran.out + ran.err


def test_empty_input_is_no_message(xingshu: Command):
    ran = xingshu("chat", text="\n   \n")
    assert (ran.code, ran.out) == (0, "")


def test_what_cannot_be_placed_is_said(xingshu: Command):
    ran = xingshu("ask", "book me a flight to Mars", "--json")
    assert ran.code == 1
    assert ran.json["state"] == "failed"
    assert "No skill fits" in ran.json["answer"]


def test_a_path_outside_the_workspace_is_refused(xingshu: Command):
    plan = json.dumps({"tasks": [{"id": "a", "skill": "file_read", "params": {"path": "../../../etc/passwd"}}]})
    ran = xingshu("run", plan_file(xingshu.folder, plan), "--json")
    assert ran.code == 1
    (subtask,) = ran.json["subtasks"]
    assert (subtask["state"], subtask["error"]["code"]) == ("failed", "refused")
    assert "root:" not in ran.out


def test_a_csv_that_is_not_one(xingshu: Command):
    (xingshu.folder / "fake.csv").write_bytes(bytes(range(256)) * 40)
    ran = xingshu("ask", "profile fake.csv", "--json")
    assert ran.code == 1
    assert ran.json["subtasks"][0]["error"]["code"] == "refused"
    assert "Traceback" not in ran.out + ran.err


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"DATABASE_URL": "sqlite:////proc/nowhere/x.db"}, "DATABASE_URL"),
        ({"DATABASE_URL": "postgresql://u:hunter2@127.0.0.1:1/x"}, "DATABASE_URL"),
        ({"DATABASE_URL": "oracle://x"}, "DATABASE_URL"),
        ({"AMQP_URL": "amqp://guest:hunter2@127.0.0.1:1/"}, "AMQP_URL"),
        ({"XINGSHU_WORKSPACE": "/nowhere/at/all"}, "XINGSHU_WORKSPACE"),
        ({"XINGSHU_MAX_NODES": "many"}, "XINGSHU_MAX_NODES"),
    ],
    ids=["no-folder", "no-database", "odd-database", "no-broker", "no-workspace", "odd-number"],
)
def test_what_is_missing_at_the_start_is_named(xingshu: Command, settings: dict[str, str], named: str):
    ran = Command(xingshu.folder, settings)("ask", "echo hi", timeout_s=50)
    assert ran.code in (1, 2)
    assert named in ran.err
    assert "Traceback" not in ran.err
    assert "hunter2" not in ran.err + ran.out + xingshu.log()


def test_a_model_that_is_down_does_not_stop_anything(xingshu: Command):
    settings = {"OPENAI_BASE_URL": "http://127.0.0.1:1/v1", "OPENAI_API_KEY": "sk-hunter2hunter2hunter2"}
    ran = Command(xingshu.folder, settings)("ask", "echo hello there", "--json")
    assert ran.code == 0, ran.err
    assert "hello there" in ran.json["answer"]
    assert "hunter2" not in ran.out + ran.err + xingshu.log()


def test_doctor_says_what_works_and_what_to_do(xingshu: Command):
    well = xingshu("doctor", "--json")
    assert (well.code, well.json["ok"]) == (0, True)
    ill = Command(xingshu.folder, {"AMQP_URL": "amqp://guest:hunter2@127.0.0.1:1/", "TELEGRAM_BOT_TOKEN": "nonsense"})(
        "doctor"
    )
    assert ill.code == 1
    assert "AMQP_URL" in ill.out
    assert "TELEGRAM_BOT_TOKEN" in ill.out
    assert "hunter2" not in ill.out + ill.err


def test_setup_is_safe_to_repeat(xingshu: Command):
    assert [xingshu("setup").code for _ in range(2)] == [0, 0]


def test_wrong_use_is_exit_code_two(xingshu: Command):
    assert xingshu("no-such-command").code == 2
    assert xingshu("serve", "--role", "juggler").code == 2
    assert "AMQP_URL" in xingshu("serve", "--role", "planner").err
    assert "AMQP_URL" in xingshu("worker", "echo").err


def test_one_trace_id_is_in_every_stage_of_the_log(xingshu: Command):
    talkative = Command(xingshu.folder, {"XINGSHU_LOG_LEVEL": "debug"})
    trace = talkative("ask", "echo traced", "--json").json["trace_id"]
    lines = [json.loads(line) for line in (xingshu.folder / ".xingshu/xingshu.log").read_text().splitlines()]
    events = {line["event"] for line in lines if trace in line.values()}
    assert {"message_accepted", "task_planned", "attempt_ended", "task_answered"} <= events


def test_a_plan_is_shown_without_doing_anything(xingshu: Command):
    shown = xingshu("plan", "profile examples/sales.csv, then write a report", "--json")
    assert shown.code == 0, shown.err
    assert [task["skill"] for task in shown.json["tasks"]] == ["data_profile", "report"]
    assert shown.json["tasks"][1]["dependencies"] == [shown.json["tasks"][0]["id"]]
    assert shown.json["planner"] == "offline"
    assert json.loads(xingshu("tasks", "--json").out) == []
    assert "profile" in xingshu("plan", text="profile examples/sales.csv").out


CATALOGUE = {
    "skills": [
        {
            "name": "Brew Coffee",
            "description": "Make coffee.",
            "keywords": ["coffee", "brew"],
            "examples": ["brew coffee"],
        },
        {"name": "serve", "description": "Serve it.", "params": {"cup": "string: which cup"}},
        {"name": "pour", "description": "Pour.", "params": [{"name": "ml", "type": "integer", "required": True}]},
    ]
}


def test_planning_with_skills_on_paper(xingshu: Command):
    (xingshu.folder / "skills.json").write_text(json.dumps(CATALOGUE))
    shown = xingshu("plan", "brew coffee", "--catalogue", "skills.json", "--json")
    assert [task["skill"] for task in shown.json["tasks"]] == ["Brew Coffee"]
    assert xingshu("plan", "x", "--catalogue", "nowhere.json").code == 2
    (xingshu.folder / "odd.json").write_text('{"skills": [{"nameless": 1}]}')
    assert "skill 1 has no name" in xingshu("plan", "x", "--catalogue", "odd.json").err


def test_a_models_text_is_read_mended_and_checked(xingshu: Command):
    (xingshu.folder / "skills.json").write_text(json.dumps(CATALOGUE))
    steps = [
        {"id": 1, "skill": "brew-coffee"},
        {"id": 2, "skill": "pour", "params": {"ml": "200"}, "dependencies": [1]},
    ]
    good = f"Sure!\n```json\n{json.dumps({'tasks': steps})}\n```"
    lines = [
        json.dumps({"id": "good", "raw_llm_output": good}),
        json.dumps({"id": "bad", "raw": '{"tasks": [{"id": "a", "skill": "fly"}]}'}),
        json.dumps({"id": "own", "text": '{"tasks": [{"id": "a", "skill": "fly"}]}', "catalogue": [{"name": "fly"}]}),
        json.dumps("no plan at all"),
    ]
    (xingshu.folder / "texts.jsonl").write_text("\n".join(lines))
    ran = xingshu("plan", "--raw", "texts.jsonl", "--catalogue", "skills.json")
    assert ran.code == 0
    good_one, bad, own, none = (json.loads(line) for line in ran.out.splitlines())
    assert [task["skill"] for task in good_one["plan"]["tasks"]] == ["Brew Coffee", "pour"]
    assert good_one["plan"]["tasks"][1]["params"] == {"ml": 200}
    assert (good_one["outcome"], good_one["defects"]) == ("plan", [])
    assert (bad["outcome"], [defect["kind"] for defect in bad["defects"]]) == ("reask", ["unknown_skill"])
    assert own["outcome"] == "plan"
    assert (none["plan"], none["defects"][0]["kind"]) == (None, "unreadable")
    (xingshu.folder / "one.txt").write_text(good)
    assert xingshu("plan", "--raw", "one.txt", "--catalogue", "skills.json").json["outcome"] == "plan"
    assert xingshu("plan", "--raw", "plan-text.txt").code == 2


def test_retry_does_only_the_failed_part_again(xingshu: Command):
    plan = json.dumps(
        {
            "tasks": [
                {"id": "a", "skill": "echo", "params": {"text": "kept"}},
                {"id": "b", "skill": "file_read", "params": {"path": "later.txt"}, "dependencies": ["a"]},
            ]
        }
    )
    first = xingshu("run", plan_file(xingshu.folder, plan), "--json")
    assert [subtask["state"] for subtask in first.json["subtasks"]] == ["succeeded", "failed"]
    (xingshu.folder / "later.txt").write_text("here it is")
    again = xingshu("retry", first.json["task_id"], "--json")
    assert again.code == 0, again.err
    assert again.json["task_id"] != first.json["task_id"]
    assert [subtask["attempts"] for subtask in again.json["subtasks"]] == [1, 1]
    assert again.json["subtasks"][0]["finished_at"] == first.json["subtasks"][0]["finished_at"]
    assert xingshu("status", first.json["task_id"], "--json").json["state"] == first.json["state"]


def test_deciding_over_a_task_that_is_over(xingshu: Command):
    task = xingshu("ask", "echo done", "--json").json["task_id"]
    told = xingshu("cancel", task, "--json")
    assert told.json["ok"] is True
    assert task in told.json["text"]
    assert xingshu("cancel", task).code == 0
    assert xingshu("approve", task).code == 2  # nothing waits
    assert "/retry" in xingshu("retry", task).err
    assert xingshu("retry", task, "t1").code == 0
    assert xingshu("agents").code == 0
    assert task not in xingshu("tasks", "--user", "somebody-else").out


def test_serve_waits_for_its_database_and_stops_when_told(xingshu: Command):
    settings = {"DATABASE_URL": "postgresql://u:hunter2@127.0.0.1:1/x", "AMQP_URL": "amqp://guest:hunter2@127.0.0.1:1/"}
    process = Command(xingshu.folder, settings).start("serve", "--role", "planner")
    while xingshu.log().count('"database_missing"') < 2:
        assert process.poll() is None, xingshu.log()
    process.terminate()
    assert process.wait(20) == 0
    assert "DATABASE_URL" in xingshu.log()
    assert "hunter2" not in xingshu.log()
    assert "Traceback" not in xingshu.log()
