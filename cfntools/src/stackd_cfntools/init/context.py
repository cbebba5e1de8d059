"""What the sections of a config share."""

from typing import NamedTuple, Set, Tuple

from stackd_cfntools.init.authentication import Authentication
from stackd_cfntools.system import System
from stackd_cfntools.web import Web


class Changes:
    """What a run has changed so far; services are restarted because of it."""

    def __init__(self) -> None:
        self.files: Set[str] = set()
        self.sources: Set[str] = set()
        self.packages: Set[Tuple[str, str]] = set()
        self.commands: Set[str] = set()


class Context(NamedTuple):
    """The machine, what sends requests, credentials for downloads, and what was changed so far."""

    system: System
    web: Web
    authentication: Authentication
    changes: Changes
