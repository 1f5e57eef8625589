"""What processes cost, as the kernel counts it (https://man7.org/linux/man-pages/man5/proc.5.html)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import psycopg

TICK_S = 1 / os.sysconf("SC_CLK_TCK")
PROC = Path("/proc")
LISTENING = "0A"
BACKENDS = "SELECT pid FROM pg_stat_activity WHERE application_name = %s"


def cpu_s(pid: int) -> float:
    """Processor seconds of a process so far, with those of children it has waited for; 0 when it is gone."""
    try:
        fields = (PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return sum(int(ticks) for ticks in fields[11:15]) * TICK_S


def whole_s() -> float:
    """Processor seconds that everything on this machine together has used: how shared a measurement was."""
    user, nice, system, _idle, _waiting, *others = map(int, (PROC / "stat").read_text().split("\n", 1)[0].split()[1:8])
    return (user + nice + system + sum(others)) * TICK_S


def memory_mib(pid: int) -> float:
    """Resident memory."""
    try:
        found = re.search(r"VmRSS:\s+(\d+)", (PROC / str(pid) / "status").read_text())
    except OSError:
        return 0.0
    return int(found[1]) / 1024 if found else 0.0


def backends(url: str, name: str) -> list[int]:
    """The server's processes that speak to connections of that application name; the server is on this machine."""
    with psycopg.connect(url) as connection:
        return [row[0] for row in connection.execute(BACKENDS, (name,))]


def listener(port: int) -> int | None:
    """Who listens on a TCP port of this machine, if it may be known."""
    inodes = {row[9] for row in _sockets() if row[3] == LISTENING and int(row[1].rpartition(":")[2], 16) == port}
    for process in PROC.iterdir():
        if process.name.isdigit() and any(_inode(link) in inodes for link in _links(process)):
            return int(process.name)
    return None


def spent(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Seconds by name between two looks."""
    return {name: after[name] - before.get(name, 0.0) for name in after}


def _sockets() -> Iterable[list[str]]:
    for name in ("tcp", "tcp6"):
        yield from (line.split() for line in (PROC / "net" / name).read_text().splitlines()[1:])


def _links(process: Path) -> Iterable[Path]:
    try:
        yield from (process / "fd").iterdir()
    except OSError:
        return


def _inode(link: Path) -> str:
    try:
        return str(link.readlink()).removeprefix("socket:[").removesuffix("]")
    except OSError:
        return ""
