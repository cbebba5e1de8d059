"""OS::Heat::SoftwareConfig, OS::Heat::StructuredConfig and OS::Heat::CloudConfig: what servers are to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

import yaml

from stackd.resources.attributes import attr
from stackd.resources.base import ResourceType
from stackd.resources.context import Context
from stackd.resources.heat.software import config_content
from stackd.resources.heat.software_props import ConfigProps
from stackd.resources.registry import resource_type
from stackd.resources.schema import Properties, prop

UNGROUPED = "Heat::Ungrouped"
P = TypeVar("P", bound=Properties)


class StoredConfig(ResourceType[P]):
    """A configuration in the project's store; any change makes a new one."""

    local = True
    group = UNGROUPED
    attributes: ClassVar = {
        "config": attr("What the configuration says.", compute=lambda resource: resource.data.get("config"))
    }

    async def content(self, ctx: Context, props: P) -> Mapping[str, Any]:
        """What is stored, as a request to the API gives it."""
        return props.data

    async def create(self, ctx: Context, props: P) -> None:
        """Store the configuration."""
        stored = config_content(await self.content(ctx, props))
        await ctx.put_data(config=stored["config"])
        await ctx.software.create_config(props.data.get("group") or self.group, stored)

    async def delete(self, ctx: Context, props: P) -> None:
        """Remove the configuration."""
        if ctx.resource.physical_id:
            await ctx.software.delete_config()


class SoftwareConfigProps(ConfigProps):
    """Properties of ``OS::Heat::SoftwareConfig``."""

    group: str = prop("Name of the tool in the server that applies it.", default=UNGROUPED)
    config: str | None = prop("A script, or another text that the tool understands.")


@resource_type("OS::Heat::SoftwareConfig", since="2014.1")
class SoftwareConfig(StoredConfig[SoftwareConfigProps]):
    """A script, or another text, that deployments bring to servers."""


class StructuredConfigProps(ConfigProps):
    """Properties of ``OS::Heat::StructuredConfig``."""

    group: str = prop("Name of the tool in the server that applies it.", default=UNGROUPED)
    config: dict[str, Any] | None = prop("A map that the tool understands.")


@resource_type("OS::Heat::StructuredConfig", since="2014.1")
class StructuredConfig(StoredConfig[StructuredConfigProps]):
    """A map that deployments bring to servers, with values in place of its inputs."""


class CloudConfigProps(Properties):
    """Properties of ``OS::Heat::CloudConfig``."""

    cloud_config: dict[str, Any] | None = prop("The settings for cloud-init.")


@resource_type("OS::Heat::CloudConfig", since="2014.1")
class CloudConfig(StoredConfig[CloudConfigProps]):
    """Settings for cloud-init, to be a server's user data."""

    async def content(self, ctx: Context, props: CloudConfigProps) -> Mapping[str, Any]:
        """The settings in the form that cloud-init reads."""
        return {"config": "#cloud-config\n" + yaml.safe_dump(props.data.get("cloud_config"))}
