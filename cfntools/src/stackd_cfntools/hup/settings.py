"""The configuration of cfn-hup."""

from typing import NamedTuple, Optional

from stackd_cfntools import places
from stackd_cfntools.credentials import read_ini
from stackd_cfntools.errors import ToolError
from stackd_cfntools.system import System
from stackd_cfntools.values import is_true

_INTERVAL = "10"


class Settings(NamedTuple):
    """``interval`` is in seconds."""

    stack: str
    credential_file: str
    region: str
    interval: float
    url: Optional[str]
    ca: Optional[str]
    verbose: bool


def read(system: System) -> Settings:
    """What /etc/cfn/cfn-hup.conf says."""
    if not system.exists(places.HUP_CONFIG):
        raise ToolError("there is no {}".format(places.HUP_CONFIG))
    parser = read_ini(system, places.HUP_CONFIG)
    main = dict(parser.items("main")) if parser.has_section("main") else {}
    missing = [name for name in ("stack", "credential-file") if not main.get(name)]
    if missing:
        raise ToolError("{} has no {} in its section [main]".format(places.HUP_CONFIG, missing[0]))
    return Settings(
        stack=main["stack"],
        credential_file=main["credential-file"],
        region=main.get("region") or "nova",
        interval=_seconds(main.get("interval") or _INTERVAL),
        url=main.get("url"),
        ca=main.get("ca"),
        verbose=is_true(main.get("verbose", "0")),
    )


def _seconds(minutes: str) -> float:
    try:
        seconds = 60 * float(minutes)
    except ValueError:
        seconds = 0
    if seconds <= 0:
        raise ToolError("the interval {!r} is no number of minutes".format(minutes))
    return seconds
