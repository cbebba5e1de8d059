"""Functions that only CloudFormation templates (and the oldest HOT version) have."""

from __future__ import annotations

import json
import re
from typing import Any

from typing_extensions import override

from stackd.template.functions.base import Call, Function, Resolver
from stackd.template.functions.text import check_split, split_text
from stackd.template.unknown import Unknown


class FindInMap(Function):
    """A value from the template's mappings."""

    takes_unknown = True

    usage = (
        "{Fn::FindInMap: [mapping, key, second key]}, with {DefaultValue: value} as a fourth item if needed"
    )

    @override
    def check(self, args: Any) -> None:
        if not isinstance(args, list) or len(args) not in (3, 4):
            raise KeyError('Arguments to "Fn::FindInMap" must be of the form: [mapping, key, value]')
        if len(args) == 4 and (not isinstance(args[3], dict) or args[3].keys() != {"DefaultValue"}):
            raise KeyError(
                'The fourth argument to "Fn::FindInMap" must be of the form: {DefaultValue: value}'
            )

    @override
    def check_values(self, args: Any) -> None:
        for part in args[:3]:
            if not isinstance(part, str | int | Unknown):
                raise KeyError(f"The key {part!r} of Fn::FindInMap is not a string"[:200])

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        try:
            return self._found(args[0], args[1], args[2], run)
        except KeyError:
            if len(args) == 3:
                raise
            return args[3]["DefaultValue"]

    @staticmethod
    def _found(mapping: Any, key: Any, second: Any, run: Resolver) -> Any:
        """The value; what the keys before the first unknown one lead to must be there."""
        if isinstance(mapping, Unknown):
            return mapping
        outer = run.mapping(str(mapping))
        if isinstance(key, Unknown):
            return key
        inner = outer.get(str(key))
        if not isinstance(inner, dict) or (not isinstance(second, Unknown) and str(second) not in inner):
            raise KeyError(f'Mapping "{mapping}" has no value for "{key}", "{second}"')
        return second if isinstance(second, Unknown) else inner[str(second)]


class GetAZs(Function):
    """The names of the availability zones."""

    usage = "{Fn::GetAZs: region}"

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        return run.availability_zones()


class Select(Function):
    """One item of a list or map."""

    usage = "{Fn::Select: [index or key, list or map]}"
    takes_unknown = True

    @override
    def check(self, args: Any) -> None:
        if not isinstance(args, list | Call) or (isinstance(args, list) and len(args) != 2):
            raise ValueError('Arguments to "Fn::Select" must be of the form: [index, collection]')

    @override
    def check_values(self, args: Any) -> None:
        self.check(args)
        key, items = args
        if items is None or items == "":
            return
        items = _collection(items)
        if isinstance(key, Unknown):
            return
        if isinstance(items, dict) and not isinstance(key, str):
            raise TypeError(f'Index to "Fn::Select" must be a string for a map, not {key!r}'[:200])
        if isinstance(items, list) or not isinstance(key, str):
            _index(key)

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        key, items = args
        if items is None or items == "":
            return ""
        for part in args:
            if isinstance(part, Unknown):
                return part
        items = _collection(items)
        if isinstance(items, dict):
            return items.get(key, "")
        index = _index(key)
        return items[index] if -len(items) <= index < len(items) else ""


def _collection(items: Any) -> Any:
    """The list or map to select from, which may be given as JSON."""
    if isinstance(items, str):
        try:
            items = json.loads(items)
        except (ValueError, RecursionError):
            raise ValueError(f'The text given to "Fn::Select" is not JSON: {items[:80]!r}') from None
    if not isinstance(items, dict | list | Unknown):
        raise TypeError('Arguments to "Fn::Select" not fully resolved')
    return items


def _index(key: Any) -> int:
    try:
        return int(key)
    except (ValueError, TypeError, OverflowError):
        raise TypeError(f'Index to "Fn::Select" must be a number, not {key!r}'[:200]) from None


class SplitCfn(Function):
    """A text cut at each delimiter, as a list."""

    usage = "{Fn::Split: [delimiter, text]}"

    @override
    def check(self, args: Any) -> None:
        if not isinstance(args, list) or len(args) != 2:
            raise ValueError('Arguments to "Fn::Split" must be of the form: [delimiter, string]')

    @override
    def check_values(self, args: Any) -> None:
        check_split("Fn::Split", *args)

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        return split_text(args[0], args[1], run)


class Base64(Function):
    """The text itself, which the services encode where they need it."""

    usage = "{Fn::Base64: text}"

    @override
    def check_values(self, args: Any) -> None:
        if not isinstance(args, str):
            raise TypeError('"Fn::Base64" argument must be a string')

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        return args


class MemberListToMap(Function):
    """A map made of the flat list that query APIs send."""

    usage = "{Fn::MemberListToMap: [Name, Value, [.member.0.Name=a, .member.0.Value=b, …]]}"
    MEMBER = re.compile(r"\.member\.(\d+)\.([^=]*)=(.*)\Z", re.DOTALL)

    @override
    def check(self, args: Any) -> None:
        if not isinstance(args, list) or len(args) != 3:
            raise TypeError('Arguments to "Fn::MemberListToMap" must be: [key label, value label, list]')
        if not all(isinstance(label, str | Call | Unknown) for label in args[:2]):
            raise TypeError('The labels of "Fn::MemberListToMap" must be strings')

    @override
    def check_values(self, args: Any) -> None:
        self.check(args)
        items = args[2]
        if isinstance(items, Unknown):
            return
        if not isinstance(items, list) or not all(isinstance(item, str | Unknown) for item in items):
            raise TypeError('The members of "Fn::MemberListToMap" must be a list of strings')

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        key_label, value_label, items = args
        members: dict[str, dict[str, str]] = {}
        for item in items:
            if (match := self.MEMBER.match(item)) is not None:
                number, label, value = match.groups()
                members.setdefault(number, {})[label] = value
        return {
            fields[key_label]: fields[value_label]
            for fields in members.values()
            if key_label in fields and value_label in fields
        }
