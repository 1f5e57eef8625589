"""Delivery: what tasks say, brought to where they came from."""

from bot.delivery.clerk import Bot, DeliverySettings, Outside
from bot.delivery.loop import DeliveryLoop

__all__ = ["Bot", "DeliveryLoop", "DeliverySettings", "Outside"]
