"""Names of things."""

from __future__ import annotations

import pytest

from domain.ids import ALPHABET, NODE_KEY, SubtaskId, read_task_id, task_id, trace_id_of, traceparent


def test_a_task_id_is_six_speakable_characters() -> None:
    assert task_id(0) == "000000"
    assert task_id(2**30 - 1) == "ZZZZZZ"
    assert task_id(1) == "000001"
    assert task_id(2**30) == "000000"  # only the low bits count
    assert len({task_id(bits) for bits in range(5000)}) == 5000
    assert not set("ILOU") & set(ALPHABET)


def test_what_is_spelt_is_read_back() -> None:
    assert all(read_task_id(task_id(bits * 7919)) == task_id(bits * 7919) for bits in range(500))


@pytest.mark.parametrize("typed", ["7k2q10", " 7K2Q10 ", "#7K2Q10", "7K2Qio", "7K2QIO", "7k2qLo"])
def test_what_a_person_types_is_folded(typed: str) -> None:
    assert read_task_id(typed) == "7K2Q10"


@pytest.mark.parametrize(
    "typed", ["", "#", "7K2Q1", "7K2Q100", "7K2Q1U", "7K2Q-1", "7K2Q1\n0", "../../", "7K2Q1’", "١٢٣٤٥٦"]
)
def test_what_cannot_be_a_task_id(typed: str) -> None:
    assert read_task_id(typed) is None


def test_a_subtask_id_on_the_wire() -> None:
    name = SubtaskId("7K2QXM", "read_it-2")
    assert str(name) == "7K2QXM.read_it-2"
    assert SubtaskId.read(str(name)) == name
    assert SubtaskId.read("7K2QXM.t1.2.a.b") == SubtaskId("7K2QXM", "t1.2.a.b")
    assert SubtaskId.read("7K2QXM.读取") == SubtaskId("7K2QXM", "读取")


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "7K2QXM",
        "7K2QXM.",
        ".a",
        "7k2qxm.a",
        "7K2QXM.a.",
        "7K2QXM.a..b",
        "7K2QXM.a.b.c.d.e",
        "7K2QXM.a b",
        "task_20260317_001",
        "7K2QXM." + "a" * 65,
        "7K2QXM.a\n",
        "7K2QXM\n.a",
    ],
)
def test_what_is_not_one_of_our_subtask_ids(text: str) -> None:
    assert SubtaskId.read(text) is None


@pytest.mark.parametrize("key", ["a", "t1", "步骤", "a-b_c", "x" * 64])
def test_node_keys(key: str) -> None:
    assert NODE_KEY.fullmatch(key)


TRACE = "0af7651916cd43dd8448eb211c80319c"


def test_a_trace_context_goes_there_and_back() -> None:
    header = traceparent(TRACE, 0xB7AD6B7169203331)
    assert header == f"00-{TRACE}-b7ad6b7169203331-01"
    assert trace_id_of(header) == TRACE


def test_a_span_id_is_never_zero() -> None:
    assert traceparent(TRACE, 0) == traceparent(TRACE, 2**64) == f"00-{TRACE}-0000000000000001-01"


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        TRACE,
        f"00-{TRACE}-b7ad6b7169203331",
        f"00-{TRACE.upper()}-b7ad6b7169203331-01",
        f"00-{'0' * 32}-b7ad6b7169203331-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"ff-{TRACE}-b7ad6b7169203331-01",
        f"00-{TRACE}-b7ad6b7169203331-01\n",
    ],
)
def test_what_is_not_a_trace_context(header: str | None) -> None:
    assert trace_id_of(header) is None
