"""Values of a template in what is shown of it: long and secret ones are not."""

from __future__ import annotations

import re
from typing import Any, Final

from stackd.template.places import PathPart
from stackd.template.unknown import Unknown

_SECRET: Final = re.compile(r"pass(word|wd|phrase)?$|secret|token|private_key|credential", re.IGNORECASE)
_UNSHOWN: Final = re.compile(rf"{_SECRET.pattern}|password|Unknown\(|\d{{19}}", re.IGNORECASE)
_SHOWN: Final = 160
MASK: Final = "******"


def names_secret(name: str) -> bool:
    """Whether a name indicates a secret value."""
    return _SECRET.search(name) is not None


def shown_value(value: Any, path: tuple[PathPart, ...]) -> Any:
    """A value as shown in messages: None if it is long, masked if its name indicates a secret."""
    if value is None:
        return None
    named = path[2:] if path[:1] in (("resources",), ("Resources",)) else path
    if any(isinstance(part, str) and _SECRET.search(part) for part in named):
        return MASK
    if isinstance(value, str):
        return value if len(value) <= _SHOWN else f"{value[:_SHOWN]}…"
    if isinstance(value, dict | list):
        text = repr(value) if len(value) <= _SHOWN else ""
        return value if 0 < len(text) <= _SHOWN and not _UNSHOWN.search(text) else None
    if isinstance(value, int) and abs(value) >= 2**63:
        return None  # more than JSON can carry to every client
    return None if isinstance(value, Unknown) else value
