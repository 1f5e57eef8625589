"""What the built-in skills and the worker say; the findings of the data and code skills are in `findings`."""

TEXTS: dict[str, tuple[str, str]] = {
    "skill.outside_workspace": (
        "“{path}” is not a place inside the workspace. Give a path relative to it, without “..”.",
        "“{path}”不在工作区内。请使用工作区内的相对路径，不要包含“..”。",
    ),
    "skill.no_such_file": ("There is no “{path}” in the workspace.", "工作区中没有“{path}”。"),
    "skill.not_a_file": ("“{path}” is not a file.", "“{path}”不是文件。"),
    "skill.not_a_folder": ("“{path}” is not a folder.", "“{path}”不是文件夹。"),
    "skill.file_too_large": (
        "“{path}” is larger than the limit of {limit} bytes.",
        "“{path}”超过了 {limit} 字节的上限。",
    ),
    "skill.unusable_path": ("“{path}” cannot be used: {reason}.", "无法使用“{path}”：{reason}。"),
    "skill.disk": (
        "The disk does not take “{path}” right now ({reason}).",
        "磁盘暂时无法写入“{path}”({reason})。",
    ),
    "skill.unapproved": (
        "“{skill}” changes the world outside and nobody was asked about it. Ask again, so that it can be approved.",
        "“{skill}”会改变外部世界，但尚未征得同意。请重新提出请求，以便确认。",
    ),
    "skill.not_text": ("“{path}” is not a text file.", "“{path}”不是文本文件。"),
    "skill.echo": ("{text}", "{text}"),
    "skill.listed": (
        "{where} holds {names} (files: {files}, {size}; folders: {folders}).",
        "{where}：{files} 个文件（{size}）、{folders} 个文件夹：{names}。",
    ),
    "skill.listed_nothing": ("There is nothing to list in {where}.", "{where} 中没有可列出的内容。"),
    "skill.read": ("Read {path} (lines: {lines}, {size}).", "已读取 {path}：{lines} 行，{size}。"),
    "skill.found": (
        "Found “{query}” (lines: {count}; files: {hits} of {files}).",
        "“{query}”出现在 {hits} 个文件的 {count} 行中（共查看 {files} 个文件）。",
    ),
    "skill.found_nothing": (
        "“{query}” was not found (files looked into: {files}).",
        "查看了 {files} 个文件，没有找到“{query}”。",
    ),
    "skill.empty_query": ("Say what to search for.", "请说明要搜索的内容。"),
    "skill.written": ("Wrote {path} ({size}).", "已写入 {path}（{size}）。"),
    "skill.patched": ("Changed {path} (places: {count}).", "已修改 {path}，共 {count} 处。"),
    "skill.patched_before": ("{path} already was as asked for.", "{path} 已经是所要求的内容。"),
    "skill.patch_params": (
        "Give the passage to replace and its replacement, or a unified diff.",
        "请给出要替换的内容和替换后的内容，或者给出统一格式的 diff。",
    ),
    "skill.patch_not_found": (
        "The passage to replace is not in the file.",
        "文件中没有要替换的内容。",
    ),
    "skill.patch_ambiguous": (
        "The passage to replace stands {count} times in the file. Give more of what is around it.",
        "要替换的内容在文件中出现了 {count} 次。请多给一些上下文。",
    ),
    "skill.patch_unreadable": ("This is not a unified diff.", "这不是统一格式的 diff。"),
    "skill.patch_one_file": ("The diff changes more than one file.", "该 diff 涉及多个文件。"),
    "skill.patch_misfit": (
        "Change {number} of {count} does not fit the file; nothing was changed.",
        "第 {number} 处（共 {count} 处）修改与文件不符，未作任何修改。",
    ),
    "skill.nothing_to_report": (
        "There is nothing to report on. Ask for something first, then for a report on it.",
        "没有可写入报告的内容。请先提出要做的事，再要求写报告。",
    ),
    "skill.reported": (
        "Wrote the report “{title}” (sections: {count}): {path}.",
        "已生成报告“{title}”，共 {count} 节：{path}。",
    ),
    "report.title": ("Report: {request}", "报告：{request}"),
    "report.request": ("Request: {request}", "请求：{request}"),
    "report.steps": ("{done} of {total} steps succeeded.", "{total} 个步骤中有 {done} 个成功。"),
    "report.findings_in_all": ("Findings: {count} ({by}).", "发现 {count} 项（{by}）。"),
    "report.not_done": ("**This step did not succeed:** {error}", "**该步骤未成功：** {error}"),
    "report.findings": ("Findings", "发现"),
    "report.severity": ("Severity", "级别"),
    "report.where": ("Where", "位置"),
    "report.finding": ("What", "内容"),
    "report.data": ("Data", "数据"),
    "report.numbers": ("Figures", "数值"),
    "report.what": ("What", "名称"),
    "report.value": ("Value", "数值"),
    "report.files": ("Files", "文件"),
    "report.more": ("… and {count} more.", "……另有 {count} 项。"),
    "skill.unknown_ability": (
        "XINGSHU_AGENTS names “{name}”, which is neither a default agent ({known}) nor one of their skills.",
        "XINGSHU_AGENTS 中的“{name}”既不是默认代理（{known}），也不是它们的技能。",
    ),
}
