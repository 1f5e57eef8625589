"""Why something failed, as a person reads it; `failure.<code>` for every `Failure.code`."""

TEXTS: dict[str, tuple[str, str]] = {
    "failure.timeout": ("it took longer than its time limit", "超过了时间限制"),
    "failure.deadline": ("the task's deadline passed", "任务已超过截止时间"),
    "failure.lease_expired": ("its worker went silent", "执行者失去联系"),
    "failure.handed_back": ("no worker could take it on", "没有执行者能够接手"),
    "failure.no_agent": ("no agent with this skill is running", "没有提供该技能的代理在运行"),
    "failure.no_plan": ("no plan could be made", "未能制定计划"),
    "failure.bad_params": ("its parameters are wrong", "参数有误"),
    "failure.bad_reference": ("it needs an output that does not exist", "需要的上游输出不存在"),
    "failure.bad_result": ("the agent returned something that is not a result", "代理返回的内容不是有效结果"),
    "failure.unknown_skill": ("the agent does not know this skill", "代理不认识该技能"),
    "failure.refused": ("the skill refused", "技能拒绝执行"),
    "failure.unavailable": ("something it needs is not available right now", "所需资源暂时不可用"),
    "failure.crashed": ("the skill crashed", "技能崩溃"),
    "failure.outcome_unknown": ("whether it happened is not known", "无法确定是否已执行"),
    "failure.upstream": ("what it depends on did not succeed", "所依赖的步骤未成功"),
    "failure.critical": ("a critical step failed", "关键步骤失败"),
    "failure.rule": ("its condition did not apply", "条件不满足"),
    "failure.cancelled": ("cancelled", "已取消"),
    "failure.too_large": ("its result is larger than a message may be", "结果超过消息大小上限"),
    "failure.error": ("it failed", "执行失败"),
    "error.not_found": (
        "There is no task {task}. /tasks lists yours.",
        "没有任务 {task}。用 /tasks 查看你的任务。",
    ),
    "error.store_down": (
        "The database does not answer; nothing was lost. Check DATABASE_URL and that it is running, then try again.",
        "数据库没有响应，没有丢失任何内容。请检查 DATABASE_URL 以及数据库是否运行，然后重试。",
    ),
    "error.broker_down": (
        "The message broker does not answer; accepted work waits and goes on when it is back. Check AMQP_URL.",
        "消息代理没有响应；已接受的工作会等待并在恢复后继续。请检查 AMQP_URL。",
    ),
    "error.unroutable": ("No queue takes messages for {queue}.", "没有队列接收 {queue} 的消息。"),
    "error.model_down": (
        "The language model does not answer ({detail}).",
        "语言模型没有响应（{detail}）。",
    ),
    "error.no_model": (
        "No language model is configured. Set OPENAI_API_KEY (and OPENAI_BASE_URL, XINGSHU_MODEL) to use one.",
        "没有配置语言模型。请设置 OPENAI_API_KEY（以及 OPENAI_BASE_URL、XINGSHU_MODEL）。",
    ),
    "error.malformed": ("This is not a valid message: {detail}.", "消息无效：{detail}。"),
    "error.setting": ("The setting {name} is not usable: {detail}.", "设置 {name} 不可用：{detail}。"),
    "error.internal": (
        "Something went wrong inside; it was logged under trace {trace}.",
        "内部出错，已记录（追踪号 {trace}）。",
    ),
}
