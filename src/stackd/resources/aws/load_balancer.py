"""AWS::ElasticLoadBalancing::LoadBalancer, an instance that spreads connections over others."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from stackd.errors import PropertyError
from stackd.records import Resource
from stackd.resources.attributes import attr
from stackd.resources.aws.haproxy import check_target
from stackd.resources.aws.load_balancer_props import LoadBalancerProps
from stackd.resources.base import Child, Members, NestedType
from stackd.resources.heat.members import is_member_attribute, member_attribute, no_attribute
from stackd.resources.heat.template_resource import as_parameter
from stackd.resources.registry import resource_type
from stackd.resources.rules import is_set
from stackd.template.functions.refs import select
from stackd.template.template import load_template
from stackd.template.unknown import Unknown

_ADDRESS = "PublicIp"


@resource_type("AWS::ElasticLoadBalancing::LoadBalancer")
class LoadBalancer(NestedType[LoadBalancerProps]):
    """Spreads connections over instances, and over the members of groups that name it.

    It is a stack with an instance that runs HAProxy. Its image, flavor and key pair are the parameters
    `LbImageId`, `LbFlavor` and `KeyName`, for which `parameter_defaults` of an environment give values.
    """

    checkable = True
    attributes: ClassVar = {
        "CanonicalHostedZoneName": attr("Empty: there is no zone."),
        "CanonicalHostedZoneNameID": attr("Empty: there is no zone."),
        "DNSName": attr("The address of the load balancer."),
        "SourceSecurityGroup.GroupName": attr("Empty: its security groups are those that are given."),
        "SourceSecurityGroup.OwnerAlias": attr("Empty: its security groups are those that are given."),
    }

    def validate(self, props: LoadBalancerProps) -> None:
        """There are ports to balance, each once, and instances can be asked in time."""
        _check_listeners(props.data["Listeners"])
        _check_health(props.data["HealthCheck"])
        for index, each in enumerate(_known_list(props.data["Instances"])):
            if not isinstance(each, str | Unknown):
                raise PropertyError(
                    "An instance is given by its id.",
                    path=f"properties.Instances[{index}]",
                    remedy="Refer to a resource of type AWS::EC2::Instance.",
                )

    def child(
        self, resource: Resource, props: LoadBalancerProps, members: Members, files: Mapping[str, str]
    ) -> Child:
        """The stack of the instance, with what it is to balance."""
        template, data = deepcopy(_template()), props.data
        given = {name: data[name] for name in ("Listeners", "HealthCheck", "Instances")}
        properties = {name: value for name, value in given.items() if value is not None}
        template["resources"]["configuration"]["properties"] = properties
        groups, subnets = data["SecurityGroups"], data["Subnets"]
        subnet = next(iter(subnets), None) if isinstance(subnets, list) else subnets
        parameters = {"SecurityGroups": as_parameter(groups), "Subnet": subnet}
        return Child(template, {name: value for name, value in parameters.items() if is_set(value)})

    def reference(self, resource: Resource) -> Any:
        """The name of the resource, which groups use."""
        return resource.name

    def read(self, resource: Resource, name: str, path: tuple[Any, ...], members: Members) -> Any:
        """The address of the instance; all else is empty."""
        if is_member_attribute(name):
            return member_attribute(resource, name, path, members)
        if name not in self.attributes:
            raise no_attribute(resource, name)
        return select(members.output(resource, _ADDRESS) if name == "DNSName" else "", path)


@cache
def _template() -> dict[str, Any]:
    """The template of the stack inside; to be copied before it is changed."""
    text = Path(__file__).with_name("load_balancer.yaml").read_text()
    return dict(load_template(text, file="load_balancer.yaml").data)


def _known_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _check_listeners(listeners: Any) -> None:
    if listeners == []:
        raise PropertyError(
            "A load balancer needs a listener.",
            path="properties.Listeners",
            remedy="Give it LoadBalancerPort, InstancePort and Protocol.",
        )
    used: set[int] = set()
    for index, each in enumerate(_known_list(listeners)):
        for key in ("LoadBalancerPort", "InstancePort"):
            port = each.get(key) if isinstance(each, Mapping) else None
            if isinstance(port, int) and not 0 < port < 65536:
                raise PropertyError(
                    f"{port} is no port.",
                    path=f"properties.Listeners[{index}].{key}",
                    remedy="Give it a number from 1 to 65535.",
                )
        port = each.get("LoadBalancerPort") if isinstance(each, Mapping) else None
        if isinstance(port, int) and port in used:
            raise PropertyError(
                f"Port {port} has two listeners.",
                path=f"properties.Listeners[{index}].LoadBalancerPort",
                remedy="Give each listener a port of its own.",
            )
        used |= {port} if isinstance(port, int) else set()


def _check_health(health: Any) -> None:
    if not isinstance(health, Mapping):
        return
    if isinstance(target := health.get("Target"), str):
        check_target(target, "properties.HealthCheck.Target")
    interval, timeout = health.get("Interval"), health.get("Timeout")
    if isinstance(interval, int) and isinstance(timeout, int) and interval < timeout:
        raise PropertyError(
            f"Interval ({interval}) must not be shorter than Timeout ({timeout}).",
            path="properties.HealthCheck.Interval",
            remedy="Ask less often, or wait for an answer less long.",
        )
    for name in ("Interval", "Timeout", "HealthyThreshold", "UnhealthyThreshold"):
        if isinstance(value := health.get(name), int) and value < 1:
            raise PropertyError(
                f"{name} is 1 or more.",
                path=f"properties.HealthCheck.{name}",
                remedy="Give it a number from 1 on.",
            )
