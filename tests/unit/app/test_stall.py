"""A process whose event loop is blocked ends itself; one that works, or is not watched, does not."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, time
from app.stall import standing_still_ends

async def main():
    async with standing_still_ends({after_s}):
        await asyncio.sleep({works_s})
        time.sleep({blocks_s})

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("after_s", "works_s", "blocks_s", "code"),
    [(0.2, 0.0, 30.0, 1), (3.0, 4.0, 0.0, 0), (0.0, 0.0, 0.5, 0)],
    ids=["blocked", "works", "not watched"],
)
def test_who_stands_still_ends(after_s: float, works_s: float, blocks_s: float, code: int) -> None:
    program = PROGRAM.format(after_s=after_s, works_s=works_s, blocks_s=blocks_s)
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, timeout=25, check=False)
    assert ended.returncode == code
    assert (b"time.sleep" in ended.stderr or b"Timeout" in ended.stderr) == bool(code)
