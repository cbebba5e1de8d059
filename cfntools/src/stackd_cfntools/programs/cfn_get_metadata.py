"""cfn-get-metadata: prints the metadata of a resource, or the part of it at a path such as a.b.'c.d'."""

import argparse
import json
import sys

from stackd_cfntools import metadata
from stackd_cfntools.programs import options, program
from stackd_cfntools.programs.clients import current_metadata
from stackd_cfntools.system import System


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="cfn-get-metadata", description=__doc__)
    options.add_stack(made, required=True)
    options.add_credentials(made)
    options.add_server(made)
    options.add_verbose(made)
    made.add_argument("-k", "--key", help="path of the part to print, with dots; nothing if it is not there")
    return made


def work(system: System, arguments: argparse.Namespace) -> int:
    """Print the metadata."""
    found = current_metadata(system, arguments)
    there, value = metadata.at(found, arguments.key) if arguments.key else (True, found)
    if there:
        sys.stdout.write(json.dumps(value) + "\n")
    return 0


def main() -> None:
    """Run the command."""
    program.end(program.run(parser(), work))
