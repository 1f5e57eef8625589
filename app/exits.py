"""How a command ends: its exit code, and what is said when it cannot go on."""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import structlog

from app.settings import load
from app.telemetry import logging_set_up
from domain.errors import Misconfigured, Refused, XingshuError
from domain.task import TaskState
from domain.texts import Language, language_of, say

ANSWERED, FAILED, MISUSE, CANCELLED = 0, 1, 2, 130

log = structlog.get_logger()

Command = Callable[..., Coroutine[Any, Any, int]]
TALKATIVE = frozenset({"serve", "worker"})  # commands whose log is for operators to read


def code_of(state: TaskState) -> int:
    """The exit code a task's final state stands for."""
    return {TaskState.ANSWERED: ANSWERED, TaskState.CANCELLED: CANCELLED}.get(state, FAILED)


def tell(text: str) -> None:
    """Say something about progress or trouble: to stderr, never mixed with answers."""
    sys.stderr.write(text.rstrip("\n") + "\n")
    sys.stderr.flush()


def answer(text: str) -> None:
    """Print what was asked for."""
    sys.stdout.write(text.rstrip("\n") + "\n")
    sys.stdout.flush()


def guarded(command: Command, options: Mapping[str, Any]) -> int:
    """Run a command; whatever stops it becomes one sentence and an exit code, never a traceback.

    Returns 2 for wrong use and configuration, 1 for trouble outside, 130 when interrupted.
    """
    language = terminal_language()
    try:
        settings = load()
    except Misconfigured as wrong:
        tell(wrong.say(language))
        return MISUSE
    with logging_set_up(settings, quiet=command.__name__ not in TALKATIVE):
        return _ended(command.__name__, lambda: _in_loop(command(settings, **options)), language)


def _ended(name: str, run: Callable[[], int], language: Language) -> int:
    try:
        return run()
    except* (Refused, Misconfigured) as wrong:
        tell(first_of(wrong).say(language))
        return_code = MISUSE
    except* XingshuError as trouble:
        error = first_of(trouble)
        log.warning("command_stopped", command=name, error=str(error), cause=repr(error.__cause__))
        tell(error.say(language))
        return_code = FAILED
    except* (KeyboardInterrupt, asyncio.CancelledError):
        return_code = CANCELLED
    except* BrokenPipeError:  # whoever read our output has had enough
        return_code = FAILED
    except* Exception:  # the outermost edge: the person gets a sentence, the log the traceback
        trace = secrets.token_hex(8)
        log.exception("command_failed", command=name, trace=trace)
        tell(say("error.internal", language, trace=trace))
        return_code = FAILED
    return return_code


def _in_loop(coroutine: Coroutine[Any, Any, int]) -> int:
    try:
        import uvloop
    except ImportError:  # Windows has none
        return asyncio.run(coroutine)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(coroutine)


def first_of(group: BaseExceptionGroup[Any]) -> XingshuError:
    """The first of our errors in a group of nothing but ours."""
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    assert isinstance(found, XingshuError)  # noqa: S101 -- what except* selected
    return found


def terminal_language() -> Language:
    """The language of the terminal's locale."""
    import locale

    return "zh" if (locale.getlocale()[0] or "").startswith(("zh", "Chinese")) else "en"


def language_for(text: str) -> Language:
    """The language to answer `text` in; the terminal's when the text does not say."""
    return language_of(text) if any(char.isalpha() for char in text) else terminal_language()
