"""What the `xingshu` command says on a terminal."""

TEXTS: dict[str, tuple[str, str]] = {
    "cli.role_unknown": (
        "There is no role {role}. The roles are {roles}.",
        "没有角色 {role}。可用角色：{roles}。",
    ),
    "cli.role_later": (
        "The role {role} is not part of this version.",
        "此版本尚不包含角色 {role}。",
    ),
    "cli.needs_broker": (
        "A role in a process of its own meets the others through RabbitMQ: set AMQP_URL, or run all roles in one process.",
        "单独进程中的角色需要通过 RabbitMQ 协作：请设置 AMQP_URL，或在同一进程中运行所有角色。",
    ),
    "cli.needs_workspace": (
        "The workspace {path} is not a folder that can be written. Create it, or set XINGSHU_WORKSPACE.",
        "工作区 {path} 不是可写的文件夹。请创建它，或设置 XINGSHU_WORKSPACE。",
    ),
    "cli.file_unreadable": ("{path} cannot be read: {detail}.", "无法读取 {path}：{detail}。"),
    "cli.serving": ("Running: {roles}. Ctrl-C stops.", "正在运行：{roles}。按 Ctrl-C 停止。"),
    "cli.stopping": ("Finishing what runs, then stopping…", "正在完成当前工作，随后停止……"),
    "cli.setup_done": ("{what}: ready", "{what}：就绪"),
    "cli.database": ("Database", "数据库"),
    "cli.broker": ("Broker", "消息代理"),
    "cli.model": ("Model", "语言模型"),
    "cli.telegram": ("Telegram", "Telegram"),
    "cli.discord": ("Discord", "Discord"),
    "cli.workspace": ("Workspace", "工作区"),
    "cli.database_new": ("{path} is made when it is first needed", "{path} 将在首次使用时创建"),
    "cli.embedded": ("in this process (AMQP_URL is not set)", "内嵌在本进程（未设置 AMQP_URL）"),
    "cli.model_off": (
        "not configured: planning and answers go by rules. Set OPENAI_API_KEY or OPENAI_BASE_URL to use one",
        "未配置：计划与回答按规则生成。设置 OPENAI_API_KEY 或 OPENAI_BASE_URL 即可启用",
    ),
    "cli.model_on": ("{model} answers", "{model} 有响应"),
    "cli.token_off": ("not configured", "未配置"),
    "cli.token_good": ("the token has the right form", "令牌格式正确"),
    "cli.token_bad": (
        "the token does not have the form its platform gives out: copy it again into {name}",
        "令牌格式不正确：请重新复制到 {name}",
    ),
    "cli.nobody_allowed": (
        "nobody may use it: list ids in XINGSHU_ALLOWED_USERS",
        "没有人可以使用：请在 XINGSHU_ALLOWED_USERS 中列出用户",
    ),
    "cli.workspace_good": ("{path} can be read and written", "{path} 可读写"),
    "cli.all_well": ("Everything that is configured works.", "所有已配置的部分均正常。"),
    "cli.not_well": ("{count} of these need attention.", "有 {count} 项需要处理。"),
    "cli.run_done": (
        "{tasks} tasks, {subtasks} subtasks in {seconds:.2f} s: {rate:.0f} subtasks/s; a task took p50 {p50:.0f} ms, p99 {p99:.0f} ms",
        "{tasks} 个任务，{subtasks} 个子任务，用时 {seconds:.2f} 秒：每秒 {rate:.0f} 个子任务；单个任务 p50 {p50:.0f} 毫秒，p99 {p99:.0f} 毫秒",
    ),
    "cli.run_failed": ("{count} of {tasks} tasks were not answered.", "{tasks} 个任务中有 {count} 个未得到回答。"),
    "cli.waits_for_approval": (
        "Waiting for your approval: xingshu approve {task}",
        "等待你的批准：xingshu approve {task}",
    ),
    "cli.unanswered": (
        "Nobody is here to answer this question, so {task} is cancelled. Ask again with the answer in the request: xingshu ask TEXT",
        "这里没有人可以回答这个问题，因此 {task} 已取消。请在请求中补充所问的内容后重试：xingshu ask 文本",
    ),
    "cli.retrying": ("Trying again as task {task}.", "已作为新任务 {task} 重试。"),
    "cli.agents_silent": (
        "No agent has announced itself within {seconds} s. Start one: xingshu worker echo",
        "{seconds} 秒内没有代理上线。请启动一个：xingshu worker echo",
    ),
}
