"""Make a plan runnable with the least change, and say every change."""

from domain.plan_repair.ladder import bound, certain, is_doubtful, repair, touched

__all__ = ["bound", "certain", "is_doubtful", "repair", "touched"]
