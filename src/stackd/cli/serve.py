"""`stackd serve`: the server."""

from __future__ import annotations

import gc
import sqlite3
import sys

import click

from stackd.cli.failures import BAD_INPUT, FAILED, Failure, why
from stackd.cli.settings import load_settings
from stackd.settings import ENV_PREFIX, Settings

_NOT_NEEDED = ("rich", "pygments", "watchfiles", "pydantic.v1")
"""Libraries of the server use these when they can be imported; without them it saves 10 MB."""


@click.command()
@click.pass_obj
def serve(config_file: str | None) -> None:
    """Run the server until it is told to stop (SIGTERM or Ctrl-C)."""
    gc.disable()  # while modules are imported, which makes little garbage; the server enables it
    for name in _NOT_NEEDED:
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
    settings = load_settings(config_file)
    _require_keystone(settings)
    import uvloop

    from stackd.app import serve as run_server
    from stackd.errors import StackdError
    from stackd.serving import AddressInUse
    from stackd.settings import SettingsError

    try:
        uvloop.run(run_server(settings))
    except AddressInUse as error:
        apis = {"native": settings.api.native, "cfn": settings.api.cfn, "cloudwatch": settings.api.cloudwatch}
        api = next(name for name, listener in apis.items() if listener.port == error.port)
        name = error.setting
        remedy = (
            f"Set another {name}: {ENV_PREFIX}API__{api.upper()}__{name.upper()}, or {name} in [api.{api}]."
        )
        raise Failure(error.message, FAILED, remedy) from error
    except (StackdError, SettingsError) as error:
        raise Failure(str(error), FAILED) from error
    except sqlite3.DatabaseError as error:
        raise Failure(f"The database cannot be used: {error}.", FAILED, "Check [database] url.") from error
    except OSError as error:
        raise Failure(f"The server cannot start: {why(error)}.", FAILED) from error


def _require_keystone(settings: Settings) -> None:
    """Raise Failure unless the settings name a Keystone: without one every request would be refused."""
    url = settings.keystone.auth_url
    remedy = (
        f"Set auth_url in [keystone], or {ENV_PREFIX}KEYSTONE__AUTH_URL, for example to "
        "http://controller:5000/v3. Without an OpenStack, use `stackd dev`."
    )
    if not url:
        raise Failure("keystone.auth_url is not set.", BAD_INPUT, remedy)
