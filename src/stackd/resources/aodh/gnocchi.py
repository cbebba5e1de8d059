"""What the rules of alarms on Gnocchi share."""

COMPARED = ("aggregation_method", "granularity", "evaluation_periods", "comparison_operator", "threshold")
"""The properties of ``GnocchiProps`` that are part of a rule."""
