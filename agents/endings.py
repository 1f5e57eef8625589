"""Running a skill and putting into the wire's words how that ended."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import structlog

from agents.skill import Call, Delegation, Skill
from domain import strict_json
from domain.errors import Malformed, Unavailable, XingshuError
from domain.messages import SUCCESS, ErrorContent, ResultContent, UsageEntry
from domain.model import Usage
from domain.safe_text import safe_line
from domain.task import Finding, Result

log = structlog.get_logger()

MAX_LINE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How an attempt ended: `status` is "success" or an error word with a sentence `failure.<status>`."""

    status: str
    content: ResultContent


# After these an external effect may have happened all the same.
_DOUBTFUL = frozenset({"timeout", "crashed", "bad_result", "too_large"})


def failed(code: str, message: str = "", *, retryable: bool = False) -> Ending:
    """An attempt that brought nothing back. `message` is shown to a person behind the sentence of `code`."""
    return Ending(status=code, content=ResultContent(error=ErrorContent(message=message, retryable=retryable)))


def doubtful(ending: Ending) -> Ending:
    """What an ending means for an external effect: after a mishap nobody knows whether it happened."""
    if ending.status not in _DOUBTFUL:
        return ending
    return failed("outcome_unknown", ending.content.error.message if ending.content.error else "")


async def perform(skill: Skill, call: Call, timeout_s: float, max_bytes: int) -> Ending:
    """Run `skill` for at most `timeout_s` seconds. Whatever it does, only cancellation comes out as an exception."""
    try:
        async with asyncio.timeout(timeout_s) as scope:
            result = await skill.run(call)
        return _succeeded(result, max_bytes)
    except Unavailable as error:
        return failed("unavailable", error.say(call.context.language), retryable=True)
    except XingshuError as error:
        return failed("refused", error.say(call.context.language))
    except (Exception, SystemExit) as error:  # a skill is foreign code: its crash ends its attempt only
        if scope.expired():
            return failed("timeout", retryable=True)
        log.exception("skill_crashed", skill=skill.spec.name)
        return failed("crashed", _line(error), retryable=True)


def _succeeded(result: Result | Delegation, max_bytes: int) -> Ending:
    try:
        content = _content(result)
        body = content.model_dump_json(by_alias=True).encode()
        if len(body) > max_bytes:
            return failed("too_large")
        strict_json.loads(body, max_depth=strict_json.MAX_DEPTH - 1)  # inside its message it stands one deeper
    except (ValueError, TypeError, AttributeError, Malformed) as error:  # no Result, or nothing the wire can carry
        return failed("bad_result", _line(error))
    return Ending(status=SUCCESS, content=content)


def _content(result: Result | Delegation) -> ResultContent:
    usage = _entries(result.usage)
    if isinstance(result, Delegation):
        return ResultContent(summary=result.summary, plan=dict(result.plan), usage=usage)
    return ResultContent(
        summary=result.summary,
        output=result.output,
        findings=[_finding(finding) for finding in result.findings],
        files=list(result.files),
        usage=usage,
    )


def _entries(usage: Iterable[Usage]) -> list[UsageEntry]:
    return [UsageEntry(**asdict(call)) for call in usage]


def _finding(finding: Finding) -> dict[str, str]:
    return {"severity": finding.severity, "message": finding.message, "where": finding.where}


def _line(error: BaseException) -> str:
    """An exception as one printable line; its traceback is in the log."""
    first = next(iter(str(error).splitlines()), "")
    return safe_line(f"{type(error).__name__}: {first}".rstrip(": "), MAX_LINE)
