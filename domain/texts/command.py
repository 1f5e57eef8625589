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
    "cli.nobody_allowed": (
        "nobody may use it: list yourself in XINGSHU_ALLOWED_USERS, or make a code with xingshu pair",
        "没有人可以使用：请在 XINGSHU_ALLOWED_USERS 中列出自己，或用 xingshu pair 生成配对码",
    ),
    "cli.queues": ("Queues", "队列"),
    "cli.queues_empty": ("nothing waits", "没有等待的工作"),
    "cli.queues_stuck": (
        "something waits and is not taken: {queues}. Start or restart its workers: xingshu worker AGENT",
        "有工作等待而无人接手：{queues}。请启动或重启其执行者：xingshu worker 代理名",
    ),
    "cli.purge_how_old": (
        "Say how old: xingshu purge --older-than 90d (XINGSHU_KEEP_S keeps everything).",
        "请指定时间：xingshu purge --older-than 90d（当前 XINGSHU_KEEP_S 设为全部保留）。",
    ),
    "cli.bad_duration": (
        "“{typed}” is not an age such as 90d, 12h, 45m or 4w.",
        "“{typed}”不是有效的时长，例如 90d、12h、45m、4w。",
    ),
    "cli.purge_would": ("{count} task(s) would go.", "将删除 {count} 个任务。"),
    "cli.purged": ("{count} task(s) are gone.", "已删除 {count} 个任务。"),
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
    "cli.paired": (
        "{code}\nWhoever sends /pair {code} to the bot first is let in ({role}). It works once, for {minutes} minutes; "
        "sent in a group, it lets the group in.",
        "{code}\n第一个向机器人发送 /pair {code} 的人将获准使用（{role}）。仅可使用一次，{minutes} 分钟内有效；在群组中发送则允许该群组使用。",
    ),
    "cli.retrying": ("Trying again as task {task}.", "已作为新任务 {task} 重试。"),
    "cli.agents_silent": (
        "No agent has announced itself within {seconds} s. Start one: xingshu worker echo",
        "{seconds} 秒内没有代理上线。请启动一个：xingshu worker echo",
    ),
}
