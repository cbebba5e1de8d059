"""What each hook has seen last, as a digest: metadata may be secret."""

import hashlib
import json
from typing import Any, Dict, Optional

from stackd_cfntools import places
from stackd_cfntools.cloudformation import Detail
from stackd_cfntools.hup.hooks import Target
from stackd_cfntools.metadata import at
from stackd_cfntools.system import System

State = Dict[str, Optional[str]]
"""The digest of what a hook has seen, by the hook's name; None where there was nothing."""


def read(system: System) -> State:
    """What was seen in earlier passes."""
    found = system.read_json(places.HUP_STATE) or {}
    return {str(name): None if value is None else str(value) for name, value in found.items()}


def write(system: System, state: State) -> None:
    """Keep what was seen."""
    system.write(places.HUP_STATE, json.dumps(state, sort_keys=True).encode(), 0o600)


def digest(detail: Detail, target: Target) -> Optional[str]:
    """The digest of what a hook looks at; None if it is not there."""
    if target.part == "PhysicalResourceId":
        return _digest(detail.physical_id) if detail.physical_id else None
    there, value = at(detail.metadata, target.key) if target.key else (True, detail.metadata)
    return _digest(value) if there else None


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def seen_by_others(system: System, target: Target) -> Optional[str]:
    """The digest of what cfn-init has configured the machine by, if it has."""
    kept = system.read_json(places.last_metadata_of(target.resource))
    if kept is None or target.part != "Metadata":
        return None
    return digest(Detail(kept, ""), target)
