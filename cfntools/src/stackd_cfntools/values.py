"""Values as templates and configuration files write them."""

from typing import Any, Dict, List

from stackd_cfntools.errors import ToolError

_TRUE = frozenset(["true", "yes", "on", "1"])


def is_true(value: Any) -> bool:
    """Whether a flag is set; templates write flags as booleans, numbers and texts."""
    return value is True or str(value).strip().lower() in _TRUE


def words_of(text: str) -> List[str]:
    """The parts of a comma-separated list."""
    return [part.strip() for part in text.split(",") if part.strip()]


def mapping(value: Any, where: str) -> Dict[str, Any]:
    """The value if it is a mapping, an empty one for none; raises ToolError that names the place."""
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ToolError("{} must be a map, not {}".format(where, type(value).__name__))
    return value


def listing(value: Any, where: str) -> List[Any]:
    """The value if it is a list, an empty one for none; raises ToolError that names the place."""
    if value is None:
        return []
    if not isinstance(value, list):
        raise ToolError("{} must be a list, not {}".format(where, type(value).__name__))
    return value
