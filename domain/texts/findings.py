"""What the `data` and `code` agents say: summaries, what they found, why they refused, and what charts are labelled."""

_SANDBOX: dict[str, tuple[str, str]] = {
    "sandbox.timeout": ("It took longer than {seconds:.0f} seconds.", "执行超过 {seconds:.0f} 秒。"),
    "sandbox.cpu": (
        "It needed more than {seconds} seconds of processor time. Try it on less.",
        "所需处理器时间超过 {seconds} 秒。请减少处理的内容。",
    ),
    "sandbox.memory": (
        "It needed more memory than it may use. Try it on less.",
        "所需内存超过上限。请减少处理的内容。",
    ),
    "sandbox.killed": (
        "The machine ended it before it was done, most likely for lack of memory.",
        "任务在完成前被系统终止，很可能是内存不足。",
    ),
    "sandbox.crashed": ("It ended without an answer ({reason}).", "没有得出结果就结束了（{reason}）。"),
    "sandbox.answer_too_large": (
        "The result is larger than {limit:,} bytes. Ask for less at once.",
        "结果超过 {limit:,} 字节。请一次少要一些。",
    ),
}

_DATA_SUMMARIES: dict[str, tuple[str, str]] = {
    "data.profiled": (
        "{path}: {rows:,} rows and {columns} columns, {duplicates:,} duplicate rows, {nulls:,} missing values; "
        "things worth a look: {notes}.",
        "{path}：{rows:,} 行、{columns} 列，重复行 {duplicates:,}，缺失值 {nulls:,}；值得留意之处：{notes} 项。",
    ),
    "data.profiled_tables": (
        "{path}: tables: {tables}, with {rows:,} rows in all; things worth a look: {notes}.",
        "{path}：表 {tables} 个，共 {rows:,} 行；值得留意之处：{notes} 项。",
    ),
    "data.queried": ("The query on {path} returned {shape}.", "对 {path} 的查询返回 {shape}。"),
    "data.queried_one": ("From {path}: {values}.", "来自 {path}：{values}。"),
    "data.shape": ("{rows:,} × {columns} values (rows × columns)", "{rows:,} 行 × {columns} 列"),
    "data.shape_cut": (
        "more rows than asked for; here are the first {rows:,}, with {columns} columns",
        "的行数多于所要求的；这里是前 {rows:,} 行，{columns} 列",
    ),
    "data.charted": ("Drew “{title}” from {path}: {file}.", "已根据 {path} 绘制“{title}”：{file}。"),
    "data.charted_top": (
        "Drew “{title}” from {path}: {file}. Highest: {x} ({y}).",
        "已根据 {path} 绘制“{title}”：{file}。最高：{x}（{y}）。",
    ),
}

_DATA_REFUSALS: dict[str, tuple[str, str]] = {
    "data.empty": ("This file is empty.", "文件是空的。"),
    "data.binary": (
        "This is not a text file, so it cannot be read as a table.",
        "这不是文本文件，无法作为表格读取。",
    ),
    "data.unknown_format": (
        "This kind of file is not read as a table. Known endings: {known}.",
        "不支持把这种文件作为表格读取。支持的扩展名：{known}。",
    ),
    "data.not_a_table": (
        "This is not a table: no rows of separate values could be made out.",
        "这不是表格：无法识别出由分隔符分开的行。",
    ),
    "data.not_readable": ("This file cannot be read as a table: {detail}", "无法把该文件作为表格读取：{detail}"),
    "data.ragged": (
        "Line {line} has {found} values where the first line has {expected}. Correct the line and try again.",
        "第 {line} 行有 {found} 个值，而首行有 {expected} 个。请修正该行后重试。",
    ),
    "data.open_quote": (
        "The quotation mark in line {line} is never closed. Correct the line and try again.",
        "第 {line} 行的引号没有闭合。请修正该行后重试。",
    ),
    "data.long_line": ("A line of this file is longer than 2 MB.", "文件中有一行超过 2 MB。"),
    "data.too_wide": ("It has {count} columns, more than the limit of {limit}.", "共有 {count} 列，超过上限 {limit}。"),
    "data.bad_sqlite": ("This SQLite file cannot be read: {detail}.", "无法读取该 SQLite 文件：{detail}。"),
    "data.no_tables": ("This SQLite file holds no tables.", "该 SQLite 文件中没有表。"),
    "data.no_such_table": ("There is no table {table}. Tables: {tables}.", "没有表 {table}。现有的表：{tables}。"),
    "data.no_such_column": (
        "There is no column {column}. Columns: {columns}.",
        "没有列 {column}。现有的列：{columns}。",
    ),
    "data.not_numeric": ("The column {column} does not hold numbers.", "列 {column} 不是数值。"),
    "data.nothing_to_draw": ("There is nothing in it that could be drawn.", "其中没有可以绘制的内容。"),
    "data.memory": (
        "This needs more memory than an analysis may use. Ask for less, for example with WHERE, GROUP BY or LIMIT.",
        "所需内存超过分析上限。请缩小范围，例如使用 WHERE、GROUP BY 或 LIMIT。",
    ),
    "data.too_slow": (
        "This took longer than {seconds:g} seconds and was stopped. Ask for less.",
        "执行超过 {seconds:g} 秒，已停止。请缩小范围。",
    ),
    "data.not_one_select": (
        "Only one SELECT statement is run, nothing else. The table of a file is called data.",
        "只执行一条 SELECT 语句。文件对应的表名为 data。",
    ),
    "data.bad_sql": ("This SQL does not run: {detail} (tables: {tables})", "该 SQL 无法执行：{detail}（表：{tables}）"),
}

