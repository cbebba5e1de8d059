"""`stackd serve`: the server."""

from __future__ import annotations

import gc
import sys

import click

from stackd.cli.failures import FAILED, Failure
from stackd.cli.settings import load_settings

_NOT_NEEDED = ("rich", "pygments", "watchfiles", "pydantic.v1")
"""Libraries of the server use these when they can be imported; without them it saves 10 MB."""


@click.command()
@click.pass_obj
def serve(config_file: str | None) -> None:
    """Run the server until it is told to stop (SIGTERM or Ctrl-C)."""
    settings = load_settings(config_file)
    for name in _NOT_NEEDED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    gc.disable()  # while modules are imported, which makes little garbage; the server enables it
    import uvloop

    from stackd.app import serve as run_server
    from stackd.errors import StackdError
    from stackd.settings import SettingsError

    try:
        uvloop.run(run_server(settings))
    except (StackdError, SettingsError) as error:
        raise Failure(str(error), FAILED) from error
    except OSError as error:
        raise Failure(f"The server cannot start: {error}.", FAILED) from error
