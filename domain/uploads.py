"""Files that come with a request: where they go, and how a plan speaks of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import PurePosixPath

from domain.safe_text import safe_line
from domain.task import Upload, UploadState

FOLDER = "inbox"  # of the workspace
MAX_NAME = 100  # characters

_MEANT = re.compile(
    r"\b(?:the|this|these|that|my|an?)?\s*(?:attached|uploaded|enclosed)\s+(?:files?|documents?|tables?|data|csvs?|sheets?)\b"
    r"|\b(?:the|this|these|my)\s+(?:attachments?|files?|documents?|csvs?)\b|\battachments?\b"
    r"|(?:这|该|此|上传的|附带的|所附)(?:些|个|份)?(?:文件|文档|表格|数据|附件)|附件",
    re.IGNORECASE,
)
_PRONOUN = re.compile(r"\b(?:it|them|this|these)\b|它们?|这个|这些", re.IGNORECASE)
_CLAUSE_END = re.compile(r"[,，;；。]|\.\s|\b(?:then|and then)\b|然后|再")
_UNFIT = re.compile(r"[^\w.()\[\]+=@,-]+")


def fitting_name(name: str) -> str:
    """A file name that is one name on every system: letters of any script, digits and a few marks; never hidden."""
    stem, dot, ending = _UNFIT.sub("_", name).strip("._").rpartition(".")
    kept = (stem[: MAX_NAME - len(ending[:10]) - 1] + dot + ending[:10]) if stem else ending[:MAX_NAME]
    return kept.strip(".") or "file"


def placed(uploads: Iterable[Upload], task_id: str, taken: Iterable[Upload] = ()) -> tuple[Upload, ...]:
    """Uploads with the paths they will have in the workspace: a folder per task, no name twice."""
    names = {PurePosixPath(upload.path).name for upload in taken}
    result: list[Upload] = []
    for upload in uploads:
        name = _free(fitting_name(upload.name), names)
        names.add(name)
        result.append(replace(upload, path=f"{FOLDER}/{task_id}/{name}"))
    return tuple(result)


def _free(name: str, taken: set[str]) -> str:
    stem, dot, ending = name.rpartition(".")
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{stem}-{number}{dot}{ending}" if stem else f"{name}-{number}"
    return free


def there(uploads: Iterable[Upload]) -> tuple[str, ...]:
    """Paths of the files that are in the workspace."""
    return tuple(upload.path for upload in uploads if upload.state is UploadState.THERE)


def lost(uploads: Iterable[Upload]) -> tuple[str, ...]:
    """Names of the files that could not be had."""
    return tuple(safe_line(upload.name, MAX_NAME) for upload in uploads if upload.state is UploadState.LOST)


def pointed(text: str, paths: Iterable[str]) -> str:
    """A request as it would read had its person written the paths of the files instead of sending them: in place of the
    words for them, or else behind what is to be done first."""
    named = " ".join(paths)
    if not named:
        return text
    words = _MEANT.search(text) or _PRONOUN.search(text)
    if words is not None:
        before, after = text[: words.start()], text[words.end() :]
        return f"{before.rstrip()} {named} {after.lstrip()}".strip()
    end = _CLAUSE_END.search(text)
    at = end.start() if end else len(text)
    return f"{text[:at]} {named}{text[at:]}"
