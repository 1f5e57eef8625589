"""What only Discord needs: its commands as its menu shows them, forms, and what goes wrong there."""

TEXTS: dict[str, tuple[str, str]] = {
    "discord.command_ask": ("Have something done", "提出一个任务"),
    "discord.command_fresh": (
        "Have something done anew, without kept plans and answers",
        "重新执行，不使用已保存的计划和回答",
    ),
    "discord.command_plan": ("Show the plan first, start nothing", "先看计划，不执行"),
    "discord.command_status": ("How a task stands, with its answer", "查看任务进度与回答"),
    "discord.command_tasks": ("Your newest tasks", "查看最近的任务"),
    "discord.command_cancel": ("Stop a task", "停止任务"),
    "discord.command_retry": ("Run again what did not succeed, or one step", "重新执行未成功的部分，或某一步"),
    "discord.command_approve": ("Allow what waits for you, once", "批准等待你的操作（一次）"),
    "discord.command_deny": ("Refuse what waits for you", "拒绝等待你的操作"),
    "discord.command_schedule": ("Do something again and again, or later", "定时或稍后执行"),
    "discord.command_agents": ("Who is there and what they can do", "查看在线的代理与技能"),
    "discord.command_cost": ("What your tasks have cost", "查看任务的花费"),
    "discord.command_help": ("What I understand", "查看用法"),
    "discord.command_language": ("Which language I speak to you", "选择我用什么语言和你说话"),
    "discord.command_pair": ("Use a one-time code to be let in, or make one", "使用一次性配对码，或为他人生成"),
    "discord.command_members": ("Who may use me", "查看谁可以使用我"),
    "discord.option_text": ("What is to be done", "要做的事"),
    "discord.option_file": ("A file that belongs to it", "相关文件"),
    "discord.option_task": ("Which task; may be left out if only one fits", "任务号；只有一个时可以省略"),
    "discord.option_step": ("Only this step of it", "仅指定其中某个步骤"),
    "discord.option_filter": (
        "running, waiting, done, failed, cancelled, open or all; and a page",
        "进行中、等待、完成、失败、取消、未完成、全部；以及页码",
    ),
    "discord.option_when": (
        "every day at 9:00 and what to do; or pause, resume, remove, run and an id; empty: your list",
        "每天 9:00 加上要做的事；或 暂停、恢复、删除、执行 加编号；留空查看列表",
    ),
    "discord.option_code": (
        "The code you were given; “admin” makes one for an admin",
        "收到的配对码；填 admin 则为管理员生成",
    ),
    "discord.option_remove": ("Take this one out, as discord:123", "移除某人，如 discord:123"),
    "discord.option_language": ("Which one", "选择语言"),
    "discord.choice_auto": ("As I write", "随我的消息而定"),
    "discord.form_edit": ("Change the request", "修改请求"),
    "discord.form_reply": ("Answer the question", "回答问题"),
    "discord.field_edit": ("The whole request, as it should be", "请写出修改后的完整请求"),
    "discord.field_reply": ("Your answer", "你的回答"),
    "discord.taken": ("✓ {task}", "✓ {task}"),
    "discord.stale": ("This button does nothing any more.", "这个按钮已经失效。"),
    "discord.not_here": (
        "I may not answer you here: I do not know you yet, or nobody has let me into this channel. Whoever runs me does both "
        "with /pair: here for the channel, in private to me for a code that lets you in.",
        "我不能在这里回答：我还不认识你，或者此频道尚未获准使用我。管理员在此频道使用 /pair 可以让频道使用我，"
        "私聊我使用 /pair 可以为你生成配对码。",
    ),
    "discord.broken": (
        "Something went wrong in me; the log has what. Please try again, or tell whoever runs me.",
        "内部出错了，详情见日志。请重试，或告知管理员。",
    ),
    "discord.commands_changed": (
        "This command has changed since Discord last looked. Reload Discord (Ctrl-R) and try again.",
        "该命令已更新。请重新加载 Discord（Ctrl-R）后再试。",
    ),
    "discord.grant": (
        "I may not write here, so nothing was started. Give me in this channel: {rights}.",
        "我无权在此频道发言，因此任务没有开始。请在此频道授予我：{rights}。",
    ),
    "discord.right_view_channel": ("View Channel", "查看频道"),
    "discord.right_send_messages": (
        "Send Messages (in threads: Send Messages in Threads)",
        "发送消息（在子区内为“在子区内发送消息”）",
    ),
    "discord.right_read_message_history": ("Read Message History", "阅读消息历史记录"),
    "discord.comma": (", ", "、"),
    "discord.refused": (
        "Discord does not take this message; the log has its reason.",
        "Discord 拒绝了这条消息，原因见日志。",
    ),
    "discord.too_large": ("The file is larger than Discord takes.", "文件超过了 Discord 允许的大小。"),
    "discord.file_gone": ("The file is not there any more.", "文件已不存在。"),
    "discord.upload_too_large": ("The file is larger than {limit} MiB.", "文件超过了 {limit} MiB。"),
    "discord.upload_gone": ("Discord does not have this file any more.", "Discord 上已没有这个文件。"),
    "discord.well": ("{name} is known to Discord.", "Discord 已识别 {name}。"),
    "discord.well_without_content": (
        "{name} is known to Discord. It may not read message contents: mentions, direct messages and slash commands work. "
        "For the rest switch on Message Content Intent in the Developer Portal, under Bot.",
        "Discord 已识别 {name}，但它不能读取消息内容：提及、私信和斜杠命令仍可使用。如需其余功能，请在开发者门户的 Bot 页面开启 Message Content Intent。",
    ),
}
