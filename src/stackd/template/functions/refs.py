"""Functions that refer to something outside: parameters, resources, files, the containing resource."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar, Final

from typing_extensions import override

from stackd.template.functions.base import Call, Function, Reference, Resolver, Use, Walk
from stackd.template.unknown import Unknown, find_unknown


def select(value: Any, path: Iterable[Any], *, missing: Any = None, text_index: bool = False) -> Any:
    """What ``path`` leads to inside ``value``, or ``missing`` where it leads nowhere.

    With ``text_index`` the text of a number selects from a list; text counts as a list of its characters.
    """
    for key in path:
        if isinstance(value, Unknown):
            return Unknown(value.resource, (*value.path, key))
        try:
            if isinstance(value, dict):
                value = value[key]
            elif isinstance(value, list | str):
                value = value[int(key) if text_index and isinstance(key, str) else key]
            else:
                return missing
        except (LookupError, TypeError, ValueError):
            return missing
    return value


def _is_open(name: Any) -> bool:
    """Whether a name depends on a parameter whose value is not known."""
    return isinstance(name, Unknown) and not name.resource


class GetParam(Function):
    """A parameter's value, or part of it."""

    usage = "{get_param: name} or {get_param: [name, key or index, …]}"
    takes_unknown = True

    @override
    def check_values(self, args: Any) -> None:
        if not args:
            raise ValueError('Function "get_param" must have arguments')
        name = args[0] if isinstance(args, list) else args
        if not isinstance(args, str | list):
            raise TypeError('Argument to "get_param" must be string or list')
        if not isinstance(name, str | Unknown):
            raise TypeError('Parameter name in "get_param" must be string')

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        name, path = (args[0], args[1:]) if isinstance(args, list) else (args, [])
        if isinstance(name, Unknown):
            return name
        value = run.parameter(name)
        unknown = find_unknown(path)
        return unknown if unknown is not None else select(value, path, missing="", text_index=True)


class GetResource(Function):
    """A resource's reference id."""

    usage = "{get_resource: resource name}"

    @override
    def references(self, args: Any, walk: Walk) -> Iterator[Use]:
        yield from walk.inside(args)
        name = walk.value(args)
        if not _is_open(name):
            yield Reference(name if isinstance(name, str) else str(name), where=walk.path)

    @override
    def check_values(self, args: Any) -> None:
        if not isinstance(args, str):
            raise TypeError('Argument to "get_resource" must be a string')

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        return run.reference(args)


class GetAttr(Function):
    """A resource's attribute, or part of it."""

    usage = "{get_attr: [resource name, attribute name, key or index, …]}"

    def __init__(self, *, select_after: bool = False, allow_all: bool = False, exact: bool = False) -> None:
        self.select_after = select_after
        self.allow_all = allow_all
        self.exact = exact

    @override
    def check(self, args: Any) -> None:
        if self.allow_all and isinstance(args, str) and len(args) == 1:
            return
        if isinstance(args, Call):
            return
        if self.allow_all and not args:
            raise ValueError(
                f'Arguments to "{self._name}" can be of the next forms: '
                "[resource_name] or [resource_name, attribute, (path), ...]"
            )
        if self.exact and (not isinstance(args, list) or len(args) != 2):
            raise ValueError(f'Arguments to "{self._name}" must be of the form [resource_name, attribute]')
        if not isinstance(args, list):
            raise TypeError(f'Argument to "{self._name}" must be a list')
        if len(args) < (1 if self.allow_all else 2):
            raise ValueError(
                f'Arguments to "{self._name}" must be of the form [resource_name, attribute, (path), ...]'
            )
        for part, what in zip(args, ("Resource", "Attribute"), strict=False):
            if not isinstance(part, str | Call | Unknown):
                raise TypeError(f'{what} name in "{self._name}" must be a string')

    @property
    def _name(self) -> str:
        return "Fn::GetAtt" if self.exact else "get_attr"

    @override
    def references(self, args: Any, walk: Walk) -> Iterator[Use]:
        yield from walk.inside(args)
        parts = walk.value([args] if isinstance(args, str) else args)
        if _is_open(parts[0] if isinstance(parts, list) and parts else parts):
            return
        if not isinstance(parts, list) or not parts:
            yield Reference(str(parts), "*", where=walk.path)
            return
        known: list[Any] = []
        for part in parts[1:]:
            if find_unknown(part) is not None or not isinstance(part, str | int):
                break
            known.append(part)
        attribute = str(known[0]) if known else "*"
        yield Reference(str(parts[0]), attribute, tuple(known[1:]), walk.path)

    @override
    def check_values(self, args: Any) -> None:
        self.check([args] if isinstance(args, str) else args)

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        resource, *rest = [args] if isinstance(args, str) else args
        if not rest:
            return run.all_attributes(resource)
        name, *path = rest
        if not self.select_after:
            return run.attribute(resource, name, tuple(path))
        return select(run.attribute(resource, name, ()), path, missing=None, text_index=False)


class Ref(Function):
    """A resource's reference id, or a parameter's value."""

    usage = "{Ref: name of a resource or parameter}"

    @override
    def references(self, args: Any, walk: Walk) -> Iterator[Use]:
        yield from walk.inside(args)
        name = walk.value(args)
        if isinstance(name, str) and (walk.is_resource(name) or not walk.is_parameter(name)):
            yield Reference(name, where=walk.path)

    @override
    def check_values(self, args: Any) -> None:
        _check_ref(args)

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        if not run.is_resource(args) and run.is_parameter(args):
            return run.parameter(args)
        return run.reference(args)


class ParamRef(Function):
    """A parameter's value."""

    usage = "{Ref: parameter name}"

    @override
    def check_values(self, args: Any) -> None:
        _check_ref(args)

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        return run.parameter(args)


def _check_ref(args: Any) -> None:
    if not isinstance(args, str):
        raise TypeError('Argument to "Ref" must be a string')


class GetFile(Function):
    """A function for including a file inline."""

    usage = "{get_file: name of a file in the request's files}"

    @override
    def check_values(self, args: Any) -> None:
        if not isinstance(args, str):
            raise TypeError('Argument to "get_file" must be a string')

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        return run.file(args)


class ResourceFacade(Function):
    """Metadata or a policy of the resource that this template implements."""

    usage = "{resource_facade: metadata}, or deletion_policy or update_policy"
    KEYS: ClassVar = ("metadata", "deletion_policy", "update_policy")

    def __init__(self, name: str = "resource_facade", keys: tuple[str, ...] = KEYS) -> None:
        self.name = name
        self.keys = dict(zip(keys, self.KEYS, strict=True))

    @override
    def check(self, args: Any) -> None:
        if args not in tuple(self.keys):
            raise ValueError(f'Incorrect arguments to "{self.name}" should be one of: {", ".join(self.keys)}')

    @override
    def evaluate(self, args: Any, run: Resolver) -> Any:
        return run.facade(self.keys[args])


CFN_FACADE: Final = ("Metadata", "DeletionPolicy", "UpdatePolicy")
