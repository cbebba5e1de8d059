"""Memory, swap, disk and processor, from /proc and the file system."""

import os
import re
from typing import Dict, List, Tuple

from stackd_cfntools.errors import ToolError
from stackd_cfntools.stats.data import SIZES, Datum, unit_of
from stackd_cfntools.system import System

_SIZE = re.compile(r"^(\w+):\s+(\d+) kB$", re.MULTILINE)
_IDLE = (3, 4)
_COUNTED = 8  # guests' time, which comes after these, is in the first two already
_SAMPLE = 1.0


def memory(system: System) -> Tuple[float, float]:
    """The total and the available bytes of memory."""
    table = _meminfo(system)
    spare = table.get("MemAvailable")
    if spare is None:
        spare = sum(table.get(name, 0) for name in ("MemFree", "Buffers", "Cached"))
    return float(table["MemTotal"]), float(spare)


def swap(system: System) -> Tuple[float, float]:
    """The total and the free bytes of swap."""
    table = _meminfo(system)
    return float(table.get("SwapTotal", 0)), float(table.get("SwapFree", 0))


def disk(system: System, path: str) -> Tuple[float, float]:
    """The bytes of a file system that are used, and that users may still have."""
    try:
        found = os.statvfs(system.path(path))
    except OSError as error:
        raise ToolError("the disk of {} cannot be measured: {}".format(path, error.strerror)) from error
    return float((found.f_blocks - found.f_bfree) * found.f_frsize), float(found.f_bavail * found.f_frsize)


def processor(system: System) -> float:
    """The percentage of a second in which the processors were busy."""
    busy, total = _ticks(system)
    system.sleep(_SAMPLE)
    busy_then, total_then = _ticks(system)
    return percent(busy_then - busy, total_then - total)


def percent(part: float, whole: float) -> float:
    """The part as a percentage; 0 of nothing."""
    return 100.0 * part / whole if whole > 0 else 0.0


def sized(name: str, value: float, units: str) -> Datum:
    """A number of bytes in the units that were asked for."""
    return Datum(name, value / SIZES[units], unit_of(units))


def _meminfo(system: System) -> Dict[str, int]:
    found = _SIZE.findall(system.read("/proc/meminfo") or "")
    table = {name: int(number) * 1024 for name, number in found}
    if "MemTotal" not in table:
        raise ToolError("/proc/meminfo does not say how much memory there is")
    return table


def _ticks(system: System) -> Tuple[int, int]:
    first: List[str] = (system.read("/proc/stat") or "").partition("\n")[0].split()
    if len(first) < 5 or first[0] != "cpu":
        raise ToolError("/proc/stat does not say how busy the processors were")
    ticks = [int(each) for each in first[1 : 1 + _COUNTED]]
    return sum(ticks) - sum(ticks[each] for each in _IDLE if each < len(ticks)), sum(ticks)
