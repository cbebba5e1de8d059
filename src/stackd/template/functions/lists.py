"""Functions that make or search lists."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from itertools import chain, product
from math import prod
from typing import Any

from typing_extensions import override

from stackd.template.functions.base import Call, Function, Resolver
from stackd.template.functions.text import json_text
from stackd.template.unknown import Unknown, find_unknown


def hashable(value: Any) -> Hashable:
    """A key that is equal exactly when two values are equal."""
    if isinstance(value, dict):
        return ("map", frozenset((key, hashable(item)) for key, item in value.items()))
    if isinstance(value, list):
        return ("list", tuple(hashable(item) for item in value))
    return value  # type: ignore[no-any-return]


def size_of(value: Any) -> tuple[int, int]:
    """The number of nodes and of characters in a value."""
    nodes = text = 0
    level = [value]
    while level:
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                text += sum(map(len, item))
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
            elif isinstance(item, str):
                text += len(item)
        nodes += len(level)
        level = below
    return nodes, text


class Repeat(Function):
    """A template repeated for each item of lists, or each combination of items."""

    usage = "{repeat: {template: anything, for_each: {placeholder: list}, permutations: true}}"

    def __init__(self, *, maps: bool = False, permutations: bool = False) -> None:
        self.maps = maps
        self.permutations = permutations

    @override
    def check(self, args: Any) -> None:
        if not isinstance(args, dict):
            raise TypeError('Arguments to "repeat" must be a map')
        if "for_each" not in args or "template" not in args:
            raise KeyError('"repeat" must have the keys template and for_each')
        if not isinstance(args["for_each"], dict | Call | Unknown):
            raise TypeError('The "for_each" argument to "repeat" must contain a map')
        if self.permutations and not isinstance(args.get("permutations", True), bool | Unknown):
            raise TypeError('"permutations" should be boolean type for repeat function.')

    @override
    def check_values(self, args: Any) -> None:
        self.check(args)
        for_each = args["for_each"]
        if isinstance(for_each, Unknown):
            return
        if not for_each:
            raise ValueError('The "for_each" argument to "repeat" must not be empty')
        together = self._is_together(args)
        lists = [
            self._items(value, together) for value in for_each.values() if not isinstance(value, Unknown)
        ]
        if together and len({len(items) for items in lists}) > 1:
            raise ValueError("For repeat, the length of for_each values should be equal if no nested loop.")
        if all(lists) and _has_text(args["template"]):
            _check_texts(chain.from_iterable(lists))

    def _is_together(self, args: dict[str, Any]) -> bool:
        """Whether the lists are gone through side by side, not in all combinations."""
        return self.permutations and args.get("permutations", True) is False

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        together = self._is_together(args)
        for_each: dict[str, Any] = args["for_each"]
        lists = [self._items(value, together) for value in for_each.values()]
        rounds = len(lists[0]) if together else prod(len(items) for items in lists)
        template = args["template"]
        nodes, text = size_of(template)
        run.charge(nodes=rounds * nodes, text=rounds * text, work=rounds * (nodes * len(lists) * 10 + text))
        combinations = zip(*lists, strict=True) if together else product(*lists)
        names = list(for_each)
        return [_fill(template, list(zip(names, items, strict=True)), run) for items in combinations]

    def _items(self, value: Any, together: bool) -> list[Any]:
        if value is None:
            return []
        takes_maps = self.maps and not together
        if isinstance(value, dict) and takes_maps:
            return list(value)
        if not isinstance(value, list):
            kinds = "lists or maps" if takes_maps else "lists"
            raise TypeError(f'The values of the "for_each" argument to "repeat" must be {kinds}')
        return value


def _has_text(template: Any) -> bool:
    """Whether there is a text anywhere in a template, in which placeholders are looked for."""
    if isinstance(template, dict):
        return bool(template)
    return isinstance(template, str) or (isinstance(template, list) and any(map(_has_text, template)))


def _check_texts(items: Iterable[Any]) -> None:
    for item in items:
        if not isinstance(item, str | Unknown):
            raise TypeError(f'"repeat" values must be strings, not {item!r}'[:200])


def _fill(template: Any, values: list[tuple[str, Any]], run: Resolver) -> Any:
    if isinstance(template, str):
        for placeholder, value in values:
            if placeholder in template:
                run.charge(text=template.count(placeholder) * len(value) + len(template))
                template = template.replace(placeholder, value)
        return template
    if isinstance(template, dict):
        return {_fill(key, values, run): _fill(value, values, run) for key, value in template.items()}
    if isinstance(template, list):
        return [_fill(item, values, run) for item in template]
    return template


class ListConcat(Function):
    """Several lists as one."""

    usage = "{list_concat: [list, list, …]}"
    takes_unknown = True

    def __init__(self, name: str = "list_concat", *, unique: bool = False) -> None:
        self.name = name
        self.unique = unique

    @override
    def check_values(self, args: Any) -> None:
        if not isinstance(args, list):
            raise TypeError(
                f'Incorrect arguments to "{self.name}" should be: "{self.name}" : '
                "[ [ <value 1>, <value 2> ], [ <value 3>, <value 4> ] ]"
            )
        for items in args:
            if items is not None and not isinstance(items, list | Unknown):
                shown = json_text(args, repr), json_text(items, repr)
                text = f"{shown[0]} contains an item that is not a list: {shown[1]}"
                raise TypeError(f"Incorrect arguments: Items to concat must be lists. {text}"[:500])

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        result: list[Any] = []
        for items in args:
            if isinstance(items, Unknown):
                return items
            if items is None:
                continue
            run.charge(nodes=len(items))
            result.extend(items)
        if not self.unique:
            return result
        if (unknown := find_unknown(result)) is not None:
            return unknown
        first: dict[Hashable, Any] = {}
        for item in result:
            first.setdefault(hashable(item), item)
        return list(first.values())


class Filter(Function):
    """A list without certain values."""

    usage = "{filter: [values to leave out, list]}"

    @override
    def check(self, args: Any) -> None:
        if not isinstance(args, list):
            raise TypeError('Argument to "filter" must be a list')
        if len(args) != 2:
            raise ValueError(
                '"filter" expected 2 arguments of the form [values, sequence] '
                f"but got {len(args)} arguments instead"
            )

    @override
    def check_values(self, args: Any) -> None:
        values, items = args
        if not items:
            return
        if not isinstance(items, list | Unknown):
            raise TypeError('"filter" only works with lists')
        if values and not isinstance(values, list | Unknown):
            raise TypeError('"filter" filters a list of values')

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        values, items = args
        if not items or not values:
            return items
        unwanted = {hashable(value) for value in values}
        return [item for item in items if hashable(item) not in unwanted]


class Contains(Function):
    """Whether a value is in a list, or a text in a text."""

    usage = "{contains: [value, list or text]}"

    @override
    def check(self, args: Any) -> None:
        if not isinstance(args, list):
            raise TypeError(
                'Incorrect arguments to "contains" should be: "contains" : [ "value1", [ "value1", "value2"]]'
            )
        if len(args) != 2:
            raise ValueError('Arguments to "contains" must be of the form: [value1, [value1, value2]]')

    @override
    def check_values(self, args: Any) -> None:
        value, items = args
        if isinstance(items, str) and not isinstance(value, str | Unknown):
            raise TypeError('The value to find in a text with "contains" must be a string')
        if not isinstance(items, str | list | Unknown):
            raise TypeError('Second argument to "contains" should be a sequence.')

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        value, items = args
        return value in items
