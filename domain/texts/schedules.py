"""What is said about schedules and about what is to begin later."""

TEXTS: dict[str, tuple[str, str]] = {
    # --- when
    "when.time": ("{day} {date} {clock}", "{date}（{day}）{clock}"),
    "when.once": ("once, {time}", "一次，{time}"),
    "when.cron": ("cron {expression}", "cron {expression}"),
    "when.every": ("every {span}", "每隔{span}"),
    "when.every_at": ("every {span} at {clock}", "每隔{span}，{clock}"),
    "when.daily": ("every day at {clock}", "每天 {clock}"),
    "when.workdays": ("Monday to Friday at {clock}", "周一至周五 {clock}"),
    "when.weekly": ("every {days} at {clock}", "每{days} {clock}"),
    "when.monthly": ("on day {day} of every month at {clock}", "每月 {day} 日 {clock}"),
    "when.comma": (", ", "、"),
    "when.seconds": ("{count} s", " {count} 秒"),
    "when.minutes": ("{count} min", " {count} 分钟"),
    "when.hours": ("{count} h", " {count} 小时"),
    "when.days": ("{count} day(s)", " {count} 天"),
    "when.weeks": ("{count} week(s)", " {count} 周"),
    "when.day_0": ("Sun", "周日"),
    "when.day_1": ("Mon", "周一"),
    "when.day_2": ("Tue", "周二"),
    "when.day_3": ("Wed", "周三"),
    "when.day_4": ("Thu", "周四"),
    "when.day_5": ("Fri", "周五"),
    "when.day_6": ("Sat", "周六"),
    # --- what cannot be read
    "schedule.unreadable": (
        "I cannot read a time at the beginning of “{typed}”. Say it like this:\n"
        "  /schedule every day at 9:00 check the prices\n"
        "  /schedule every 30 minutes look for new files\n"
        "  /schedule in 2h remind me to call\n"
        "  /schedule at 2027-01-31 18:00 write the report\n"
        '  /schedule cron "0 9 * * 1-5" summarise the news',
        "“{typed}”开头没有可识别的时间。可以这样写：\n"
        "  /schedule 每天 9:00 检查价格\n"
        "  /schedule 每隔 30 分钟 查看新文件\n"
        "  /schedule 2 小时后 提醒我打电话\n"
        "  /schedule 明天 18:00 写报告\n"
        '  /schedule cron "0 9 * * 1-5" 汇总新闻',
    ),
    "schedule.no_request": (
        "What is to be done then? Write it behind the time: /schedule every day at 9:00 check the prices",
        "到时要做什么？请写在时间后面：/schedule 每天 9:00 检查价格",
    ),
    "schedule.past": (
        "That time has passed already. Give one that is still to come, such as: /schedule in 2h …",
        "这个时间已经过去了。请给出将来的时间，例如：/schedule 2 小时后 …",
    ),
    "schedule.never": (
        "That never happens: no time fits before it ends.",
        "在结束之前没有符合条件的时间，因此永远不会执行。",
    ),
    "schedule.bad_zone": (
        "There is no time zone “{zone}”. Write it like Europe/Berlin, Asia/Shanghai or UTC.",
        "没有时区“{zone}”。请写成 Asia/Shanghai、Europe/Berlin 或 UTC。",
    ),
    "schedule.bad_span": (
        "“{typed}” is not a time span. Write it like 30m, 2h or 1 day.",
        "“{typed}”不是时长。请写成 30m、2h 或 1 天。",
    ),
    "schedule.bad_moment": (
        "“{typed}” is not a time. Write it like 18:00, tomorrow 9:00 or 2027-01-31 09:00.",
        "“{typed}”不是时间。请写成 18:00、明天 9:00 或 2027-01-31 09:00。",
    ),
    "schedule.bad_option": (
        "I do not understand {option}. There are: late=once|skip|all busy=skip|queue|allow grace=2h deadline=30m "
        "expires=1h until=2027-01-31 times=5 zone=Europe/Berlin",
        "无法理解 {option}。可用选项：late=once|skip|all（错过） busy=skip|queue|allow（重叠） grace=2h（宽限） "
        "deadline=30m（期限） expires=1h（过期） until=2027-01-31（截止） times=5（次数） zone=Asia/Shanghai（时区）",
    ),
    "schedule.bad_cron": (
        "“{expression}” is not a cron expression of five fields ({detail}). For weekdays at nine: 0 9 * * 1-5",
        "“{expression}”不是五段的 cron 表达式（{detail}）。例如工作日九点：0 9 * * 1-5",
    ),
    "schedule.too_often": (
        "That is too often: at least {seconds} s must lie between two times.",
        "间隔太短：至少需要 {seconds} 秒。",
    ),
    # --- what there is
    "schedule.added": ("Scheduled as {schedule}: {rule} ({zone})", "已安排 {schedule}：{rule}（{zone}）"),
    "schedule.was_resumed": ("{schedule} goes on: {rule} ({zone})", "{schedule} 已恢复：{rule}（{zone}）"),
    "schedule.next": ("Next: {times}", "接下来：{times}"),
    "schedule.then": (", then ", "，然后 "),
    "schedule.how": (
        "/schedule pause {schedule} holds it, /schedule remove {schedule} ends it, /schedule run {schedule} does it now.",
        "/schedule 暂停 {schedule} 可暂停，/schedule 删除 {schedule} 可删除，/schedule 执行 {schedule} 立即执行一次。",
    ),
    "schedule.how_paused": (
        "Nothing of it begins. /schedule resume {schedule} goes on with it.",
        "暂停期间不会执行。/schedule 恢复 {schedule} 可继续。",
    ),
    "schedule.none": (
        "You have no schedules. This makes one: /schedule every day at 9:00 check the prices",
        "你还没有定时任务。例如：/schedule 每天 9:00 检查价格",
    ),
    "schedule.next_at": ("next {time} ({zone})", "下次 {time}（{zone}）"),
    "schedule.ended": ("over", "已结束"),
    "schedule.paused": ("paused", "已暂停"),
    "schedule.last": ("last: {time}, {task} {state}", "上次：{time}，{task} {state}"),
    "schedule.gone": ("no longer kept", "记录已清除"),
    "schedule.skipped_late": (
        "{time} was missed: nothing ran here at that time, and then it was too late",
        "{time} 错过：当时系统没有运行，之后已过宽限时间",
    ),
    "schedule.skipped_busy": (
        "{time} was left out: the one before was not over",
        "{time} 未执行：前一次尚未结束",
    ),
    "schedule.queued": ("{count} waiting for their turn", "{count} 次正在排队"),
    "schedule.late_skip": ("what is missed is left out", "错过的不再补做"),
    "schedule.late_all": ("everything missed is made up for, at most ten", "错过的全部补做（最多十次）"),
    "schedule.busy_queue": ("one begins when the one before is over", "前一次结束后再开始下一次"),
    "schedule.busy_allow": ("one may begin beside the one before", "允许与前一次同时进行"),
    "schedule.deadline": ("each may take {span}", "每次最多用时{span}"),
    "schedule.expires": ("what has not begun after {span} is given up", "{span}内未能开始则放弃"),
    "schedule.left": ("{count} time(s) left", "剩余 {count} 次"),
    "schedule.until": ("until {time}", "截至 {time}"),
    "schedule.was_paused": ("{schedule} is paused: {rule} ({zone})", "{schedule} 已暂停：{rule}（{zone}）"),
    "schedule.was_removed": (
        "{schedule} is removed. What has begun goes on; /tasks shows it.",
        "{schedule} 已删除。已经开始的任务会继续，可用 /tasks 查看。",
    ),
    "schedule.zone_is": (
        "Your times are in {zone}, where it is {time}. Another: /schedule zone Europe/Berlin",
        "你的时间按 {zone} 计算，现在是 {time}。更改：/schedule 时区 Asia/Shanghai",
    ),
    "schedule.zone_set": (
        "From now on your times are in {zone}, where it is {time}. What is scheduled already stays as it is.",
        "以后你的时间按 {zone} 计算，现在是 {time}。已有的安排不变。",
    ),
    "schedule.button_pause": ("Pause", "暂停"),
    "schedule.button_resume": ("Resume", "恢复"),
    "schedule.button_remove": ("Remove", "删除"),
    "schedule.button_run": ("Run now", "立即执行"),
    # --- what is refused
    "schedule.not_found": (
        "There is no schedule {schedule}. /schedule lists yours.",
        "没有定时任务 {schedule}。用 /schedule 查看你的定时任务。",
    ),
    "schedule.over": (
        "{schedule} is over: nothing of it is still to come. Make a new one.",
        "{schedule} 已经结束，没有后续执行。请新建一个。",
    ),
    "schedule.too_many": (
        "You have {limit} schedules, which is the most. /schedule lists them; /schedule remove id makes room.",
        "你已有 {limit} 个定时任务，达到上限。用 /schedule 查看，/schedule 删除 编号 可腾出名额。",
    ),
    "schedule.none_fits": (
        "There is none of yours to which that applies. /schedule lists yours.",
        "没有符合的定时任务。用 /schedule 查看。",
    ),
    "schedule.which_one": (
        "Which one? Add its id: {schedules}",
        "指的是哪一个？请加上编号：{schedules}",
    ),
    "schedule.with_files": (
        "A schedule cannot keep files. Put them into the workspace and name them in the request.",
        "定时任务无法保存文件。请把文件放入工作区，并在请求中写明文件名。",
    ),
    # --- tasks that begin later, or come of a schedule
    "card.starts": ("starts {time}", "{time} 开始"),
    "status.starts": ("It starts {time} ({zone}), in {left}.", "将于 {time}（{zone}）开始，还有 {left}。"),
    "status.scheduled": ("It comes of the schedule {schedule}.", "来自定时任务 {schedule}。"),
    "status.expires": (
        "If it has not begun in {left}, it is given up.",
        "若 {left} 内仍未开始，将不再执行。",
    ),
}
