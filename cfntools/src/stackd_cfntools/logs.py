"""The log of a command: /var/log/COMMAND.log, and warnings on standard error."""

import logging
import os
import sys

from stackd_cfntools import places
from stackd_cfntools.system import System

_FORM = "%(asctime)s %(levelname)s %(message)s"


def start(system: System, command: str, verbose: bool = False) -> None:
    """Log to the command's file, which only its owner reads, and what is worth it to standard error."""
    root = logging.getLogger()
    root.setLevel(logging.DEBUG if verbose else logging.INFO)
    terminal = logging.StreamHandler(sys.stderr)
    terminal.setLevel(logging.INFO if verbose else logging.WARNING)
    terminal.setFormatter(logging.Formatter("%(levelname)s: %(message)s"))
    root.handlers[:] = [terminal]
    try:
        root.addHandler(_file(system, command))
    except OSError as error:
        logging.getLogger(__name__).debug("there is no log file: %s", error)


def _file(system: System, command: str) -> logging.Handler:
    path = system.path("{}/{}.log".format(places.LOGS, command))
    os.close(os.open(path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600))
    handler = logging.FileHandler(path)
    handler.setFormatter(logging.Formatter(_FORM))
    return handler
