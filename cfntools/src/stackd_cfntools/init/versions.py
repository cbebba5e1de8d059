"""The order of versions of packages: digits by value, letters by alphabet, and ~ before everything."""

import re
from typing import Any, List, Tuple

_PART = re.compile(r"~|[0-9]+|[a-zA-Z]+")
_OLDER, _END, _TEXT, _NUMBER = range(4)


def key_of(version: str) -> Tuple[int, List[Tuple[int, Any]], List[Tuple[int, Any]]]:
    """What sorts versions; of `epoch:version-release` each part counts by itself."""
    epoch, _, rest = version.rpartition(":")
    upstream, _, release = rest.partition("-")
    return int(epoch) if epoch.isdigit() else 0, _parts(upstream), _parts(release)


def _parts(text: str) -> List[Tuple[int, Any]]:
    return [_weighed(part) for part in _PART.findall(text)] + [(_END, "")]


def _weighed(part: str) -> Tuple[int, Any]:
    if part == "~":
        return _OLDER, ""
    return (_NUMBER, int(part)) if part.isdigit() else (_TEXT, part)


def matches(installed: str, wanted: str) -> bool:
    """Whether what is installed is the wanted version; what that leaves out, epoch or release, may be any."""
    there = installed if ":" in wanted else installed.rpartition(":")[2]
    return wanted in (there, there.partition("-")[0])
