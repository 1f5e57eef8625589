"""The child process of the `data` agent."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agents.boxed import answer


def work(request: Mapping[str, Any]) -> Any:
    """Do the request's `operation`. Only what it needs is imported: drawing alone costs a third of a second."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        match request["operation"]:
            case "profile":
                from agents.data.profile import profile

                return profile(request, scratch)
            case "query":
                from agents.data.query import query

                return query(request, scratch)
            case _:
                from agents.data.chart import chart

                return chart(request, scratch)


if __name__ == "__main__":
    answer(work)
