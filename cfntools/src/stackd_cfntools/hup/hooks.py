"""The hooks: what to run when something of a resource changes."""

import os
from typing import Dict, List, NamedTuple, Tuple

from stackd_cfntools import places
from stackd_cfntools.credentials import read_ini
from stackd_cfntools.errors import ToolError
from stackd_cfntools.metadata import parts_of
from stackd_cfntools.system import System
from stackd_cfntools.values import words_of

ADDED, REMOVED, UPDATED, RESTARTED = "post.add", "post.remove", "post.update", "service.restarted"
_TRIGGERS = frozenset([ADDED, REMOVED, UPDATED, RESTARTED])
_KEYS = ("triggers", "path", "action", "runas")


class Target(NamedTuple):
    """A resource, which part of it (Metadata or PhysicalResourceId), and the path in its metadata."""

    resource: str
    part: str
    key: str


class Hook(NamedTuple):
    """What to run when something of a resource changes."""

    name: str
    triggers: Tuple[str, ...]
    target: Target
    action: str
    runas: str


def read(system: System, directory: str) -> List[Hook]:
    """The hooks of hooks.conf and of the directory; later ones replace earlier ones of their name."""
    found: Dict[str, Hook] = {}
    for path in _files(system, directory):
        parser = read_ini(system, path)
        for name in parser.sections():
            if name != "main":
                found[name] = _hook(path, name, dict(parser.items(name)))
    if not found:
        raise ToolError("there are no hooks in {} and {}".format(places.HOOKS_FILE, directory))
    return list(found.values())


def _files(system: System, directory: str) -> List[str]:
    real = system.path(directory)
    names = sorted(os.listdir(real)) if os.path.isdir(real) else []
    inside = [os.path.join(directory, name) for name in names if not name.startswith(".")]
    files = [path for path in inside if os.path.isfile(system.path(path))]
    return [places.HOOKS_FILE, *files] if system.exists(places.HOOKS_FILE) else files


def _hook(path: str, name: str, section: Dict[str, str]) -> Hook:
    where = "{}: the hook {}".format(path, name)
    missing = [key for key in _KEYS if not section.get(key)]
    if missing:
        raise ToolError("{} has no {}".format(where, missing[0]))
    triggers = tuple(words_of(section["triggers"]))
    unknown = [each for each in triggers if each not in _TRIGGERS]
    if unknown:
        raise ToolError(
            "{} has the trigger {!r}; there are {}".format(where, unknown[0], ", ".join(sorted(_TRIGGERS)))
        )
    return Hook(name, triggers, target_of(where, section["path"]), section["action"], section["runas"])


def target_of(where: str, path: str) -> Target:
    """What a path such as Resources.web.Metadata.key is about."""
    parts = parts_of(path)
    if len(parts) < 2 or parts[0] != "Resources" or not parts[1]:
        raise ToolError("{}: the path {!r} must begin with Resources.NAME".format(where, path))
    part = parts[2] if len(parts) > 2 else "Metadata"
    if part not in ("Metadata", "PhysicalResourceId"):
        raise ToolError(
            "{}: {!r} of a resource is neither Metadata nor PhysicalResourceId".format(where, part)
        )
    return Target(parts[1], part, ".".join("'{}'".format(each) for each in parts[3:]))
