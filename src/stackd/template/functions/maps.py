"""Functions that make maps."""

from __future__ import annotations

from typing import Any, Final

from typing_extensions import override

from stackd.template.functions.base import Function, Resolver
from stackd.template.unknown import Unknown


class MapMerge(Function):
    """Several maps as one; later ones win."""

    usage = "{map_merge: [map, map, …]}"
    takes_unknown = True

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        if isinstance(args, Unknown):
            return args
        if not isinstance(args, list):
            raise TypeError(
                'Incorrect arguments to "map_merge" should be: '
                '"map_merge" : [ { "key1": "val1" }, { "key2": "val2" } ]'
            )
        result: dict[str, Any] = {}
        for item in args:
            if isinstance(item, Unknown):
                return item
            if item is None:
                continue
            if not isinstance(item, dict):
                text = f"{item!r:.200} is type {type(item)} instead of a dict"
                raise TypeError(f"Incorrect arguments: Items to merge must be maps. {text}")
            run.charge(nodes=2 * len(item))
            result.update(item)
        return result


class MapReplace(Function):
    """A map with other keys and values put in place of given ones."""

    usage = "{map_replace: [map, {keys: {old: new}, values: {old: new}}]}"

    SHAPE: Final = (
        '"map_replace" : [ { "key1": "val1" }, {"keys": {"key1": "key2"}, "values": {"val1": "val2"}}]'
    )

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        if not isinstance(args, list) or len(args) != 2:
            raise TypeError(f'Incorrect arguments to "map_replace" should be: {self.SHAPE}')
        source, changes = args
        source = {} if source is None else source
        changes = {} if changes is None else changes
        if not isinstance(source, dict) or not isinstance(changes, dict):
            raise self._no_maps()
        if changes.keys() - {"keys", "values"}:
            raise ValueError(f'Incorrect arguments to "map_replace" should be: {self.SHAPE}')
        keys, values = changes.get("keys") or {}, changes.get("values") or {}
        if not isinstance(keys, dict) or not isinstance(values, dict):
            raise self._no_maps()
        run.charge(nodes=2 * len(source))
        result: dict[str, Any] = {}
        for key, value in source.items():
            new = keys.get(key, key)
            if isinstance(new, dict | list):
                raise TypeError(f'A key made by "map_replace" must be a string, not {new!r}'[:200])
            new = new if isinstance(new, str) else str(new)
            if new != key and new in source:
                raise ValueError(f"key replacement {new} collides with a key in the input map")
            if new in result:
                raise ValueError(f"key replacement {new} collides with a key in the output map")
            result[new] = _replaced(value, values)
        return result

    def _no_maps(self) -> TypeError:
        return TypeError(
            f'Incorrect arguments: to "map_replace", arguments must be a list of maps. Example:  {self.SHAPE}'
        )


def _replaced(value: Any, values: dict[str, Any]) -> Any:
    """The value's replacement: keys of a map are text, so any scalar is looked up by its text."""
    if isinstance(value, str):
        return values.get(value, value)
    return value
