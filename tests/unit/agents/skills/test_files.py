"""The `files` agent on a small workspace."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from agents import params as checks
from agents.skill import Call, Skill
from agents.skills import files
from agents.workspace import Workspace
from domain.errors import NotFound, Refused
from domain.messages import Context
from domain.skill import Effect
from domain.task import Result


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path)
    made.write("README.md", b"# Shop\n\nTODO: write more.\n")
    made.write("src/a.py", b"def total():\n    return 1  # TODO\n")
    made.write("src/deep/b.py", b"total = 2\n")
    made.write("photo.png", b"\x89PNG\0\0")
    return made


async def run(workspace: Workspace, name: str, language: Any = "en", **given: Any) -> Result:
    """Call a skill the way the worker does."""
    by_name: dict[str, Skill] = {skill.spec.name: skill for skill in files.skills(workspace)}
    spec = by_name[name].spec
    assert checks.problems(given, spec) == ()
    return await by_name[name].run(Call(params=checks.filled(given, spec), context=Context(language=language)))


def test_what_writes_says_so(workspace: Workspace) -> None:
    effects = {skill.spec.name: skill.spec.effect for skill in files.skills(workspace)}
    assert effects == {
        "file_list": Effect.NONE,
        "file_read": Effect.NONE,
        "file_search": Effect.NONE,
        "file_write": Effect.IDEMPOTENT,
        "file_patch": Effect.IDEMPOTENT,
    }


# --- file_list ----------------------------------------------------------------------------------------------------


async def test_a_folder_is_listed_with_sizes_and_totals(workspace: Workspace) -> None:
    result = await run(workspace, "file_list")
    assert result.output["entries"] == [
        {"path": "README.md", "kind": "file", "size": 26},
        {"path": "photo.png", "kind": "file", "size": 6},
        {"path": "src", "kind": "folder", "size": 0},
    ]
    assert (result.output["files"], result.output["folders"], result.output["bytes"]) == (2, 1, 32)
    assert result.summary == ". holds README.md, photo.png, src (files: 2, 32 B; folders: 1)."


@pytest.mark.parametrize("glob", ["*.py", "**/*.py", "src/*.py"])
async def test_a_glob_chooses_files(workspace: Workspace, glob: str) -> None:
    result = await run(workspace, "file_list", path=".", glob=glob, recursive=True)
    assert [entry["path"] for entry in result.output["entries"]] == ["src/a.py", "src/deep/b.py"]


@pytest.mark.parametrize("glob", ["b*.py", "deep/*", ".", "[", "", "/"])
async def test_no_glob_is_an_error(workspace: Workspace, glob: str) -> None:
    result = await run(workspace, "file_list", path="src", glob=glob, recursive=True)
    assert all(entry["path"].startswith("src/") for entry in result.output["entries"])


async def test_an_empty_listing_is_said(workspace: Workspace) -> None:
    result = await run(workspace, "file_list", "zh", path="src", glob="*.rs")
    assert result.summary == "src 中没有可列出的内容。"


async def test_a_long_listing_is_cut_and_says_so(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MAX_SHOWN", 2)
    result = await run(workspace, "file_list", recursive=True)
    assert len(result.output["entries"]) == 2
    assert result.output["is_truncated"]
    assert result.output["files"] == 4


async def test_many_names_are_not_all_in_the_summary(workspace: Workspace) -> None:
    for number in range(9):
        workspace.write(f"many/{number}.txt", b"")
    assert (await run(workspace, "file_list", path="many")).summary.startswith(
        "many holds 0.txt, 1.txt, 2.txt, 3.txt, 4.txt, 5.txt, 6.txt, 7.txt, … ("
    )


async def test_a_file_is_no_folder(workspace: Workspace) -> None:
    with pytest.raises(Refused, match="not a folder"):
        await run(workspace, "file_list", path="README.md")


# --- file_read ----------------------------------------------------------------------------------------------------


async def test_a_file_is_read(workspace: Workspace) -> None:
    result = await run(workspace, "file_read", path="README.md")
    assert result.output == {
        "path": "README.md",
        "text": "# Shop\n\nTODO: write more.",
        "lines": 3,
        "bytes": 26,
        "encoding": "utf-8",
        "is_truncated": False,
    }
    assert result.summary == "Read README.md (lines: 3, 26 B)."


async def test_some_lines_are_read(workspace: Workspace) -> None:
    result = await run(workspace, "file_read", path="README.md", start=2, lines=2)
    assert (result.output["text"], result.output["is_truncated"]) == ("\nTODO: write more.", True)
    assert (await run(workspace, "file_read", path="README.md", start=-5, lines=1)).output["text"] == "# Shop"
    assert (await run(workspace, "file_read", path="README.md", lines=-1)).output["text"] == ""


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("\ufeff合同\r\n".encode(), "utf-8-sig"),
        ("合同\r\n".encode("gb18030"), "gb18030"),
        ("合同\r\n".encode("utf-16"), "utf-16"),
    ],
)
async def test_texts_in_other_encodings_are_read(workspace: Workspace, content: bytes, encoding: str) -> None:
    workspace.write("x.txt", content)
    result = await run(workspace, "file_read", "zh", path="x.txt")
    assert (result.output["text"], result.output["encoding"]) == ("合同", encoding)


@pytest.mark.parametrize("content", [b"\x89PNG\0\0", b"\xff\xfe\x00", b"ab\x80\x20\xff"])
async def test_what_is_no_text_is_refused(workspace: Workspace, content: bytes) -> None:
    workspace.write("x.bin", content)
    with pytest.raises(Refused, match="not a text file"):
        await run(workspace, "file_read", path="x.bin")


async def test_a_long_text_is_cut_and_says_so(workspace: Workspace) -> None:
    workspace.write("long.txt", b"x" * 100_000)
    result = await run(workspace, "file_read", path="long.txt")
    assert (len(result.output["text"]), result.output["is_truncated"]) == (files.MAX_TEXT, True)
    assert "97.7 KiB" in result.summary


async def test_a_missing_file_is_named(workspace: Workspace) -> None:
    with pytest.raises(NotFound, match=r"no “nope\.md”"):
        await run(workspace, "file_read", path="nope.md")


@pytest.mark.parametrize("size", [("1 B", 1), ("1.0 KiB", 1024), ("2.5 MiB", 2_621_440), ("3.0 GiB", 3 * 2**30)])
def test_sizes_are_readable(size: tuple[str, int]) -> None:
    assert files.size_of(size[1]) == size[0]


# --- file_search --------------------------------------------------------------------------------------------------


async def test_lines_that_hold_a_text_are_found_in_all_text_files(workspace: Workspace) -> None:
    result = await run(workspace, "file_search", query="todo")
    assert result.output["matches"] == [
        {"path": "README.md", "line": 3, "text": "TODO: write more."},
        {"path": "src/a.py", "line": 2, "text": "return 1  # TODO"},
    ]
    assert (result.output["count"], result.output["files"]) == (2, 3)
    assert result.summary == "Found “todo” (lines: 2; files: 2 of 3)."


async def test_a_search_may_tell_case_and_be_narrowed(workspace: Workspace) -> None:
    assert (await run(workspace, "file_search", query="todo", match_case=True)).output["count"] == 0
    assert (await run(workspace, "file_search", query="TODO", match_case=True)).output["count"] == 2
    assert (await run(workspace, "file_search", query="TODO", glob="*.py")).output["count"] == 1
    assert (await run(workspace, "file_search", query="TODO", path="README.md")).output["count"] == 1


async def test_a_query_is_taken_literally(workspace: Workspace) -> None:
    assert (await run(workspace, "file_search", query="(a+)+$")).output["count"] == 0
    assert (await run(workspace, "file_search", query="total()")).output["count"] == 1


async def test_nothing_found_is_said_in_the_language(workspace: Workspace) -> None:
    assert (await run(workspace, "file_search", "zh", query="合同")).summary == "查看了 3 个文件，没有找到“合同”。"


async def test_many_matches_are_counted_and_the_first_are_shown(workspace: Workspace) -> None:
    workspace.write("many.txt", b"needle\n" * 500)
    output = (await run(workspace, "file_search", query="needle")).output
    assert (output["count"], len(output["matches"]), output["is_truncated"]) == (500, 200, True)


async def test_an_empty_query_is_refused(workspace: Workspace) -> None:
    with pytest.raises(Refused, match="what to search"):
        await run(workspace, "file_search", query=" ")


# --- file_write ---------------------------------------------------------------------------------------------------


async def test_a_file_is_written_and_again_with_the_same_end(workspace: Workspace) -> None:
    first = await run(workspace, "file_write", path="out/notes.txt", content="你好\n")
    again = await run(workspace, "file_write", path="./out/notes.txt", content="你好\n")
    assert workspace.read("out/notes.txt") == "你好\n".encode()
    assert first.output == {"path": "out/notes.txt", "bytes": 7, "lines": 1, "is_new": True}
    assert again.output["is_new"] is False
    assert first.files == again.files == ("out/notes.txt",)
    assert first.summary == "Wrote out/notes.txt (7 B)."


async def test_nothing_is_written_outside(workspace: Workspace, tmp_path: Path) -> None:
    with pytest.raises(Refused):
        await run(workspace, "file_write", path="../escaped.txt", content="x")
    assert not (tmp_path.parent / "escaped.txt").exists()


# --- file_patch ---------------------------------------------------------------------------------------------------

DIFF = """\
--- a/src/a.py
+++ b/src/a.py
@@ -1,2 +1,3 @@
 def total():
