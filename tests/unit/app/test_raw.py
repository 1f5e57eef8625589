"""What a model wrote, judged without asking one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.commands.raw import Case, check_raw, judged
from app.exits import ANSWERED, FAILED
from domain import graph
from domain.plan_check import Limits
from domain.plan_json import read_plan
from domain.skill import Catalogue, Effect, Param, ParamType, SkillSpec
from planner.reading import MAX_TEXT

SHARED = Path(__file__).parents[3] / ".." / "shared" / "data"
LIMITS = Limits()
LOOK = SkillSpec(name="look", description="", params=(Param(name="n", type=ParamType.INTEGER),))
SEND = SkillSpec(name="send", description="", open_params=True, effect=Effect.EXTERNAL)
CATALOGUE = Catalogue.of([("ann", LOOK), ("ann", SEND)])
FIELDS = {"id", "outcome", "plan", "repairs", "defects", "ms"}


def judge(document: Any, catalogue: Catalogue | None = CATALOGUE) -> dict[str, Any]:
    text = document if isinstance(document, str) else json.dumps(document)
    return judged(Case(name="x", text=text, request="看一下", catalogue=catalogue), LIMITS)


def test_a_plan_that_can_be_run() -> None:
    line = judge({"tasks": [{"id": "a", "skill": "Look", "params": {"n": 3}}]})
    assert line.keys() == FIELDS
    assert (line["id"], line["outcome"], line["defects"]) == ("x", "plan", [])
    assert line["plan"]["tasks"][0]["skill"] == "look"
    assert line["repairs"] == [
        {"kind": "skill", "subtask": "a", "before": "Look", "after": "look", "reason": "it is only spelt otherwise"}
    ]
    assert line["ms"] > 0


def test_an_answer_and_a_question() -> None:
    assert judge({"answer": "Hello!"})["plan"] == {"tasks": [], "answer": "Hello!"}
    assert judge({"answer": "Hello!"})["outcome"] == "answer"
    assert judge({"question": "Which?"})["outcome"] == "question"
    assert judge({"question": "Which?"})["plan"] == {"tasks": [], "question": "Which?"}


def test_defects_are_what_the_model_would_be_told() -> None:
    line = judge({"tasks": [{"id": "a", "skill": "sing"}, {"id": "b", "skill": "look", "params": {"n": "three"}}]})
    assert (line["outcome"], line["plan"]) == ("reask", None)
    assert [(defect["kind"], defect["node"], defect["other"]) for defect in line["defects"]] == [
        ("unknown_skill", "a", "sing"),
        ("wrong_param", "b", "n"),
    ]
    for number, defect in enumerate(line["defects"], start=1):
        assert f"{number}. {defect['text']}" in line["reask"]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("", "unreadable"),
        ("Sorry, I cannot help with that.", "unreadable"),
        ('{"tasks": []}', "empty"),
        ('{"weather": "fine"}', "unreadable"),
        ('{"tasks": [{"id": "a", "skill": "look"}, {"id": "b", "sk', "truncated"),
        (
            '{"tasks": [{"id": "a", "skill": "look", "deps": ["b"]}, {"id": "b", "skill": "send", "deps": ["a"]}]}',
            "cycle",
        ),
    ],
)
def test_what_must_be_asked_for_again(text: str, kind: str) -> None:
    line = judge(text)
    assert (line["outcome"], line["plan"], [defect["kind"] for defect in line["defects"]]) == ("reask", None, [kind])


def test_json_that_is_no_plan_is_shown() -> None:
    line = judge("Here: {'weather': 'fine',}")
    assert (line["outcome"], line["value"]) == ("reask", {"weather": "fine"})
    assert [change["kind"] for change in line["repairs"]] == ["text_mended"]


def test_too_much_of_it_is_guessed() -> None:
    tasks = [{"id": f"t{number}", "skill": "look", "deps": ["nobody"]} for number in range(4)]
    assert [defect["kind"] for defect in judge({"tasks": tasks})["defects"]] == ["doubtful"]


def test_without_a_catalogue_every_skill_is_known() -> None:
    line = judge([{"skill": "sing", "args": {"x": [1]}}, {"id": "b", "instruction": "Do it"}], None)
    assert (line["outcome"], line["repairs"]) == ("plan", [])
    assert [(task["skill"], task["params"]) for task in line["plan"]["tasks"]] == [
        ("sing", {"x": [1]}),
        ("general", {"prompt": "Do it"}),
    ]


def test_a_text_too_long_to_look_at_is_refused() -> None:
    assert judge("x" * (MAX_TEXT + 1))["outcome"] == "refusal"


# --- files ----------------------------------------------------------------------------------------------------


def run(
    capsys: pytest.CaptureFixture[str], source: Path, given: Catalogue | None = None
) -> tuple[int, list[dict[str, Any]]]:
    code = check_raw(str(source), given, CATALOGUE, LIMITS)
    return code, [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_text_alone_is_for_the_skills_of_this_house(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = tmp_path / "plan.txt"
    source.write_bytes(b'\xef\xbb\xbfSure! {"tasks": [{"skill": "look"}]}')
    assert run(capsys, source)[0] == ANSWERED
    source.write_bytes(b"\xff\xfe no plan")
    code, (line,) = run(capsys, source)
    assert (code, line["outcome"], line["id"]) == (FAILED, "reask", str(source))


def test_a_batch_has_a_line_for_each_case_however_bad(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "catalogues").mkdir()
    (tmp_path / "catalogues" / "own.json").write_text('{"skills": [{"name": "sing"}]}')
    text = '{"tasks": [{"id": "a", "skill": "sing", "name": "a\u2028b"}]}'
    cases: list[Any] = [
        {"id": 1, "raw_llm_output": text, "catalogue": "catalogues/own.json"},
        {"id": 2, "raw": text, "catalogue": "own.json"},
        {"id": 3, "text": text, "catalogue": [{"name": "sing"}]},
        {"id": 4, "raw_llm_output": text, "catalogue": [{"name": "dance"}]},
        {"id": 5, "raw_llm_output": text, "catalogue": None},
        {"id": 6, "raw_llm_output": text, "catalogue": "nowhere.json"},
        {"id": 7, "raw_llm_output": text, "catalogue": [{"nameless": 1}]},
        {"id": 8, "raw_llm_output": None},
        {"id": 9, "raw": text, "catalogue": "x" * 5000},
        text,
        17,
    ]
    lines = [json.dumps(case, ensure_ascii=False).encode() for case in cases]
    source = tmp_path / "cases.jsonl"
    source.write_bytes(
        b"\n".join([*lines, b"", b"{not json", b'"\xff"', b'{"id": "last", "raw": "{\\"answer\\": \\"hi\\"}"}\r\n'])
    )
    code, found = run(capsys, source)
    assert code == ANSWERED
    assert [(line["id"], line["outcome"]) for line in found] == [
        ("1", "plan"),
        ("2", "plan"),
        ("3", "plan"),
        ("4", "reask"),
        ("5", "plan"),
        (f"{source}:6", "refusal"),
        (f"{source}:7", "refusal"),
        (f"{source}:8", "refusal"),
        (f"{source}:9", "refusal"),
        (f"{source}:10", "plan"),
        (f"{source}:11", "refusal"),
        (f"{source}:13", "refusal"),
        (f"{source}:14", "refusal"),
        ("last", "answer"),
    ]
    assert all(line["defects"] for line in found if line["outcome"] in ("refusal", "reask"))


def test_texts_without_skills_of_their_own_are_for_the_given_ones(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "cases.jsonl"
    source.write_text(json.dumps({"id": "a", "raw": '{"tasks": [{"skill": "sing"}]}'}))
    assert run(capsys, source, CATALOGUE)[1][0]["outcome"] == "reask"
    assert run(capsys, source)[1][0]["outcome"] == "plan"


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not here")
def test_recorded_outputs_end_to_end(capsys: pytest.CaptureFixture[str]) -> None:
    for source in sorted((*SHARED.glob("plans/*_verbatim.jsonl"), *SHARED.glob("plans/*_pred.jsonl"))):
        code, found = run(capsys, source)
        assert code == ANSWERED
        assert len(found) == len(source.read_text().splitlines())
        for line in found:
            assert line["outcome"] in ("plan", "reask"), line
            if line["outcome"] == "plan":
                assert not graph.components(read_plan(line["plan"]).edges)
            else:
                assert line["reask"]
                assert line["defects"]


@pytest.mark.skipif(not SHARED.exists(), reason="the shared data is not here")
def test_malformed_texts_end_to_end(capsys: pytest.CaptureFixture[str]) -> None:
    for source in sorted(SHARED.glob("malformed/*.jsonl")):
        _, found = run(capsys, source)
        assert len(found) == len(source.read_text().splitlines())
        assert {line["outcome"] for line in found} <= {"plan", "answer", "question", "reask", "refusal"}
