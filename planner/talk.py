"""Small talk without a model: what needs no work is answered at once."""

from __future__ import annotations

import re

from domain.skill import Catalogue
from domain.texts import Language, say
from planner.offline import offered

_LONGEST = 60  # characters of small talk
_FEW = 3  # skills that a greeting names
_EDGE = " \t\r\n,，.。!！?？~～、…^:：;；"
_NAME = r"(?:[\s,，]*(?:there|bot|xingshu|everyone|all|星枢|大家|机器人))?"
_TALK: dict[str, tuple[str, ...]] = {
    "hello": (
        r"hello|hi+|hey|hiya|greetings|good (?:morning|afternoon|evening|day)",
        r"[你您]们?好[啊呀]?|嗨|哈[喽罗啰]|早上?好?|[上中下]午好|晚上好|在吗|在不在",
    ),
    "how": (
        r"how are (?:you|things)(?: doing)?(?: today)?|how(?: is|'s) it going|what'?s up",
        r"[你您](?:最近)?(?:还|过得)?好吗|最近(?:怎么样|好吗)|[你您]怎么样",
    ),
    "thanks": (
        r"(?:many |ok(?:ay)? )?(?:thanks?|thank you|thx|ty|cheers)(?: (?:a lot|so much|very much|again|you))?",
        r"great|perfect|good job|well done",
        r"(?:好的?)?(?:非常|太|多)?谢{1,2}[你您]?[了啦啊]?|(?:太|非常)?感谢[你您]?[了啦]?|辛苦了|多谢|太好了",
    ),
    "who": (
        r"who are you|what are you|what(?:'s| is) your name|introduce yourself|help",
        r"what can (?:you|i) do(?: here)?|what do you do|what can i ask(?: you)?",
        r"[你您](?:是谁|是(?:什么|干什么的|做什么的)|叫什么(?:名字)?)|怎么用|帮助",
        r"[你您](?:能|会|可以)(?:做|干|帮我做)?(?:什么|些什么|哪些事)|自我介绍(?:一下)?|介绍一下[你您]?自己",
    ),
    "bye": (
        r"(?:good ?)?bye(?: bye)?|see you(?: later| soon)?|good night",
        r"再见|拜拜|晚安|回头见|下次见",
    ),
}
_PATTERNS = {kind: re.compile(f"(?:{'|'.join(words)}){_NAME}", re.IGNORECASE) for kind, words in _TALK.items()}


def small_talk(text: str, catalogue: Catalogue, language: Language) -> str | None:
    """What to say to a text that is nothing but small talk; None to any other."""
    folded = " ".join(text.strip(_EDGE).split())
    if not folded or len(folded) > _LONGEST:
        return None
    kind = next((kind for kind, words in _PATTERNS.items() if words.fullmatch(folded)), None)
    if kind is None:
        return None
    skills = offered(catalogue, language, _FEW if kind == "hello" else None)
    return say(f"talk.{kind}", language, skills=skills)