_DATA_NOTES: dict[str, tuple[str, str]] = {
    "data.note.encoding": (
        "The file is not UTF-8; it was read as {encoding}. Check that names look right.",
        "文件不是 UTF-8 编码，已按 {encoding} 读取。请确认文字显示正确。",
    ),
    "data.note.no_header": (
        "The first line holds numbers only, so it was read as data; columns are named by their place.",
        "首行全是数字，已作为数据读取；各列按位置命名。",
    ),
    "data.note.no_rows": ("There are columns but no rows.", "只有列名，没有数据行。"),
    "data.note.duplicates": ("Rows that repeat an earlier one: {count:,}.", "与前面完全重复的行：{count:,}。"),
    "data.note.more_columns": (
        "Only the first {shown} of {count} columns are described.",
        "共 {count} 列，仅描述前 {shown} 列。",
    ),
    "data.note.empty": ("The column is empty.", "该列全为空。"),
    "data.note.missing": ("Missing values: {count:,} ({percent}).", "缺失值：{count:,}（{percent}）。"),
    "data.note.constant": ("The same value in every row: {value}.", "每一行的值都相同：{value}。"),
    "data.note.negative": (
        "Below zero in a column that is not otherwise: {count:,} values, lowest {lowest}.",
        "该列一般不为负，但有 {count:,} 个负值，最低 {lowest}。",
    ),
    "data.note.outliers": (
        "Far from the rest: {count:,} values between {lowest} and {highest}, where the middle is {usual}.",
        "明显偏离：{count:,} 个值，介于 {lowest} 与 {highest} 之间，而中位数为 {usual}。",
    ),
    "data.note.not_numbers": (
        "Numbers except for {count:,} values such as “{example}”.",
        "除 {count:,} 个值（例如“{example}”）外都是数字。",
    ),
    "data.note.spellings": (
        "Values that differ only in capitals or spaces: {count:,}.",
        "仅大小写或空格不同的取值：{count:,} 个。",
    ),
    "data.note.no_font": (
        "The picture cannot show its Chinese: no such font is installed (on Debian: fonts-noto-cjk).",
        "图中的中文无法显示：没有安装中文字体（Debian 可安装 fonts-noto-cjk）。",
    ),
    "data.note.left_out": ("Not in the picture for want of room: {count:,}.", "因空间所限未画出：{count:,} 项。"),
}

_CHARTS: dict[str, tuple[str, str]] = {
    "chart.title.sum": ("Sum of {y} by {x}", "{y}合计（按{x}）"),
    "chart.title.mean": ("Mean {y} by {x}", "{y}平均值（按{x}）"),
    "chart.title.count": ("Rows by {x}", "行数（按{x}）"),
    "chart.title.hist": ("Distribution of {x}", "{x}的分布"),
    "chart.title.none": ("{y} against {x}", "{y}与{x}的关系"),
    "chart.title.first": (" (first {count})", "（前 {count} 项）"),
    "chart.axis.sum": ("sum of {y}", "{y}合计"),
    "chart.axis.mean": ("mean of {y}", "{y}平均值"),
    "chart.axis.count": ("rows", "行数"),
    "chart.by_day": ("day", "日"),
    "chart.by_month": ("month", "月"),
    "chart.by_week": ("week", "周"),
    "chart.by_year": ("year", "年"),
    "chart.missing": ("(missing)", "（缺失）"),
}

