"""Which form a call gets in a version of HOT that does not have its function any more."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from stackd.resources.base import NestedType
from stackd.resources.registry import Registry
from stackd.resources.schema import Support
from stackd.rewrite.edits import Edit, Rename, Reshape
from stackd.rewrite.forms import Form, Take, filled
from stackd.rewrite.types import OUT_OF_USE, Found
from stackd.template.functions.base import TemplatePath
from stackd.template.functions.refs import GetAttr
from stackd.template.parameters import PSEUDO_NAMES
from stackd.template.template import Template
from stackd.template.versions import Version

FACADE: Final = {"Metadata": "metadata", "DeletionPolicy": "deletion_policy", "UpdatePolicy": "update_policy"}
TEMPLATE_ENDINGS: Final = (".yaml", ".template")
_LISTS: Final = frozenset({"comma_delimited_list", "json"})
_COLLECTIONS: Final = frozenset({"list", "map"})


@dataclass(frozen=True, slots=True)
class Names:
    """What the names in a template stand for."""

    template: Template
    registry: Registry

    def reference(self, name: object) -> str | None:
        """The function that refers to a name: a resource's, or a parameter's."""
        if name in self.template.resources:
            return "get_resource"
        known = name in self.template.parameter_schemas or name in PSEUDO_NAMES["hot"]
        return "get_param" if known else None

    def parameter_type(self, name: object) -> str:
        """The type of a parameter; empty when there is none."""
        schema = self.template.parameter_schemas.get(name) if isinstance(name, str) else None
        return schema.type if schema else ""

    def is_group(self, resource: object) -> bool:
        """Whether a resource may contain others, which take the path of an attribute themselves."""
        definition = self.template.resources.get(resource) if isinstance(resource, str) else None
        if definition is None or definition.type not in self.registry:
            return definition is None or not definition.type.endswith(TEMPLATE_ENDINGS)
        return isinstance(self.registry.get(definition.type), NestedType)

    def attribute_support(self, args: list[Any]) -> Support | None:
        """Why an attribute should not be used any more, if so."""
        definition = self.template.resources.get(args[0]) if args and isinstance(args[0], str) else None
        if definition is None or len(args) < 2 or definition.type not in self.registry:
            return None
        attribute = self.registry.get(definition.type).attributes.get(str(args[1]))
        return attribute.support if attribute and attribute.support.status in OUT_OF_USE else None

    def attribute_type(self, resource: object, attribute: object) -> str:
        """The type of an attribute of a single object; empty for groups and whatever is not known."""
        definition = self.template.resources.get(resource) if isinstance(resource, str) else None
        if definition is None or definition.type not in self.registry:
            return ""
        kind = self.registry.get(definition.type)
        if isinstance(kind, NestedType) or not isinstance(attribute, str):
            return ""
        return kind.attributes[attribute].type if attribute in kind.attributes else ""


Rule = Callable[[Any, Names], Form]
"""The form of a call with these arguments, whose calls are rewritten already; None when there is none."""


def _ref(args: Any, names: Names) -> Form:
    function = names.reference(args) if isinstance(args, str) else None
    return function and {function: Take(("Ref",))}


def _facade(args: Any, names: Names) -> Form:
    return {"resource_facade": FACADE[args]} if args in FACADE else None


def _replace(args: Any, names: Names) -> Form:
    if not isinstance(args, list) or len(args) != 2:
        return None
    return {"str_replace": {"template": Take(("Fn::Replace", 1)), "params": Take(("Fn::Replace", 0))}}


def _select(args: Any, names: Names) -> Form:
    """The path of a parameter or attribute, or what is selected from plain data."""
    if not isinstance(args, list) or len(args) != 2 or not isinstance(args[0], str | int):
        return None
    key, items = args
    if isinstance(items, list):
        return _literal(_number(key), range(len(items)))
    if not isinstance(items, dict) or len(items) != 1:
        return _literal(key, items) if isinstance(items, dict) else None
    name, inner = next(iter(items.items()))
    if name == "get_param" and names.parameter_type(inner) in _LISTS:
        return {"get_param": [Take(("Fn::Select", 1, "get_param")), Take(("Fn::Select", 0))]}
    if name == "get_attr" and isinstance(inner, list) and len(inner) > 1:
        return _selected_attribute(key, inner, names)
    return _selected_part(_number(key), inner) if name == "str_split" else None


def _literal(key: str | int | None, items: Any) -> Form:
    return Take(("Fn::Select", 1, key)) if key is not None and key in items else None


def _selected_attribute(key: str | int, inner: list[Any], names: Names) -> Form:
    kind = names.attribute_type(inner[0], inner[1])
    if kind not in _COLLECTIONS or not all(isinstance(part, str | int) for part in inner):
        return None
    parts = [Take(("Fn::Select", 1, "get_attr", index)) for index in range(len(inner))]
    number = _number(key)
    is_map = kind == "map" and len(inner) == 2
    return {"get_attr": [*parts, Take(("Fn::Select", 0)) if is_map or number is None else number]}


def _selected_part(number: int | None, inner: Any) -> Form:
    """A part of a text that is split; only one that is there for certain, because others are refused now."""
    if number is None or not isinstance(inner, list) or len(inner) != 2:
        return None
    delimiter, text = inner
    is_plain = isinstance(delimiter, str) and isinstance(text, str) and delimiter
    count = len(text.split(delimiter)) if is_plain else 1
    if not -count <= number < count:
        return None
    parts = [Take(("Fn::Select", 1, "str_split", index)) for index in range(2)]
    return {"str_split": [*parts, number]}


def _number(key: str | int) -> int | None:
    """The place in a list that a key means."""
    try:
        return int(key)
    except ValueError:
        return None


RULES: Final[Mapping[str, Rule]] = {
    "Fn::Base64": lambda args, names: Take(("Fn::Base64",)),
    "Fn::Join": lambda args, names: {"list_join": Take(("Fn::Join",))},
    "Fn::Replace": _replace,
    "Fn::ResourceFacade": _facade,
    "Fn::Select": _select,
    "Fn::Split": lambda args, names: {"str_split": Take(("Fn::Split",))},
    "Ref": _ref,
}


@dataclass(slots=True)
class CallWalk:
    """Goes through the values of a template, and notes what another version makes of their calls."""

    names: Names
    target: Version
    found: list[Found]

    @property
    def source(self) -> Version:
        """The version in which the template is written."""
        return self.names.template.version

    def value(self, raw: Any, path: TemplatePath) -> Any:
        """The value as it is written in the target."""
        if isinstance(raw, list):
            return [self.value(each, (*path, index)) for index, each in enumerate(raw)]
        if not isinstance(raw, dict):
            return raw
        new = {key: self.value(each, (*path, key)) for key, each in raw.items()}
        return self._call(*next(iter(new.items())), path) if len(new) == 1 else new

    def _call(self, name: str, args: Any, path: TemplatePath) -> Any:
        """A mapping with one key, which may be a call, as it is written in the target."""
        is_call = name in self.source.recognised
        if is_call and name not in self.target.functions:
            return self._rewritten(name, args, path)
        if not is_call and name in self.target.recognised:
            reason = f"{name} is plain data here, and a function in {self.target.date}"
            self.found.append(Found(path, reason, required=True))
        elif not is_call and name.startswith("Fn::"):
            hint = "use get_attr" if name == "Fn::GetAtt" else "it is of CloudFormation"
            self.found.append(Found(path, f"{name} is plain data in HOT; if a function is meant, {hint}"))
        elif name == "get_attr" and isinstance(args, list):
            self.found.extend(self._attribute(args, path))
        return {name: args}

    def _rewritten(self, name: str, args: Any, path: TemplatePath) -> Any:
        form = RULES[name](args, self.names) if name in RULES else None
        lasting = form is not None and (isinstance(form, Take) or form.keys() <= self.target.functions.keys())
        reason = f"{self.target.date} has no {name} any more"
        required = self.target is not self.source
        if not lasting:
            self.found.append(
                Found(path, f"{reason}, and there is no other way to write this", None, required)
            )
            return {name: args}
        new = _described(form)
        edit: Edit = Reshape(path, form)
        if isinstance(form, dict) and next(iter(form.values())) == Take((name,)):
            edit = Rename((*path, name), new)
        self.found.append(Found(path, f"{name} → {new}: {reason}{_remark(form)}", edit, required))
        return filled(form, {name: args})

    def _attribute(self, args: list[Any], path: TemplatePath) -> Iterator[Found]:
        """The changes and notes for a reference to an attribute."""
        is_passed = len(args) > 2 and _selects(self.source) and not _selects(self.target)
        if is_passed and self.names.is_group(args[0]):
            reason = f"{args[0]} gets the whole path of get_attr after {self.source.date}"
            yield Found(path, reason, required=True)
        if support := self.names.attribute_support(args):
            reason = f"the attribute {args[1]} is {support.status.lower()}. {support.message or ''}".rstrip()
            yield Found(path, reason)


def _selects(version: Version) -> bool:
    """Whether get_attr takes the path after the attribute apart by itself."""
    function = version.functions["get_attr"]
    return isinstance(function, GetAttr) and function.select_after


def _described(form: Form) -> str:
    return next(iter(form)) if isinstance(form, dict) else "what stands in it"


def _remark(form: Form) -> str:
    is_attribute = isinstance(form, dict) and "get_attr" in form
    return " (null instead of an empty text where there is no such item)" if is_attribute else ""
