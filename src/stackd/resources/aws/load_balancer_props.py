"""The properties of AWS::ElasticLoadBalancing::LoadBalancer."""

from __future__ import annotations

from typing import Any

from stackd.resources.constraints import one_of
from stackd.resources.schema import IN_PLACE, Properties, prop


class Listener(Properties):
    """A port, and where its connections go."""

    instance_port: int = prop("Port of the instances.", name="InstancePort", required=True)
    port: int = prop("Port of the load balancer.", name="LoadBalancerPort", required=True)
    protocol: str = prop(
        "What is balanced: connections, or requests.",
        name="Protocol",
        required=True,
        constraints=[one_of("TCP", "HTTP")],
    )
    policies: list[Any] | None = prop("Not implemented.", name="PolicyNames", implemented=False)
    certificate: str | None = prop("Not implemented.", name="SSLCertificateId", implemented=False)


class HealthCheck(Properties):
    """How an instance is asked whether it works."""

    target: str = prop(
        "What is asked: HTTP:PORT/PATH, HTTPS:PORT/PATH, TCP:PORT or SSL:PORT.", name="Target", required=True
    )
    interval: int = prop("Seconds between two questions.", name="Interval", required=True)
    timeout: int = prop("Seconds in which the answer must come.", name="Timeout", required=True)
    healthy: int = prop(
        "After how many good answers an instance gets connections again.",
        name="HealthyThreshold",
        required=True,
    )
    unhealthy: int = prop(
        "After how many bad answers an instance gets no more connections.",
        name="UnhealthyThreshold",
        required=True,
    )


class LoadBalancerProps(Properties):
    """Properties of ``AWS::ElasticLoadBalancing::LoadBalancer``."""

    zones: list[Any] = prop(
        "Availability zones; they have no effect.", name="AvailabilityZones", required=True
    )
    health: HealthCheck | None = prop("How the instances are checked.", name="HealthCheck")
    instances: list[Any] | None = prop(
        "Ids of the instances, besides those of groups.", name="Instances", update=IN_PLACE
    )
    listeners: list[Listener] = prop("Ports that are balanced.", name="Listeners", required=True)
    application_cookie: str | None = prop(
        "Not implemented.", name="AppCookieStickinessPolicy", implemented=False
    )
    cookie: str | None = prop("Not implemented.", name="LBCookieStickinessPolicy", implemented=False)
    groups: list[Any] | None = prop(
        "Names or ids of security groups of the load balancer.", name="SecurityGroups", update=IN_PLACE
    )
    subnets: list[Any] | None = prop(
        "Subnets of the load balancer, which is in the first of them.", name="Subnets"
    )
