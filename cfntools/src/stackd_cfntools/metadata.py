"""The metadata of a resource as the machine has it, and the copies that are kept of it."""

import csv
import json
from typing import Any, Dict, List, Optional, Tuple

from stackd_cfntools import places
from stackd_cfntools.errors import ToolError
from stackd_cfntools.system import System

INIT = "AWS::CloudFormation::Init"
AUTHENTICATION = "AWS::CloudFormation::Authentication"


def stored(system: System, resource: Optional[str]) -> Dict[str, Any]:
    """The metadata that this machine has: what was fetched last, else what it was booted with."""
    for path in candidates(resource):
        found = system.read_json(path)
        if found is not None:
            return found
    raise ToolError(
        "there is no metadata: no credentials to fetch it with, and none of {} exists".format(
            ", ".join(candidates(resource))
        )
    )


def candidates(resource: Optional[str]) -> List[str]:
    """Where metadata may be on the machine, the best place first."""
    own = [places.last_metadata_of(resource)] if resource else []
    return own + [places.LAST_METADATA] + [folder + "/" + places.INIT_DATA for folder in places.DATA]


def keep(system: System, resource: Optional[str], metadata: Dict[str, Any]) -> None:
    """Keep copies of metadata that was made use of, for the next time."""
    content = json.dumps(metadata).encode()
    own = [places.last_metadata_of(resource)] if resource else []
    for path in [*own, places.LAST_METADATA]:
        system.write(path, content, 0o600)


def at(metadata: Any, key: str) -> Tuple[bool, Any]:
    """Whether there is something at a path such as a.b.'c.d', and what."""
    for part in parts_of(key):
        if isinstance(metadata, list) and part.isdigit() and int(part) < len(metadata):
            metadata = metadata[int(part)]
        elif isinstance(metadata, dict) and part in metadata:
            metadata = metadata[part]
        else:
            return False, None
    return True, metadata


def parts_of(key: str) -> List[str]:
    """The names in a path; quotes keep the dots in a name together."""
    return next(csv.reader([key], delimiter=".", quotechar="'"), [])
