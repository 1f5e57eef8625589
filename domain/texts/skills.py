"""What the built-in skills and the worker say; the findings of the data and code skills are in `findings`."""

TEXTS: dict[str, tuple[str, str]] = {
    "skill.outside_workspace": (
        "“{path}” is not a place inside the workspace. Give a path relative to it, without “..”.",
        "“{path}”不在工作区内。请使用工作区内的相对路径,不要包含“..”。",
    ),
    "skill.no_such_file": ("There is no “{path}” in the workspace.", "工作区中没有“{path}”。"),
    "skill.not_a_file": ("“{path}” is not a file.", "“{path}”不是文件。"),
    "skill.file_too_large": (
        "“{path}” is larger than the limit of {limit} bytes.",
        "“{path}”超过了 {limit} 字节的上限。",
    ),
    "skill.unusable_path": ("“{path}” cannot be used: {reason}.", "无法使用“{path}”:{reason}。"),
    "skill.disk": (
        "The disk does not take “{path}” right now ({reason}).",
        "磁盘暂时无法写入“{path}”({reason})。",
    ),
}
