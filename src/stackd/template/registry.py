"""The resource registry: maps type names to types or templates.

A registry is a map of patterns to targets, with per-resource maps under ``resources``. Of all entries that
match, the user's come before the operator's, entries for the resource's name before general ones, and then
the alphabet decides, which puts ``*`` before letters: a wildcard beats an exact entry.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

from stackd.errors import InvalidHook, Place, TemplateError

HOOKS: Final = ("pre-create", "pre-update", "pre-delete", "post-create", "post-update", "post-delete")
RESTRICTED_ACTIONS: Final = ("update", "replace")
TEMPLATE_SUFFIXES: Final = (".yaml", ".template")
_RESERVED: Final = ("hooks", "restricted_actions")
Registry = Mapping[str, Any]


def is_template_name(name: str) -> bool:
    """Whether a type name or target is a template file or URL."""
    return name.endswith(TEMPLATE_SUFFIXES)


def check_registry(registry: Registry, place: Callable[[tuple[str, ...]], Place]) -> None:
    """Refuse invalid targets, hooks and restrictions; raises TemplateError."""
    for name, target in registry.items():
        if name == "resources":
            if not isinstance(target, dict):
                raise _wrong('The registry\'s "resources" must be a map.', ("resources",), place)
            _check_resources(target, ("resources",), place)
        elif target is not None and not isinstance(target, str):
            raise _wrong(f"The target of {name} must be a type name or a template.", (name,), place)


def _check_resources(
    resources: Mapping[str, Any], path: tuple[str, ...], place: Callable[..., Place]
) -> None:
    for name, value in resources.items():
        here = (*path, name)
        if name == "hooks":
            for hook in _listed(value, "hook", here, place):
                if hook not in HOOKS:
                    raise _wrong(unknown_hook(hook), here, place, InvalidHook)
        elif name == "restricted_actions":
            for action in _listed(value, "restricted action", here, place):
                if action not in RESTRICTED_ACTIONS:
                    raise _wrong(
                        f'Invalid restricted_action type "{action}" for resource, '
                        f"acceptable restricted_action types are: {', '.join(RESTRICTED_ACTIONS)}",
                        here,
                        place,
                    )
        elif isinstance(value, dict):
            _check_resources(value, here, place)
        elif value is not None and not isinstance(value, str):
            raise _wrong(f"The target of {name} must be a type name or a template.", here, place)


def _listed(value: Any, what: str, path: tuple[str, ...], place: Callable[..., Place]) -> list[str]:
    values = [value] if isinstance(value, str) else value
    if not isinstance(values, list) or not all(isinstance(item, str) for item in values):
        raise _wrong(f"A {what} must be a text or a list of texts.", path, place)
    return values


def _wrong(
    message: str,
    path: tuple[str, ...],
    place: Callable[..., Place],
    kind: type[TemplateError] = TemplateError,
) -> TemplateError:
    dotted = ".".join(("resource_registry", *path))
    return kind(message, path=dotted, place=place(path), remedy="Correct the resource registry.")


def unknown_hook(name: str) -> str:
    """The message for an unknown hook."""
    choice = ", ".join(f'"{known}"' for known in HOOKS)
    return f'Invalid hook type "{name}" for resource breakpoint, acceptable hook types are: {choice}'


def _entries(registry: Registry) -> dict[str, str]:
    """The mappings in force: a null target takes back what was mapped before it."""
    entries: dict[str, str] = {}
    for name, target in registry.items():
        if isinstance(target, str) and name not in ("resources", *_RESERVED, "base_url"):
            entries[name] = target
        elif target is None and name.endswith("*"):
            entries = {other: value for other, value in entries.items() if not other.startswith(name[:-1])}
        elif target is None:
            entries.pop(name, None)
    return entries


class _Circle(Exception):
    """A mapping forms a circle."""


def resolve(
    registries: Sequence[Registry], type_name: str, resource_name: str, exists: Callable[[str], bool]
) -> str | None:
    """The target of ``type_name``; earlier registries win. None for mappings to nowhere or in a circle."""
    try:
        return _resolve(registries, type_name, resource_name, exists, frozenset())
    except _Circle:
        return None


def _resolve(
    registries: Sequence[Registry],
    type_name: str,
    resource_name: str,
    exists: Callable[[str], bool],
    seen: frozenset[str],
) -> str | None:
    if type_name in seen:
        raise _Circle(type_name)
    seen |= {type_name}
    for pattern, target in _candidates(registries, type_name, resource_name):
        if is_template_name(pattern) and pattern == type_name:
            return target
        if is_template_name(target):
            if pattern == type_name:
                return target
            continue  # a wildcard cannot map to a template
        if pattern.endswith("*") and target == type_name:
            continue
        named = target[:-1] + type_name[len(pattern) - 1 :] if _is_family(pattern, target) else target
        found = _resolve(registries, named, resource_name, exists, seen)
        if found is not None:
            return found
    if is_template_name(type_name) or exists(type_name):
        return type_name
    return None


def _is_family(pattern: str, target: str) -> bool:
    """Whether a mapping keeps the rest of the name: ``A*`` to ``B*``."""
    return pattern.endswith("*") and target.endswith("*")


def _candidates(
    registries: Sequence[Registry], type_name: str, resource_name: str
) -> Iterator[tuple[str, str]]:
    for registry in registries:
        if not registry:
            continue
        resources = registry.get("resources") or {}
        own = resources.get(resource_name) if isinstance(resources, dict) else None
        if isinstance(own, dict):
            entries = _entries({name: value for name, value in own.items() if not isinstance(value, dict)})
            if type_name in entries:
                yield type_name, entries[type_name]
        patterns = [
            pattern
            for pattern in registry
            if pattern == type_name or (pattern.endswith("*") and type_name.startswith(pattern[:-1]))
        ]
        entries = _entries(registry) if patterns else {}
        for pattern in sorted(patterns):
            if pattern in entries:
                yield pattern, entries[pattern]


def _matching(registry: Registry, resource_name: str) -> Iterator[Mapping[str, Any]]:
    """The maps under ``resources`` whose pattern matches, the exact one last."""
    resources = registry.get("resources") or {}
    for pattern, body in resources.items():
        if pattern != resource_name and isinstance(body, dict) and fnmatchcase(resource_name, pattern):
            yield body
    if isinstance(own := resources.get(resource_name), dict):
        yield own


def _collected(registry: Registry, resource_name: str, key: str) -> frozenset[str]:
    found: set[str] = set()
    for body in _matching(registry, resource_name):
        value = body.get(key)
        found.update([value] if isinstance(value, str) else value or ())
    return frozenset(found)


def has_hooks(registry: Registry) -> bool:
    """Whether hooks are set for any resource of the stack itself."""
    resources = registry.get("resources") or {}
    return any(isinstance(body, dict) and body.get("hooks") for body in resources.values())


def hooks_of(registry: Registry, resource_name: str) -> frozenset[str]:
    """The hooks that are set for a resource, by its name or by a pattern."""
    return _collected(registry, resource_name, "hooks")


def only_hooks(resources: Any) -> dict[str, Any]:
    """Of the map ``resources`` of a registry just the hooks, with the maps around them."""
    found: dict[str, Any] = {}
    for name, value in resources.items() if isinstance(resources, dict) else ():
        kept = value if name == "hooks" else only_hooks(value)
        if kept:
            found[name] = kept
    return found


def joined_hooks(resources: Mapping[str, Any], hooks: Mapping[str, Any]) -> dict[str, Any]:
    """The map ``resources`` of a registry with further hooks."""
    joined = dict(resources)
    for name, value in hooks.items():
        known = joined.get(name)
        if name == "hooks":
            joined[name] = list(dict.fromkeys([*_as_list(known), *_as_list(value)]))
        else:
            joined[name] = joined_hooks(known if isinstance(known, dict) else {}, value)
    return joined


def _as_list(value: Any) -> list[Any]:
    return [value] if isinstance(value, str) else list(value or ())


def restricted_actions_of(registry: Registry, resource_name: str) -> frozenset[str]:
    """The actions that are restricted for a resource, by its name or by a pattern."""
    return _collected(registry, resource_name, "restricted_actions")


def child_registry(registry: Registry, resource_name: str, type_name: str) -> dict[str, Any]:
    """The registry of a stack inside a resource: without what made it, with the maps for its resources."""
    inner: dict[str, Any] = {}
    for body in _matching(registry, resource_name):
        for name, value in body.items():
            if isinstance(value, dict):
                inner[name] = {**inner.get(name, {}), **value}
    child = {name: value for name, value in registry.items() if name not in ("resources", type_name)}
    child["resources"] = inner
    return child