-    return 1  # TODO
+    # counted
+    return 2
"""


async def test_a_passage_is_replaced_once_however_often_it_is_asked(workspace: Workspace) -> None:
    first = await run(workspace, "file_patch", path="src/a.py", old="return 1", new="return 12")
    again = await run(workspace, "file_patch", path="src/a.py", old="return 1", new="return 12")
    assert workspace.read("src/a.py") == b"def total():\n    return 12  # TODO\n"
    assert (first.output["changes"], again.output["changes"]) == (1, 0)
    assert first.summary == "Changed src/a.py (places: 1)."
    assert again.summary == "src/a.py already was as asked for."


async def test_a_diff_is_applied_once_however_often_it_is_asked(workspace: Workspace) -> None:
    for changes in (1, 0):
        result = await run(workspace, "file_patch", path="src/a.py", diff=DIFF)
        assert result.output["changes"] == changes
        assert workspace.read("src/a.py") == b"def total():\n    # counted\n    return 2\n"


async def test_a_diff_can_make_a_file(workspace: Workspace) -> None:
    diff = "--- /dev/null\n+++ b/new.txt\n@@ -0,0 +1,2 @@\n+one\n+two\n"
    for changes in (1, 0):
        result = await run(workspace, "file_patch", path="new.txt", diff=diff)
        assert result.output["changes"] == changes
        assert workspace.read("new.txt") == b"one\ntwo\n"


async def test_line_ends_and_encoding_stay(workspace: Workspace) -> None:
    workspace.write("x.txt", "合同\r\n一\r\n".encode("gb18030"))
    await run(workspace, "file_patch", path="x.txt", old="合同\n", new="协议\n")
    assert workspace.read("x.txt") == "协议\r\n一\r\n".encode("gb18030")
    await run(workspace, "file_patch", path="x.txt", diff="@@ -2 +2 @@\n-一\n+二\n")
    assert workspace.read("x.txt") == "协议\r\n二\r\n".encode("gb18030")


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"old": "a"},
        {"new": "a"},
        {"old": "", "new": "a"},
        {"old": "a", "new": "b", "diff": DIFF},
    ],
)
async def test_a_patch_is_one_thing_or_the_other(workspace: Workspace, given: dict[str, str]) -> None:
    with pytest.raises(Refused, match="or a unified diff"):
        await run(workspace, "file_patch", path="src/a.py", **given)


async def test_a_patch_that_does_not_fit_changes_nothing(workspace: Workspace) -> None:
    before = workspace.read("src/deep/b.py")
    with pytest.raises(Refused, match="1 of 1 does not fit"):
        await run(workspace, "file_patch", path="src/deep/b.py", diff=DIFF)
    with pytest.raises(Refused, match="is not in the file"):
        await run(workspace, "file_patch", path="src/deep/b.py", old="nothing like it", new="x")
    assert workspace.read("src/deep/b.py") == before
