"""cfn-create-aws-symlinks: links the tools to where templates of AWS call them, /opt/aws/bin."""

import argparse
import logging
import os

from stackd_cfntools.errors import ToolError
from stackd_cfntools.programs import options, program
from stackd_cfntools.system import System

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="cfn-create-aws-symlinks", description=__doc__)
    made.add_argument("-t", "--target", default="/opt/aws/bin", help="directory of the links (/opt/aws/bin)")
    made.add_argument("-s", "--source", default="/usr/bin", help="directory of the tools (/usr/bin)")
    made.add_argument("-f", "--force", action="store_true", help="replace what is there")
    options.add_verbose(made)
    return made


def work(system: System, arguments: argparse.Namespace) -> int:
    """Make a link for each tool."""
    try:
        names = sorted(os.listdir(system.path(arguments.source)))
        system.make_directory(arguments.target)
        for name in names:
            if name.startswith("cfn-"):
                _link(system, arguments, name)
    except OSError as error:
        raise ToolError("{}: {}".format(error.filename, error.strerror)) from error
    return 0


def _link(system: System, arguments: argparse.Namespace, name: str) -> None:
    source, target = os.path.join(arguments.source, name), os.path.join(arguments.target, name)
    real = system.path(target)
    if os.path.realpath(system.path(source)) == os.path.realpath(os.path.dirname(real)) + "/" + name:
        return
    if os.path.lexists(real):
        if not arguments.force:
            log.info("%s is there already", target)
            return
        os.unlink(real)
    os.symlink(source, real)
    log.info("%s leads to %s", target, source)


def main() -> None:
    """Run the command."""
    program.end(program.run(parser(), work))
