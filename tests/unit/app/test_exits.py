from __future__ import annotations

import asyncio
import sys

import pytest

from app.exits import code_of, guarded
from domain.errors import BrokerDown, Misconfigured, Refused
from domain.task import TaskState


@pytest.fixture(autouse=True)
def _own_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def raising(error: BaseException):
    async def command(settings) -> int:
        raise error

    return command


@pytest.mark.parametrize(
    ("state", "code"),
    [(TaskState.ANSWERED, 0), (TaskState.FAILED, 1), (TaskState.CANCELLED, 130), (TaskState.RUNNING, 1)],
)
def test_final_states_have_exit_codes(state, code):
    assert code_of(state) == code


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (Refused("error.no_model"), 2, "OPENAI_API_KEY"),
        (Misconfigured("error.setting", name="AMQP_URL", detail="odd"), 2, "AMQP_URL"),
        (BrokerDown("error.broker_down"), 1, "AMQP_URL"),
        (ExceptionGroup("g", [ExceptionGroup("h", [BrokerDown("error.broker_down")])]), 1, "broker"),
        (asyncio.CancelledError(), 130, ""),
        (KeyboardInterrupt(), 130, ""),
        (BrokenPipeError(), 1, ""),
        (KeyError("bug"), 1, "Something went wrong"),
    ],
)
def test_whatever_stops_a_command_is_one_sentence(error, code, said, capsys):
    assert guarded(raising(error), {}) == code
    out, err = capsys.readouterr()
    assert said in err
    assert out == ""
    assert "Traceback" not in err
    assert len(err.splitlines()) == (1 if said else 0)


def test_a_command_that_ends_well_returns_its_code(capsys):
    async def command(settings, number) -> int:
        return number

    assert guarded(command, {"number": 7}) == 7
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop is not made for Windows")
def test_commands_run_on_uvloop_and_without_it_on_what_python_brings(monkeypatch):
    loops = []

    async def command(settings) -> int:
        loops.append(type(asyncio.get_running_loop()).__module__.partition(".")[0])
        return 0

    guarded(command, {})
    monkeypatch.setitem(sys.modules, "uvloop", None)
    guarded(command, {})
    assert loops == ["uvloop", "asyncio"]


def test_wrong_settings_stop_before_anything_runs(monkeypatch, capsys):
    monkeypatch.setenv("XINGSHU_MAX_NODES", "none")
    assert guarded(raising(AssertionError("must not run")), {}) == 2
    assert "XINGSHU_MAX_NODES" in capsys.readouterr().err
