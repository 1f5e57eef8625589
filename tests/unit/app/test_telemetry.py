from __future__ import annotations

import json
import logging

import pytest
import structlog

from app.settings import load
from app.telemetry import clean, logging_set_up


@pytest.fixture(autouse=True)
def _restored(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    handlers = logging.getLogger().handlers[:]
    yield
    logging.getLogger().handlers[:] = handlers


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("amqp://guest:s3cret@host/x", "amqp://guest:***@host/x"),
        ("postgresql://u:p%40ss@db:5432/n failed", "postgresql://u:***@db:5432/n failed"),
        ("POST /bot123456789:AAEhBOweik6ad9r_QXMENQjcrGbqCr4K-bc/getMe", "POST /bot***/getMe"),
        ("key sk-abcdefghijklmnopqrstuvwx end", "key *** end"),
        ("Authorization: Bearer abcdef123456", "Authorization: ***"),
        ("a\x1b[31mred\u202egnp", "a\\u001b[31mred\\u202egnp"),
        ("https://example.org/a:b@c plain", "https://example.org/a:b@c plain"),
    ],
)
def test_secrets_and_control_characters_do_not_get_out(text, shown):
    assert clean(text) == shown


def test_json_lines_carry_what_was_bound(tmp_path, monkeypatch):
    monkeypatch.setenv("XINGSHU_LOG_FORMAT", "json")
    monkeypatch.setenv("XINGSHU_LOG_FILE", str(tmp_path / "x.log"))
    with logging_set_up(load()):
        structlog.get_logger().info("attempt_ended", task="AAAAAA", trace="0af7", url="amqp://a:b@c")
    line = json.loads((tmp_path / "x.log").read_text())
    assert (line["event"], line["task"], line["trace"], line["url"]) == (
        "attempt_ended",
        "AAAAAA",
        "0af7",
        "amqp://a:***@c",
    )


def test_a_quiet_command_logs_beside_the_database(tmp_path, capsys):
    with logging_set_up(load(), quiet=True):
        structlog.get_logger().warning("something")
        logging.getLogger("library").warning("amqp://a:b@c broke")
    assert "something" in (tmp_path / ".xingshu/xingshu.log").read_text()
    assert "amqp://a:***@c broke" in (tmp_path / ".xingshu/xingshu.log").read_text()
    assert capsys.readouterr().err == ""


def test_a_grown_log_is_started_anew(tmp_path, monkeypatch):
    from app import telemetry

    monkeypatch.setattr(telemetry, "KEPT_BYTES", 3)
    log = tmp_path / ".xingshu/xingshu.log"
    log.parent.mkdir()
    log.write_text("old lines")
    with logging_set_up(load(), quiet=True):
        pass
    assert log.read_text() == ""
    assert log.with_suffix(".log.1").read_text() == "old lines"


def test_without_a_place_for_the_file_it_goes_to_stderr(tmp_path, capsys):
    (tmp_path / ".xingshu").write_text("not a folder")
    with logging_set_up(load(), quiet=True):
        structlog.get_logger().warning("something")
    assert "something" in capsys.readouterr().err
