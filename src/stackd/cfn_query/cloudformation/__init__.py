"""The actions of CloudFormation, a module for each group of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from stackd.cfn_query.actions import Action
from stackd.cfn_query.cloudformation import (
    change_sets,
    changes,
    drift,
    events,
    exports,
    limits,
    protection,
    resources,
    signalling,
    stacks,
    templates,
)

_GROUPS = (
    change_sets,
    changes,
    drift,
    events,
    exports,
    limits,
    protection,
    resources,
    signalling,
    stacks,
    templates,
)
ACTIONS: Final[Mapping[str, Action]] = {name: row for group in _GROUPS for name, row in group.ACTIONS.items()}
"""All actions by their names."""
