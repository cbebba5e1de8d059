"""Functions that make maps."""

from __future__ import annotations

from typing import Any

from typing_extensions import override

from stackd.template.functions.base import Call, Function, Resolver
from stackd.template.unknown import Unknown


class MapMerge(Function):
    """Several maps as one; later ones win."""

    usage = "{map_merge: [map, map, …]}"
    takes_unknown = True

    @override
    def check(self, args: Any) -> None:
        if not isinstance(args, list | Call):
            raise TypeError('Incorrect arguments to "map_merge" should be: [ { "key1": "val1" }, … ]')

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        if isinstance(args, Unknown):
            return args
        self.check(args)
        result: dict[str, Any] = {}
        for item in args:
            if isinstance(item, Unknown):
                return item
            if item is None:
                continue
            if not isinstance(item, dict):
                raise TypeError("Items to merge must be maps")
            run.charge(nodes=2 * len(item))
            result.update(item)
        return result


class MapReplace(Function):
    """A map with other keys and values put in place of given ones."""

    usage = "{map_replace: [map, {keys: {old: new}, values: {old: new}}]}"

    @override
    def check(self, args: Any) -> None:
        if not isinstance(args, list):
            raise TypeError('Incorrect arguments to "map_replace" should be: [ <map>, {keys: …, values: …} ]')
        if len(args) != 2:
            raise TypeError('Incorrect arguments to "map_replace" should be: [ <map>, {keys: …, values: …} ]')
        if isinstance(args[1], dict) and (wrong := args[1].keys() - {"keys", "values"}):
            raise ValueError(f'"map_replace" only takes keys and values, not {", ".join(sorted(wrong))}')

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        self.check(args)
        source, changes = args
        source = {} if source is None else source
        changes = {} if changes is None else changes
        if not isinstance(source, dict) or not isinstance(changes, dict):
            raise TypeError('Incorrect arguments to "map_replace": both must be maps')
        keys, values = changes.get("keys") or {}, changes.get("values") or {}
        if not isinstance(keys, dict) or not isinstance(values, dict):
            raise TypeError('"keys" and "values" of "map_replace" must be maps')
        run.charge(nodes=2 * len(source))
        result: dict[str, Any] = {}
        for key, value in source.items():
            new = keys.get(key, key)
            if isinstance(new, dict | list):
                raise TypeError(f'A key made by "map_replace" must be a string, not {new!r}'[:200])
            new = new if isinstance(new, str) else str(new)
            if (new != key and new in source) or new in result:
                raise ValueError(f"key replacement {new} collides with a key in the input map")
            result[new] = _replaced(value, values)
        return result


def _replaced(value: Any, values: dict[str, Any]) -> Any:
    """The value's replacement: keys of a map are text, so any scalar is looked up by its text."""
    if isinstance(value, str):
        return values.get(value, value)
    return value
