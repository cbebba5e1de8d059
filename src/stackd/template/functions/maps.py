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
    def check_values(self, args: Any) -> None:
        if not isinstance(args, list):
            raise TypeError(
                'Incorrect arguments to "map_merge" should be: '
                '"map_merge" : [ { "key1": "val1" }, { "key2": "val2" } ]'
            )
        for item in args:
            if item is not None and not isinstance(item, dict | Unknown):
                text = f"{item!r:.200} is type {type(item)} instead of a dict"
                raise TypeError(f"Incorrect arguments: Items to merge must be maps. {text}")

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        result: dict[str, Any] = {}
        for item in args:
            if isinstance(item, Unknown):
                return item
            if item is None:
                continue
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
    def check_values(self, args: Any) -> None:
        if not isinstance(args, list) or len(args) != 2:
            raise TypeError(f'Incorrect arguments to "map_replace" should be: {self.SHAPE}')
        source, changes = ({} if part is None else part for part in args)
        if not isinstance(source, dict | Unknown) or not isinstance(changes, dict | Unknown):
            raise self._no_maps()
        keys, values = self._changes(changes)
        if not isinstance(keys, dict | Unknown) or not isinstance(values, dict | Unknown):
            raise self._no_maps()
        if isinstance(source, dict) and isinstance(keys, dict):
            _check_new_keys(source, keys)

    def _changes(self, changes: Any) -> tuple[Any, Any]:
        """The maps of keys and of values to replace."""
        if isinstance(changes, Unknown):
            return changes, changes
        if changes.keys() - {"keys", "values"}:
            raise ValueError(f'Incorrect arguments to "map_replace" should be: {self.SHAPE}')
        return changes.get("keys") or {}, changes.get("values") or {}

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        source, changes = (part or {} for part in args)
        keys, values = self._changes(changes)
        run.charge(nodes=2 * len(source))
        return {_new_key(key, keys): _replaced(value, values) for key, value in source.items()}

    def _no_maps(self) -> TypeError:
        return TypeError(
            f'Incorrect arguments: to "map_replace", arguments must be a list of maps. Example:  {self.SHAPE}'
        )


def _check_new_keys(source: dict[str, Any], keys: dict[str, Any]) -> None:
    """Refuse keys that would be the same as others, or no text."""
    made: set[str] = set()
    for key in source:
        if isinstance(keys.get(key), Unknown):
            continue
        new = _new_key(key, keys)
        if new != key and new in source:
            raise ValueError(f"key replacement {new} collides with a key in the input map")
        if new in made:
            raise ValueError(f"key replacement {new} collides with a key in the output map")
        made.add(new)


def _new_key(key: str, keys: dict[str, Any]) -> str:
    new = keys.get(key, key)
    if isinstance(new, dict | list):
        raise TypeError(f'A key made by "map_replace" must be a string, not {new!r}'[:200])
    return new if isinstance(new, str) else str(new)


def _replaced(value: Any, values: dict[str, Any]) -> Any:
    """The value's replacement: keys of a map are text, so any scalar is looked up by its text."""
    if isinstance(value, str):
        return values.get(value, value)
    return value
