"""How the `data` agent announces itself."""

from __future__ import annotations

from typing import Any

from domain.skill import Effect, Param, ParamType, SkillSpec

_PATH = Param(
    name="path",
    type=ParamType.PATH,
    required=True,
    description="the file: CSV, TSV, JSON, JSON lines, Parquet or SQLite",
)
_TABLE = Param(name="table", description="which table of an SQLite file; all of them when left out")
_COLUMN: dict[str, Any] = {
    "type": "object",
    "properties": {
        "name": {"type": "string"},
        "type": {"type": "string"},
        "nulls": {"type": "integer"},
        "distinct": {"type": "integer"},
        "min": {},
        "max": {},
        "mean": {"type": ["number", "null"]},
        "p50": {"type": ["number", "null"]},
        "top": {"type": "array", "items": {"type": "object"}},
    },
}
_TABLE_FIGURES: dict[str, Any] = {
    "rows": {"type": "integer"},
    "column_count": {"type": "integer"},
    "duplicate_rows": {"type": "integer"},
    "columns": {"type": "array", "items": _COLUMN},
}

PROFILE = SkillSpec(
    name="data_profile",
    description=(
        "Profile a data file exactly: rows, columns with type, missing values, distinct values, range, mean, median "
        "and commonest values, duplicate rows, and what looks wrong (outliers, negatives, gaps, odd spellings)."
    ),
    params=(_PATH, _TABLE),
    output_schema={
        "type": "object",
        "properties": {
            **_TABLE_FIGURES,
            "tables": {"type": "array", "items": {"type": "object", "properties": _TABLE_FIGURES}},
        },
    },
    timeout_s=120.0,
    keywords=(
        *("profile", "analyse", "analyze", "analysis", "statistics", "data quality", "csv", "dataset", "outliers"),
        *("分析", "数据分析", "统计", "数据质量", "概况", "数据概览", "异常值", "表格"),
    ),
    examples=(
        "profile examples/sales.csv",
        "analyse the data in examples/sales.csv",
        "what is wrong with the data in sales.parquet?",
        "分析 examples/sales.csv",
        "看看 examples/sales.csv 的数据质量",
        "统计一下 orders.db 里的数据",
    ),
)

QUERY = SkillSpec(
    name="data_query",
    description=(
        "Answer a question about a data file with one SQL SELECT (DuckDB dialect). The table is called data; "
        "in an SQLite file the tables keep their names. Give sql in full."
    ),
    params=(
        _PATH,
        Param(name="sql", required=True, description="one SELECT, e.g. SELECT region, sum(total) FROM data GROUP BY 1"),
        Param(name="limit", type=ParamType.INTEGER, default=200, description="most rows to return, 1 to 1000"),
    ),
    output_schema={
        "type": "object",
        "properties": {
            "columns": {"type": "array", "items": {"type": "string"}},
            "rows": {"type": "array", "items": {"type": "array"}},
            "truncated": {"type": "boolean"},
        },
    },
    timeout_s=120.0,
    keywords=("sql", "query", "select", "查询", "SQL查询"),
    examples=(
        "run select region, sum(total) from data group by region on examples/sales.csv",
        "query examples/sales.csv with SQL: select count(*) from data",
        "用 SQL 查询 examples/sales.csv:select product, sum(quantity) from data group by 1",
    ),
)

CHART = SkillSpec(
    name="data_chart",
    description=(
        "Draw a chart of a data file as a PNG in the workspace's charts folder: bars by category, a line over time, "
        "a histogram, or a scatter plot. Columns and kind are chosen when left out."
    ),
    params=(
        _PATH,
        Param(name="x", description="the column along the bottom: a category, a date or a number"),
        Param(name="y", description="the column of numbers that is measured"),
        Param(name="kind", choices=("bar", "line", "hist", "scatter"), description="how it is drawn"),
        Param(name="agg", choices=("sum", "mean", "count"), default="sum", description="how rows are put together"),
        Param(name="table", description="which table of an SQLite file; the first when left out"),
    ),
    output_schema={
        "type": "object",
        "properties": {
            "file": {"type": "string"},
            "kind": {"type": "string"},
            "x": {"type": "string"},
            "y": {"type": ["string", "null"]},
            "agg": {"type": "string"},
            "points": {"type": "array", "items": {"type": "object"}},
            "left_out": {"type": "integer"},
        },
    },
    effect=Effect.IDEMPOTENT,
    timeout_s=120.0,
    keywords=(
        *("chart", "plot", "graph", "draw", "visualise", "visualize", "histogram", "bar chart", "line chart"),
        *("图", "画图", "图表", "绘图", "可视化", "柱状图", "折线图", "直方图", "散点图", "趋势图"),
    ),
    examples=(
        "chart examples/sales.csv",
        "draw a bar chart of total by region from examples/sales.csv",
        "draw a line of sales over time from examples/sales.csv",
        "给 examples/sales.csv 画图",
        "把 examples/sales.csv 按地区画成柱状图",
    ),
)
