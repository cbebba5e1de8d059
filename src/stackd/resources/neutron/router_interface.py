"""OS::Neutron::RouterInterface, which connects a router to a subnet or through a port."""

from __future__ import annotations

from collections.abc import Sequence

from stackd.resources.base import ResourceType
from stackd.resources.context import JSON, Context
from stackd.resources.neutron.router_interface_props import RouterInterfaceProps
from stackd.resources.registry import resource_type
from stackd.resources.rules import at_least_one, at_most_one


@resource_type("OS::Neutron::RouterInterface")
class RouterInterface(ResourceType[RouterInterfaceProps]):
    """A router's presence on a subnet; its physical id is ``router:subnet_id=…`` or ``router:port_id=…``."""

    service = "network"
    extension = "router"

    def validate(self, props: RouterInterfaceProps) -> None:
        """A subnet or a port."""
        at_most_one(props, "subnet", "port")
        at_least_one(props, "subnet", "port")

    async def create(self, ctx: Context, props: RouterInterfaceProps) -> None:
        """Add the interface; not to be repeated blindly, a second request would be refused."""
        key, target = _target(props)
        path = f"/routers/{props.router}/add_router_interface"
        await ctx.cloud.network.request("PUT", path, json={key: target}, idempotent=False)
        await ctx.created(_physical_id(props))

    async def find(self, ctx: Context, props: RouterInterfaceProps) -> Sequence[JSON]:
        """The router's port on the subnet, or the port if the router has it."""
        key, target = _target(props)
        query = {"fixed_ips": f"subnet_id={target}"} if key == "subnet_id" else {"id": target}
        ports = await ctx.cloud.network.list_all("/ports", "ports", {"device_id": props.router, **query})
        return [{**port, "id": _physical_id(props)} for port in ports[:1]]

    async def delete(self, ctx: Context, props: RouterInterfaceProps) -> None:
        """Remove the interface, and with it its port."""
        router, _, interface = ctx.physical_id.partition(":")
        key, _, target = interface.partition("=")
        path = f"/routers/{router}/remove_router_interface"
        await ctx.cloud.network.put(path, {key: target})


def _target(props: RouterInterfaceProps) -> tuple[str, str]:
    return ("subnet_id", props.subnet) if props.subnet else ("port_id", str(props.port))


def _physical_id(props: RouterInterfaceProps) -> str:
    return f"{props.router}:{'='.join(_target(props))}"
