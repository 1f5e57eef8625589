"""The real command, as a user runs it: in a folder of its own, with nothing configured but what a test sets."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
XINGSHU = Path(sys.executable).parent / "xingshu"


@dataclass(frozen=True)
class Ran:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Command:
    """`xingshu` in `folder` with `settings`."""

    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict)

    @property
    def environment(self) -> dict[str, str]:
        shell = os.environ  # noqa: TID251 -- what a shell hands down
        kept = {name: shell[name] for name in ("PATH", "HOME", "LANG") if name in shell}
        kept |= {name: value for name, value in shell.items() if name.startswith("COVERAGE_")}
        return {**kept, "XINGSHU_LOG_LEVEL": "info", "NO_COLOR": "1", **self.settings}

    def __call__(self, *args: str, text: str | bytes | None = None, timeout_s: float = 60) -> Ran:
        given = text.encode() if isinstance(text, str) else text
        done = subprocess.run(
            [XINGSHU, *args],
            input=given if given is not None else b"",
            capture_output=True,
            cwd=self.folder,
            env=self.environment,
            timeout=timeout_s,
            check=False,
        )
        return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())

    def start(self, *args: str) -> subprocess.Popen[bytes]:
        """A process that goes on; its output goes to a file beside the others."""
        with self._log_of(len(list(self.folder.glob("process-*.log"))), args).open("wb") as log:
            return subprocess.Popen(
                [XINGSHU, *args],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=self.environment,
            )

    def start_serving(self, *args: str) -> subprocess.Popen[bytes]:
        """The same for `serve`; returns once the process says that it serves."""
        log = self._log_of(len(list(self.folder.glob("process-*.log"))), args)
        process = self.start(*args)
        while '"serving"' not in log.read_text(errors="replace"):
            assert process.poll() is None, log.read_text(errors="replace")
        return process

    def _log_of(self, number: int, args: tuple[str, ...]) -> Path:
        return self.folder / f"process-{number}-{'-'.join(args)[:40].replace('/', '_')}.log"

    def log(self) -> str:
        """Everything this folder's processes logged."""
        files = [*self.folder.glob("process-*.log"), *self.folder.glob(".xingshu/*.log")]
        return "\n".join(path.read_text(errors="replace") for path in files)


def folder_with_examples(folder: Path) -> Path:
    """A workspace holding a copy of the examples."""
    shutil.copytree(ROOT / "examples", folder / "examples", ignore=shutil.ignore_patterns("__pycache__"))
    return folder
