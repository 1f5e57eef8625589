"""How a skill's end, whatever it is, reads on the wire."""

from __future__ import annotations

import asyncio
from dataclasses import asdict, replace
from typing import Any

import pytest
from structlog.contextvars import merge_contextvars
from structlog.processors import format_exc_info
from structlog.testing import capture_logs

from agents.endings import failed, perform
from agents.skill import Call, Delegation
from domain import strict_json
from domain.errors import Misconfigured, NotFound, Refused, Unavailable
from domain.messages import Context, ResultMessage
from domain.model import Usage
from domain.skill import Effect, Param, ParamType, SkillSpec
from domain.task import Finding, Result
from tests.fakes_bus import TRACE, attempt
from tests.unit.agents.stage import CALM, LASTING, Scripted, staged, until

LIMIT = 256 * 1024


def raising(error: BaseException) -> Scripted:
    async def script(call: Call) -> Result:
        raise error

    return Scripted(script)


def returning(value: Any) -> Scripted:
    async def script(call: Call) -> Any:
        return value

    return Scripted(script)


async def ended(skill: Scripted, language: Any = "en", timeout_s: float = 30.0) -> tuple[str, str, bool]:
    """(status, message, retryable) of a failure."""
    ending = await perform(skill, Call(params={}, context=Context(language=language)), timeout_s, LIMIT)
    assert ending.content.error is not None
    return ending.status, ending.content.error.message, ending.content.error.retryable


async def test_a_result_with_findings_and_files_goes_out_whole() -> None:
    finding = Finding(severity="high", message="eval of input", where="app.py:3")
    skill = returning(Result(summary="One problem.", output={"n": 1}, findings=(finding,), files=("r.md",)))
    ending = await perform(skill, Call(params={}), 30.0, LIMIT)
    assert ending.status == "success"
    assert ending.content.findings == [{"severity": "high", "message": "eval of input", "where": "app.py:3"}]
    assert (ending.content.output, ending.content.files) == ({"n": 1}, ["r.md"])


CALLS = (
    Usage(model="m1", seconds=0.5, failed="HTTP 503 down"),
    Usage(
        model="m2", prompt_tokens=9, completion_tokens=3, cached_tokens=2, cost=0.001, seconds=1.0, is_estimated=True
    ),
)


@pytest.mark.parametrize(
    "value",
    [
        Result(summary="x", output=1, usage=CALLS),
        Delegation(summary="x", plan={"tasks": [{"id": "a", "skill": "echo"}]}, usage=CALLS),
    ],
)
async def test_what_models_were_asked_for_goes_out_with_it(value: Result | Delegation) -> None:
    content = (await perform(returning(value), Call(params={}), 30.0, LIMIT)).content
    assert [entry.model_dump() for entry in content.usage] == [asdict(call) for call in CALLS]


async def test_a_plan_in_place_of_a_result_goes_out_as_a_plan() -> None:
    plan = {"tasks": [{"id": "a", "skill": "echo"}]}
    ending = await perform(returning(Delegation(summary="In two steps.", plan=plan)), Call(params={}), 30.0, LIMIT)
    assert (ending.status, ending.content.summary, ending.content.plan) == ("success", "In two steps.", plan)
    assert ending.content.output is None


@pytest.mark.parametrize("error", [Refused, NotFound])
async def test_a_refusal_speaks_the_language_of_the_request_and_is_not_tried_again(error: type[Refused]) -> None:
    skill = raising(error("skill.no_such_file", path="a.txt"))
    assert await ended(skill) == ("refused", "There is no “a.txt” in the workspace.", False)
    assert await ended(skill, "zh") == ("refused", "工作区中没有“a.txt”。", False)


async def test_what_the_operator_must_mend_is_not_tried_again() -> None:
    status, message, retryable = await ended(raising(Misconfigured("error.no_model")))
    assert (status, retryable) == ("refused", False)
    assert "OPENAI_API_KEY" in message


async def test_what_is_unavailable_may_work_later() -> None:
    assert await ended(raising(Unavailable("error.model_down", detail="503"))) == (
        "unavailable",
        "The language model does not answer (503).",
        True,
    )


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("bad\x1b[31m value\nsecond line"), "ValueError: bad value"),
        (KeyError(), "KeyError"),
        (SystemExit(3), "SystemExit: 3"),
        (TimeoutError("socket"), "TimeoutError: socket"),
        (RecursionError("x" * 500), "RecursionError: " + "x" * 183 + "…"),
    ],
)
async def test_a_crash_is_one_clean_line_and_may_be_tried_again(error: BaseException, line: str) -> None:
    assert await ended(raising(error)) == ("crashed", line, True)


