"""What goes wrong on chat platforms, and their standing."""

TEXTS: dict[str, tuple[str, str]] = {
    "chat.unreachable_blocked": (
        "This person has blocked the bot; nothing can reach them until they unblock it.",
        "对方已屏蔽机器人，解除屏蔽前无法送达任何消息。",
    ),
    "chat.unreachable_chat_gone": (
        "This chat is not there any more, or the bot is not in it.",
        "该聊天已不存在，或机器人已不在其中。",
    ),
    "chat.unreachable_topic_closed": (
        "This topic is closed; reopen it and the answer follows.",
        "该话题已关闭；重新打开后即会收到回答。",
    ),
    "chat.unreachable_not_allowed": (
        "The bot may not write in this chat; give it the right to send messages.",
        "机器人无权在此聊天中发言，请授予它发送消息的权限。",
    ),
    "chat.message_gone": (
        "The message is not there any more.",
        "该消息已不存在。",
    ),
    "chat.flooded": (
        "{platform} wants to be left alone for {retry_after_s:.0f} s; I go on by myself after that.",
        "{platform} 要求暂停 {retry_after_s:.0f} 秒，之后会自动继续。",
    ),
    "chat.platform_down": (
        "{platform} does not answer; I go on by myself as soon as it does.",
        "{platform} 暂时没有响应，恢复后会自动继续。",
    ),
    "chat.token_refused": (
        "{platform} refuses the token in {setting}. Get a new one, put it there, and start the bot again.",
        "{platform} 拒绝了 {setting} 中的令牌。请重新获取令牌，填入后再启动机器人。",
    ),
    "chat.two_pollers": (
        "Another program receives {platform} messages with the same token. Stop it, or give this bot a token of its own; "
        "two processes of one installation take turns by themselves.",
        "另一个程序正在用同一令牌接收 {platform} 的消息。请停止它，或为本机器人换一个令牌；同一套部署的多个进程会自动轮换，无需处理。",
    ),
}
