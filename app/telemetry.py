"""What the program says of itself: structured lines with task, subtask, agent, attempt and trace id.

One trace id follows a request through every process; `grep` it. Progress for people never goes through here.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

import structlog

from app.settings import Settings
from domain.secrets import without_secrets

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


PRIVATE_LOG = Path(".xingshu/xingshu.log")
KEPT_BYTES = 10 * 2**20


@contextmanager
def logging_set_up(settings: Settings, *, quiet: bool = False) -> Iterator[None]:
    """Log while the block runs.

    Args:
        settings: format, level and file.
        quiet: keep the log off the terminal, for commands whose output people read; it goes to a file beside
            the database's default place instead.
    """
    stream = _stream(settings.log_file or (PRIVATE_LOG if quiet else None))
    _configure(settings, stream)
    try:
        yield
    finally:
        structlog.reset_defaults()
        logging.getLogger().handlers.clear()
        if stream is not sys.stderr:
            stream.close()


def _configure(settings: Settings, stream: TextIO) -> None:
    as_json = settings.log_format == "json" or (settings.log_format == "auto" and not stream.isatty())
    level = logging.getLevelName(settings.log_level.upper())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact,
            structlog.processors.JSONRenderer(ensure_ascii=False)
            if as_json
            else structlog.dev.ConsoleRenderer(colors=stream.isatty()),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    # Libraries log their own way; their warnings join ours, and nothing that may hold a URL below that.
    logging.basicConfig(level=logging.WARNING, stream=stream, format="%(message)s", handlers=None, force=True)
    logging.getLogger().handlers[0].addFilter(_redacting)
    for noisy in ("aiormq", "aio_pika"):  # a traceback at every reconnect, which we report ourselves in a line
        logging.getLogger(noisy).setLevel(logging.CRITICAL)


def _stream(path: Path | None) -> TextIO:
    """The log file, started anew when it has grown large; stderr when there is none or it cannot be written."""
    if path is None:
        return sys.stderr
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if path.exists() and path.stat().st_size > KEPT_BYTES:
            path.replace(path.with_suffix(path.suffix + ".1"))
        return path.open("a", encoding="utf-8")
    except OSError:
        return sys.stderr


def redact(_logger: Any, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Take secrets and control characters out of every text of a log line."""
    for key, value in entry.items():
        if isinstance(value, str):
            entry[key] = clean(value)
    return entry


def clean(text: str) -> str:
    """`text` without credentials, its control characters escaped."""
    return _CONTROL.sub(lambda match: f"\\u{ord(match[0]):04x}", without_secrets(text))


def _redacting(record: logging.LogRecord) -> bool:
    record.msg, record.args = clean(record.getMessage()), ()
    return True