async def test_the_time_limit_ends_a_skill() -> None:
    async def for_ever(call: Call) -> Result:
        await asyncio.Event().wait()
        raise AssertionError

    skill = Scripted(for_ever)
    assert await ended(skill, timeout_s=0.001) == ("timeout", "", True)
    assert skill.was_cancelled


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        None,
        "text",
        Result(summary="x", output=object()),
        Result(summary="\ud800"),
        Result(summary=3),  # type: ignore[arg-type] # wrong on purpose
        Result(summary="x", output={1: "a", "1": "b"}),
        Result(summary="x", output=10**500),
        Result(summary="x", output=nested(31)),
        Delegation(summary="x", plan=3),  # type: ignore[arg-type] # wrong on purpose
        Delegation(summary="x", plan={"tasks": object()}),
    ],
)
async def test_what_the_wire_cannot_carry_is_no_result(value: Any) -> None:
    status, _, retryable = await ended(returning(value))
    assert (status, retryable) == ("bad_result", False)


async def test_what_the_wire_just_carries_is_a_result() -> None:
    result = Result(summary="x", output=nested(30))
    content = (await perform(returning(result), Call(params={}), 30.0, LIMIT)).content
    message = ResultMessage(task_id="AAAAAA.a", source="echo", status="success", content=content)
    assert strict_json.loads(message.model_dump_json(by_alias=True))["content"]["output"] == nested(30)


