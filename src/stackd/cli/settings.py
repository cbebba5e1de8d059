"""Settings for the commands that need them."""

from __future__ import annotations

from stackd.cli.failures import BAD_INPUT, Failure
from stackd.configuration import load
from stackd.settings import Section, Settings, SettingsError


def load_settings(config_file: str | None, **overrides: Section) -> Settings:
    """The effective settings; a mistake in them ends the command with code 2."""
    try:
        return load(config_file, **overrides)
    except SettingsError as error:
        raise Failure(str(error), BAD_INPUT) from error
