"""The operator's environment: applies to every stack, with lower precedence than users' environments.

It is made of aliases that are always there, and of the files of a directory, which are read once, at the
start. Only these files may name templates on this machine (``file:///…``); they are read at the start too.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from stackd.errors import Place, StackdError, TemplateError
from stackd.template.environment import Environment, load_environment
from stackd.template.registry import is_template_name
from stackd.template.template import load_template

ALIASES: Final = {
    "OS::Quantum*": "OS::Neutron*",
    "OS::Metering::Alarm": "OS::Aodh::Alarm",
    "OS::Ceilometer::Alarm": "OS::Aodh::Alarm",
    "OS::Ceilometer::CombinationAlarm": "OS::Aodh::CombinationAlarm",
    "OS::Ceilometer::GnocchiAggregationByMetricsAlarm": "OS::Aodh::GnocchiAggregationByMetricsAlarm",
    "OS::Ceilometer::GnocchiAggregationByResourcesAlarm": "OS::Aodh::GnocchiAggregationByResourcesAlarm",
    "OS::Ceilometer::GnocchiResourcesAlarm": "OS::Aodh::GnocchiResourcesAlarm",
}
"""Former names of types, as Heat's own environment has them."""

_SCHEMES: Final = ("http", "https", "file")


class OperatorEnvironmentError(StackdError):
    """A file of the operator's environment is wrong; the message names the file and the line."""


@dataclass(frozen=True, slots=True)
class OperatorEnvironment:
    """The environment, and the texts of the local templates that it names, by URL."""

    environment: Environment = field(default_factory=Environment)
    files: Mapping[str, str] = field(default_factory=dict)


def aliases(types: Collection[str]) -> dict[str, str]:
    """The aliases whose targets exist."""
    return {name: target for name, target in ALIASES.items() if _exists(target, types)}


def _exists(target: str, types: Collection[str]) -> bool:
    if target.endswith("*"):
        return any(name.startswith(target[:-1]) for name in types)
    return target in types


def load_operator_environment(types: Collection[str], directory: Path | None = None) -> OperatorEnvironment:
    """The aliases, and on top of them the files of the directory in the order of their names.

    Raises ``OperatorEnvironmentError`` for the first mistake.
    """
    known = Environment(resource_registry=aliases(types))
    if directory is None:
        return OperatorEnvironment(known)
    parts = [known, *map(_read_environment, _files_in(directory))]
    return OperatorEnvironment(
        Environment(
            parameters=_merged(part.parameters for part in parts),
            parameter_defaults=_merged(part.parameter_defaults for part in parts),
            resource_registry=_merged(part.resource_registry for part in parts),
            event_sinks=tuple(sink for part in parts for sink in part.event_sinks),
        ),
        _templates(target for part in parts for target in _targets(part.resource_registry)),
    )


def _files_in(directory: Path) -> list[Path]:
    try:
        found = sorted(directory.iterdir())
    except OSError as error:
        raise OperatorEnvironmentError(f"{directory}: cannot be read: {error.strerror}.") from error
    return [path for path in found if path.is_file() and not path.name.startswith(".")]


def _merged(sections: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """The merged sections; entries of a registry for single resources are joined."""
    merged: dict[str, Any] = {}
    for section in sections:
        known, added = merged.get("resources"), section.get("resources")
        merged |= section
        if isinstance(known, Mapping) and isinstance(added, Mapping):
            merged["resources"] = {**known, **added}
    return merged


def _read_environment(path: Path) -> Environment:
    try:
        environment = load_environment(_text(path), file=str(path))
    except TemplateError as error:
        raise _wrong(error, path) from error
    for target in _targets(environment.resource_registry):
        if urlsplit(target).scheme not in _SCHEMES:
            raise OperatorEnvironmentError(
                f"{_line_of(path, target)}: {target} is not the URL of a template. "
                "Write file:///DIRECTORY/NAME.yaml, or a URL of http or https."
            )
        if target.startswith("file:") and not _path_of(target).is_file():
            raise OperatorEnvironmentError(
                f"{_line_of(path, target)}: there is no file {_path_of(target)}. Correct the mapping."
            )
    return environment


def _targets(registry: Mapping[str, Any]) -> Iterator[str]:
    """The templates that a registry leads to, those of single resources included."""
    for target in registry.values():
        if isinstance(target, Mapping):
            yield from _targets(target)
        elif isinstance(target, str) and is_template_name(target):
            yield target


def _templates(targets: Iterable[str]) -> dict[str, str]:
    """The texts of the local templates, and of those that they name in turn."""
    found: dict[str, str] = {}
    waiting = [target for target in targets if target.startswith("file:")]
    while waiting:
        url = waiting.pop()
        if url in found:
            continue
        path = _path_of(url)
        found[url] = _text(path)
        try:
            template = load_template(found[url], file=str(path))
        except TemplateError as error:
            raise _wrong(error, path) from error
        types = [resource.type for resource in template.resources.values()]
        waiting += [name for name in types if name.startswith("file:") and is_template_name(name)]
    return found


def _path_of(url: str) -> Path:
    return Path(unquote(urlsplit(url).path))


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise OperatorEnvironmentError(f"{path}: cannot be read: {reason}.") from error


def _wrong(error: TemplateError, path: Path) -> OperatorEnvironmentError:
    place = error.place if error.place.line else str(path)
    return OperatorEnvironmentError(f"{place}: {error.advice}")


def _line_of(path: Path, target: str) -> Place:
    """Where in an environment a target is named."""
    for number, line in enumerate(_text(path).splitlines(), 1):
        if target in line:
            return Place(str(path), number, line.index(target) + 1)
    return Place(str(path))
