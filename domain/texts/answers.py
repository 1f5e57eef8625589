"""What answers are made of when no model writes them, and the frame around what a model writes."""

TEXTS: dict[str, tuple[str, str]] = {
    "answer.done": ("**Done**: {count} steps in {took}.", "**已完成**：{count} 个步骤，用时 {took}。"),
    "answer.partly": (
        "**Partly done**: {done} of {count} steps succeeded ({took}).",
        "**部分完成**：{count} 个步骤中有 {done} 个成功（{took}）。",
    ),
    "answer.failed": (
        "**Failed**: {done} of {count} steps succeeded ({took}).",
        "**失败**：{count} 个步骤中有 {done} 个成功（{took}）。",
    ),
    "answer.cancelled": (
        "**Cancelled** after {took}: {done} of {count} steps were done.",
        "**已取消**（{took}）：{count} 个步骤中已完成 {done} 个。",
    ),
    "answer.failed_because": ("**Failed** after {took}: {why}.", "**失败**（{took}）：{why}。"),
    "answer.cancelled_early": ("**Cancelled** before anything was started.", "**已取消**，尚未开始任何步骤。"),
    "answer.step": ("- **{title}**: {text}", "- **{title}**：{text}"),
    "answer.bare_step": ("- **{title}**", "- **{title}**"),
    "answer.nothing_said": ("Done in {took}; nothing was returned.", "已完成（{took}），没有返回内容。"),
    "answer.fact": ("{name}: {value}", "{name}：{value}"),
    "answer.findings_head": ("**Findings**", "**发现**"),
    "answer.finding": ("- **{severity}**: {message}{where}", "- **{severity}**：{message}{where}"),
    "answer.where": (" ({where})", "（{where}）"),
    "answer.more_findings": ("- … and {count} more ({counts})", "- ……另有 {count} 条（{counts}）"),
    "answer.lost_head": ("**What did not work**", "**未成功的部分**"),
    "answer.lost": ("- {titles}: {why}{tries}", "- {titles}：{why}{tries}"),
    "answer.tries": (" ({count} tries)", "（共 {count} 次尝试）"),
    "answer.more_titles": (" and {count} more", " 等另外 {count} 项"),
    "answer.unplaced_head": ("**Not covered**", "**未涵盖的部分**"),
    "answer.unplaced": ("- {part}: nothing was done about this", "- {part}：未作处理"),
    "answer.repairs_head": ("**Changed in the plan**", "**对计划的修改**"),
    "answer.files_head": ("**Files**", "**文件**"),
    "answer.next_head": ("**Next**", "**下一步**"),
    "answer.next_retry": (
        "- /retry {task} runs again only what did not succeed",
        "- /retry {task} 只重新执行未成功的部分",
    ),
    "answer.next_start": (
        "- Start an agent that offers {skills}, then /retry {task}",
        "- 启动提供 {skills} 的代理，然后 /retry {task}",
    ),
    "answer.next_params": (
        "- Say it again with what {titles} needs: the same call would fail again",
        "- 请补充或修改 {titles} 所需的内容后重新发送：原样重试仍会失败",
    ),
    "answer.next_check": (
        "- Check whether {titles} has happened before you try again: it is never repeated by itself",
        "- 重试前请先确认 {titles} 是否已经发生：系统不会自行重复执行",
    ),
    "answer.next_agents": ("- /agents shows what can be asked for", "- /agents 可查看能做的事情"),
}
