"""OS::Heat::SoftwareDeployment and OS::Heat::StructuredDeployment, configurations on servers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeVar

from stackd.errors import UserParameterMissing
from stackd.records import Resource
from stackd.records import SoftwareConfig as Config
from stackd.resources.attributes import attr
from stackd.resources.base import ResourceType
from stackd.resources.constraints import one_of
from stackd.resources.context import JSON, Context
from stackd.resources.follows import Siblings
from stackd.resources.heat.deployments import (
    cancel,
    declare,
    deploy,
    handles,
    is_there,
    require_software_config,
    source_of,
    take,
    wait,
    withdraw,
)
from stackd.resources.heat.software import changed_decisively
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, prop
from stackd.wording import Reason


class DeploymentProps(Properties):
    """Properties of ``OS::Heat::SoftwareDeployment``."""

    config: str | None = prop("Id of the configuration.", update=IN_PLACE)
    server: str = prop("Id of the server.", required=True)
    input_values: dict[str, Any] | None = prop("Values of the configuration's inputs.", update=IN_PLACE)
    actions: list[Any] = prop(
        "The actions of the stack that deploy; a component says so itself.",
        default=["CREATE", "UPDATE"],
        update=IN_PLACE,
        constraints=[one_of("CREATE", "UPDATE", "DELETE", "SUSPEND", "RESUME")],
    )
    name: str | None = prop("Name of what is deployed; a server deploys in this order.", update=IN_PLACE)
    signal_transport: str = prop(
        "How the guest signals what came of it: to a signed URL, to an object in Swift, to the native API, "
        "to a queue in Zaqar, or not at all.",
        default="CFN_SIGNAL",
        constraints=[one_of("CFN_SIGNAL", "TEMP_URL_SIGNAL", "HEAT_SIGNAL", "NO_SIGNAL", "ZAQAR_SIGNAL")],
    )


P = TypeVar("P", bound=DeploymentProps)


class Deployment(ResourceType[P]):
    """A configuration on a server, from the deployment to the signal of what came of it."""

    signalable = True
    signalled_always = True
    gives_up = True
    any_attributes = True
    attributes: ClassVar = {
        "deploy_stdout": attr("What it printed."),
        "deploy_stderr": attr("What it printed of errors."),
        "deploy_status_code": attr("The code with which it ended."),
    }

    def validate_among(self, props: P, siblings: Siblings) -> None:
        """A server of the stack must be one that gets deployments."""
        require_software_config(props.data.get("server"), siblings, "properties.server")

    def must_replace(self, resource: Resource, new: P) -> str | None:
        """An input that the deployed configuration declares so, and that changes."""
        known = resource.data.get("decisive_inputs") or {}
        name = changed_decisively(known, new.data.get("input_values") or {})
        return f"the input {name} has replace_on_change" if name else None

    def attribute_values(self, resource: Resource, live: JSON) -> dict[str, Any]:
        """The outputs that the guest signalled."""
        return {**dict.fromkeys(self.attributes), **(resource.data.get("outputs") or {})}

    def computed_values(self, resource: Resource) -> dict[str, Any]:
        """What the guest has signalled is shown at once, whatever becomes of the resource."""
        return self.attribute_values(resource, {})

    def config_for(self, props: P, source: Config | None) -> Any:
        """What the server gets."""
        return source.content.get("config") if source else None

    async def create(self, ctx: Context, props: P) -> None:
        """Deploy, if creating is one of the actions."""
        await ctx.put_data(made=True)
        await self._deploy(ctx, props, "CREATE")

    async def configure(self, ctx: Context, props: P) -> None:
        """Wait for the guest."""
        await ctx.software.publish(props.server)
        await wait(ctx)

    async def update(self, ctx: Context, old: P, new: P) -> None:
        """Deploy again, if updating is one of the actions."""
        await self._act(ctx, new, "UPDATE")

    async def delete(self, ctx: Context, props: P) -> None:
        """Let the guest undo it, if deleting is one of the actions and the server is there."""
        config = props.data.get("config")
        source = await ctx.software.config(config) if config else None
        can = source is not None or not config
        if can and handles(source, props.actions, "DELETE") and await is_there(ctx, props.server):
            await self._act(ctx, props, "DELETE")
        await withdraw(ctx)

    async def suspend(self, ctx: Context, props: P) -> None:
        """Deploy, if suspending is one of the actions."""
        await self._act(ctx, props, "SUSPEND")

    async def resume(self, ctx: Context, props: P) -> None:
        """Deploy, if resuming is one of the actions."""
        await self._act(ctx, props, "RESUME")

    async def cancelled(self, ctx: Context) -> None:
        """Let the deployment show that nobody waits for its guest."""
        await cancel(ctx)

    async def signal(self, ctx: Context, details: Mapping[str, Any] | None) -> str | None:
        """Keep what the guest signals of the deployment."""
        return await take(ctx, details)

    async def _act(self, ctx: Context, props: P, action: str) -> None:
        """Deploy and wait for the guest, if an action is to."""
        if await self._deploy(ctx, props, action):
            await ctx.software.publish(props.server)
            await wait(ctx)

    async def _deploy(self, ctx: Context, props: P, action: str) -> bool:
        source = await source_of(ctx, props.data.get("config"))
        await declare(ctx, source)
        if not handles(source, props.actions, action):
            return False
        await deploy(ctx, props, source, self.config_for(props, source), action)
        return True


@resource_type("OS::Heat::SoftwareDeployment", since="2014.1")
class SoftwareDeployment(Deployment[DeploymentProps]):
    """Brings a configuration to a server and waits until its guest signals what came of it."""


class StructuredProps(DeploymentProps):
    """Properties of ``OS::Heat::StructuredDeployment``."""

    input_key: str = prop("Key of the maps that stand for inputs.", default="get_input")
    input_values_validate: str = prop(
        "Whether every input must have a value.", default="LAX", constraints=[one_of("LAX", "STRICT")]
    )


@resource_type("OS::Heat::StructuredDeployment", since="2014.1")
class StructuredDeployment(Deployment[StructuredProps]):
    """Brings a map to a server, with the values of its inputs in their places."""

    def config_for(self, props: StructuredProps, source: Config | None) -> Any:
        """The map with values in place of ``{get_input: name}``."""
        if source is None:
            return None
        declared = {each["name"]: each.get("default") for each in source.content.get("inputs", ())}
        values = {**declared, **(props.data.get("input_values") or {})}
        return _filled(source.content.get("config"), props.input_key, values, props.input_values_validate)


def _filled(value: Any, key: str, values: Mapping[str, Any], validate: str) -> Any:
    if isinstance(value, Mapping):
        if set(value) == {key} and isinstance(name := value[key], str):
            if validate == "STRICT" and values.get(name) is None:
                raise UserParameterMissing(
                    Reason.MISSING_PARAMETER(name=name),
                    path="properties.input_values",
                    remedy="Give the input a value, or set input_values_validate to LAX.",
                )
            return values.get(name)
        return {each: _filled(inner, key, values, validate) for each, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, key, values, validate) for inner in value]
    return value
