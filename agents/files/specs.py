"""How the `files` agent announces itself."""

from __future__ import annotations

from agents.skill import output_schema
from domain.skill import Effect, Param, ParamType, SkillSpec

_PATH = Param(name="path", type=ParamType.PATH, required=True, description="the file, relative to the workspace")
_FOLDER = Param(name="path", type=ParamType.PATH, default=".", description="the folder, relative to the workspace")
_GLOB = Param(name="glob", description="only files of such names, e.g. *.py")
_RECURSIVE = Param(name="recursive", type=ParamType.BOOLEAN, default=False, description="folders inside it, too")

LIST = SkillSpec(
    name="file_list",
    description="List the files and folders in a folder of the workspace, with their sizes.",
    params=(_FOLDER, _GLOB, _RECURSIVE),
    output_schema=output_schema(
        path="string", entries="array", files="integer", folders="integer", bytes="integer", is_truncated="boolean"
    ),
    keywords=("list", "files", "folder", "directory", "ls", "列出", "列出文件", "文件列表", "目录", "有哪些文件"),
    examples=(
        "list the files in examples",
        "what files are in src/",
        "ls examples",
        "列出 examples 的文件",
        "看看目录里有什么",
    ),
)

READ = SkillSpec(
    name="file_read",
    description="Read a text file of the workspace, all of it or some lines.",
    params=(
        _PATH,
        Param(name="lines", type=ParamType.INTEGER, description="how many lines; all that fit when left out"),
        Param(name="start", type=ParamType.INTEGER, default=1, description="the first line, counted from 1"),
    ),
    output_schema=output_schema(
        path="string", text="string", lines="integer", bytes="integer", encoding="string", is_truncated="boolean"
    ),
    keywords=("read", "open", "show", "cat", "读取", "查看", "打开", "读", "阅读"),
    examples=(
        "read README.md",
        "show the first 20 lines of notes.txt",
        "cat src/main.py",
        "读取 README.md",
        "打开 docs/notes.txt 看看",
    ),
)

SEARCH = SkillSpec(
    name="file_search",
    description="Find the lines that hold a text, in a file or in all text files below a folder.",
    params=(
        Param(name="query", required=True, description="the text to find, taken literally"),
        _FOLDER,
        _GLOB,
        Param(name="match_case", type=ParamType.BOOLEAN, default=False, description="tell A from a"),
    ),
    output_schema=output_schema(
        query="string", matches="array", count="integer", files="integer", is_truncated="boolean"
    ),
    keywords=("search", "find", "grep", "occurrences", "搜索", "查找", "找", "搜"),
    examples=(
        "search TODO in examples/shop",
        'find "def total" in src',
        "搜索 TODO 在 examples/shop 里",
        "查找哪些文件提到“合同”",
    ),
)

WRITE = SkillSpec(
    name="file_write",
    description="Write a text into a file of the workspace, in place of what stood there. Makes folders as needed.",
    params=(_PATH, Param(name="content", required=True, description="the whole text of the file")),
    output_schema=output_schema(path="string", bytes="integer", lines="integer", is_new="boolean"),
    effect=Effect.IDEMPOTENT,
    keywords=("write", "save", "create file", "写入", "保存", "写到", "存为"),
    examples=('write "hello" to notes.txt', "save the result to out.md", "把“你好”写入 notes.txt", "保存到 out.md"),
)

PATCH = SkillSpec(
    name="file_patch",
    description=(
        "Change a text file of the workspace: replace the one passage `old` by `new`, or apply a unified diff."
    ),
    params=(
        _PATH,
        Param(name="old", description="the passage to replace; must stand there exactly once"),
        Param(name="new", description="what stands there instead"),
        Param(name="diff", description="a unified diff of this file, in place of old and new"),
    ),
    output_schema=output_schema(path="string", changes="integer", bytes="integer"),
    effect=Effect.IDEMPOTENT,
    keywords=("replace", "patch", "change", "替换", "修改", "改成", "打补丁"),
    examples=('replace "foo" with "bar" in src/a.py', "把 src/a.py 里的“foo”替换成“bar”"),
)
