"""The server as a process of its own, and the people's side of it from Python."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

_ROOT = Path(__file__).parents[2]


class RemoteTelegram:
    """Calls the control API at `url`: `remote("say", chat=1001, user=1001, text="hi")`. Blocks while it waits."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._client = httpx.Client(base_url=f"{url}/control/", timeout=120, trust_env=False)

    def __call__(self, act: str, **body: Any) -> Any:
        """The result of an act; AssertionError with the server's words if it fails."""
        answer = self._client.post(act, json=body).json()
        assert "error" not in answer, answer["error"]
        return answer["result"]

    def close(self) -> None:
        self._client.close()


@contextmanager
def telegram_process(token: str, *options: str) -> Iterator[RemoteTelegram]:
    """`python -m tests.telegram_server` on a free port, ended afterwards."""
    command = [sys.executable, "-m", "tests.telegram_server", "--token", token, *options]
    with subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            remote = RemoteTelegram(process.stdout.readline().strip())
            yield remote
            remote.close()
        finally:
            process.terminate()
            process.wait(timeout=10)
