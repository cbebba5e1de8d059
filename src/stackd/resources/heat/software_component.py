"""OS::Heat::SoftwareComponent, several configurations of which each is for some of a stack's actions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from stackd.errors import PropertyError
from stackd.resources.constraints import length
from stackd.resources.context import Context
from stackd.resources.heat.software_config import StoredConfig
from stackd.resources.heat.software_props import ConfigProps
from stackd.resources.registry import resource_type
from stackd.resources.schema import Properties, prop
from stackd.template.unknown import has_unknown


class ComponentConfig(Properties):
    """A configuration for some actions."""

    actions: list[str] = prop(
        "The actions that apply it.", default=["CREATE", "UPDATE"], constraints=[length(1)]
    )
    config: str | None = prop("A script, or another text that the tool understands.")
    tool: str = prop("Name of the tool in the server that applies it.", required=True)


class SoftwareComponentProps(ConfigProps):
    """Properties of ``OS::Heat::SoftwareComponent``."""

    configs: list[ComponentConfig] = prop(
        "The configurations; an action may be in one of them only.", required=True, constraints=[length(1)]
    )


@resource_type("OS::Heat::SoftwareComponent", since="2014.2")
class SoftwareComponent(StoredConfig[SoftwareComponentProps]):
    """Several configurations of one software, each for some of a stack's actions."""

    group = "component"

    def validate(self, props: SoftwareComponentProps) -> None:
        """Each action has one configuration."""
        if has_unknown(props.data.get("configs")):
            return
        counts = Counter(action for each in props.configs for action in each.actions)
        if doubled := sorted(action for action, count in counts.items() if count > 1):
            raise PropertyError(
                f"The action {doubled[0]} is in more than one of the configs.",
                path="properties.configs",
                remedy="Leave it in one.",
            )

    async def content(self, ctx: Context, props: SoftwareComponentProps) -> Mapping[str, Any]:
        """All configurations; the guest takes the one for its action."""
        return {**props.data, "config": {"configs": props.data["configs"]}}
