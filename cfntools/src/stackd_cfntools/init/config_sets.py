"""Which configs are run, and in which order."""

from typing import Any, Dict, List, Tuple

from stackd_cfntools.errors import ToolError
from stackd_cfntools.values import mapping

DEFAULT = "default"
_SINGLE = "config"


def chosen(init: Dict[str, Any], requested: List[str]) -> List[Tuple[str, Dict[str, Any]]]:
    """The configs of the requested sets with their names; raises ToolError for a set that there is not."""
    if "configSets" not in init:
        return _single(init, requested)
    sets = mapping(init["configSets"], "configSets")
    names = [name for each in requested for name in _expanded(sets, each, ())]
    return [(name, _config(init, name)) for name in names]


def _single(init: Dict[str, Any], requested: List[str]) -> List[Tuple[str, Dict[str, Any]]]:
    unknown = [name for name in requested if name != DEFAULT]
    if unknown:
        raise ToolError("there is no config set {!r}: the metadata has no configSets".format(unknown[0]))
    return [(_SINGLE, _config(init, _SINGLE))] if _SINGLE in init else []


def _expanded(sets: Dict[str, Any], name: str, within: Tuple[str, ...]) -> List[str]:
    """The names of a set's configs; sets in it are replaced by theirs."""
    if name in within:
        raise ToolError("config sets contain each other: {}".format(" > ".join((*within, name))))
    if not sets.get(name):
        known = ", ".join(sorted(sets)) or "none"
        raise ToolError("there is no config set {!r}, or it is empty; there are: {}".format(name, known))
    items = sets[name] if isinstance(sets[name], list) else [sets[name]]
    return [found for item in items for found in _names(sets, item, (*within, name))]


def _names(sets: Dict[str, Any], item: Any, within: Tuple[str, ...]) -> List[str]:
    if isinstance(item, str):
        return [item]
    if isinstance(item, dict) and list(item) == ["ConfigSet"]:
        return _expanded(sets, str(item["ConfigSet"]), within)
    place = "configSets." + within[-1]
    raise ToolError('{}: {!r} is neither the name of a config nor {{"ConfigSet": NAME}}'.format(place, item))


def _config(init: Dict[str, Any], name: str) -> Dict[str, Any]:
    if name not in init:
        raise ToolError("the config {!r} is in a config set, but not in the metadata".format(name))
    return mapping(init[name], name)
