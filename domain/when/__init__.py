"""When something is to happen, as a person says it: read and told back, in English and Chinese."""

from domain.when.options import Options, read_limits
from domain.when.reading import Wanted, read_moment, read_span, read_wanted, read_zone
from domain.when.telling import told_rule, told_span, told_time

__all__ = [
    "Options",
    "Wanted",
    "read_limits",
    "read_moment",
    "read_span",
    "read_wanted",
    "read_zone",
    "told_rule",
    "told_span",
    "told_time",
]
