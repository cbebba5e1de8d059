"""The configuration of HAProxy for a load balancer by the names of AWS. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from stackd.errors import PropertyError

PLACE: Final = "/etc/haproxy/haproxy.cfg"
STATISTICS: Final = "/tmp/.haproxy-stats"  # noqa: S108  where guests that push metrics look for it
_TARGET: Final = re.compile(r"(?P<protocol>HTTP|HTTPS|TCP|SSL):(?P<port>\d{1,5})(?P<path>/[\x21-\x7e]*)?")
_GLOBAL: Final = f"""\
global
    daemon
    maxconn 4096
    stats socket {STATISTICS} mode 600 level user

defaults
    balance roundrobin
    timeout connect 10s
    timeout client 60s
    timeout server 60s
"""


def check_target(target: str, path: str) -> None:
    """Refuse the target of a health check that cannot be asked."""
    found = _TARGET.fullmatch(target)
    if found is None or int(found["port"]) > 65535 or (_asks_page(found) and not found["path"]):
        raise PropertyError(
            f"'{target:.100}' is no target of a health check.",
            path=path,
            remedy="Write it as HTTP:PORT/PATH or TCP:PORT, such as HTTP:80/index.html.",
        )


def _asks_page(target: re.Match[str]) -> bool:
    return target["protocol"] in ("HTTP", "HTTPS")


def configuration(
    listeners: Iterable[Mapping[str, Any]], health: Mapping[str, Any] | None, addresses: Sequence[str]
) -> str:
    """The text of the configuration: a frontend and a backend for each listener."""
    parts = [_GLOBAL]
    for listener in listeners:
        port, mode = listener["LoadBalancerPort"], listener["Protocol"].lower()
        parts.append("\n".join((f"frontend front-{port}", *_frontend(port, mode), "")))
        lines = _backend(mode, listener["InstancePort"], health, addresses)
        parts.append("\n".join((f"backend back-{port}", *lines, "")))
    return "\n".join(parts)


def _frontend(port: int, mode: str) -> Iterator[str]:
    yield f"    bind *:{port}"
    yield f"    mode {mode}"
    if mode == "http":
        yield "    option forwardfor"
        yield "    option http-server-close"
    yield f"    default_backend back-{port}"


def _backend(
    mode: str, port: int, health: Mapping[str, Any] | None, addresses: Sequence[str]
) -> Iterator[str]:
    yield f"    mode {mode}"
    check = ""
    if health is not None:
        target = _TARGET.fullmatch(health["Target"])
        assert target is not None, "checked before anything is made"
        if _asks_page(target):
            yield f"    option httpchk GET {target['path']}"
        yield f"    timeout check {health['Timeout']}s"
        check = (
            f" check port {target['port']} inter {health['Interval']}s"
            f" fall {health['UnhealthyThreshold']} rise {health['HealthyThreshold']}"
        )
        check += " check-ssl verify none" if target["protocol"] in ("HTTPS", "SSL") else ""
    for number, address in enumerate(addresses, 1):
        shown = f"[{address}]" if ":" in address else address
        yield f"    server instance-{number} {shown}:{port}{check}"
