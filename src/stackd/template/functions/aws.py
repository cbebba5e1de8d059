"""Functions of CloudFormation that Heat does not have."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator
from typing import Any, Final

from typing_extensions import override

from stackd.template.functions.base import Call, Function, Import, Parser, Resolver, TemplatePath, Use, Walk
from stackd.template.functions.lists import size_of
from stackd.template.unknown import Unknown

MOST_SUBNETS: Final = 256
DEFAULT_BITS: Final = 8


class Sub(Function):
    """A text in which ${names} are replaced by parameters, resources, attributes or given values.

    Each name becomes the call that stands for it, ``Ref`` or ``Fn::GetAtt``: what these depend on, refuse
    and return is theirs. It is stored as a map of the name to its call, so that messages can
    include the name.
    """

    usage = "{Fn::Sub: text with ${Name} or ${Resource.Attribute}}, or {Fn::Sub: [text, {Name: value}]}"

    @override
    def parse(self, raw: Any, parser: Parser, path: TemplatePath) -> Any:
        """The pieces of the text in order; ``${!Name}`` is the text ``${Name}``."""
        text, given = raw if isinstance(raw, list) and len(raw) == 2 else (raw, {})
        if not isinstance(text, str) or not isinstance(given, dict):
            raise ValueError('Arguments to "Fn::Sub" must be of the form: text, or [text, map of variables]')
        variables = {name: {name: parser.parse(value, (*path, 1, name))} for name, value in given.items()}
        pieces: list[Any] = []
        for piece, is_name in placeholders(text):
            if is_name and piece not in variables:
                variables[piece] = {piece: parser.parse(_reference(piece), path)}
            pieces.append(variables[piece] if is_name else piece)
        return pieces

    @override
    def check_values(self, args: Any) -> None:
        for piece in args:
            if not isinstance(piece, str) and not any(isinstance(each, Unknown) for each in piece.values()):
                _substituted(piece)

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        texts = [piece if isinstance(piece, str) else _substituted(piece) for piece in args]
        run.charge(text=sum(map(len, texts)))
        return "".join(texts)


def placeholders(text: str) -> Iterator[tuple[str, bool]]:
    """The pieces of a text for ``Fn::Sub``, and whether each is a name; raises ValueError for an empty name.

    What opens and never closes is text.
    """
    done = 0
    while (start := text.find("${", done)) >= 0 and (end := text.find("}", start)) >= 0:
        name = text[start + 2 : end].strip()
        if name.startswith("!"):
            yield text[done : start + 2] + text[start + 3 : end + 1], False
        else:
            if not name:
                raise ValueError('"Fn::Sub" has an empty name; write ${!} for the text ${}')
            if start > done:
                yield text[done:start], False
            yield name, True
        done = end + 1
    if done < len(text) or not text:
        yield text[done:], False


def _reference(name: str) -> dict[str, Any]:
    """The long form of ``${name}``: attributes have a dot."""
    resource, dot, attribute = name.partition(".")
    return {"Fn::GetAtt": [resource, attribute]} if dot else {"Ref": name}


def _substituted(variable: dict[str, Any]) -> str:
    for name, value in variable.items():
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, str | int | float):
            return str(value)
        if value is None:
            return ""
        raise TypeError(f'The variable "{name}" of "Fn::Sub" is not a text but a {type(value).__name__}')
    raise ValueError('A variable of "Fn::Sub" has no value')


class ImportValue(Function):
    """A value that another stack of the project exports."""

    usage = "{Fn::ImportValue: name of an export}"

    @override
    def check(self, args: Any) -> None:
        if not isinstance(args, str | Call):
            raise TypeError('Argument to "Fn::ImportValue" must be a string')

    @override
    def check_values(self, args: Any) -> None:
        self.check(args)

    @override
    def references(self, args: Any, walk: Walk) -> Iterator[Use]:
        yield from walk.inside(args)
        yield Import(walk.value(args), walk.path)

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        return run.imported(args)


class Cidr(Function):
    """A list of address blocks cut out of one."""

    usage = "{Fn::Cidr: [address block, how many, bits for hosts]}"

    @override
    def check(self, args: Any) -> None:
        if not isinstance(args, list) or not 2 <= len(args) <= 3:
            raise ValueError('Arguments to "Fn::Cidr" must be of the form: [ipBlock, count, cidrBits]')

    @override
    def check_values(self, args: Any) -> None:
        text, count, *bits = args
        if not isinstance(text, str | Unknown):
            raise TypeError('The ipBlock of "Fn::Cidr" must be a string')
        if isinstance(text, str):
            ipaddress.ip_network(text, strict=False)
        if not isinstance(count, Unknown) and not 1 <= _whole("count", count) <= MOST_SUBNETS:
            raise ValueError(f'The count of "Fn::Cidr" must be from 1 to {MOST_SUBNETS}, not {count}')
        if bits and not isinstance(bits[0], Unknown):
            _whole("cidrBits", bits[0])

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        text, count, bits = args if len(args) == 3 else (*args, DEFAULT_BITS)
        count, bits = _whole("count", count), _whole("cidrBits", bits)
        block = ipaddress.ip_network(text, strict=False)
        if not 1 <= bits <= block.max_prefixlen or count << bits > block.num_addresses:
            raise ValueError(f"{block} has no room for {count} blocks with {bits} bits for hosts")
        first, prefix = int(block.network_address), block.max_prefixlen - bits
        kind = type(block.network_address)
        return [f"{kind(first + (index << bits))}/{prefix}" for index in range(count)]


def _whole(what: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise TypeError(f'The {what} of "Fn::Cidr" must be a whole number, not {value!r}'[:200])
    return int(value)


class Length(Function):
    """The number of items in a list."""

    usage = "{Fn::Length: list}"
    takes_unknown = True

    @override
    def check(self, args: Any) -> None:
        if not isinstance(args, list | Call):
            raise TypeError('Argument to "Fn::Length" must be a list')

    @override
    def check_values(self, args: Any) -> None:
        self.check(args)

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        return len(args)


class ToJsonString(Function):
    """A map or list as JSON text."""

    usage = "{Fn::ToJsonString: map or list}"

    @override
    def check(self, args: Any) -> None:
        if not isinstance(args, dict | list | Call):
            raise TypeError('Argument to "Fn::ToJsonString" must be a map or a list')

    @override
    def check_values(self, args: Any) -> None:
        self.check(args)

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        nodes, text = size_of(args)
        run.charge(text=text + nodes, work=text + nodes)
        return json.dumps(args, ensure_ascii=False, separators=(",", ":"))


class ConditionRef(Function):
    """The truth of a condition that has a name."""

    usage = "{Condition: name of a condition}"

    @override
    def check(self, args: Any) -> None:
        if not isinstance(args, str):
            raise TypeError('Argument to "Condition" must be the name of a condition')

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        return run.condition(args)


class RuleContains(Function):
    """Whether a text is in a list."""

    usage = "{Fn::Contains: [list of texts, text]}"

    @override
    def check(self, args: Any) -> None:
        if not isinstance(args, list) or len(args) != 2:
            raise ValueError('Arguments to "Fn::Contains" must be of the form: [list, value]')

    @override
    def check_values(self, args: Any) -> None:
        _check_texts("Fn::Contains", args[0])
        _check_text(args[1])

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        return _text(args[1]) in _texts(args[0])


class EachMember(Function):
    """Whether every item of a list is in another list, or is one text."""

    def __init__(self, name: str, *, in_list: bool) -> None:
        self.name = name
        self.in_list = in_list

    @override
    def check(self, args: Any) -> None:
        if not isinstance(args, list) or len(args) != 2:
            other = "list to be in" if self.in_list else "value"
            raise ValueError(f'Arguments to "{self.name}" must be of the form: [list, {other}]')

    @override
    def check_values(self, args: Any) -> None:
        items, other = args
        _check_texts(self.name, items)
        if self.in_list:
            _check_texts(self.name, other)
        else:
            _check_text(other)

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        allowed = _texts(args[1]) if self.in_list else {_text(args[1])}
        return _texts(args[0]) <= allowed


def _check_texts(name: str, items: Any) -> None:
    if isinstance(items, Unknown):
        return
    if not isinstance(items, list):
        raise TypeError(f'The list of "{name}" is not a list but a {type(items).__name__}')
    for item in items:
        _check_text(item)


def _check_text(value: Any) -> None:
    if not isinstance(value, str | int | float | Unknown):
        raise TypeError(f"A rule compares texts, not a {type(value).__name__}")


def _texts(items: list[Any]) -> set[str]:
    return {_text(item) for item in items}


def _text(value: Any) -> str:
    """A value as rules compare it: parameters are texts to them, whatever their type."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


class Refused(Function):
    """A function that is recognised so that its use can be refused."""

    def __init__(self, why: str) -> None:
        self.why = why

    @override
    def parse(self, raw: Any, parser: Parser, path: TemplatePath) -> Any:
        """Refused whatever its arguments are."""
        return raw

    @override
    def check(self, args: Any) -> None:
        raise ValueError(self.why)

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        return args
