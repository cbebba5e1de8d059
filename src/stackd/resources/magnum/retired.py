"""Since when the types with the first names of clusters and their templates are hidden."""

from __future__ import annotations

from stackd.resources.schema import Support


def retired(successor: str, since: str) -> Support:
    """A type that came in release ``since`` and was replaced by ``successor``."""
    message = f"Use {successor}."
    former = Support("DEPRECATED", "9.0.0", message=message, previous=Support(version=since))
    return Support("HIDDEN", "11.0.0", message=message, previous=former)
