"""Several environments as one: what the server does with the environment files of a request."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from stackd.errors import TemplateError
from stackd.template.environment import Environment
from stackd.template.schemas import ParameterSchema, invalid_parameter_lead

STRATEGIES: Final = ("overwrite", "merge", "deep_merge")


def merge_environments(
    *environments: Environment,
    initial: Mapping[str, Any] | None = None,
    schemas: Mapping[str, ParameterSchema] | None = None,
) -> Environment:
    """The environments in order, later ones winning.

    ``initial`` are parameters of the request, which the environments override or merge with. ``schemas``
    are the parameters that the templates declare: others are dropped once anything has been set, and a
    strategy other than overwriting needs the type. Raises TemplateError for strategies that conflict.
    """
    merged = Environment(parameters=dict(initial or {}))
    strategies: dict[str, str] = {}
    for environment in environments:
        chosen = _strategies(environment, strategies)
        merged = replace(
            merged,
            parameters=_parameters(merged.parameters, environment.parameters, chosen, schemas),
            parameter_defaults=_parameters(
                merged.parameter_defaults, environment.parameter_defaults, chosen, schemas
            ),
            resource_registry=_shallow(merged.resource_registry, environment.resource_registry),
            event_sinks=(*merged.event_sinks, *environment.event_sinks),
            encrypted_param_names=tuple(
                dict.fromkeys((*merged.encrypted_param_names, *environment.encrypted_param_names))
            ),
            parameter_merge_strategies={
                **merged.parameter_merge_strategies,
                **environment.parameter_merge_strategies,
            },
            base=environment.base or merged.base,
            documents=(*merged.documents, *environment.documents),
        )
    return merged


def patch_environment(
    stored: Environment,
    supplied: Environment,
    *,
    clear_parameters: tuple[str, ...] = (),
    declared: frozenset[str] | None = None,
) -> Environment:
    """The environment after a PATCH: the stored one without ``clear_parameters``, then the supplied one.

    Parameters that are no longer ``declared`` are dropped.
    """
    parameters = {name: value for name, value in stored.parameters.items() if name not in clear_parameters}
    parameters.update(supplied.parameters)
    if declared is not None:
        parameters = {name: value for name, value in parameters.items() if name in declared}
    return replace(
        supplied,
        parameters=parameters,
        parameter_defaults={**stored.parameter_defaults, **supplied.parameter_defaults},
        resource_registry={**stored.resource_registry, **supplied.resource_registry},
        event_sinks=(
            *stored.event_sinks,
            *(sink for sink in supplied.event_sinks if sink not in stored.event_sinks),
        ),
        encrypted_param_names=stored.encrypted_param_names,
        base=supplied.base or stored.base,
    )


def _shallow(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    if not old:
        return dict(new)
    return {**old, **{key: value for key, value in new.items() if value is not None}}


class _Strategies:
    """The strategy of each parameter in one environment: named, else what it had before, else the default."""

    def __init__(self, default: str, named: Mapping[str, str], settled: dict[str, str]) -> None:
        self._default = default
        self._named = named
        self._settled = settled

    def of(self, name: str) -> str:
        """The strategy of a parameter, which later environments must not contradict."""
        strategy = self._named.get(name) or self._settled.get(name) or self._default
        if self._settled.setdefault(name, strategy) != strategy:
            raise TemplateError(
                f"Conflicting merge strategy '{strategy}' for parameter '{name}' in file.",
                path=f"parameter_merge_strategies.{name}",
                remedy="Name the same strategy in every environment.",
            )
        return strategy


def _strategies(environment: Environment, settled: dict[str, str]) -> _Strategies:
    given = environment.parameter_merge_strategies
    default = given.get("default")
    default = default if default in STRATEGIES else "overwrite"
    named = {name: value for name, value in given.items() if name != "default" and value in STRATEGIES}
    return _Strategies(default, named, settled)


def _parameters(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    strategies: _Strategies,
    schemas: Mapping[str, ParameterSchema] | None,
) -> dict[str, Any]:
    if not old:
        for name in new:
            strategies.of(name)
        return dict(new)
    merged = dict(old)
    for name, value in new.items():
        if value is None or (schemas is not None and name not in schemas):
            continue
        strategy = strategies.of(name)
        if strategy == "overwrite" or merged.get(name) is None:
            merged[name] = value
        else:
            kind = schemas[name].type if schemas is not None else "string"
            merged[name] = _combined(name, kind, merged[name], value, deep=strategy == "deep_merge")
    return merged


def _combined(name: str, kind: str, old: Any, new: Any, *, deep: bool) -> Any:
    if kind == "json":
        old, new = _structure(name, old), _structure(name, new)
        if isinstance(old, dict) and isinstance(new, dict):
            return _deep(old, new) if deep else {**old, **new}
        if isinstance(old, list) and isinstance(new, list):
            return [*old, *new]
        raise _cannot(name, kind)
    if kind == "comma_delimited_list":
        if isinstance(old, list) or isinstance(new, list):
            return [*_items(old), *_items(new)]
        return ",".join(text for text in (str(old), str(new)) if text)
    if kind == "number" and all(isinstance(value, int | float) for value in (old, new)):
        return old + new
    if kind in ("string", "number") and isinstance(old, str) and isinstance(new, str):
        return old + new
    raise _cannot(name, kind)


def _items(value: Any) -> list[Any]:
    if isinstance(value, list):
        return value
    return str(value).split(",") if value else []


def _structure(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value) if value else {}
    except (ValueError, RecursionError):
        lead = (invalid_parameter_lead(name),)
        raise TemplateError("Value must be valid JSON.", lead=lead) from None


def _deep(old: Any, new: Any) -> Any:
    if new is None:
        return old
    if isinstance(old, dict) and isinstance(new, dict):
        merged = dict(old)
        for key, value in new.items():
            merged[key] = _deep(old[key], value) if key in old else value
        return merged
    if isinstance(old, list) and isinstance(new, list):
        return [*old, *new]
    if isinstance(old, str) and isinstance(new, str):
        return old + new
    return new


def _cannot(name: str, kind: str) -> TemplateError:
    return TemplateError(
        f"Invalid merge strategy for parameter '{name}': values of type {kind} cannot be merged like this.",
        path=f"parameter_merge_strategies.{name}",
        remedy="Use the strategy overwrite.",
    )
