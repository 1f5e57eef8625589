"""kill -9 at moments nobody chose, while requests come in: the SQLite file is whole each time, and so is every promise.

TEST_KILLS says how many (20; the chaos plan's C7 asks for 500), TEST_SEED which moments.
"""

from __future__ import annotations

import os
import random
import sqlite3
import time
from contextlib import closing

import pytest

from tests.failures.ground import Ground
from tests.failures.sides import Side

pytestmark = [pytest.mark.process, pytest.mark.timeout(3600)]

KILLS = int(os.environ.get("TEST_KILLS", "20"))  # noqa: TID251 -- how long to test is not the program's to know
SEED = int(os.environ.get("TEST_SEED", "0")) or random.SystemRandom().getrandbits(32)  # noqa: TID251 -- same
AT_ONCE = 3
LONGEST_S = 1.5


@pytest.mark.parametrize("side", [Side.SQLITE])
def test_c7_killed_at_random_the_file_is_whole_and_nothing_is_lost(here: Ground, side: Side):
    moments = random.Random(SEED)  # noqa: S311 -- picks moments, guards nothing
    requests = []
    for number in range(KILLS):
        plan = "pair" if number % 2 else "read"
        requests += [here.telegram.ask(plan, f"C7-{number}") for _ in range(AT_ONCE if number < 40 else 0)]
        time.sleep(moments.uniform(0, LONGEST_S))  # the moment is what is tested
        here.children["house"].kill()
        with closing(sqlite3.connect(here.folder / ".xingshu/xingshu.db")) as file:
            assert file.execute("PRAGMA integrity_check").fetchall() == [("ok",)], f"seed {SEED}, kill {number}"
            assert file.execute("PRAGMA foreign_key_check").fetchall() == [], f"seed {SEED}, kill {number}"
        here.start("house")
    for request in requests:
        task = here.check_answered_once(request)
        assert task["state"] == "answered", f"seed {SEED}"
