"""The child's side of the sandbox: take on the limits, read the question, answer, end.

A module run by `agents.sandbox.run` ends with `if __name__ == "__main__": answer(work)`.
"""

from __future__ import annotations

import json
import math
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any

from domain.errors import NotFound, Refused, Unavailable

_MIB = 1024 * 1024
_GRACE_S = 5  # the parent's own timer comes first while it lives
_CPU_GRACE_S = 2  # the soft limit is SIGXCPU, which says why; the hard one SIGKILL


def answer(work: Callable[[Mapping[str, Any]], Any]) -> None:
    """Read the question from stdin, do `work` on its request under its limits, write the answer to stdout."""
    stdout = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints is not the answer
    question = json.loads(sys.stdin.buffer.read())
    apply_limits(question["limits"])
    said = json.dumps(attempt(work, question["request"]), allow_nan=False).encode()
    with os.fdopen(stdout, "wb") as out:
        out.write(said)


def attempt(work: Callable[[Mapping[str, Any]], Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """What to answer: the output of `work`, or why there is none."""
    try:
        return {"output": work(request)}
    except (Refused, Unavailable) as error:
        kind = NotFound if isinstance(error, NotFound) else Refused if isinstance(error, Refused) else Unavailable
        return {"error": kind.__name__, "key": error.key, "values": error.values}
    except MemoryError:
        return {"error": "Refused", "key": "sandbox.memory", "values": {}}


def apply_limits(limits: Mapping[str, Any]) -> None:
    """Bind this process and everything it starts, and end it even when its parent is gone."""
    wanted = {
        resource.RLIMIT_AS: limits["memory_mb"] * _MIB,
        resource.RLIMIT_CPU: limits["cpu_s"],
        resource.RLIMIT_FSIZE: limits["file_mb"] * _MIB,
        resource.RLIMIT_NOFILE: limits["open_files"],
        resource.RLIMIT_CORE: 0,
    }
    for kind, value in wanted.items():
        _lower(kind, value)
    signal.alarm(math.ceil(limits["timeout_s"]) + _GRACE_S)


def _lower(kind: int, value: int) -> None:
    _, hard = resource.getrlimit(kind)
    ceiling = value + _CPU_GRACE_S if kind == resource.RLIMIT_CPU else value
    if hard != resource.RLIM_INFINITY:
        value, ceiling = min(value, hard), min(ceiling, hard)
    try:
        resource.setrlimit(kind, (value, ceiling))
    except (OSError, ValueError):  # macOS knows RLIMIT_AS but does not take it
        return