_CODE: dict[str, tuple[str, str]] = {
    "code.reviewed": (
        "Reviewed {path}: {files} files, {lines:,} lines, {functions} functions; "
        "{high} high, {medium} medium and {low} low findings. Most tangled: {worst} ({complexity}).",
        "已审查 {path}：{files} 个文件、{lines:,} 行、{functions} 个函数；"
        "问题：高 {high}、中 {medium}、低 {low}。最复杂的函数：{worst}（{complexity}）。",
    ),
    "code.reviewed_branch": (
        "Reviewed the {files} changed files of {branch} (against {base}, commits: {commits}): "
        "{high} high, {medium} medium and {low} low findings, {lines_found} of them on changed lines.",
        "已审查 {branch} 相对 {base} 改动的 {files} 个文件（提交数 {commits}）："
        "问题：高 {high}、中 {medium}、低 {low}，其中 {lines_found} 个在改动的行上。",
    ),
    "code.tests": ("Test files: {files}.", "测试文件：{files} 个。"),
    "code.no_tests": ("There are no tests in it.", "其中没有测试。"),
    "code.finding": ("{message} [{rule}]", "{message} [{rule}]"),
    "code.untested": ("No test imports: {modules}.", "没有测试覆盖的模块：{modules}。"),
    "code.unparsed": (
        "Not measured, as this Python cannot parse it: {files}.",
        "当前 Python 无法解析，未做度量：{files}。",
    ),
    "code.left_out": ("Left out as too large or too many: {files}.", "因过大或过多而未审查：{files}。"),
    "code.more": (
        "Shown are the {shown} gravest of {total} findings.",
        "共 {total} 个问题，仅列出最严重的 {shown} 个。",
    ),
    "code.no_python": ("There is no Python here to review.", "这里没有可审查的 Python 代码。"),
    "code.no_repository": (
        "This is not in a git repository inside the workspace, so there are no branches to compare.",
        "该路径不在工作区内的 git 仓库中，无法比较分支。",
    ),
    "code.repository_outside": (
        "This repository keeps part of itself outside the workspace, so it is not read.",
        "该仓库的一部分位于工作区之外，不予读取。",
    ),
    "code.broken_repository": ("Git cannot read this repository.", "git 无法读取该仓库。"),
    "code.no_git": ("Git is not installed here, so branches cannot be read.", "没有安装 git，无法读取分支。"),
    "code.no_such_branch": (
        "There is no branch {branch}. Branches: {branches}.",
        "没有分支 {branch}。现有分支：{branches}。",
    ),
    "code.no_base": (
        "It is not clear what to compare {branch} with. Name the base branch.",
        "无法确定与哪个分支比较 {branch}，请指明基准分支。",
    ),
    "code.no_changes": (
        "There is nothing to review: {branch} changes no Python file against {base}.",
        "没有可审查的内容：{branch} 相对 {base} 没有改动 Python 文件。",
    ),
    "code.tool_failed": ("The checker {tool} did not answer.", "检查工具 {tool} 没有给出结果。"),
}

# The rules that come up most, in Chinese; in English the tool's own sentence says it best.
_RULES = {
    "B006": "用可变对象作参数默认值，多次调用会共享它",
    "B007": "循环变量没有使用：{name}",
    "B008": "在参数默认值里调用函数，只会执行一次",
    "B904": "在 except 中抛出异常时应使用 raise … from",
    "BLE001": "捕获了过宽的异常：{name}",
    "DTZ005": "取当前时间没有带时区",
    "DTZ001": "创建时间没有带时区",
    "E711": "与 None 比较应使用 is",
    "E712": "不必与 True/False 比较",
    "E722": "裸 except 会吞掉所有异常，包括中断",
    "E741": "变量名容易混淆：{name}",
    "F401": "导入后没有使用：{name}",
    "F811": "重复定义，前一个从未使用：{name}",
    "F821": "未定义的名称：{name}",
    "F841": "赋值后没有使用：{name}",
    "S102": "使用 exec 执行代码",
    "S105": "疑似写在代码里的密码",
    "S106": "疑似写在代码里的密码",
    "S107": "疑似写在默认值里的密码",
    "S110": "异常被静默忽略",
    "S112": "异常被静默跳过",
    "S113": "网络请求没有设置超时",
    "S301": "反序列化 pickle 可能执行任意代码",
    "S307": "使用 eval 执行文本",
    "S311": "随机数不适合安全用途",
    "S324": "使用了不安全的散列算法",
    "S506": "不安全地加载 YAML",
    "S602": "以 shell=True 启动子进程，可能被注入命令",
    "S605": "通过 shell 启动进程，可能被注入命令",
    "S608": "用字符串拼接 SQL，可能被注入",
    "SIM115": "打开文件没有使用 with，可能不会关闭",
    "W605": "无效的转义序列",
    "invalid-syntax": "语法错误：{message}",
}
_RULE_TEXTS: dict[str, tuple[str, str]] = {
    **{f"code.rule.{rule}": ("{message}", chinese) for rule, chinese in _RULES.items()},
    "code.rule.C901": ("Too tangled to follow (cyclomatic complexity): {message}", "过于复杂（圈复杂度）：{message}"),
}

TEXTS: dict[str, tuple[str, str]] = {
    **_SANDBOX,
    **_DATA_SUMMARIES,
    **_DATA_REFUSALS,
    **_DATA_NOTES,
    **_CHARTS,
    **_CODE,
    **_RULE_TEXTS,
}
