"""Remedies for names that a template version does not have."""

from __future__ import annotations

from stackd.template.problems import nearest
from stackd.template.versions import VERSIONS, Version


def remedy_for(name: str, version: Version) -> str:
    """The remedy for a function that a version does not have; empty if no version has the name."""
    if name in version.functions or name in version.condition_functions:
        return ""
    same = [each for each in VERSIONS.values() if each.dialect == version.dialect and name in each.functions]
    if not same:
        other = any(name in each.functions for each in VERSIONS.values())
        if like := nearest(name, version.functions, 0.8):
            return like
        return f"{name} is a function of another dialect of templates." if other else ""
    dates = sorted(each.date for each in same)
    if dates[0] > version.date:
        return f"{name} needs {version.key} {dates[0]} or later."
    return f"{name} is a function of {version.key} {dates[-1]} and earlier only."
