from __future__ import annotations

import re

from bot.commands.words import MAY
from bot.platforms.telegram.menu import IN_GROUPS, LANGUAGES, commands


def test_menus_are_within_the_limits():
    for _, language in LANGUAGES:
        for command in commands(language):
            assert re.fullmatch("[a-z0-9_]{1,32}", command.command)
            assert 1 <= len(command.description) <= 256


def test_a_group_gets_less_and_nobody_what_only_owners_may_use():
    assert {"ask", "plan", "language"} <= {command.command for command in commands("zh")}
    assert "pair" not in {command.command for command in commands("zh")}
    assert {command.command for command in commands("zh", IN_GROUPS)} == IN_GROUPS <= set(MAY)
