"""The options that say when a request is to be worked on, for any command that takes one."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

_OPTIONS: Mapping[str, Any] = {
    "at": typer.Option("--at", help="Not before: 18:00, tomorrow 9:00, 2027-01-31 09:00."),
    "later": typer.Option("--in", help="Not before so long from now: 30m, 2h."),
    "deadline": typer.Option("--deadline", help="How long it may take, e.g. 10m."),
    "expires": typer.Option("--expires", help="Give it up if it has not begun after so long."),
}


def says_when(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command these options; it gets them as its argument `when`, a mapping of what was typed."""
    signature = inspect.signature(command, eval_str=True)
    own = [parameter for parameter in signature.parameters.values() if parameter.name != "when"]
    added = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=Annotated[str | None, option])
        for name, option in _OPTIONS.items()
    ]

    @functools.wraps(command)
    def run(**given: Any) -> None:
        when = {name: given.pop(name) for name in _OPTIONS}
        command(**given, when=when)

    run.__signature__ = signature.replace(parameters=[*own, *added])  # type: ignore[attr-defined] # read by typer
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in (*own, *added)}
    return run
