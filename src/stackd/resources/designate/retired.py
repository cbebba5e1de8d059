"""Since when the types of version 1 of the DNS API do nothing."""

from __future__ import annotations

from stackd.resources.schema import Support


def retired(successor: str) -> Support:
    """A type that was replaced by ``successor``."""
    former = Support("DEPRECATED", "8.0.0", previous=Support(version="5.0.0"))
    return Support("HIDDEN", "10.0.0", message=f"Use {successor}.", previous=former)
