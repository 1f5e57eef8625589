"""What can be said to the bot besides a request: commands, and everything that they share with buttons."""

from bot.commands.commands import Commands
from bot.commands.means import Means, Preview
from bot.commands.words import is_slow, menu

__all__ = ["Commands", "Means", "Preview", "is_slow", "menu"]
