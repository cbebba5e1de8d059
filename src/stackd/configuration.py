"""Where settings are read from, and how a mistake in them is reported.

A TOML file gives the values, the environment overrides them: ``STACKD_DATABASE__URL`` sets ``url`` in
``[database]``, ``STACKD_API__NATIVE__PORT`` sets ``port`` in ``[api.native]``. The file is the one named by
``--config`` or ``STACKD_CONFIG``, else the first of ``DEFAULT_FILES`` that exists, else none.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from stackd.settings import ENV_PREFIX, Section, Settings, SettingsError, chosen_file, is_secret, keys
from stackd.urls import mask_passwords

DEFAULT_FILES = (Path("/etc/stackd/stackd.toml"), Path("stackd.toml"))


def load(path: str | Path | None = None, **overrides: Section) -> Settings:
    """The effective settings; whole sections given by name replace all other sources.

    Raises SettingsError with every mistake found, each naming where it stands and what to do.
    """
    file = settings_file(path)
    _refuse_unknown_variables()
    token = chosen_file.set(file)
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: not valid TOML: {error}. Correct the file.") from error
    except ValidationError as error:
        raise SettingsError("\n".join(_explain(dict(item), file) for item in error.errors())) from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{file}: it is not UTF-8 text. Save it as UTF-8.") from error
    except OSError as error:
        raise SettingsError(f"{file or 'environment'}: {error.strerror or error}.") from error
    except ValueError as error:
        raise SettingsError(f"{file or 'environment'}: {error}") from error
    finally:
        chosen_file.reset(token)


def settings_file(path: str | Path | None = None) -> Path | None:
    """The file that is read: the one asked for, else a default one that exists, else none."""
    if asked := path or os.environ.get(f"{ENV_PREFIX}CONFIG"):
        file = Path(asked)
        if not file.is_file():
            raise SettingsError(f"{file}: there is no such file. Correct --config or {ENV_PREFIX}CONFIG.")
        return file
    return next((file for file in DEFAULT_FILES if file.is_file()), None)


def _refuse_unknown_variables() -> None:
    """A variable of a section that does not exist would be ignored silently, as a typing mistake may be."""
    known = {key.variable for key in keys()}
    for name in os.environ:
        if name.startswith(ENV_PREFIX) and "__" in name and name.upper() not in known:
            raise SettingsError(f"environment: {name} is not a setting.{_suggestion(name, known)}")


def _explain(error: Mapping[str, Any], file: Path | None) -> str:
    """One mistake, as a line for the operator."""
    path = [str(part) for part in error["loc"]]
    name = ".".join(path)
    known = {key.name: key for key in keys()}
    if error["type"] == "extra_forbidden":
        return f"{file or 'settings'}: {name} is not a setting.{_suggestion(name, known)}"
    key = known.get(name) or known.get(".".join(path[:-1]))
    place = "environment" if key and key.variable in os.environ else str(file or "settings")
    shown = "" if key and is_secret(key) else f" = {mask_passwords(repr(error['input']))}"
    about = f" {key.section.model_fields[key.field].description}" if key else ""
    return f"{place}: {name}{shown}: {error['msg']}.{about}"


def _suggestion(name: str, known: Mapping[str, object] | set[str]) -> str:
    close = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
    return f" Did you mean {close[0]}?" if close else " `stackd config --reference` lists all settings."
