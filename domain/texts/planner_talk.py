"""What the planner says by itself: small talk without a model, and what it did with a plan that could not be run."""

TEXTS: dict[str, tuple[str, str]] = {
    "talk.hello": (
        "Hello! Tell me what to do, for example: {skills}.",
        "你好！告诉我要做什么，例如：{skills}。",
    ),
    "talk.how": (
        "All is well, thank you. What can I do for you?",
        "一切正常，谢谢。需要我做什么？",
    ),
    "talk.thanks": ("You are welcome.", "不客气。"),
    "talk.who": (
        "I am Xingshu: I turn a request into a plan, let agents do its parts, and bring you one answer. "
        "You can ask for: {skills}.",
        "我是星枢：我把请求变成计划，让代理完成各个部分，再给你一个回答。可以这样提问：{skills}。",
    ),
    "talk.bye": ("Good-bye!", "再见！"),
    "plan.nothing_again": (
        "There is nothing earlier in this chat to do again. Say what you would like to have done.",
        "这个聊天里没有可以再做一次的请求。请说明要做什么。",
    ),
    "plan.goal_unclear": (
        "The goal could not be divided: {question}",
        "无法拆分这个目标：{question}",
    ),
    "plan.left_out": ("{text} ({reason})", "{text}（{reason}）"),
    "plan.rest_cut": (
        "the end of the plan, which the model did not finish",
        "计划的结尾，模型没有写完",
    ),
    "plan.rest_blocked": ("it depends on a step that was left out", "它依赖被略去的步骤"),
    "repair.part_only": (
        "I kept only what can be run of the plan; nothing of it starts before you approve it",
        "我只保留了计划中可以执行的部分；在你批准之前不会开始",
    ),
    "repair.general_instead": (
        "I gave the whole request to a general agent, because the model's plan could not be run",
        "模型给出的计划无法执行，因此我把整个请求交给了通用代理",
    ),
}
