"""Broker, database, disk and clock, each away, full, damaged or wrong while work is under way."""

from __future__ import annotations

import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from alembic import command
from pamqp.commands import Connection as Words

from storage import check
from storage.engines import open_engine, read_url
from storage.schema import alembic_config
from tests.failures.ground import Ground, until
from tests.failures.proxies import Services
from tests.failures.sides import Side, on

pytestmark = [pytest.mark.process, pytest.mark.timeout(240)]

SERVERS_ONLY, SQLITE_ONLY = on(Side.SERVERS), on(Side.SQLITE)


@pytest.fixture
def services(here: Ground) -> Services:
    assert here.services is not None
    return here.services


@pytest.mark.parametrize("side", SERVERS_ONLY)
def test_f3_a_commit_whose_answer_is_lost_counts_once(here: Ground, services: Services, side: Side):
    here.children["house"].kill()
    here.start("house")
    seen: set[object] = set()
    swallowed: list[bytes] = []

    def swallows(connection: object, data: bytes) -> bool:
        if b"[read F3-" in data:
            seen.add(connection)
        is_it = connection in seen and b"COMMIT" in data and not swallowed
        swallowed.extend([data] * is_it)
        return is_it

    services.database.swallows = swallows
    request = here.telegram.ask("read", "F3")
    assert here.check_answered_once(request)["state"] == "answered"
    assert swallowed
    assert len(here.deeds(request)) == 1


@pytest.mark.parametrize("side", SERVERS_ONLY)
def test_f28_without_a_broker_work_goes_on_and_nothing_runs_again(here: Ground, services: Services, side: Side):
    running = here.telegram.ask("wait", "F28")
    until(lambda: here.deeds(running))
    until(lambda: here.task(running)["subtasks"][0]["state"] == "running")
    services.broker.part()
    until(lambda: here.has_logged("broker_unreachable"))
    here.open_gate(running)
    new = here.telegram.ask("read", "F28")
    assert here.telegram.remote("wait", chat=new.person, text="F28", timeout_s=60)  # its card: accepted
    status = here.telegram.says(running, "/status")
    here.telegram.remote("wait", chat=running.person, after=status["message_id"], timeout_s=60)
    services.broker.join()
    for request in (running, new):
        task = here.check_answered_once(request, f"{request.word}: done")
        assert [subtask["attempts"] for subtask in task["subtasks"]] == [1]
        assert len(here.deeds(request)) == 1


@pytest.mark.parametrize("side", SERVERS_ONLY)
def test_f29_a_broker_that_lost_everything_is_set_up_again(here: Ground, services: Services, side: Side):
    running = here.telegram.ask("wait", "F29")
    until(lambda: here.deeds(running))
    parts = urlsplit(services.broker.url)
    vhost, user = parts.path.lstrip("/"), parts.username or "guest"
    for order in (["delete_vhost", vhost], ["add_vhost", vhost], ["set_permissions", "-p", vhost, user, *[".*"] * 3]):
        subprocess.run(["rabbitmqctl", "-q", *order], check=True, capture_output=True, timeout=60)
    new = here.telegram.ask("pair", "F29")
    here.open_gate(running)
    for request in (running, new):
        assert here.check_answered_once(request)["state"] == "answered"
        assert len(here.deeds(request)) <= 2


@pytest.mark.parametrize("side", SERVERS_ONLY)
def test_f30_while_the_broker_takes_nothing_the_chat_is_alive(here: Ground, services: Services, side: Side):
    services.broker.tell(Words.Blocked(reason="low on memory"))
    request = here.telegram.ask("read", "F30")
    until(lambda: here.has_logged("dispatch_unconfirmed"))
    assert here.telegram.shown(request)
    services.broker.tell(Words.Unblocked())
    assert here.check_answered_once(request)["state"] == "answered"


@pytest.mark.parametrize("side", SERVERS_ONLY)
def test_f31_f32_without_a_database_nothing_is_lost(here: Ground, services: Services, side: Side):
    """What is said meanwhile stays with Telegram, results stay with the broker."""
    running = here.telegram.ask("wait", "F32")
    until(lambda: here.deeds(running))
    services.database.part()
    until(lambda: here.has_logged("lead_not_renewed"))
    new = here.telegram.ask("read", "F31")
    here.open_gate(running)
    until(lambda: here.has_logged("settling_waits"))
    assert here.deeds(new) == []
    services.database.join()
    for request in (running, new):
        task = here.check_answered_once(request)
        assert [subtask["attempts"] for subtask in task["subtasks"]] == [1]
        assert len(here.deeds(request)) == 1


# --- a SQLite file ------------------------------------------------------------------------------------------------


def file_of(here: Ground) -> Path:
    return here.folder / ".xingshu/xingshu.db"


