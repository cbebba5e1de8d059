"""cfn-signal: reports success or failure to a wait condition's URL, or to a resource of a stack."""

import argparse
import json

from stackd_cfntools import cloudformation, credentials, instance
from stackd_cfntools.errors import ToolError
from stackd_cfntools.programs import options, program
from stackd_cfntools.programs.clients import cloudformation_client, web_of
from stackd_cfntools.retries import PATIENT, repeated
from stackd_cfntools.system import System
from stackd_cfntools.values import is_true
from stackd_cfntools.web import Web, refusal

_REASON = "Configuration Complete"
_DATA = "Application has completed configuration."


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="cfn-signal", description=__doc__)
    made.add_argument("-s", "--success", default="true", help="true or false (true)")
    made.add_argument(
        "-e", "--exit-code", "--exit", type=int, help="exit code to report, instead of --success"
    )
    made.add_argument("-r", "--reason", default=_REASON, help="why")
    made.add_argument("-d", "--data", default=_DATA, help="what the stack gets to read")
    made.add_argument("-i", "--id", dest="unique_id", help="what tells this signal from others")
    made.add_argument("-k", "--insecure", action="store_true", help="do not verify TLS")
    made.add_argument("--stack", help="name or ARN of the stack, for a signal to one of its resources")
    made.add_argument("--resource", help="name of the resource in its template")
    options.add_credentials(made)
    options.add_server(made)
    options.add_verbose(made)
    made.add_argument("handle", nargs="?", metavar="URL", help="URL of the handle of a wait condition")
    return made


def work(system: System, arguments: argparse.Namespace) -> int:
    """Send the signal."""
    unique_id = arguments.unique_id or instance.unique_id(system)
    success = is_true(arguments.success) if arguments.exit_code is None else arguments.exit_code == 0
    if arguments.handle:
        body = handle_body(success, arguments.reason, unique_id, arguments.data)
        _put(system, web_of(system, arguments), arguments.handle, body)
    elif arguments.stack and arguments.resource:
        key = credentials.required(system, options.given_credentials(arguments))
        client = cloudformation_client(system, arguments, key)
        cloudformation.signal_resource(client, arguments.stack, arguments.resource, unique_id, success)
    else:
        raise ToolError("give the URL of a handle, or --stack and --resource")
    return 0


def handle_body(success: bool, reason: str, unique_id: str, data: str) -> bytes:
    """The body of a signal; servers take these four keys and no others."""
    status = "SUCCESS" if success else "FAILURE"
    return json.dumps({"Status": status, "Reason": reason, "UniqueId": unique_id, "Data": data}).encode()


def _put(system: System, web: Web, url: str, body: bytes) -> None:
    """Deliver a signal. It may be sent more than once: one of the same id takes the place of the other."""

    def act() -> None:
        answer = web.request("PUT", url, {"Content-Type": ""}, body)
        if answer.status >= 300:
            raise refusal(url, answer.status)

    repeated(system, act, PATIENT)


def main() -> None:
    """Run the command."""
    program.end(program.run(parser(), work))
