"""Which metrics are an alarm's. Pure.

An alarm that was made through the API is of the metric with exactly its dimensions. One in a template is, as
in the templates that it is written for, of all metrics that have its dimensions among others. A dimension
`AlarmName` then says to which alarm a metric belongs, whatever else it has.
"""

from __future__ import annotations

from typing import Final

from stackd.db.metrics import Dimensions

_PREFIX: Final = "metering."
"""What the metadata of servers have before the names of dimensions."""

_NAMED: Final = "AlarmName"


def has_among_others(dimensions: Dimensions, wanted: Dimensions, alarm_name: str) -> bool:
    """Whether a metric with these dimensions belongs to an alarm in a template."""
    own = {name.removeprefix(_PREFIX): value for name, value in dimensions}
    if _NAMED in own:
        return own[_NAMED] == alarm_name
    return all(own.get(name.removeprefix(_PREFIX)) == value for name, value in wanted)