@pytest.mark.parametrize("side", SQLITE_ONLY)
def test_f33_a_locked_file_is_waited_for(here: Ground, side: Side):
    with closing(sqlite3.connect(file_of(here), isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        request = here.telegram.ask("read", "F33")
        until(lambda: here.has_logged("lead_not_renewed"))
        assert here.telegram.shown(request) == []
        holder.execute("ROLLBACK")
    assert here.check_answered_once(request)["state"] == "answered"


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of two megabytes. Skips where none can be made."""
    folder.mkdir()
    made = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True, check=False)
    if made.returncode:
        pytest.skip("only root can make a disk that is full")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@pytest.mark.parametrize("side", SQLITE_ONLY)
def test_f33_on_a_full_disk_it_says_so_and_goes_on_when_there_is_room(here: Ground, side: Side, tmp_path: Path):
    here.children["house"].kill()
    with small_disk(tmp_path / "disk") as disk:
        here.start("house", DATABASE_URL=f"sqlite:///{disk}/x.db")
        first = here.telegram.ask("read", "F33")
        here.telegram.answer(first)
        filler = disk / "filler"
        _fill(filler)
        request = here.telegram.ask("read", "F33")
        until(lambda: here.has_logged("The disk of the database is full"))
        assert here.deeds(request) == []
        filler.unlink()
        here.telegram.answer(request)
        assert len(here.telegram.answers(request)) == 1
        here.children["house"].kill()


def _fill(filler: Path) -> None:
    """Take all the room there is."""
    with suppress(OSError), filler.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)


@pytest.mark.parametrize("side", SQLITE_ONLY)
def test_f33_a_damaged_file_is_refused_and_left_as_it_is(here: Ground, side: Side, tmp_path: Path):
    here.check_answered_once(here.telegram.ask("read", "F33"))
    here.children["house"].kill()
    damaged, garbage = tmp_path / "damaged.db", tmp_path / "garbage.db"
    with closing(sqlite3.connect(file_of(here))) as whole, closing(sqlite3.connect(damaged)) as copy:
        whole.backup(copy)
    content = bytearray(damaged.read_bytes())
    content[8192:-4096] = b"\x07" * len(content[8192:-4096])
    damaged.write_bytes(content)
    garbage.write_bytes(b"\x07" * 9000)
    for file, said in ((damaged, "damaged"), (garbage, "not a SQLite database")):
        before = file.read_bytes()
        code, text = here.run("serve", DATABASE_URL=f"sqlite:///{file}")
        assert (code, said in text) == (2, True), text
        assert "Traceback" not in text
        assert file.read_bytes() == before


@pytest.mark.parametrize("side", on())
def test_f34_what_is_committed_is_on_the_disk(here: Ground, side: Side):
    """A power cut cannot be had here; that every commit waits for the disk can be seen."""
    url = here.settings.get("DATABASE_URL", f"sqlite:///{file_of(here)}")
    engine = open_engine(read_url(url))
    with engine.connect() as connection:
        if here.has_servers:
            asked = ("SHOW synchronous_commit", "SHOW fsync", "SHOW full_page_writes")
            assert [connection.exec_driver_sql(one).scalar() for one in asked] == ["on"] * 3
        else:
            assert connection.exec_driver_sql("PRAGMA synchronous").scalar() == 2
            assert connection.exec_driver_sql("PRAGMA journal_mode").scalar() == "wal"
    engine.dispose()


# --- the clock ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", SERVERS_ONLY)
@pytest.mark.parametrize("ahead_s", [3600, -3600])
def test_f35_the_clock_of_an_agents_machine_does_not_matter(here: Ground, side: Side, ahead_s: int):
    here.skew("agents", ahead_s)
    request = here.telegram.ask("slow", "F35")
    task = here.check_answered_once(request)
    (subtask,) = task["subtasks"]
    assert (subtask["attempts"], len(here.deeds(request))) == (1, 1)
    times = [task["timings"]["planned_at"], subtask["finished_at"], task["timings"]["settled_at"]]
    assert times == sorted(times)
    assert all(time.endswith("Z") for time in times)


@pytest.mark.parametrize("side", on())
@pytest.mark.parametrize("ahead_s", [900, -3600])
def test_f35_a_jump_of_the_clock_loses_nothing(here: Ground, side: Side, ahead_s: int):
    """A quarter of an hour ahead is within a task's time, but beyond every lease; an hour back is before its begin."""
    request = here.telegram.ask("wait", "F35")
    until(lambda: here.deeds(request))
    here.skew("house", ahead_s)
    here.open_gate(request)
    assert here.check_answered_once(request)["state"] == "answered"
    new = here.telegram.ask("read", "F35")
    assert here.check_answered_once(new)["state"] == "answered"


# --- a new version ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("side", on())
def test_f42_a_migration_that_dies_leaves_the_old_schema_and_the_work(here: Ground, side: Side):
    request = here.telegram.ask("wait", "F42")
    until(lambda: here.deeds(request))
    here.children["house"].kill()
    url = here.settings.get("DATABASE_URL", f"sqlite:///{file_of(here)}")
    engine = open_engine(read_url(url))
    with engine.begin() as connection:
        command.downgrade(alembic_config(connection), "-1")
    engine.dispose()
    here.arm("migration.step.after")
    here.launch("house")
    here.crash("migration.step.after")
    with pytest.raises(Exception, match="xingshu setup"):
        check(url)
    here.start("house")
    here.open_gate(request)
    assert here.check_answered_once(request)["state"] == "answered"
