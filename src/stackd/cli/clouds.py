"""Credentials from `clouds.yaml`, for those who set OS_CLOUD instead of the single variables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from stackd.cli.failures import BAD_INPUT, Failure, why


def with_cloud(environ: Mapping[str, str]) -> dict[str, str]:
    """The variables, completed by the cloud that OS_CLOUD names; variables that are set win.

    A `secure.yaml` in any of the usual directories may contain the passwords.
    """
    name = environ.get("OS_CLOUD")
    if not name:
        return dict(environ)
    found = _clouds(environ, "clouds", "OS_CLIENT_CONFIG_FILE")
    if name not in found:
        known = f"There are: {', '.join(sorted(found))}." if found else "No clouds.yaml was found."
        raise Failure(f"clouds.yaml has no cloud {name!r}.", BAD_INPUT, known)
    secret = _clouds(environ, "secure", "OS_CLIENT_SECURE_FILE").get(name, {})
    return {**_variables(found[name]), **_variables(secret), **environ}


def _variables(cloud: Mapping[str, Any]) -> dict[str, str]:
    """A cloud's entries under the names of the variables that mean the same."""
    entries = {**cloud, **(cloud.get("auth") or {})}
    variables = {
        f"OS_{key.upper()}": str(value) for key, value in entries.items() if isinstance(value, str | int)
    }
    if cloud.get("verify") is False:
        variables["OS_INSECURE"] = "true"
    if override := cloud.get("orchestration_endpoint_override"):
        variables["OS_ORCHESTRATION_ENDPOINT"] = str(override)
    return variables


def _clouds(environ: Mapping[str, str], kind: str, variable: str) -> dict[str, dict[str, Any]]:
    """The clouds of the first file of this kind that there is."""
    file = next((path for path in _places(environ, kind, variable) if path.is_file()), None)
    if file is None:
        return {}
    import yaml

    try:
        content = yaml.safe_load(file.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise Failure(f"{file} cannot be read: {why(error)}", BAD_INPUT) from error
    clouds = content.get("clouds") if isinstance(content, dict) else None
    return {str(name): cloud for name, cloud in (clouds or {}).items() if isinstance(cloud, dict)}


def _places(environ: Mapping[str, str], kind: str, variable: str) -> Iterator[Path]:
    if given := environ.get(variable):
        yield Path(given)
    home = Path(environ.get("HOME", "~")).expanduser()
    for directory in (Path(), home / ".config/openstack", Path("/etc/openstack")):
        yield from (directory / f"{kind}.{ending}" for ending in ("yaml", "yml"))
