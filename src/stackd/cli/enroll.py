"""`stackd enroll`: by what the server may act for a user whose requests are signed with EC2 keys."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import click

from stackd.cli.failures import BAD_INPUT, Failure
from stackd.cli.output import Column, show_rows
from stackd.cli.stack import Target, target_options

_PATH = "/enrollment"
_ID, _SECRET = "OS_APPLICATION_CREDENTIAL_ID", "OS_APPLICATION_CREDENTIAL_SECRET"
_COLUMNS = {
    "kind": Column("By", 0),
    "roles": Column("Roles", 1, flexible=True),
    "state": Column("State", 2),
}


@click.command()
@click.option(
    "--application-credential",
    "with_application",
    is_flag=True,
    help=f"Give the server the application credential of {_ID} and {_SECRET}, instead of a trust.",
)
@click.option("--show", is_flag=True, help="Only show what the server has.")
@click.option("--withdraw", is_flag=True, help="Take it back as soon as no stack needs it.")
@target_options
def enroll(with_application: bool, show: bool, withdraw: bool, target: Target) -> None:
    """Let the server act for you in your project when you call it with EC2 keys.

    Keystone lets nobody delegate authority by a request that is signed with such a key, as the AWS CLI signs.
    So the server has to be given it once, by a request with a password, by single sign-on, or by an
    application credential.
    """
    if with_application + show + withdraw > 1:
        raise Failure("Only one of these options can be given.", BAD_INPUT, "Choose one of them.")
    with target.session() as session:
        if withdraw:
            session.call("DELETE", _PATH)
        elif not show:
            session.call("PUT", _PATH, _application() if with_application else {})
        found = session.get(_PATH)["enrollment"]
    show_rows([_row(each) for each in found], _COLUMNS, target.form)


def _application() -> Mapping[str, Any]:
    """The application credential of the environment."""
    given = {"id": os.environ.get(_ID, ""), "secret": os.environ.get(_SECRET, "")}
    if not all(given.values()):
        raise Failure(
            "There is no application credential.",
            BAD_INPUT,
            f"Set {_ID} and {_SECRET}, as `openstack application credential create` shows them.",
        )
    return {"application_credential": given}


def _row(shown: Mapping[str, Any]) -> Mapping[str, Any]:
    return {**shown, "roles": ", ".join(shown["roles"])}
