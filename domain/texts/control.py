"""What is said when tasks are looked at, decided about and changed."""

TEXTS: dict[str, tuple[str, str]] = {
    "control.greeting": (
        "Hello! Tell me what you need in your own words, in English or Chinese. I make a plan, have it done step by "
        "step, and show you how it goes.",
        "你好！用自己的话告诉我要做什么，中文英文都可以。我会制定计划，一步步执行，并随时显示进度。",
    ),
    # --- lists
    "control.task_line": (
        "{mark} {task} · {state}{count}{age} · {request}",
        "{mark} {task} · {state}{count}{age} · {request}",
    ),
    "control.age": (" · {age} ago", " · {age}前"),
    "control.ago_seconds": ("{count} s", "{count} 秒"),
    "control.ago_minutes": ("{count} min", "{count} 分钟"),
    "control.ago_hours": ("{count} h", "{count} 小时"),
    "control.ago_days": ("{count} d", "{count} 天"),
    "control.several_open": (
        "{count} of your tasks are open. /status id tells why one is not done yet.",
        "你有 {count} 个任务尚未结束。用 /status 任务号 查看某个任务为何还没完成。",
    ),
    "control.page_head": ("{which}{whose}, page {number}:", "{whose}{which}，第 {number} 页："),
    "control.filter_all": ("All tasks", "全部任务"),
    "control.filter_open": ("Open tasks", "未结束的任务"),
    "control.filter_running": ("Running tasks", "进行中的任务"),
    "control.filter_waiting": ("Tasks that wait for somebody", "等待回应的任务"),
    "control.filter_done": ("Answered tasks", "已回答的任务"),
    "control.filter_failed": ("Failed tasks", "失败的任务"),
    "control.filter_cancelled": ("Cancelled tasks", "已取消的任务"),
    "control.of_everybody": (" of everybody", "所有人的"),
    "control.page_empty": (" none.", "没有。"),
    "control.page_more": ("{command} shows older ones.", "更早的任务：{command}"),
    "control.previous": ("‹ Newer", "‹ 较新"),
    "control.next": ("Older ›", "较早 ›"),
    "control.tasks_usage": (
        "I cannot list “{typed}”. /tasks takes running, waiting, done, failed, cancelled, open or all, and a page: "
        "/tasks failed 2",
        "无法按“{typed}”列出。/tasks 后可加：进行中、等待、完成、失败、取消、未完成、全部，以及页码，例如 /tasks 失败 2",
    ),
    "control.everybody_admins": ("Only admins see everybody's tasks.", "只有管理员可以查看所有人的任务。"),
    "control.everybody_private": (
        "Others read along here. Ask me that in private.",
        "群里其他人也能看到，请私聊我查看。",
    ),
    "control.private_only": (
        "Others read along here. Ask me that in private.",
        "群里其他人也能看到，请私聊我查看。",
    ),
    # --- why it is not done
    "status.step": ("“{title}”: {what}", "“{title}”：{what}"),
    "status.running": ("{agent} has been at it for {age}", "{agent} 已执行 {age}"),
    "status.limit": (", at most {left} more", "，最多还有 {left}"),
    "status.silent": (
        "{agent} began {age} ago and has gone silent; it will be given to somebody else",
        "{agent} 于 {age}前开始，现已失去联系，将交给其他执行者",
    ),
    "status.sent": ("sent to {agent} {age} ago, not begun yet", "{age}前交给 {agent}，尚未开始"),
    "status.absent": (" – nobody performs {agent} right now", "，目前没有 {agent} 的执行者在线"),
    "status.approval": ("waits for your approval", "等待你的批准"),
    "status.pause": ("rests, and is tried again in {left}", "暂停中，{left}后重试"),
    "status.no_agent": (
        "no agent that can do “{skill}” is running; it waits for one",
        "没有能执行“{skill}”的代理在线，正在等待",
    ),
    "status.turn": ("ready; it is its turn as soon as an agent is free", "已就绪，代理空闲后即开始"),
    "status.parts": ("{done} of its {count} parts are done", "其中 {count} 个部分已完成 {done} 个"),
    "status.waits": ("waits for {steps}", "等待{steps}"),
    "status.name": ("“{title}”", "“{title}”"),
    "status.comma": (", ", "、"),
    "status.others": (" and {count} more", " 等另外 {count} 项"),
    "status.more": ("… and {count} more step(s)", "……另有 {count} 个步骤"),
    "status.try": ("; try {number} of {count}", "；第 {number}/{count} 次尝试"),
    "status.before": (", because the last one failed: {why}", "，上一次失败的原因：{why}"),
    "status.handbacks": (
        "; handed back {count} time(s) by workers that could not take it on",
        "；曾被执行者退回 {count} 次",
    ),
    "status.planning": ("The plan is being made.", "正在制定计划。"),
    "status.planner_silent": (
        "Whoever was making the plan has gone silent; somebody else takes over.",
        "制定计划的进程失去联系，将由其他进程接手。",
    ),
    "status.ahead": (
        "It waits to be planned; {count} task(s) come before it.",
        "等待制定计划，前面还有 {count} 个任务。",
    ),
    "status.next": ("It is next to be planned.", "即将开始制定计划。"),
    "status.fetching": (
        "It waits for {count} file(s) that came with it; they are being fetched.",
        "正在获取随请求发来的 {count} 个文件。",
    ),
    "status.answering": (
        "All steps ended {age} ago; the answer is being written.",
        "所有步骤已于 {age}前结束，正在撰写回答。",
    ),
    "status.no_role": (
        "No {role} is running. Start one: xingshu serve --role {role}",
        "{role} 没有运行。请启动：xingshu serve --role {role}",
    ),
    "status.last": ("Last event, {age} ago: {what}.", "最近动态（{age}前）：{what}。"),
    "status.event_received": ("the request came in", "收到请求"),
    "status.event_planned": ("the plan was finished", "计划制定完成"),
    "status.event_stopped": ("it was cancelled", "任务被取消"),
    "status.event_sent": ("“{title}” was sent to {agent}", "“{title}”交给了 {agent}"),
    "status.event_begun": ("{agent} began “{title}”", "{agent} 开始执行“{title}”"),
    "status.event_succeeded": ("“{title}” succeeded", "“{title}”成功"),
    "status.event_failed": ("“{title}” failed", "“{title}”失败"),
    "status.event_skipped": ("“{title}” was skipped", "“{title}”被跳过"),
    "status.event_cancelled": ("“{title}” was cancelled", "“{title}”被取消"),
    "status.event_unknown": ("how “{title}” ended is not known", "“{title}”的结果不明"),
    "status.event_try_failed": ("try {number} of “{title}” failed", "“{title}”第 {number} 次尝试失败"),
    "status.event_try_timed_out": ("try {number} of “{title}” ran out of time", "“{title}”第 {number} 次尝试超时"),
    "status.event_try_handed_back": ("“{title}” was handed back unrun", "“{title}”未执行即被退回"),
    "status.event_try_lease_expired": (
        "the worker of try {number} of “{title}” went silent",
        "“{title}”第 {number} 次尝试的执行者失去联系",
    ),
    "status.deadline": (
        "It has {left} left; what is not done by then is given up.",
        "还剩 {left}，届时仍未完成的部分将放弃。",
    ),
    "status.overdue": ("Its time was up {left} ago; it is being ended.", "已超过截止时间 {left}，正在结束。"),
    # --- cancelling
    "cancel.cancelled": ("{task} is cancelled: nothing new starts.", "{task} 已取消：不会再开始新的步骤。"),
    "cancel.cancelling": (
        "{task} is being cancelled: nothing new starts.",
        "{task} 正在取消：不会再开始新的步骤。",
    ),
    "cancel.granted": (
        "Allowed before and already under way, so it cannot be called back: {steps}. How it ends will be reported.",
        "此前已获准并正在进行，无法撤回：{steps}。结束后会报告结果。",
    ),
    "cancel.unknown": ("Whether this happened is not known: {steps}.", "无法确定是否已经发生：{steps}。"),
    "cancel.acted": ("Done before, and not undone: {steps}.", "此前已完成，不会撤销：{steps}。"),
    "cancel.maybe": (
        "Being stopped; it may have changed something already: {steps}.",
        "正在停止，可能已经产生改动：{steps}。",
    ),
    "cancel.stopped": ("Being stopped; it only reads: {steps}.", "正在停止（只读步骤）：{steps}。"),
    "cancel.read": ("Done before; it only read: {steps}.", "此前已完成（只读步骤）：{steps}。"),
    "cancel.waiting": ("Not tried again: {steps}.", "不再重试：{steps}。"),
    "cancel.unbegun": ("Never begun: {steps}.", "从未开始：{steps}。"),
    # --- deciding
    "control.approval_of": (
        "Waits for your approval: {key}. {title} ({skill})\n    {params}",
        "等待你的批准：{key}. {title}（{skill}）\n    {params}",
    ),
    "control.hidden": ("({count} more characters are not shown)", "（另有 {count} 个字符未显示）"),
    "control.approve_how": (
        "/approve {task}{step} lets exactly this happen, once; /deny {task}{step} refuses it.",
        "/approve {task}{step} 仅允许按以上内容执行一次；/deny {task}{step} 拒绝。",
    ),
    "control.approved": ("Allowed, once: {steps}. {task} goes on.", "已允许执行一次：{steps}。{task} 继续进行。"),
    "control.denied": (
        "Refused: {steps} will not happen. {task} goes on without it.",
        "已拒绝：{steps} 不会执行，{task} 的其余步骤继续。",
    ),
    "control.not_shown_yet": (
        "Nothing is allowed unseen. This is what would happen; send the command again if you want it:",
        "未经查看的内容不能批准。将要执行的内容如下，确认无误请再次发送命令：",
    ),
    "control.parameters_changed": (
        "Nothing was decided: what would happen has changed since you were asked. Now it is:",
        "尚未生效：询问之后，将要执行的内容发生了变化。现在是：",
    ),
    "control.offer_expired": (
        "Nothing was decided: this question was too old. Once more:",
        "尚未生效：这次询问已过期。请重新确认：",
    ),
    "control.not_yours": ("That is not yours to decide.", "这不由你决定。"),
    "control.decided": ("That was decided already.", "此前已经有了决定。"),
    "control.allowed_by": ("{who} allowed it {ago} ago.", "{who} 已在 {ago}前允许。"),
    "control.denied_by": ("{who} refused it {ago} ago.", "{who} 已在 {ago}前拒绝。"),
    "control.allowed_by_you": ("You allowed it {ago} ago.", "你已在 {ago}前允许。"),
    "control.denied_by_you": ("You refused it {ago} ago.", "你已在 {ago}前拒绝。"),
    "control.none_waiting": ("Nothing in {task} waits for approval.", "{task} 中没有等待批准的内容。"),
    "control.step_not_waiting": (
        "The step {step} of {task} does not wait for approval.",
        "{task} 的步骤 {step} 没有在等待批准。",
    ),
    "control.how_to_reply": (
        "Just write your answer; your next message here answers {task}.",
        "直接写出回答即可，你在这里的下一条消息就是对 {task} 的回答。",
    ),
    "control.not_asking": ("{task} is not asking anything any more.", "{task} 已经没有待回答的问题。"),
    "control.tried_again": ("{task} is being tried again already, as {new}.", "{task} 已经在重试，新任务号为 {new}。"),
    "control.old_button": (
        "This button is too old to be of use. Send the command again.",
        "这个按钮已失效，请重新发送命令。",
    ),
    "control.not_your_list": (
        "This is somebody else's list; /tasks shows yours.",
        "这是别人的列表，用 /tasks 查看你自己的。",
    ),
    # --- previews
    "control.plan_begun": ("{task} does this, {count} step(s):", "{task} 正在执行，共 {count} 个步骤："),
    "control.preview_gone": (
        "This plan is somebody else's, or not kept any more. /plan and the text makes you a new one.",
        "这个计划是别人的，或已不再保留。发送 /plan 和内容可重新制定。",
    ),
    "control.preview_begun": ("This plan is running already, as {task}.", "这个计划已经开始执行，任务号 {task}。"),
    "control.preview_discarded": ("Plan discarded; nothing was done.", "计划已放弃，没有执行任何操作。"),
    "control.edit_how": (
        "Reply to this plan with the new text, and I plan that instead.",
        "请回复这条计划消息，写上新的内容，我会重新制定计划。",
    ),
    "control.plan_with_files": (
        "A preview cannot look into files. Send the files with the request itself, without /plan.",
        "预览无法查看文件。请去掉 /plan，直接发送请求和文件。",
    ),
    "control.drop_last": (
        "Without “{title}” nothing would be left. Discard the plan instead.",
        "去掉“{title}”后就什么都不剩了。不需要的话，请直接放弃计划。",
    ),
    "control.drop_needed": (
        "“{title}” cannot go: “{other}” uses what it brings. Drop that first.",
        "不能去掉“{title}”：“{other}”要用到它的结果。请先去掉后者。",
    ),
    "control.button_run": ("Run", "执行"),
    "control.button_edit": ("Edit", "修改"),
    "control.button_discard": ("Discard", "放弃"),
    "control.button_drop": ("✕ {title}", "✕ {title}"),
    # --- limits
    "limit.per_minute": (
        "That is more than {limit} request(s) in a minute. Try again in {seconds} s; nothing was started.",
        "一分钟内的请求超过了 {limit} 个。请在 {seconds} 秒后重试；这次没有开始任何操作。",
    ),
    "limit.open_tasks": (
        "You have {limit} open tasks, which is the most at once: {tasks}. Try again when one of them is done, or end one "
        "with /cancel id.",
        "你已有 {limit} 个任务未结束（{tasks}），达到同时进行的上限。请等其中一个完成后重试，或用 /cancel 任务号 结束一个。",
    ),
    # --- language
    "control.language_set": ("From now on I speak English to you.", "好的，以后我会用中文和你交流。"),
    "control.language_auto": (
        "From now on I speak the language that you write in.",
        "好的，以后我会使用你发消息所用的语言。",
    ),
    "control.language_usage": (
        "/language en for English, /language zh for Chinese, /language auto for the language you write in.",
        "/language zh 使用中文，/language en 使用英文，/language auto 随你的消息而定。",
    ),
    # --- help
    "help.head": ("Say what is to be done, or use a command:", "直接说出要做的事，或使用命令："),
    "help.ask": ("/ask text – the same as sending the text", "/ask 内容 – 与直接发送内容相同"),
    "help.plan": (
        "/plan text – show the plan first; run, change or discard it",
        "/plan 内容 – 先看计划，再决定执行、修改或放弃",
    ),
    "help.status": (
        "/status [id] – why a task is not done yet, or its answer",
        "/status [任务号] – 任务进行到哪一步、为何还没完成，或查看回答",
    ),
    "help.tasks": (
        "/tasks [running|waiting|done|failed|cancelled] [page] – your tasks",
        "/tasks [进行中|等待|完成|失败|取消] [页码] – 你的任务",
    ),
    "help.cancel": ("/cancel [id] – start nothing more of a task", "/cancel [任务号] – 停止任务"),
    "help.retry": (
        "/retry id [step] – run again what did not succeed, or one step and what follows it",
        "/retry 任务号 [步骤] – 重新执行未成功的部分，或某一步及其后续",
    ),
    "help.approve": (
        "/approve [id [step]] – allow what waits for you, once",
        "/approve [任务号 [步骤]] – 允许等待你批准的操作（一次）",
    ),
    "help.deny": ("/deny [id [step]] – refuse what waits for you", "/deny [任务号 [步骤]] – 拒绝等待你批准的操作"),
    "help.schedule": (
        "/schedule [every day at 9:00 text|pause id|resume id|remove id|run id] – do something again and again, or later",
        "/schedule [每天 9:00 内容|暂停 编号|恢复 编号|删除 编号|执行 编号] – 定时或稍后执行",
    ),
    "help.agents": ("/agents – who is there and what they can do", "/agents – 在线的代理与技能"),
    "help.language": (
        "/language zh|en|auto – the language I speak to you",
        "/language zh|en|auto – 选择我和你交流的语言",
    ),
    "help.help": ("/help – this list", "/help – 显示本列表"),
}
