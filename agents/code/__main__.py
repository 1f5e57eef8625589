"""The child process of the `code` agent."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from agents.boxed import answer
from agents.code.review import review


def work(request: Mapping[str, Any]) -> Any:
    """Review what the request names."""
    with tempfile.TemporaryDirectory() as folder:
        return review(request, Path(folder))


if __name__ == "__main__":
    answer(work)
