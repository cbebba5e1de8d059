"""cfn-init: brings the machine to what AWS::CloudFormation::Init in the metadata of its resource asks for."""

import argparse
import logging

from stackd_cfntools import metadata
from stackd_cfntools.init.config_sets import DEFAULT
from stackd_cfntools.init.run import configure
from stackd_cfntools.programs import options, program
from stackd_cfntools.programs.clients import current_metadata, web_of
from stackd_cfntools.system import System
from stackd_cfntools.values import words_of

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="cfn-init", description=__doc__)
    options.add_stack(made)
    options.add_credentials(made)
    options.add_server(made)
    options.add_verbose(made)
    made.add_argument("-c", "--configsets", default=DEFAULT, help="config sets, parted by commas (default)")
    made.add_argument(
        "--resume", action="store_true", help="accepted as AWS's tool has it; every run resumes"
    )
    return made


def work(system: System, arguments: argparse.Namespace) -> int:
    """Configure the machine, and keep the metadata that it was configured by."""
    found = current_metadata(system, arguments)
    sets = words_of(arguments.configsets) or [DEFAULT]
    configure(system, web_of(system, arguments), found, sets, arguments.region)
    metadata.keep(system, arguments.resource, found)
    log.info("the machine is configured")
    return 0


def main() -> None:
    """Run the command."""
    program.end(program.run(parser(), work))
