"""Telegram, through python-telegram-bot."""

from bot.platforms.telegram.adapter import Telegram
from bot.platforms.telegram.settings import TelegramSettings
from bot.platforms.telegram.standing import probe
from bot.platforms.telegram.traits import TRAITS

__all__ = ["TRAITS", "Telegram", "TelegramSettings", "probe"]
