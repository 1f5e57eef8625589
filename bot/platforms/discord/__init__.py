"""Discord: slash commands, direct messages, mentions, threads, buttons and forms."""

from bot.platforms.discord.bot import TRAITS, Discord
from bot.platforms.discord.catching_up import Bookmarks
from bot.platforms.discord.connection import DiscordSettings, bot_id_of, probe

__all__ = ["TRAITS", "Bookmarks", "Discord", "DiscordSettings", "bot_id_of", "probe"]
