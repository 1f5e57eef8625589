"""A model's text to a plan, or to whatever JSON is in it."""

from planner.reading.ladder import MAX_TEXT, read_text, read_value, was_cut

__all__ = ["MAX_TEXT", "read_text", "read_value", "was_cut"]
