"""The load balancer on this machine, by HAProxy's statistics. Counts are those since it was started."""

import csv
import socket
from typing import Dict, List, Tuple

from stackd_cfntools import places
from stackd_cfntools.errors import ToolError
from stackd_cfntools.stats.data import Datum
from stackd_cfntools.system import System

_STATUS, _TYPE, _CHECK_DURATION, _REQUESTS = 17, 32, 38, 48
_ANSWERED = {"2XX": 40, "3XX": 41, "4XX": 42, "5XX": 43}
_FRONTEND, _SERVER = "0", "2"
_TIMEOUT = 10.0

Row = List[str]


def statistics(system: System) -> str:
    """What HAProxy prints for `show stat`."""
    path = system.path(places.HAPROXY_SOCKET)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(_TIMEOUT)
            connection.connect(path)
            connection.sendall(b"show stat\n")
            parts = list(iter(lambda: connection.recv(65536), b""))
    except OSError as error:
        raise ToolError("HAProxy's socket {} cannot be read: {}".format(path, error)) from error
    return b"".join(parts).decode("utf-8", "replace")


def _rows(text: str) -> Tuple[List[Row], List[Row]]:
    """The rows of the frontends and of the servers."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    rows = [row for row in csv.reader(lines) if len(row) > _REQUESTS]
    if not rows:
        raise ToolError("HAProxy's statistics have no rows with {} columns".format(_REQUESTS + 1))
    return [row for row in rows if row[_TYPE] == _FRONTEND], [row for row in rows if row[_TYPE] == _SERVER]


def _number(row: Row, column: int) -> int:
    return int(row[column]) if row[column].isdigit() else 0


def _total(rows: List[Row], column: int) -> float:
    return float(sum(_number(row, column) for row in rows))


def _up(servers: List[Row], state: str) -> float:
    return float(sum(row[_STATUS].startswith(state) for row in servers))


def latency(text: str) -> Datum:
    """The longest health check of a server."""
    _, servers = _rows(text)
    longest = max((_number(row, _CHECK_DURATION) for row in servers), default=0)
    return Datum("Latency", longest / 1000.0, "Seconds")


def measured(text: str) -> List[Datum]:
    """Requests, answers by their kind, servers that are up and down, and the latency."""
    frontends, servers = _rows(text)
    counts: Dict[str, float] = {"RequestCount": _total(frontends, _REQUESTS)}
    counts.update({"HTTPCode_ELB_" + kind: _total(frontends, _ANSWERED[kind]) for kind in ("4XX", "5XX")})
    counts.update({"HTTPCode_Backend_" + kind: _total(servers, _ANSWERED[kind]) for kind in _ANSWERED})
    counts.update({"HealthyHostCount": _up(servers, "UP"), "UnHealthyHostCount": _up(servers, "DOWN")})
    return [Datum(name, value, "Count") for name, value in counts.items()] + [latency(text)]
