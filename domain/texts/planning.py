"""What is said about plans: problems, repairs, notes."""

TEXTS: dict[str, tuple[str, str]] = {
    "plan.refused": ("This plan cannot be run: {problems}", "这个计划无法执行：{problems}"),
    "plan.more_problems": ("; and {count} more", "；另有 {count} 处"),
    "plan.not_json": (
        "The plan is not valid JSON ({detail}). Check the file and try again.",
        "计划不是合法的 JSON({detail})。请检查文件后重试。",
    ),
    "plan.wrong_shape": (
        'A plan is an object with a list "tasks"; {detail}.',
        '计划应是带有 "tasks" 列表的对象；{detail}。',
    ),
    "problem.empty": ("it has neither tasks nor an answer", "既没有任务也没有回答"),
    "problem.too_many_nodes": (
        "it has {count} tasks, more than the limit of {limit} (XINGSHU_MAX_NODES)",
        "它有 {count} 个任务，超过上限 {limit}（XINGSHU_MAX_NODES）",
    ),
    "problem.too_deep": (
        "its longest chain has {count} tasks, more than the limit of {limit}",
        "最长的链有 {count} 个任务，超过上限 {limit}",
    ),
    "problem.bad_id": (
        "task id “{node}” is not a word of up to 64 letters",
        "任务编号“{node}”不合规（最多 64 个字母）",
    ),
    "problem.duplicate_id": ("the id “{node}” is used twice", "编号“{node}”重复"),
    "problem.unknown_skill": (
        "“{node}” asks for the skill “{other}”, which no agent offers",
        "“{node}”需要技能“{other}”，但没有代理提供",
    ),
    "problem.self_dependency": ("“{node}” depends on itself", "“{node}”依赖自己"),
    "problem.dangling_dependency": (
        "“{node}” depends on “{other}”, which does not exist",
        "“{node}”依赖不存在的“{other}”",
    ),
    "problem.dangling_reference": (
        "“{node}” uses the output of “{other}”, which does not exist",
        "“{node}”引用了不存在的“{other}”的输出",
    ),
    "problem.missing_dependency": (
        "“{node}” uses the output of “{other}” without depending on it",
        "“{node}”使用“{other}”的输出却没有声明依赖",
    ),
    "problem.cycle": ("these tasks wait for one another: {other}", "这些任务互相等待：{other}"),
    "problem.missing_param": ("“{node}” lacks the parameter “{other}”", "“{node}”缺少参数“{other}”"),
    "problem.wrong_param": (
        "the parameter “{other}” of “{node}” is not what the skill takes",
        "“{node}”的参数“{other}”类型不对",
    ),
    "problem.unknown_param": (
        "“{node}” has the parameter “{other}”, which its skill does not know",
        "“{node}”的参数“{other}”不被该技能识别",
    ),
    "repair.self_dependency": ("“{node}” no longer depends on itself", "已去掉“{node}”对自己的依赖"),
    "repair.dangling_dependency": (
        "dropped the dependency of “{node}” on “{other}”, which does not exist",
        "已去掉“{node}”对不存在的“{other}”的依赖",
    ),
    "repair.duplicate_dependency": ("“{node}” named “{other}” twice", "“{node}”重复声明了对“{other}”的依赖"),
    "repair.identical_copy": ("dropped a second, identical “{node}”", "已去掉重复的“{node}”"),
    "repair.renamed": ("the second “{node}” is now called “{other}”", "第二个“{node}”改名为“{other}”"),
    "repair.skill": ("“{node}” now uses the skill “{other}”", "“{node}”改用技能“{other}”"),
    "repair.added_dependency": (
        "“{node}” now waits for “{other}”, whose output it uses",
        "“{node}”现在等待“{other}”，因为要用它的输出",
    ),
    "repair.cut_edge": (
        "to break a circle, “{node}” no longer waits for “{other}”",
        "为打破循环，“{node}”不再等待“{other}”",
    ),
    "repair.text": ("the plan's JSON was mended ({other})", "计划的 JSON 已修复（{other}）"),
    "repair.dropped_param": (
        "dropped the parameter “{other}” of “{node}”, which its skill does not know",
        "已去掉“{node}”的未知参数“{other}”",
    ),
    "repair.coerced_param": (
        "read the parameter “{other}” of “{node}” as what the skill takes",
        "“{node}”的参数“{other}”已转换为技能所需类型",
    ),
    "repair.model_down": (
        "planned without the language model, which does not answer ({other})",
        "语言模型没有响应（{other}），因此按规则制定了计划",
    ),
    "repair.model_unusable": (
        "planned by rules, because the language model's plan could not be run",
        "语言模型给出的计划无法执行，因此按规则制定了计划",
    ),
    "plan.offered": ("{skill} (“{example}”)", "{skill}(“{example}”)"),
    "plan.nothing_placed": (
        "No skill fits this request. You can ask for: {skills}.",
        "没有技能适合这个请求。可以这样提问：{skills}。",
    ),
    "plan.incomplete": (
        "Not enough to go on: {what}. You can ask for: {skills}.",
        "信息不足：{what}。可以这样提问：{skills}。",
    ),
    "plan.nothing_placed_model_down": (
        "The language model does not answer ({detail}), and without it no skill fits this request. "
        "You can ask for: {skills}.",
        "语言模型没有响应（{detail}），而没有它就找不到适合这个请求的技能。可以这样提问：{skills}。",
    ),
    "plan.no_agents": (
        "No agent is running, so nothing can be done. Start one with “xingshu worker” and ask again.",
        "没有代理在运行，无法执行。请用“xingshu worker”启动一个代理后重试。",
    ),
    "plan.unplaced_missing": ("{text} (missing: {missing})", "{text}（缺少：{missing}）"),
    "plan.unplaced_unclear": ("{text} (could mean: {skills})", "{text}（可能是：{skills}）"),
    "plan.unreadable": (
        "The language model's plan could not be read ({detail}). Say it in simpler words, or try again.",
        "无法读取语言模型给出的计划（{detail}）。请换一种更简单的说法，或重试。",
    ),
}
