"""Options that several commands have."""

import argparse

from stackd_cfntools.credentials import Given


def add_stack(parser: argparse.ArgumentParser, required: bool = False) -> None:
    """Which resource of which stack."""
    parser.add_argument("-s", "--stack", required=required, help="name or ARN of the stack")
    parser.add_argument("-r", "--resource", required=required, help="name of the resource in its template")


def add_credentials(parser: argparse.ArgumentParser) -> None:
    """Who asks."""
    parser.add_argument("--access-key", help="access key of a user who may see the stack")
    parser.add_argument("--secret-key", help="its secret")
    add_credential_file(parser)
    parser.add_argument("--role", help="accepted as AWS's tools have it, and not used")


def add_credential_file(parser: argparse.ArgumentParser) -> None:
    """Where the credentials are."""
    parser.add_argument(
        "--credential-file",
        help="file with AWSAccessKeyId=... and AWSSecretKey=... (/etc/cfn/cfn-credentials)",
    )


def add_server(parser: argparse.ArgumentParser) -> None:
    """Which server, by which way."""
    parser.add_argument("--region", default="nova", help="region of the server")
    parser.add_argument("-u", "--url", help="URL of the API; else as the server put it on this machine")
    add_web(parser)
    parser.add_argument(
        "--signature-version", type=int, choices=(2, 4), default=4, help="how requests are signed (4)"
    )


def add_web(parser: argparse.ArgumentParser) -> None:
    """How requests are sent."""
    parser.add_argument("--ca", metavar="FILE", help="authorities to trust instead of the system's")
    parser.add_argument("--http-proxy", metavar="URL", help="proxy for http")
    parser.add_argument("--https-proxy", metavar="URL", help="proxy for https")


def add_verbose(parser: argparse.ArgumentParser) -> None:
    """How much is logged."""
    parser.add_argument("-v", "--verbose", action="store_true", help="log more, on standard error too")


def given_credentials(arguments: argparse.Namespace) -> Given:
    """The credentials that the command line names."""
    return Given(
        getattr(arguments, "access_key", None),
        getattr(arguments, "secret_key", None),
        arguments.credential_file,
    )
