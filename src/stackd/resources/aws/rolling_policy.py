"""Rolling updates by the names of AWS: the update policies of groups of instances. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from stackd.errors import PropertyError
from stackd.resources.heat.rolling import Pace
from stackd.resources.schema import Properties, prop
from stackd.template.unknown import has_unknown

_LONGEST = 3600
_DURATION = re.compile(r"PT(?=\d)(?:(\d{1,5})H)?(?:(\d{1,5})M)?(?:(\d{1,5})S)?")


class RollingPolicy(Properties):
    """How the instances of a group get another launch configuration."""

    min_in_service: int = prop(
        "How many instances are left alone while others change.", name="MinInstancesInService", default=0
    )
    max_batch_size: int = prop("How many instances change at a time.", name="MaxBatchSize", default=1)
    pause_time: str = prop("Time between batches, such as PT5M30S.", name="PauseTime", default="PT0S")


def check_policy(name: str, policy: Mapping[str, Any]) -> None:
    """Refuse the rolling policy ``name`` of an update policy if nothing could be done by it."""
    given = policy.get(name)
    if given is None or has_unknown(given):
        return
    path, rolling = f"update_policy.{name}", RollingPolicy.wrap(given)
    if rolling.min_in_service < 0:
        raise PropertyError(
            "MinInstancesInService is a number of instances, 0 or more.",
            path=f"{path}.MinInstancesInService",
            remedy="Give it the number of instances that have to go on working.",
        )
    if rolling.max_batch_size < 1:
        raise PropertyError(
            "At least one instance changes at a time: MaxBatchSize is 1 or more.",
            path=f"{path}.MaxBatchSize",
            remedy="Give it a number from 1 on.",
        )
    seconds(rolling.pause_time, f"{path}.PauseTime")


def pace_of(name: str, policy: Mapping[str, Any] | None) -> Pace | None:
    """The pace that the rolling policy ``name`` of an update policy sets; None if there is none."""
    given = (policy or {}).get(name)
    if given is None:
        return None
    rolling = RollingPolicy.load(given, f"update_policy.{name}")
    check_policy(name, {name: rolling.data})
    pause = seconds(rolling.pause_time, f"update_policy.{name}.PauseTime")
    return Pace(rolling.max_batch_size, pause, rolling.min_in_service)


def seconds(duration: str, path: str) -> float:
    """The length of a pause such as ``PT1M30S``, an hour at most."""
    found = _DURATION.fullmatch(duration)
    if found is None:
        raise PropertyError(
            f"'{duration}' is no duration of the form PT#H#M#S.",
            path=path,
            remedy="Write hours, minutes and seconds, such as PT5M or PT1M30S.",
        )
    hours, minutes, rest = (int(each or 0) for each in found.groups())
    total = 3600 * hours + 60 * minutes + rest
    if total > _LONGEST:
        raise PropertyError(
            f"A pause of {duration} is longer than an hour.", path=path, remedy="Give it PT1H at most."
        )
    return float(total)
