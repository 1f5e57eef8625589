"""Dead letters: what died, why, and what to do about it."""

TEXTS: dict[str, tuple[str, str]] = {
    "dead.none": ("No dead letters.", "没有死信。"),
    "dead.line": (
        "{id} · {reason} · {agent}{subtask} · {seen}× · {age} ago",
        "{id} · {reason} · {agent}{subtask} · {seen} 次 · {age}前",
    ),
    "dead.about": (" · {subtask}", " · {subtask}"),
    "dead.how": (
        "xingshu dead show ID explains one; requeue ID brings it back, drop ID puts it aside.",
        "xingshu dead show 编号 查看详情；requeue 编号 重新处理；drop 编号 搁置。",
    ),
    "dead.head": ("{id}: {reason} ({fate})", "{id}：{reason}（{fate}）"),
    "dead.seen": (
        "From {agent}{subtask}; seen {seen} time(s), first {first}, last {last}.",
        "来自 {agent}{subtask}；共出现 {seen} 次，首次 {first}，最近 {last}。",
    ),
    "dead.detail": ("What was wrong: {detail}", "具体问题：{detail}"),
    "dead.body": ("What it said:\n{body}", "内容：\n{body}"),
    "dead.fate_open": ("open", "未处理"),
    "dead.fate_requeued": ("requeued", "已重新处理"),
    "dead.fate_dropped": ("dropped", "已搁置"),
    "dead.reason_rejected": ("rejected", "被拒收"),
    "dead.reason_maxlen": ("queue full", "队列已满"),
    "dead.reason_delivery_limit": ("delivered too often", "投递次数过多"),
    "dead.reason_unreadable": ("unreadable", "无法读取"),
    "dead.reason_forged": ("forged sender", "发送者不符"),
    "dead.reason_breaks_settling": ("cannot be settled", "无法结算"),
    "dead.reason_poison": ("nobody takes it", "无人接手"),
    "dead.why_rejected": (
        "The agent refused the message unread. It is sent again by itself, up to twenty times. Look at that agent's log; if it is a listener of "
        "your own, compare what it expects with docs/reference/wire.md.",
        "代理未读取就拒收了这条消息。系统会自动重发，最多二十次。请查看该代理的日志；如果是自行编写的监听程序，请对照 docs/reference/wire.md。",
    ),
    "dead.why_maxlen": (
        "The agent's queue has a length limit that somebody set on the broker, and it was full. Start more workers of it, or raise the limit.",
        "代理的队列在消息代理上设有长度上限，当时已满。请增加该代理的执行者，或提高上限。",
    ),
    "dead.why_delivery_limit": (
        "The broker delivered it again and again and nobody kept it: its workers die while they hold it. Look at their log.",
        "消息代理反复投递，但没有执行者留住它：执行者在持有它时崩溃。请查看执行者的日志。",
    ),
    "dead.why_unreadable": (
        "It is not a message of ours. Somebody publishes something else to these queues, or a program of another version does; look at what it "
        "said, mend the sender, then drop the letter.",
        "这不是我们的消息格式。可能有其他程序或其他版本向这些队列发布内容；请查看内容、修正发送者，然后搁置这封死信。",
    ),
    "dead.why_forged": (
        "The name inside is not the one it was sent under. Mend that listener's `source` or routing key; if nobody of yours sent it, change the "
        "broker's passwords.",
        "内容中的名字与发送时的名字不符。请修正监听程序的 `source` 或路由键；如果不是你的程序发送的，请更换消息代理的密码。",
    ),
    "dead.why_breaks_settling": (
        "A mistake in our own program, of which the log has the details (report_breaks_settling). Everything else goes on, and the step is tried "
        "again when its time is up. After an update, requeue reads the report once more.",
        "这是本程序自身的错误，日志中有详情（report_breaks_settling）。其他工作不受影响，该步骤到时会重试。更新程序后，requeue 可再次读取这份报告。",
    ),
    "dead.why_poison": (
        "The step came back unrun twenty times and was given up: either its workers refuse it or they die of it. Mend the agent, then requeue: the "
        "task is tried again as a new one, and what succeeded is kept.",
        "该步骤二十次未执行即被退回，已放弃：执行者要么拒绝它，要么因它崩溃。请先修复代理再 requeue：任务会作为新任务重试，已成功的部分保留。",
    ),
    "dead.unknown": ("There is no dead letter {id}.", "没有死信 {id}。"),
    "dead.not_open": ("Something was done about {id} already ({fate}).", "死信 {id} 已处理过（{fate}）。"),
    "dead.nobody_reads": (
        "{id} cannot be requeued: nobody could read it the next time either. Mend its sender, then drop it.",
        "{id} 无法重新处理：再次发送同样无法读取。请修正发送者，然后搁置它。",
    ),
    "dead.no_task": (
        "{id} cannot be requeued: the task it was about is not there any more.",
        "{id} 无法重新处理：它所属的任务已不存在。",
    ),
    "dead.goes_on": (
        "{id} need not be requeued: {task} goes on, and sends the step again by itself.",
        "{id} 无需重新处理：{task} 仍在进行，会自动重发该步骤。",
    ),
    "dead.too_late": (
        "{id} comes too late: {subtask} has ended or was tried again since.",
        "{id} 已经过时：{subtask} 已结束或已重试。",
    ),
    "dead.too_large": (
        "{id} is too large to have been kept whole; the step is tried again by itself.",
        "{id} 过大，未能完整保存；该步骤会自动重试。",
    ),
    "dead.published": ("{id} was published again.", "{id} 已重新发布。"),
    "dead.dropped": ("{id} was put aside.", "{id} 已搁置。"),
    "dead.of_task": (
        "{count} dead letter(s) of this task: xingshu dead show {id}",
        "此任务有 {count} 封死信：xingshu dead show {id}",
    ),
    "cli.letters": ("Dead letters", "死信"),
    "cli.letters_open": ("{count} wait to be looked at: xingshu dead", "有 {count} 封待处理：xingshu dead"),
}
