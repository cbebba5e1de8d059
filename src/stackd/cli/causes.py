"""Why an operation failed: each failure once, at the resource that it began with."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from stackd.cli.naming import Owners

_REASON = re.compile(r"(?:[\w.]+: )?resources\.(?P<path>.+?): (?P<message>.*)", re.DOTALL)
_INSIDE = ".resources."
_CONSEQUENCES = "aborted (Operation cancelled)"
"""The end of the reason of a resource that was stopped because another one had failed."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A failed resource, by its path, and why it failed; the type is empty where only its path is known."""

    path: str
    type: str
    status: str
    message: str
    physical_id: str = ""

    def __str__(self) -> str:
        kind = f" ({self.type})" if self.type else ""
        return f"{self.path}{kind}: {self.message}"


def causes_in(resources: Iterable[Mapping[str, Any]], owners: Owners) -> list[Cause]:
    """The causes among failed resources of a stack and of those inside it, as the API lists them."""
    return root_causes(
        Cause(
            owners.path(item),
            str(item.get("resource_type") or ""),
            str(item["resource_status"]),
            str(item.get("resource_status_reason") or ""),
            str(item.get("physical_resource_id") or ""),
        )
        for item in resources
    )


def root_causes(failed: Iterable[Cause]) -> list[Cause]:
    """Where the failures began: not the stacks around them, nor what was stopped because of them."""
    rows = {each.path: each for each in failed}
    found: dict[str, Cause] = {}
    for each in rows.values():
        path, message = _began(each)
        began = rows.get(path) or Cause(path, "", each.status, "")
        found.setdefault(path, Cause(path, began.type, began.status, message, began.physical_id))
    innermost = [path for path in found if not any(other.startswith(f"{path}/") for other in found)]
    causes = [found[path] for path in innermost]
    return [each for each in causes if not each.message.endswith(_CONSEQUENCES)] or causes


def brief(reason: str) -> str:
    """The reason of a failed resource, for its row in a table; the resources inside it have their own."""
    path, message = _began(Cause("", "", "", reason))
    return f"in {path.lstrip('/')}" if path else " ".join(message.split())


def _began(failed: Cause) -> tuple[str, str]:
    """The path at which a failure began, and its message, from the reason of a resource around it."""
    match = _REASON.fullmatch(failed.message)
    if match is None:
        return failed.path, failed.message
    _, *inside = match["path"].split(_INSIDE)  # the first is the resource itself
    return "/".join([failed.path, *inside]), match["message"]
