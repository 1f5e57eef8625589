"""Words the offline planner knows by itself: grammar, not skills. What skills are called comes from the catalogue."""

from __future__ import annotations

import re
from functools import lru_cache

HAN = re.compile(r"[\u3400-\u9fff]+")
WORD = re.compile(r"[A-Za-z][A-Za-z0-9_+#]*")


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


@lru_cache(maxsize=4096)
def stem(word: str) -> str:
    """A word without the endings that do not change what it asks for: listing, lists and list are one."""
    word = word.casefold().replace("yz", "ys").replace("iz", "is")
    for ending, least in (("ing", 6), ("ied", 5), ("ies", 5), ("ed", 5), ("es", 5), ("s", 4)):
        if word.endswith(ending) and len(word) >= least and not word.endswith("ss"):
            word = word[: -len(ending)] + ("y" if ending in {"ied", "ies"} else "")
            break
    if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "aeiousl":
        word = word[:-1]
    return word[:-1] if len(word) > 3 and word.endswith("e") else word


def _stems(words: str) -> frozenset[str]:
    return frozenset(stem(word) for word in words.split())


STOP = _stems(
    "a an the this that these those it its them they their there here of in on at to from for with by into onto "
    "under inside within over about around as and or but so if is are was were be been am do does did done have "
    "has had please kindly just also too now first second third let lets us me my mine our your you i we want "
    "wants would could can should shall will need needs like give get tell show make run use using try help quick "
    "quickly short brief full complete detailed nice good some any all each every both whole entire only very "
    "more most new what which one ones thing things everything anything result results output outputs "
    "findings step steps above previous then next found content contents "
    "after before while against problem problems issue issues"
)
"""Words that neither ask for a skill nor speak against one."""

POLITE = _stems(
    "please kindly just also now first you can could would will i we want need to let lets us me like help so and "
    "hey hi"
)
"""Words that may stand before the verb of a request."""

VERBS = _stems(
    "add analyse announce answer apply approve archive ask assign audit back book build buy calculate call cancel "
    "chart check choose classify clean clear clone close commit compare compile compose compress compute contact "
    "convert cook copy count create crop cut debug decode decrypt delete deploy describe design detect diff "
    "disable download draft draw drop edit email enable encode encrypt erase estimate evaluate execute explain "
    "export extract fetch fill filter find fix fly format forward generate go grep group guess hash identify "
    "import improve inspect install invest invite invoice join kill launch lint list listen load lock look mail "
    "merge message migrate mount move notify open optimise order organise paint patch pay phone pick plan play "
    "plot post predict prepare print process profile publish pull purchase push put query read reboot recommend "
    "record refactor refund register release remind remove rename render rent repair repeat replace reply report "
    "reserve reset resize restart restore return review rewrite roll rotate save say scan schedule scrape search "
    "select sell send share shut sing sort split start stop store subscribe summarise switch sync teach test "
    "trade train transcribe transfer transform translate travel tweet uninstall update upgrade upload validate "
    "verify visit visualise wait wake walk warn watch wipe withdraw write zip"
)
"""What a request can begin with, whether or not a skill does it: one that nobody does must not pass for another."""

NEUTRAL = _stems(
    "build check compile compose create draft execute generate go look make perform prepare process produce run start"
)
"""Verbs that say that something is to be made or looked at; what it is says which skill."""

QUESTIONS = _stems("who whom whose why how when where what which")

HAN_POLITE = re.compile(
    r"(?:\s|请|麻烦|你|您|帮忙|帮我|帮|给我|替我|为我|我想要?|我要|我需要|能不能|能否|可以|可不可以|首先|先|也|还要|还|再|都|顺便|另外|并|去)+"
)
"""What may stand before the verb of a Chinese request."""

HAN_STOP = re.compile(
    r"请|麻烦|你|您|我们|我|帮忙|帮|给|替|为|想要|想|需要|能不能|能否|可以|首先|先|也|还|再|都|顺便|另外|的话|的|了|吧|呢|吗|啊|"
    r"一下|一份|一个|一张|一些|一篇|这个|那个|这些|那些|所有|全部|每个|里面|里|中|内|下面|下|上面|上|在|从|到|把|将|对|用|以|与|和|及|"
    r"有没有|没有|问题|怎么样|如何|是|有|个|份|张|篇|它们|它|这|那|其|结果|内容|输出|什么|哪些|并|之|所|成|为了|进行|做"
)

HAN_VERBS = _words(
    "分析 审查 审核 搜索 查找 查询 查看 查 列出 列 读取 读 打开 写入 写 保存 生成 创建 新建 总结 汇总 翻译 解释 "
    "画 绘制 统计 检查 比较 对比 复述 重复 回显 替换 修改 删除 发送 发 预订 订 购买 买 下载 上传 部署 安装 运行 "
    "执行 计算 转换 合并 拆分 排序 过滤 压缩 解压 备份 恢复 提交 发布 通知 提醒 邮寄 打印 播放 唱 讲 说 告诉 推荐 "
    "预测 清理 清空 移动 复制 重命名 重启 关闭 启动 停止 看看 看 找出 找 输出 打电话 转账 支付 付 取消 评审 优化 "
    "修复 测试 编写 起草 制作 做 介绍 描述"
)
"""The same as `VERBS`, longest first where one begins another."""

