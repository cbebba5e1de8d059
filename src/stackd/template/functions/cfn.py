"""Functions that only CloudFormation templates (and the oldest HOT version) have."""

from __future__ import annotations

import json
import re
from typing import Any

from typing_extensions import override

from stackd.template.functions.base import Call, Function, Resolver
from stackd.template.functions.text import split_text
from stackd.template.unknown import Unknown


class FindInMap(Function):
    """A value from the template's mappings."""

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
    def evaluate(self, args: Any, run: Resolver) -> Any:
        mapping, key, second = args[:3]
        for part in args[:3]:
            if not isinstance(part, str | int):
                raise KeyError(f"The key {part!r} of Fn::FindInMap is not a string"[:200])
        try:
            inner = run.mapping(str(mapping)).get(str(key))
            if not isinstance(inner, dict) or str(second) not in inner:
                raise KeyError(f'Mapping "{mapping}" has no value for "{key}", "{second}"')
        except KeyError:
            if len(args) == 3:
                raise
            return args[3]["DefaultValue"]
        return inner[str(second)]


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
    def evaluate(self, args: Any, run: Resolver) -> Any:
        if isinstance(args, Unknown):
            return args
        self.check(args)
        key, items = args
        for part in args:
            if isinstance(part, Unknown):
                return part
        if items is None or items == "":
            return ""
        if isinstance(items, str):
            try:
                items = json.loads(items)
            except (ValueError, RecursionError):
                raise ValueError(f'The text given to "Fn::Select" is not JSON: {items[:80]!r}') from None
        if isinstance(items, dict):
            if not isinstance(key, str):
                raise TypeError(f'Index to "Fn::Select" must be a string for a map, not {key!r}'[:200])
            return items.get(key, "")
        if isinstance(items, list):
            return self._item(key, items)
        raise TypeError('Arguments to "Fn::Select" not fully resolved')

    @staticmethod
    def _item(key: Any, items: list[Any]) -> Any:
        try:
            index = int(key)
        except (ValueError, TypeError, OverflowError):
            raise TypeError(f'Index to "Fn::Select" must be a number, not {key!r}'[:200]) from None
        return items[index] if -len(items) <= index < len(items) else ""


class SplitCfn(Function):
    """A text cut at each delimiter, as a list."""

    usage = "{Fn::Split: [delimiter, text]}"

    @override
    def check(self, args: Any) -> None:
        if not isinstance(args, list) or len(args) != 2:
            raise ValueError('Arguments to "Fn::Split" must be of the form: [delimiter, string]')

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        return split_text("Fn::Split", args[0], args[1], run)


class Base64(Function):
    """The text itself, which the services encode where they need it."""

    usage = "{Fn::Base64: text}"

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        if not isinstance(args, str):
            raise TypeError('"Fn::Base64" argument must be a string')
        return args


class MemberListToMap(Function):
    """A map made of the flat list that query APIs send."""

    usage = "{Fn::MemberListToMap: [Name, Value, [.member.0.Name=a, .member.0.Value=b, …]]}"
    MEMBER = re.compile(r"\.member\.(\d+)\.([^=]*)=(.*)\Z", re.DOTALL)

    @override
    def check(self, args: Any) -> None:
        if not isinstance(args, list) or len(args) != 3:
            raise TypeError('Arguments to "Fn::MemberListToMap" must be: [key label, value label, list]')
        if not isinstance(args[0], str | Call) or not isinstance(args[1], str | Call):
            raise TypeError('The labels of "Fn::MemberListToMap" must be strings')

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        key_label, value_label, items = args
        if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
            raise TypeError('The members of "Fn::MemberListToMap" must be a list of strings')
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
