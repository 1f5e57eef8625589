"""What is said about who may use the bot."""

TEXTS: dict[str, tuple[str, str]] = {
    "access.stranger": (
        "I do not know you yet; your id is {user}. Ask whoever runs this bot for a one-time code and send me /pair CODE, "
        "or have them add {user} to XINGSHU_ALLOWED_USERS.",
        "我还不认识你，你的 ID 是 {user}。请向管理员要一个一次性配对码，然后发送 /pair 配对码；"
        "也可以请管理员把 {user} 加进 XINGSHU_ALLOWED_USERS。",
    ),
    "access.wrong_code": (
        "This code is not valid: it may be mistyped, used already, or older than 15 minutes. Ask for a new one.",
        "配对码无效：可能输错了、已经用过，或者超过了 15 分钟。请再要一个新的。",
    ),
    "access.welcome_member": (
        "Welcome! Just say what you need; /help shows what else I understand.",
        "欢迎！直接说你要做的事就行；发送 /help 可以查看其他用法。",
    ),
    "access.welcome_admin": (
        "Welcome! You are an admin here: in groups you may also see, cancel and approve what others asked for. "
        "/help shows the commands.",
        "欢迎！你现在是管理员：在群里，你也可以查看、取消和批准别人的任务。发送 /help 查看命令。",
    ),
    "access.welcome_owner": (
        "Welcome! You own this bot now: /members shows who may use it, /pair makes a code for somebody new.",
        "欢迎！你现在是这个机器人的所有者：/members 查看谁可以使用，/pair 为新成员生成配对码。",
    ),
    "access.already": (
        "You are in already; the code is still good for somebody else.",
        "你已经可以使用了，这个配对码还可以给别人用。",
    ),
    "access.group_in": (
        "This group may use me now. I answer to everybody in it whom I know.",
        "本群现在可以使用我了。群里我认识的人都可以向我提问。",
    ),
    "access.group_already": ("This group may use me already.", "本群已经可以使用我了。"),
    "access.code": (
        "Code for a new {role}: {code}\nValid for {minutes} minutes, once. Whoever is to use it sends me in private: "
        "/pair {code}\nIn a group, sent by an admin, it lets the group in.",
        "新{role}的配对码：{code}\n{minutes} 分钟内有效，只能用一次。请对方私聊发送：/pair {code}\n"
        "由管理员发到群里，则可以让该群使用我。",
    ),
    "access.role_member": ("member", "成员"),
    "access.role_admin": ("admin", "管理员"),
    "access.role_owner": ("owner", "所有者"),
    "access.pair_usage": (
        "/pair makes a code for a new member, /pair admin one for an admin. In a group, /pair lets the group in.",
        "/pair 为新成员生成配对码，/pair admin 为管理员生成。在群里发送 /pair 可以让该群使用我。",
    ),
    "access.pair_private": (
        "A code that everybody here can read is no secret. Send me /pair in private.",
        "配对码发在群里就不是秘密了。请私聊发送 /pair。",
    ),
    "access.may_not": (
        "/{command} is not for you; ask an {role}.",
        "你没有使用 /{command} 的权限，请联系{role}。",
    ),
    "access.members_head": ("{count} may use me:", "可以使用我的有 {count} 人："),
    "access.member_line": ("  {user} · {role}{note}", "  {user} · {role}{note}"),
    "access.member_configured": (" · by configuration", " · 由配置指定"),
    "access.member_you": (" · you", " · 你"),
    "access.members_more": ("  … and {count} more", "  ……另有 {count} 人"),
    "access.members_how": (
        "/members remove platform:id takes one out (a group too); /pair lets somebody in.",
        "/members remove 平台:ID 可以移除某人（或某个群）；/pair 可以让新人加入。",
    ),
    "access.members_usage": (
        "/members lists who may use me; /members remove telegram:123 takes somebody out.",
        "/members 列出谁可以使用我；/members remove telegram:123 移除某人。",
    ),
    "access.removed": (
        "{user} may not use me any more. What they asked for before still comes to its end.",
        "{user} 不能再使用我了。此前提出的任务仍会执行完。",
    ),
    "access.not_known": ("I know nobody called {user}. /members lists them.", "没有 {user}。用 /members 查看名单。"),
    "access.is_configured": (
        "{user} is let in by configuration: take it out of XINGSHU_ALLOWED_USERS or XINGSHU_ALLOWED_CHATS and start me "
        "again.",
        "{user} 由配置指定：请从 XINGSHU_ALLOWED_USERS 或 XINGSHU_ALLOWED_CHATS 中删除，然后重新启动。",
    ),
    "access.not_yourself": (
        "You cannot take out yourself; another owner can.",
        "不能移除自己，请让另一位所有者操作。",
    ),
    "help.pair": (
        "/pair [admin] – a one-time code for somebody new; in a group: let the group in",
        "/pair [admin] – 为新人生成一次性配对码；在群里则让该群使用",
    ),
    "help.members": (
        "/members [remove platform:id] – who may use me",
        "/members [remove 平台:ID] – 谁可以使用",
    ),
}
