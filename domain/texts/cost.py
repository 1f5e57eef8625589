"""What language models took, and what a plan will probably take."""

TEXTS: dict[str, tuple[str, str]] = {
    "cost.task": ("{task}: {figures}", "{task}：{figures}"),
    "cost.recent": ("The last {days} days: {figures}", "最近 {days} 天：{figures}"),
    "cost.line": ("    {purpose} · {model}: {figures}", "    {purpose} · {model}：{figures}"),
    "cost.none_task": ("No language model was asked for {task}.", "{task} 没有使用语言模型。"),
    "cost.none_recent": (
        "No language model was asked for you in the last {days} days.",
        "最近 {days} 天没有为你使用语言模型。",
    ),
    "cost.calls": ("{calls} call(s)", "调用 {calls} 次"),
    "cost.failures": ("{failures} of them failed", "其中失败 {failures} 次"),
    "cost.hits": ("{hits} kept answer(s) used instead", "使用已存回答 {hits} 次"),
    "cost.tokens": ("{prompt} + {completion} tokens", "{prompt} + {completion} 个 token"),
    "cost.price": ("${dollars}", "{dollars} 美元"),
    "cost.about": ("about ${dollars}", "约 {dollars} 美元"),
    "cost.unpriced": ("no price known", "价格未知"),
    "cost.estimated": (
        "Partly estimated: not every server says what a call took, and not every model has a price here.",
        "部分为估算：有的服务器不报告用量，有的模型没有设置价格。",
    ),
    "cost.purpose.plan": ("planning", "制定计划"),
    "cost.purpose.answer": ("answering", "撰写回答"),
    "cost.purpose.agent": ("agents", "代理"),
    "estimate.whole": ("About {figures}, from history.", "根据历史记录，预计 {figures}。"),
    "estimate.partly": (
        "About {figures}, from the history of {percent} % of the steps.",
        "根据 {percent}% 步骤的历史记录，预计 {figures}。",
    ),
    "estimate.figures": ("{duration}, {price}", "{duration}，{price}"),
    "help.fresh": (
        "/fresh text – ask anew, without plans or answers kept from before",
        "/fresh 内容 – 重新处理，不使用已存的计划或回答",
    ),
    "help.cost": (
        "/cost [id] – what language models took for a task, or for you lately",
        "/cost [任务号] – 某个任务或你近期的模型用量与费用",
    ),
}
