"""cfn-hup: runs hooks when the metadata of resources changes, and starts services that went down."""

import argparse
import logging

from stackd_cfntools import cloudformation, credentials, logs, places
from stackd_cfntools.credentials import Given
from stackd_cfntools.hup import daemon, hooks, passes, settings
from stackd_cfntools.programs import options, program
from stackd_cfntools.programs.clients import cloudformation_client
from stackd_cfntools.query import QueryClient
from stackd_cfntools.system import System

log = logging.getLogger(__name__)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="cfn-hup", description=__doc__)
    made.add_argument(
        *("-c", "--config"),
        default=places.HOOKS_DIRECTORY,
        metavar="DIR",
        help="directory with hooks ({})".format(places.HOOKS_DIRECTORY),
    )
    made.add_argument(
        *("-f", "--no-daemon"),
        action="store_true",
        help="look once and end, instead of every few minutes in the background",
    )
    options.add_verbose(made)
    return made


def work(system: System, arguments: argparse.Namespace) -> int:
    """Look once, or again and again in the background."""
    config = settings.read(system)
    logs.start(system, "cfn-hup", arguments.verbose or config.verbose)
    found = hooks.read(system, arguments.config)
    client = _client(system, config)

    def act() -> bool:
        return passes.once(
            system, found, lambda name: cloudformation.describe_resource(client, config.stack, name)
        )

    with daemon.exclusively(system):
        if arguments.no_daemon:
            return 0 if act() else 1
        daemon.detach(system)
        daemon.repeat(system, act, config.interval)
    return 0


def _client(system: System, config: settings.Settings) -> QueryClient:
    key = credentials.required(system, Given(None, None, config.credential_file))
    chosen = argparse.Namespace(
        url=config.url,
        region=config.region,
        ca=config.ca,
        http_proxy=None,
        https_proxy=None,
        signature_version=4,
    )
    return cloudformation_client(system, chosen, key)


def main() -> None:
    """Run the command."""
    program.end(program.run(parser(), work))
