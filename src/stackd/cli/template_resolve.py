"""`stackd template resolve`: a template with its values filled in, as far as they are known beforehand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import click

from stackd.cli.packing import short_path
from stackd.cli.template import source_options
from stackd.cli.template_source import Given
from stackd.cli.template_work import evaluated
from stackd.engine.definition.desired import Desired
from stackd.engine.validation.tree import Expanded
from stackd.errors import StackdError
from stackd.template.evaluation import Evaluation, Scope
from stackd.template.functions.base import Call
from stackd.template.masking import concealed
from stackd.template.parameters import Parameters
from stackd.template.unknown import Unknown

_TEXT_FUNCTIONS: Final = frozenset(
    {
        "str_replace",
        "str_replace_strict",
        "str_replace_vstrict",
        "list_join",
        "make_url",
        "Fn::Join",
        "Fn::Replace",
        "Fn::Sub",
    }
)
_SECTIONS: Final = ("properties", "metadata", "update_policy", "external_id")


@click.command()
@source_options
@click.option("--show-nested", is_flag=True, help="Show the nested stacks inside the resources that are one.")
@click.option("--show-hidden", is_flag=True, help="Show the values of hidden parameters.")
def resolve(given: Given, show_nested: bool, show_hidden: bool) -> None:
    """Show FILE as YAML with its parameters, conditions and functions evaluated.

    What only the cloud knows is shown as <resource.attribute>, a parameter that has no value or a hidden one
    as <parameters.name>. Resources and outputs whose condition does not hold are left out.
    """
    from stackd.rewrite.writer import to_yaml

    _, expanded = evaluated(given)
    shown = resolved(expanded, nested=show_nested, hidden=show_hidden)
    if not show_hidden:
        shown = concealed(shown, expanded.secrets())  # nested stacks get them as others
    click.echo(to_yaml(shown), nl=False)


def resolved(expanded: Expanded, *, nested: bool = False, hidden: bool = False) -> dict[str, Any]:
    """The template of a stack to be with its values filled in, in the words of its dialect."""
    desired = expanded.desired
    template = desired.source.template
    version = template.version
    values = _Values(desired, hidden=hidden)
    shown: dict[str, Any] = {version.key: version.date}
    if given := template.data.get(version.sections["description"]):
        shown[version.sections["description"]] = given
    resources = {name: _resource(desired, name, values) for name in desired.resources}
    if nested:
        for name, child in expanded.children.items():
            resources[name]["nested"] = resolved(child, nested=True, hidden=hidden)
    shown[version.sections["resources"]] = resources
    outputs = {
        name: _described(output.value, template.data[version.sections["outputs"]][name], desired, values)
        for name, output in template.outputs.items()
        if desired.holds(output.condition)
    }
    return shown | ({version.sections["outputs"]: outputs} if outputs else {})


def _resource(desired: Desired, name: str, values: _Values) -> dict[str, Any]:
    """A resource, with its keys in the order of the text; its condition is true or unknown."""
    definition = desired.resources[name]
    keys = {written: key for key, written in desired.source.template.version.resource_keys.items()}
    shown: dict[str, Any] = {}
    for written, raw in definition.raw.items():
        key = keys.get(written, "")
        if key in _SECTIONS:
            shown[written] = values.of(getattr(definition, key))
        elif key == "deletion_policy":
            policy = definition.deletion_policy_node
            shown[written] = raw if policy is None else values.of(policy)
        elif key == "type":
            shown[written] = short_path(raw)
        elif key != "condition":
            shown[written] = raw
        elif desired.conditions.holds(definition.condition) is not True:
            shown[written] = raw  # not known before its parameters are
    return shown


def _described(value: Any, raw: Mapping[str, Any], desired: Desired, values: _Values) -> dict[str, Any]:
    keys = desired.source.template.version.output_keys
    shown = {keys["description"]: raw[keys["description"]]} if raw.get(keys["description"]) else {}
    return {**shown, keys["value"]: values.of(value)}


class _Values:
    """Evaluates nodes of one stack; what is not known is text between angle brackets."""

    def __init__(self, desired: Desired, *, hidden: bool) -> None:
        secret = frozenset() if hidden else desired.parameters.hidden
        known = {
            name: Unknown("", ("parameters", name)) if name in secret else value
            for name, value in desired.parameters.items()
        }
        self._desired = desired
        self._open = _Scope(desired, Parameters(known, desired.parameters.schemas))
        texts = {name: _placeholders(value) for name, value in known.items()}
        self._text = _TextScope(desired, Parameters(texts, desired.parameters.schemas))

    def of(self, node: Any) -> Any:
        """The value of a node; what is omitted is left out."""
        if isinstance(node, dict):
            pairs = ((key, self._all(value)) for key, value in node.items())
            return {key: found[0] for key, found in pairs if found}
        if isinstance(node, list):
            return [value for item in node for value in self._all(item)]
        found = self._all(node)
        return found[0] if found else None

    def _all(self, node: Any) -> list[Any]:
        """The value as the only item of a list, which is empty when the node is to be left out."""
        if isinstance(node, dict | list):
            return [self.of(node)]
        if not isinstance(node, Call):
            return [node]
        if node.name in _TEXT_FUNCTIONS:
            try:
                return list(_placeholders(self._evaluated(node, self._text)))
            except StackdError:
                pass  # what is not known is no text: the function then is not known as a whole
        return list(_placeholders(self._evaluated(node, self._open)))

    def _evaluated(self, node: Any, scope: Scope) -> list[Any]:
        desired = self._desired
        return list(Evaluation(scope, desired.source.template, desired.conditions).resolve([node]))


class _Scope:
    """A stack before it exists, with some parameters left open."""

    def __init__(self, desired: Desired, parameters: Parameters) -> None:
        self._desired = desired
        self._scope: Scope = desired.scope({})
        self.parameters = parameters
        self.files = desired.source.files

    def reference(self, resource: str) -> Any:
        """What `get_resource` will give."""
        return self._scope.reference(resource)

    def attribute(self, resource: str, name: str, path: tuple[Any, ...]) -> Any:
        """What `get_attr` will give."""
        return self._scope.attribute(resource, name, path)

    def all_attributes(self, resource: str) -> Any:
        """What `get_attr` will give without the name of an attribute."""
        return self._scope.all_attributes(resource)

    def facade(self, key: str) -> Any:
        """A value of the parent resource."""
        return self._scope.facade(key)


class _TextScope(_Scope):
    """The same with text where a text will be, so that it can be seen inside of others."""

    def reference(self, resource: str) -> Any:
        """A placeholder of what `get_resource` will give."""
        return _placeholders(super().reference(resource))

    def attribute(self, resource: str, name: str, path: tuple[Any, ...]) -> Any:
        """A placeholder of what `get_attr` will give, if that can be a text."""
        value = super().attribute(resource, name, path)
        attributes = self._desired.types[resource].handler.attributes
        kind = attributes[name].type if name in attributes else "any"
        return value if kind in ("list", "map") and not path else _placeholders(value)


def _placeholders(value: Any) -> Any:
    """The value with everything unknown in it as text between angle brackets."""
    if isinstance(value, Unknown):
        return f"<{'.'.join(str(part) for part in (value.resource, *value.path) if part != '')}>"
    if isinstance(value, dict):
        return {key: _placeholders(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_placeholders(item) for item in value]
    return value
