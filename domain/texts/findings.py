"""Filled by its part of the product."""

TEXTS: dict[str, tuple[str, str]] = {}
