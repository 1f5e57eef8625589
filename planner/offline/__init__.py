"""Planning by rules, for when there is no model: a request is cut into clauses, and each is matched to a skill."""

from planner.offline.planning import AUTHOR, offered, plan_offline

__all__ = ["AUTHOR", "offered", "plan_offline"]
