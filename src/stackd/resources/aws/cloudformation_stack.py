"""AWS::CloudFormation::Stack, a stack from a template at a URL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stackd.records import Resource
from stackd.resources.base import Child, Members, NestedType
from stackd.resources.heat.members import no_attribute
from stackd.resources.heat.template_resource import as_parameter
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, prop
from stackd.template.files import nested_template
from stackd.template.functions.refs import select

_OUTPUTS = "Outputs."
_EMPTY = {"HeatTemplateFormatVersion": "2012-12-12"}


class CloudFormationStackProps(Properties):
    """Properties of ``AWS::CloudFormation::Stack``."""

    template_url: str = prop(
        "Where the template is. It is fetched while the request is checked, unless it is among the files.",
        name="TemplateURL",
        required=True,
        update=IN_PLACE,
    )
    timeout: int | None = prop(
        "Minutes that the stack may take. It is the timeout of the whole operation that counts.",
        name="TimeoutInMinutes",
        update=IN_PLACE,
    )
    parameters: dict[str, Any] | None = prop(
        "Values of the template's parameters.", name="Parameters", update=IN_PLACE
    )


@resource_type("AWS::CloudFormation::Stack")
class CloudFormationStack(NestedType[CloudFormationStackProps]):
    """Makes a stack of its own from a template at a URL.

    Its outputs are the attributes `Outputs.NAME`.
    """

    checkable = True

    def child(
        self, resource: Resource, props: CloudFormationStackProps, members: Members, files: Mapping[str, str]
    ) -> Child:
        """The template that was fetched, with the given parameters."""
        url = props.data["TemplateURL"]
        if not isinstance(url, str):
            raise TypeError("the URL is not known before other resources exist")
        text = nested_template(files, url, f"resources.{resource.name}.properties.TemplateURL")
        given = props.data.get("Parameters") or {}
        parameters = {name: as_parameter(value) for name, value in given.items() if value is not None}
        return Child(_EMPTY if text is None else text, parameters, url)

    def reference(self, resource: Resource) -> Any:
        """The stack's ARN."""
        return resource.data.get("arn") or resource.physical_id or resource.name

    def read(self, resource: Resource, name: str, path: tuple[Any, ...], members: Members) -> Any:
        """An output of the stack."""
        key = name.removeprefix(_OUTPUTS)
        if key == name or key not in members.outputs:
            raise no_attribute(resource, name)
        return select(members.output(resource, key), path)
