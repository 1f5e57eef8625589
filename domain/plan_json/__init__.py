"""Plan JSON to `Plan` and back: in the design's words, or in those that models use for the same thing."""

from domain.plan_json.document import is_plan, plan_document, read_plan, task_document

__all__ = ["is_plan", "plan_document", "read_plan", "task_document"]