HAN_NEUTRAL = _words("看看 看 检查 生成 创建 新建 制作 做 执行 运行 编写 起草 输出 写 处理")
"""The same as `NEUTRAL`."""

GATHERS = re.compile(
    r"\b(?:report|summar\w*|combine|overview|conclusions?|wrap up)\b|总结|汇总|报告|综合|归纳", re.IGNORECASE
)
"""What a clause says that works on what others found."""

ANAPHORA = re.compile(
    r"\b(?:it|them|this|that|these|those|(?:the |its |their )?(?:results?|findings?|outputs?|summary|answer|content))\b"
    r"|它们?|结果|上述|以上|前面|这些|输出|内容|总结",
    re.IGNORECASE,
)
"""What points back at an earlier clause."""

CHOICE_WORDS = {
    "bar": ("柱状", "条形", "柱形"),
    "line": ("折线", "曲线", "趋势"),
    "pie": ("饼", "占比"),
    "scatter": ("散点",),
    "hist": ("直方",),
    "histogram": ("直方",),
    "mean": ("average", "平均", "均值"),
    "sum": ("total", "总和", "合计", "求和"),
    "count": ("number of", "数量", "计数"),
}
"""Other words for choices that are usually these."""

FLAG_WORDS = {
    "recursive": ("递归", "子目录", "subfolders", "subdirectories"),
    "match_case": ("match case", "case-sensitive", "case sensitive", "区分大小写"),
}
"""Other words for switches."""

NEEDLES = frozenset({"pattern", "query", "needle", "keyword", "keywords", "term", "regex", "search"})
"""Names of parameters that hold what is searched for."""

WHOLE = frozenset({"prompt", "question", "request", "instruction", "instructions", "goal", "task"})
"""Names of parameters that hold the whole request."""

TARGETS = frozenset({"target", "to", "out", "output", "destination", "dest", "save_to", "save_as", "write_to"})
"""Names of parameters that hold where something goes."""

BEHIND = {"branch": r"(?:branch\b|分支)"}
"""What is said behind the value instead."""

LIKE_PATHS = frozenset({"branch", "base"})
"""Names of parameters whose values may look like paths."""

HERE = frozenset({"here", "workspace", "current", "project", "folder", "directory", "repo", "repository"})
"""What stands where a folder could and means the workspace itself."""

_TITLE = r"(?:\b(?:titled|called|named|entitled)\b|标题[为是]?|题为|名为|叫做?)"
_BY = r"(?:\bby\b|按照?|横轴[为是]?)"
_FROM_LINE = r"\b(?:from|at) line\b|从第"
LABELS = {
    "title": _TITLE,
    "name": _TITLE,
    "x": _BY,
    "by": _BY,
    "group_by": _BY,
    "y": r"\bof(?=\s+[A-Za-z_]\w*\s+by\b)",
    "start": _FROM_LINE,
    "branch": r"\bbranch\b(?!\s+(?:of|in|on|against)\b)",
    "base": r"\b(?:against|compared (?:with|to)|relative to)\b|相对于?|对比",
    "old": r"\breplace\b(?=\s+\S+\s+(?:with|by)\b)",
    "new": r"\b(?:with|by)\b|替换成|替换为|改成|改为",
}
"""What is said before the value of parameters of these names."""

ACTS = _stems(
    "add apply approve archive assign book build buy call cancel clean clear close commit contact cook copy "
    "create crop cut delete deploy disable download drop edit email enable encrypt erase execute fill fix format "
    "forward import install invest invite kill launch lock mail merge message migrate mount move notify open "
    "order organise pay patch phone play post print publish pull purchase push put reboot record refund register "
    "release remind remove rename rent repair replace reply reserve reset resize restart restore return roll "
    "rotate run save schedule sell send set share shut start stop store submit subscribe switch sync trade train "
    "transfer travel tweet uninstall update upgrade upload visit wake wipe withdraw write zip"
)
"""Verbs for changing something, so that words alone do not do what was asked."""

HAN_ACTS = re.compile(
    "写入|写到|保存|创建|新建|替换|修改|改成|删除|发送|发给|发邮件|预订|预约|订购|订票|订|购买|买|下载|上传|部署|安装|运行|执行|合并|压缩|解压|备份|恢复|"
    "提交|发布|通知|提醒|邮寄|打印|播放|打电话|转账|支付|付款|取消|清理|清空|移动|复制|重命名|重启|关闭|启动|停止|修复|更新|升级|注册|设置|添加"
)
"""The same for Chinese."""
