"""What is said about plans: problems, repairs, notes."""

TEXTS: dict[str, tuple[str, str]] = {
    "plan.refused": ("This plan cannot be run: {problems}", "这个计划无法执行：{problems}"),
    "plan.more_problems": ("; and {count} more", "；另有 {count} 处"),
    "plan.not_json": (
        "The plan is not valid JSON ({detail}). Check the file and try again.",
        "计划不是合法的 JSON({detail})。请检查文件后重试。",
    ),
    "plan.wrong_shape": (
        'A plan is an object with a list "tasks"; {detail}.',
        '计划应是带有 "tasks" 列表的对象；{detail}。',
    ),
    "problem.empty": ("it has neither tasks nor an answer nor a question", "既没有任务，也没有回答或提问"),
    "problem.too_many_nodes": (
        "it has {count} tasks, more than the limit of {limit} (XINGSHU_MAX_NODES)",
        "它有 {count} 个任务，超过上限 {limit}（XINGSHU_MAX_NODES）",
    ),
    "problem.too_deep": (
        "its longest chain has {count} tasks, more than the limit of {limit}",
        "最长的链有 {count} 个任务，超过上限 {limit}",
    ),
    "problem.bad_id": (
        "task id “{node}” is not a word of up to 64 letters",
        "任务编号“{node}”不合规（最多 64 个字母）",
    ),
    "problem.duplicate_id": ("the id “{node}” is used twice", "编号“{node}”重复"),
    "problem.missing_skill": (
        "“{node}” names no skill",
        "“{node}”没有指明技能",
    ),
    "problem.unknown_skill": (
        "“{node}” asks for the skill “{other}”, which no agent offers",
        "“{node}”需要技能“{other}”，但没有代理提供",
    ),
    "problem.self_dependency": ("“{node}” depends on itself", "“{node}”依赖自己"),
    "problem.dangling_dependency": (
        "“{node}” depends on “{other}”, which does not exist",
        "“{node}”依赖不存在的“{other}”",
    ),
    "problem.dangling_reference": (
        "“{node}” uses the output of “{other}”, which does not exist",
        "“{node}”引用了不存在的“{other}”的输出",
    ),
    "problem.missing_dependency": (
        "“{node}” uses the output of “{other}” without depending on it",
        "“{node}”使用“{other}”的输出却没有声明依赖",
    ),
    "problem.unclear_reference": (
        "“{other}” in “{node}” is not the output of any task; write {{{{id.output}}}}",
        "“{node}”中的“{other}”不是任何任务的输出，应写成 {{{{id.output}}}}",
    ),
    "problem.unknown_output": (
        "“{node}” uses {other}, which the skill of that task does not return",
        "“{node}”使用了 {other}，但那个任务的技能不返回它",
    ),
    "problem.bad_condition": (
        "“{node}” compares “{other}”, which is not one reference to an output",
        "“{node}”比较的“{other}”不是对某个输出的引用",
    ),
    "problem.condition_without_value": (
        "the comparison of “{node}” has no value to compare with",
        "“{node}”的比较没有给出比较值",
    ),
    "problem.bad_for_each": (
        "“{node}” is to run for each of “{other}”, which is not one reference to a list",
        "“{node}”要逐项处理的“{other}”不是对某个列表的引用",
    ),
    "problem.item_without_map": (
        "“{node}” uses {{{{item}}}} where there is no item; only the parameters of a task with for_each have one",
        "“{node}”在没有列表项的地方使用了 {{{{item}}}}；只有带 for_each 的任务的参数中才有列表项",
    ),
    "problem.cycle": ("these tasks wait for one another: {other}", "这些任务互相等待：{other}"),
    "problem.missing_param": ("“{node}” lacks the parameter “{other}”", "“{node}”缺少参数“{other}”"),
    "problem.wrong_param": (
        "the parameter “{other}” of “{node}” is not what the skill takes",
        "“{node}”的参数“{other}”类型不对",
    ),
    "problem.unknown_param": (
        "“{node}” has the parameter “{other}”, which its skill does not know",
        "“{node}”的参数“{other}”不被该技能识别",
    ),
    "repair.other": ("I mended the plan ({kind})", "我修正了计划（{kind}）"),
    "repair.self_dependency": (
        "I removed the dependency of “{subtask}” on itself",
        "我去掉了“{subtask}”对自己的依赖",
    ),
    "repair.dangling_dependency": (
        "I removed the dependency of “{subtask}” on “{before}”, because nothing has that name",
        "我去掉了“{subtask}”对“{before}”的依赖，因为没有叫这个名字的步骤",
    ),
    "repair.duplicate_dependency": (
        "I kept only one of the dependencies of “{subtask}” on “{before}”, because it was named twice",
        "我只保留了“{subtask}”对“{before}”的一个依赖，因为它写了两次",
    ),
    "repair.identical_copy": (
        "I dropped a second “{subtask}”, because it is the same as the first",
        "我去掉了第二个“{subtask}”，因为它与第一个相同",
    ),
    "repair.renamed": (
        "I called the second “{before}” “{after}”, because two steps had the same name",
        "我把第二个“{before}”改名为“{after}”，因为有两个步骤同名",
    ),
    "repair.id": (
        "I called “{before}” “{after}”, because an id is one word of up to 64 letters",
        "我把“{before}”改名为“{after}”，因为编号应是不超过 64 个字母的一个词",
    ),
    "repair.named_dependency": (
        "I took “{before}”, on which “{subtask}” depends, for “{after}”",
        "我把“{subtask}”所依赖的“{before}”当作“{after}”",
    ),
    "repair.dropped_link": (
        "I left out that “{after}” depends on “{before}”, because there is no “{after}”",
        "我略去了“{after}”对“{before}”的依赖，因为没有“{after}”",
    ),
    "repair.dropped_question": (
        "I did not ask “{before}”, because there is a plan already",
        "我没有提问“{before}”，因为已经有了计划",
    ),
    "repair.reference": (
        "I read {before} in “{subtask}” as {after}, because it can mean nothing else",
        "我把“{subtask}”中的 {before} 读作 {after}，因为它没有别的含义",
    ),
    "repair.general": (
        "I gave “{subtask}” to the general agent, because no skill is called “{before}” and it only reads",
        "我把“{subtask}”交给了通用代理，因为没有叫“{before}”的技能，而它只是读取",
    ),
    "repair.skill": (
        "I took the skill “{after}” for “{subtask}”, because there is none called “{before}”",
        "我为“{subtask}”选用了技能“{after}”，因为没有叫“{before}”的技能",
    ),
    "repair.added_dependency": (
        "I made “{subtask}” wait for “{after}”, because it uses its output",
        "我让“{subtask}”等待“{after}”，因为要用它的输出",
    ),
    "repair.cut_edge": (
        "I removed the dependency of “{subtask}” on “{before}”, because “{before}” already waits for “{subtask}”",
        "我去掉了“{subtask}”对“{before}”的依赖，因为“{before}”已经在等待“{subtask}”",
    ),
    "repair.dropped_param": (
        "I dropped the parameter “{before}” of “{subtask}”, because its skill does not know it",
        "我去掉了“{subtask}”的参数“{before}”，因为它的技能不认识该参数",
    ),
    "repair.named_param": (
        "I took the parameter “{before}” of “{subtask}” for “{after}”",
        "我把“{subtask}”的参数“{before}”当作“{after}”",
    ),
    "repair.coerced_param": (
        "I read {before} as {after} in “{subtask}”, because that is what its skill takes",
        "我把“{subtask}”中的 {before} 读作 {after}，因为它的技能需要这种值",
    ),
    "repair.text_thought": (
        "I left out what the model thought aloud before its plan",
        "我略去了模型在计划之前的思考",
    ),
    "repair.text_fence": ("I took the plan out of a code block", "我从代码块中取出了计划"),
    "repair.text_prose": ("I took the plan out of the text around it", "我从上下文中取出了计划"),
    "repair.text_loose": (
        "I read JSON that breaks a rule, such as a name that stands twice",
        "我读取了不合规则的 JSON，例如同名的键出现了两次",
    ),
    "repair.text_truncated": (
        "I kept the finished part of the plan, because its end was cut off",
        "计划的结尾被截断，我只保留了完整的部分",
    ),
    "repair.text_unbalanced": (
        "I mended the plan's brackets, because they did not match",
        "计划的括号不配对，我做了修补",
    ),
    "repair.text_mended": ("I mended the plan's JSON, which was broken", "计划的 JSON 有误，我做了修补"),
    "repair.text_fragment": (
        "I took the plan out of a broken text",
        "我从一段残缺的文字中取出了计划",
    ),
    "repair.model_down": (
        "I planned without the language model, because it does not answer ({before})",
        "语言模型没有响应（{before}），因此我按规则制定了计划",
    ),
    "repair.model_unusable": (
        "I planned by rules, because the language model's plan could not be run",
        "语言模型给出的计划无法执行，因此我按规则制定了计划",
    ),
    "repair.unfinished": (
        "I could not finish the plan: what is here is all there is of it",
        "我未能把计划制定完整：这里就是它的全部内容",
    ),
    "plan.offered": ("{skill} (“{example}”)", "{skill}(“{example}”)"),
    "plan.nothing_placed": (
        "No skill fits this request. You can ask for: {skills}.",
        "没有技能适合这个请求。可以这样提问：{skills}。",
    ),
    "plan.incomplete": (
        "Not enough to go on: {what}. You can ask for: {skills}.",
        "信息不足：{what}。可以这样提问：{skills}。",
    ),
    "plan.nothing_placed_model_down": (
        "The language model does not answer ({detail}), and without it no skill fits this request. "
        "You can ask for: {skills}.",
        "语言模型没有响应（{detail}），而没有它就找不到适合这个请求的技能。可以这样提问：{skills}。",
    ),
    "plan.no_agents": (
        "No agent is running, so nothing can be done. Start one with “xingshu worker” and ask again.",
        "没有代理在运行，无法执行。请用“xingshu worker”启动一个代理后重试。",
    ),
    "plan.unplaced_missing": ("{text} (missing: {missing})", "{text}（缺少：{missing}）"),
    "plan.unplaced_unclear": ("{text} (could mean: {skills})", "{text}（可能是：{skills}）"),
    "plan.unreadable": (
        "The language model's plan could not be read ({detail}). Say it in simpler words, or try again.",
        "无法读取语言模型给出的计划（{detail}）。请换一种更简单的说法，或重试。",
    ),
}
