"""What all commands do."""

import argparse
import logging
import sys
from typing import Callable, List, Optional

from stackd_cfntools import logs
from stackd_cfntools.errors import ToolError
from stackd_cfntools.system import System, this_system

log = logging.getLogger(__name__)

Work = Callable[[System, argparse.Namespace], int]


def run(
    parser: argparse.ArgumentParser,
    work: Work,
    words: Optional[List[str]] = None,
    system: Optional[System] = None,
) -> int:
    """Read the command line, do the work, and return the exit code; whatever goes wrong is in the log."""
    arguments = parser.parse_args(words)
    machine = system or this_system()
    logs.start(machine, parser.prog, getattr(arguments, "verbose", False))
    try:
        return work(machine, arguments)
    except ToolError as error:
        log.error("%s", error)
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    except Exception:
        log.exception("%s broke; this is a mistake of the tool", parser.prog)
        return 1


def end(code: int) -> None:
    """End the process with the exit code."""
    sys.stdout.flush()
    sys.exit(code)
