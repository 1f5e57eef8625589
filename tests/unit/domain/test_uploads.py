from __future__ import annotations

from dataclasses import replace

import pytest

from domain.task import Upload, UploadState
from domain.uploads import MAX_NAME, fitting_name, lost, placed, pointed, there
from tests.unit.domain import build as b


@pytest.mark.parametrize(
    ("name", "fitting"),
    [
        ("report.csv", "report.csv"),
        ("季度 报告(终).xlsx", "季度_报告(终).xlsx"),
        ("../../etc/passwd", "etc_passwd"),
        (".bashrc", "bashrc"),
        ("a\x00b\nc.txt", "a_b_c.txt"),
        ("CON/..\\x", "CON_.._x"),
        ("", "file"),
        ("...", "file"),
        ("no ending", "no_ending"),
    ],
)
def test_a_name_fits_every_system(name: str, fitting: str) -> None:
    assert fitting_name(name) == fitting


def test_a_long_name_keeps_its_ending() -> None:
    name = fitting_name("x" * 300 + ".tar")
    assert (len(name), name[-5:]) == (MAX_NAME, "x.tar")


def test_every_file_has_a_place_of_its_own() -> None:
    first = placed([Upload(ref="1", name="a.csv"), Upload(ref="2", name="a.csv")], "7K2QXM")
    second = placed([Upload(ref="3", name="a.csv"), Upload(ref="4", name="b")], "7K2QXM", first)
    assert [upload.path for upload in (*first, *second)] == [
        "inbox/7K2QXM/a.csv",
        "inbox/7K2QXM/a-2.csv",
        "inbox/7K2QXM/a-3.csv",
        "inbox/7K2QXM/b",
    ]


PATH = "inbox/7K2QXM/a.csv"


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("profile the attached file, then write a report", f"profile {PATH} , then write a report"),
        ("Profile this file", f"Profile {PATH}"),
        ("分析附件，然后写一份报告", f"分析 {PATH} ，然后写一份报告"),
        ("分析这份数据", f"分析 {PATH}"),
        ("profile it, then write a report", f"profile {PATH} , then write a report"),
        ("profile, then write a report", f"profile {PATH}, then write a report"),
        ("汇总", f"汇总 {PATH}"),
    ],
)
def test_words_for_a_file_are_read_as_its_path(said: str, read: str) -> None:
    assert pointed(said, [PATH]) == read
    assert pointed(said, []) == said


def test_files_are_there_or_lost() -> None:
    gone = replace(b.FILE, ref="f2", name="b\n.csv", state=UploadState.LOST)
    uploads = (b.THERE, gone, replace(b.FILE, ref="f3"))
    assert (there(uploads), lost(uploads)) == (("inbox/AAAAAA/a.csv",), ("b .csv",))