async def test_the_size_limit_is_in_bytes_of_json() -> None:
    assert (await ended(returning(Result(summary="", output="好" * (LIMIT // 3)))))[0] == "too_large"
    fitting = await perform(returning(Result(summary="", output="好" * (LIMIT // 3 - 100))), Call(params={}), 30, LIMIT)
    assert fitting.status == "success"


# --- through the worker -------------------------------------------------------------------------------------------


async def status_of(skill: Scripted, **sent: Any) -> tuple[str, str]:
    async with staged(skill) as stage:
        stage.bus.send(attempt(**sent))
        await until(lambda: stage.bus.kinds() == ["result", "ack"])
    (result,) = stage.bus.results
    error = result.content.error
    assert error is None or not error.retryable
    return result.status, error.message if error else ""


async def test_an_unknown_skill_is_reported_as_such() -> None:
    assert await status_of(Scripted(), action="fly") == ("unknown_skill", "fly")


COUNT = SkillSpec(
    name="echo",
    description="",
    params=(
        Param(name="text", required=True),
        Param(name="times", type=ParamType.INTEGER, default=2),
        Param(name="tone"),
    ),
)


@pytest.mark.parametrize(
    ("params", "named"),
    [
        ({}, "text"),
        ({"text": None}, "text"),
        ({"text": 3}, "text"),
        ({"text": "a", "times": "{{b.output}}"}, "times"),
        ({"text": "a", "colour": "red"}, "colour"),
    ],
)
async def test_wrong_parameters_never_reach_the_skill(params: dict[str, Any], named: str) -> None:
    skill = Scripted(spec=COUNT)
    status, message = await status_of(skill, params=params)
    assert status == "bad_params"
    assert named in message
    assert skill.calls == []


async def test_defaults_are_filled_in_and_a_text_may_look_like_a_reference() -> None:
    skill = Scripted(spec=COUNT)
    assert await status_of(skill, params={"text": "{{b.output}}", "tone": None}) == ("success", "")
    assert skill.calls[0].params == {"text": "{{b.output}}", "times": 2, "tone": None}


async def test_one_crash_stops_nobody_else() -> None:
    crash, other = raising(ValueError("boom")), Scripted()
    other.spec = replace(other.spec, name="other")
    async with staged(crash, other, limits=LASTING) as stage:
        stage.bus.send(attempt("a"), attempt("b", "other"), attempt("c"), attempt("d", "other"))
        await until(lambda: len(stage.bus.results) == 4)
    assert {result.task_id[-1]: result.status for result in stage.bus.results} == {
        "a": "crashed",
        "b": "success",
        "c": "crashed",
        "d": "success",
    }


async def test_log_lines_say_which_attempt_they_are_about_and_hold_the_traceback() -> None:
    with capture_logs(processors=[merge_contextvars, format_exc_info]) as lines:
        async with staged(raising(ValueError("boom"))) as stage:
            stage.bus.send(attempt("a", attempt=3))
            stage.bus.send(attempt("b"), redelivered=True)
            await until(lambda: "ack" in stage.bus.kinds("a") and "ack" in stage.bus.kinds("b"))
    by_event = {line["event"]: line for line in lines}
    about = {"task": "AAAAAA", "subtask": "a", "agent": "echo", "attempt": 3, "trace": TRACE}
    assert about.items() <= by_event["skill_crashed"].items()
    assert about.items() <= by_event["attempt_ended"].items()
    assert by_event["handed_back"]["subtask"] == "b"
    assert "Traceback" in by_event["skill_crashed"]["exception"]
    assert "subtask" not in by_event["worker_started"]


async def test_a_skill_that_cancels_itself_has_crashed() -> None:
    async with staged(raising(asyncio.CancelledError())) as stage:
        stage.bus.send(attempt())
        await until(lambda: stage.bus.results)
    assert stage.bus.results[0].status == "crashed"


# --- external effects ---------------------------------------------------------------------------------------------

SENDING = SkillSpec(name="send", description="", effect=Effect.EXTERNAL, open_params=True)


async def test_an_external_effect_claims_acks_and_waits_for_its_grant() -> None:
    skill = Scripted(spec=SENDING)
    async with staged(skill) as stage:
        stage.bus.send(attempt(action="send", effect="external"))
        await until(lambda: stage.bus.kinds() == ["claim", "ack"])
        assert skill.calls == []
        await stage.clock.advance(5)
        (claim,) = stage.bus.of("claim")
        assert [lease.exec_id for lease in stage.bus.beats[-1].holding] == [claim.metadata.exec_id]
        stage.bus.order("grant", claim)
        await until(lambda: stage.bus.results)
    assert stage.bus.kinds() == ["claim", "ack", "result"]
    assert stage.bus.results[0].metadata.exec_id == claim.metadata.exec_id
    assert len(skill.calls) == 1


async def test_a_claim_without_a_grant_never_runs() -> None:
    skill = Scripted(spec=SENDING)
    async with staged(skill, limits=replace(CALM, grant_s=0.001)) as stage:
        stage.bus.send(attempt(action="send", effect="external"))
        await until(lambda: stage.bus.of("handback"))
        claim, handback = stage.bus.of("claim")[0], stage.bus.of("handback")[0]
        stage.bus.order("grant", claim)  # too late
        stage.bus.send(attempt("b", "fly"))
        await until(lambda: stage.bus.kinds("b") == ["result", "ack"])
    assert (handback.metadata.reason, handback.metadata.exec_id) == ("declined", claim.metadata.exec_id)
    assert stage.bus.kinds() == ["claim", "ack", "handback"]
    assert skill.calls == []


async def test_a_claim_is_not_acked_before_it_is_confirmed() -> None:
    async with staged(Scripted(spec=SENDING)) as stage:
        stage.bus.refusals["claim"] = 1
        stage.bus.send(attempt(action="send", effect="external"))
        await until(lambda: stage.bus.refusals["claim"] == 0)
        assert stage.bus.kinds() == []
        await stage.clock.advance(1)
        await until(lambda: stage.bus.kinds() == ["claim", "ack"])
        stage.bus.order("stop", stage.bus.of("claim")[0])


async def test_a_stopped_claim_says_nothing_more() -> None:
    skill = Scripted(spec=SENDING)
    async with staged(skill) as stage:
        stage.bus.send(attempt(action="send", effect="external"))
        await until(lambda: stage.bus.of("claim"))
        stage.bus.order("stop", stage.bus.of("claim")[0])
        stage.bus.order("grant", stage.bus.of("claim")[0])
        await stage.clock.advance(5)
        await until(lambda: stage.bus.beats[-1].holding == [])
    assert stage.bus.kinds() == ["claim", "ack"]
    assert skill.calls == []


async def test_an_external_skill_nobody_was_asked_about_is_refused() -> None:
    skill = Scripted(spec=SENDING)
    status, message = await status_of(skill, action="send", effect="none")
    assert status == "refused"
    assert "send" in message
    assert skill.calls == []


async def test_a_message_can_make_any_skill_wait_for_a_grant() -> None:
    skill = Scripted()
    async with staged(skill) as stage:
        stage.bus.send(attempt(effect="external"))
        await until(lambda: stage.bus.of("claim"))
        assert skill.calls == []
        stage.bus.order("stop", stage.bus.of("claim")[0])


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (ValueError("connection reset"), "outcome_unknown"),
        (Refused("skill.not_a_file", path="x"), "refused"),
        (Unavailable("error.broker_down"), "unavailable"),
    ],
)
async def test_after_a_mishap_of_a_granted_effect_nobody_knows_whether_it_happened(
    error: Exception, status: str
) -> None:
    skill = raising(error)
    skill.spec = SENDING
    async with staged(skill) as stage:
        stage.bus.send(attempt(action="send", effect="external"))
        await until(lambda: stage.bus.of("claim"))
        stage.bus.order("grant", stage.bus.of("claim")[0])
        await until(lambda: stage.bus.results)
    assert stage.bus.results[0].status == status


def test_a_failure_word_needs_no_message() -> None:
    ending = failed("too_large")
    assert ending.content.error is not None
    assert (ending.status, ending.content.error.message, ending.content.error.retryable) == ("too_large", "", False)
