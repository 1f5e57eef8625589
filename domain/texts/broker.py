"""What a person must know about the message broker."""

TEXTS: dict[str, tuple[str, str]] = {
    "error.amqp_url": (
        "AMQP_URL is not usable; it must look like amqp://user:password@host:5672/vhost.",
        "AMQP_URL 不可用，格式应为 amqp://user:password@host:5672/vhost。",
    ),
    "error.broker_login": (
        "The message broker at {host} refuses the login or the virtual host. Check AMQP_URL.",
        "消息代理 {host} 拒绝了登录或虚拟主机。请检查 AMQP_URL。",
    ),
    "error.broker_differs": (
        "The {kind} {name} on the broker has {argument} = {theirs}, but {ours} is needed. Delete it there "
        "(a queue: rabbitmqctl delete_queue {name}) and start again; it is then declared anew.",
        "消息代理上的 {kind} {name} 的 {argument} 为 {theirs}，但需要 {ours}。请在代理上删除它"
        "（队列：rabbitmqctl delete_queue {name}）后重新启动，它会被重新声明。",
    ),
    "error.broker_missing": (
        "The broker has no {name}, and this user may not declare it. Run `xingshu setup` as a user who may.",
        "消息代理上没有 {name}，当前用户也无权声明。请用有权限的用户运行 `xingshu setup`。",
    ),
    "error.agent_name": (
        "{name!r} cannot be the name of an agent: use 1 to 64 letters, digits, - and _.",
        "{name!r} 不能作为代理名称：请使用 1 到 64 个字母、数字、- 或 _。",
    ),
    "broker.ready": ("{server}; its exchanges and queues are there", "{server}；交换机和队列均已就绪"),
    "broker.bare": (
        "{server}; its queues are not declared yet (`xingshu setup` or `xingshu serve` does it)",
        "{server}；队列尚未声明（运行 `xingshu setup` 或 `xingshu serve` 即可）",
    ),
}
