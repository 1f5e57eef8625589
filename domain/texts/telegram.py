"""What only Telegram needs."""

TEXTS: dict[str, tuple[str, str]] = {
    "telegram.bad_base_url": (
        "TELEGRAM_API_BASE_URL is not an address such as http://127.0.0.1:8081. Correct it, or leave it empty.",
        "TELEGRAM_API_BASE_URL 不是有效地址（例如 http://127.0.0.1:8081）。请更正，或留空。",
    ),
    "telegram.bad_webhook_url": (
        "TELEGRAM_WEBHOOK_URL is not an address such as https://bot.example.org/telegram. Correct it, or leave it "
        "empty and the bot polls.",
        "TELEGRAM_WEBHOOK_URL 不是有效地址（例如 https://bot.example.org/telegram）。请更正；留空则改用轮询。",
    ),
    "telegram.weak_webhook_secret": (
        "With TELEGRAM_WEBHOOK_URL there must be a TELEGRAM_WEBHOOK_SECRET of 16 to 256 letters, digits, _ and -: without "
        "it anybody who knows the address could write in anybody's name.",
        "设置了 TELEGRAM_WEBHOOK_URL，就必须设置 TELEGRAM_WEBHOOK_SECRET（16 至 256 个字母、数字、_ 或 -）：否则任何知道该地址的人都能冒充他人发消息。",
    ),
    "telegram.bad_webhook_listen": (
        "TELEGRAM_WEBHOOK_LISTEN is not HOST:PORT, such as 127.0.0.1:8443.",
        "TELEGRAM_WEBHOOK_LISTEN 不是“主机:端口”的形式，例如 127.0.0.1:8443。",
    ),
    "telegram.cannot_listen": (
        "The webhook cannot listen at {listen}: {detail}. Free that port, or choose another in TELEGRAM_WEBHOOK_LISTEN.",
        "Webhook 无法监听 {listen}：{detail}。请释放该端口，或在 TELEGRAM_WEBHOOK_LISTEN 中换一个。",
    ),
    "telegram.unusable": (
        "I work with text and files (documents, photos, voice, audio, video); I cannot do anything with this. Say in words "
        "what is to be done.",
        "我能处理文字和文件（文档、照片、语音、音频、视频），这类内容我用不上。请用文字说明要做的事。",
    ),
    "telegram.stale_button": (
        "This button does not do anything any more. /help shows what I can do.",
        "这个按钮已经失效。用 /help 查看用法。",
    ),
    "telegram.upload_too_big": (
        "“{name}” is larger than bots may fetch from Telegram ({limit} MB). Send it in parts, or put it into the workspace.",
        "“{name}”超过了机器人可从 Telegram 获取的大小上限（{limit} MB）。请分卷发送，或直接放入工作区。",
    ),
    "telegram.upload_gone": (
        "Telegram does not have “{name}” any more. Send it again.",
        "Telegram 上已没有“{name}”。请重新发送。",
    ),
    "telegram.file_unsendable": (
        "“{name}” could not be read, or is larger than Telegram takes from bots ({limit} MB); it is in the workspace.",
        "“{name}”无法读取，或超过了 Telegram 允许机器人发送的大小（{limit} MB）；文件仍在工作区中。",
    ),
    "telegram.refused": (
        "Telegram refuses this message: {detail}",
        "Telegram 拒绝了这条消息：{detail}",
    ),
    "telegram.standing": (
        "@{name} (id {id}), {way}, {pending} update(s) waiting; in groups it reads {reads}",
        "@{name}（id {id}），{way}，{pending} 条更新待取；在群组中{reads}",
    ),
    "telegram.by_polling": ("by polling", "轮询方式"),
    "telegram.by_webhook": ("by webhook at {host}", "Webhook 方式（{host}）"),
    "telegram.webhook_trouble": ("Telegram's last attempt failed: {detail}", "Telegram 最近一次推送失败：{detail}"),
    "telegram.reads_addressed": ("what is addressed to it", "只读取发给它的消息"),
    "telegram.reads_all": (
        "everything, and passes over what is not addressed to it",
        "可读取全部消息，但只理会发给它的",
    ),
}
