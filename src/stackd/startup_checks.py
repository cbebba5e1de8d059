"""What keeps the server from starting: settings that name what it cannot use."""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from stackd.auth.policy import Policy
from stackd.auth.policy_files import PolicyFileError
from stackd.keyring import require_keys
from stackd.places import environment_directory, require_certificates, require_directories, require_place
from stackd.resources.operator_environment import OperatorEnvironmentError
from stackd.resources.registry import Registry, load_registry
from stackd.serving import configure_log
from stackd.settings import Settings, SettingsError


def require_resources(settings: Settings) -> None:
    """Raise SettingsError for what the settings name and the server cannot use; makes nothing."""
    require_keys(settings)
    require_place(settings)
    require_directories(settings)
    require_certificates(settings)
    require_broker(settings)


def check(settings: Settings) -> None:
    """Raise the SettingsError with which the server would refuse to start, as far as files decide that.

    Plug-ins are not run, and the database is not opened.
    """
    configure_log(settings)
    require_resources(settings)
    make_policy(settings)
    make_registry(settings, ())


def require_broker(settings: Settings) -> None:
    """Raise SettingsError if notifications go to a broker that cannot be reached as it is configured."""
    if settings.notifications.driver != "amqp":
        return
    if importlib.util.find_spec("aio_pika") is None:
        raise SettingsError(
            "notifications.driver = amqp: the driver of the broker is missing. Install `stackd[amqp]`."
        )
    if not settings.notifications.transport_url.get_secret_value():
        raise SettingsError("notifications.transport_url is empty: name the broker for the driver amqp.")


def make_policy(settings: Settings) -> Policy:
    """The rules in force."""
    try:
        return Policy(settings.policy.file or None)
    except PolicyFileError as error:
        raise SettingsError(f"policy.file: {error}") from error


def make_registry(settings: Settings, plugins: Sequence[Path]) -> Registry:
    """The resource types, those in directories of plug-ins too, and the operator's environment."""
    try:
        return load_registry(plugins, environment_directory(settings.environment.directory))
    except OperatorEnvironmentError as error:
        raise SettingsError(error.message) from error
