"""A catalogue to plan with: the kinds of skills a user meets, described the way agents describe theirs."""

from __future__ import annotations

from domain.skill import Catalogue, Effect, Param, ParamType, SkillSpec


def path(name: str = "path", *, required: bool = True, default: str | None = None) -> Param:
    return Param(name=name, type=ParamType.PATH, required=required, default=default)


def text(name: str, *, required: bool = True, choices: tuple[str, ...] = ()) -> Param:
    return Param(name=name, required=required, choices=choices)


def count(name: str, default: int) -> Param:
    return Param(name=name, type=ParamType.INTEGER, default=default)


SPECS = (
    SkillSpec(
        name="echo",
        description="Repeat a text.",
        params=(text("text"),),
        keywords=("echo", "repeat", "say", "回显", "复述", "重复"),
        examples=("echo hello world", "repeat after me: good morning", "复述 你好"),
    ),
    SkillSpec(
        name="file_list",
        description="List the files in a folder.",
        params=(
            path(required=False, default="."),
            text("glob", required=False),
            Param(name="recursive", type=ParamType.BOOLEAN, default=False),
        ),
        keywords=("list", "files", "folder", "directory", "列出", "文件列表", "目录"),
        examples=("list the files in examples", "what files are in src/", "列出 examples 的文件", "看看目录里有什么"),
    ),
    SkillSpec(
        name="file_read",
        description="Read a text file.",
        params=(path(), count("lines", 200), count("start", 1)),
        keywords=("read", "open", "show", "cat", "读取", "查看", "打开", "读"),
        examples=("read examples/README.md", "show the first 20 lines of notes.txt", "读取 README.md"),
    ),
    SkillSpec(
        name="file_search",
        description="Search files for a text.",
        params=(text("pattern"), path(required=False, default=".")),
        keywords=("search", "find", "grep", "occurrences", "搜索", "查找", "找"),
        examples=("search TODO in examples/shop", 'find "def total" in src', "搜索 TODO 在 examples/shop 里"),
    ),
    SkillSpec(
        name="file_write",
        description="Write a text into a file.",
        params=(path(), text("content")),
        effect=Effect.EXTERNAL,
        keywords=("write", "save", "create file", "写入", "保存", "写到"),
        examples=('write "hello" to notes.txt', "save the result to out.md", "把“你好”写入 notes.txt"),
    ),
    SkillSpec(
        name="file_patch",
        description="Replace a text in a file.",
        params=(path(), text("old"), text("new")),
        effect=Effect.EXTERNAL,
        keywords=("replace", "patch", "change", "替换", "修改", "改成"),
        examples=('replace "foo" with "bar" in src/a.py', "把 src/a.py 里的“foo”替换成“bar”"),
    ),
    SkillSpec(
        name="data_profile",
        description="Describe a CSV, JSON or Parquet file: columns, types, missing values, statistics.",
        params=(path(),),
        keywords=("profile", "analyse", "analyze", "describe", "statistics", "columns", "csv", "分析", "统计", "数据"),
        examples=("profile examples/sales.csv", "analyse the data in sales.csv", "分析 examples/sales.csv"),
    ),
    SkillSpec(
        name="data_query",
        description="Run a SQL query over a data file.",
        params=(path(), text("sql")),
        keywords=("query", "sql", "select", "查询"),
        examples=(
            "query examples/sales.csv sql: select region, sum(amount) from data group by region",
            "查询 sales.csv:select * from data limit 5",
        ),
    ),
    SkillSpec(
        name="data_chart",
        description="Draw a chart of a data file.",
        params=(
            path(),
            text("kind", required=False, choices=("bar", "line", "pie")),
            text("agg", required=False, choices=("sum", "mean")),
            text("x", required=False),
            text("y", required=False),
        ),
        keywords=("chart", "plot", "graph", "draw", "画图", "图表", "柱状图", "折线图"),
        examples=("draw a bar chart of examples/sales.csv", "plot sales.csv", "给 examples/sales.csv 画柱状图"),
    ),
    SkillSpec(
        name="code_review",
        description="Review source code: lint, security, complexity.",
        params=(path(), text("branch", required=False), text("base", required=False)),
        keywords=("review", "code", "lint", "audit", "bugs", "审查", "代码", "评审"),
        examples=("review the code in examples/shop", "check src/ for bugs", "审查 examples/shop 的代码"),
    ),
    SkillSpec(
        name="report",
        description="Write a report of what the steps before it found.",
        params=(text("title", required=False),),
        keywords=("report", "summary", "summarise", "summarize", "write a report", "报告", "总结", "汇总"),
        examples=("write a report", "summarise the results", "写一份报告", "总结一下"),
    ),
    SkillSpec(
        name="file_copy",
        description="Copy a file.",
        params=(path("source"), path("target")),
        effect=Effect.IDEMPOTENT,
        keywords=("copy", "duplicate", "make a copy", "复制"),
        examples=("copy a.txt to b.txt", "把 a.txt 复制到 b.txt"),
    ),
    SkillSpec(
        name="mail",
        description="Send a mail.",
        params=(Param(name="to", type=ParamType.ARRAY, required=True), text("body"), count("copies", 1)),
        effect=Effect.EXTERNAL,
        keywords=("mail",),
        examples=('mail "hi" to "bob"',),
    ),
    SkillSpec(
        name="general",
        description="Answer with a language model.",
        params=(text("prompt"),),
        keywords=("explain", "translate", "解释", "翻译"),
        examples=("explain what a DAG is", "翻译成英文:你好"),
    ),
)

CATALOGUE = Catalogue.of(("agent", spec) for spec in SPECS)
