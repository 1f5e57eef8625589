"""What Telegram takes: sizes from the Bot API's documentation, paces below what its FAQ says it lets pass."""

from __future__ import annotations

from dataclasses import replace

from telegram.constants import FileSizeLimit, MessageLimit

from bot.drawing.entities import utf16_length
from bot.platform import Pace, Traits
from bot.platforms.telegram.settings import TelegramSettings

MAX_UPLOAD_BYTES = 20 * 2**20  # getFile; "file is too big" beyond (tdlib/telegram-bot-api, MAX_DOWNLOAD_FILE_SIZE)
OWN_UPLOAD_BYTES = 2000 * 2**20  # what a Bot API server of one's own hands out when it was started with --local
MAX_NOTICE = 200  # characters of an answer to a callback query
ROW, BUTTONS = 8, 100  # a keyboard; undocumented

TIMEOUT_S = 10.0  # to connect, to write, to be answered, and to get a connection at all
MEDIA_TIMEOUT_S = 60.0
POLL_S = 20  # how long Telegram may keep a call that asks for updates
CONNECTIONS = 32

TRAITS = Traits(
    measure=utf16_length,
    max_text=int(MessageLimit.MAX_TEXT_LENGTH),
    max_caption=int(MessageLimit.CAPTION_LENGTH),
    max_file_bytes=int(FileSizeLimit.FILESIZE_UPLOAD),
    max_upload_bytes=MAX_UPLOAD_BYTES,
    columns=36,
    # https://core.telegram.org/bots/faq: one message a second in a chat, 20 a minute in a group, 30 a second overall
    pace=Pace(private_s=1.2, group_s=3.5, group_per_minute=18, overall_per_s=28.0),
)


def traits_of(settings: TelegramSettings) -> Traits:
    """What is taken there; a server of one's own may hand out larger files."""
    return replace(TRAITS, max_upload_bytes=OWN_UPLOAD_BYTES) if settings.base_url else TRAITS
