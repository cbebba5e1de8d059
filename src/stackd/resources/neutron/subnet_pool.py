"""OS::Neutron::SubnetPool, ranges of addresses from which subnets are made."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import ClassVar

from stackd.errors import PropertyError
from stackd.resources.constraints import between, custom, length
from stackd.resources.neutron.network import names, network, owner, tags
from stackd.resources.registry import resource_type
from stackd.resources.rest import KEEP, Field, RestResource, same
from stackd.resources.rules import known
from stackd.resources.schema import IN_PLACE, Properties, prop

_ORDERED = ("min_prefixlen", "default_prefixlen", "max_prefixlen")


class SubnetPoolProps(Properties):
    """Properties of a subnet pool."""

    name: str | None = prop("Name of the pool.", update=IN_PLACE)
    prefixes: list[str] = prop(
        "Ranges of the pool in CIDR notation; an update can add to them, not take away.",
        required=True,
        update=IN_PLACE,
        constraints=[length(1)],
        element_constraints=[custom("net_cidr")],
    )
    address_scope: str | None = prop(
        "Name or id of the scope in which the addresses are unique.",
        update=IN_PLACE,
        find="neutron.address_scope",
    )
    default_quota: int | None = prop(
        "Addresses (IPv4), or networks of 64 bits (IPv6), that a project may take.",
        update=IN_PLACE,
        constraints=[between(0)],
    )
    default_prefixlen: int | None = prop(
        "Length of the prefix of subnets that ask for none.", update=IN_PLACE, constraints=[between(0)]
    )
    min_prefixlen: int | None = prop(
        "Least length of a subnet's prefix.", update=IN_PLACE, constraints=[between(0)]
    )
    max_prefixlen: int | None = prop(
        "Greatest length of a subnet's prefix.", update=IN_PLACE, constraints=[between(0)]
    )
    is_default: bool = prop(
        "Whether subnets that name no pool are taken from this one.", default=False, update=IN_PLACE
    )
    tenant_id: str | None = owner("pool")
    shared: bool = prop("Whether all projects may use the pool.", default=False)
    tags: list[str] | None = tags("pool")


def _joined(prefixes: Iterable[str]) -> list[str]:
    """Ranges without those inside others and with neighbours as one, as the service keeps them."""
    ranges = [ip_network(each, strict=False) for each in prefixes]
    four = collapse_addresses(each for each in ranges if isinstance(each, IPv4Network))
    six = collapse_addresses(each for each in ranges if isinstance(each, IPv6Network))
    return [str(each) for each in (*four, *six)]


@resource_type("OS::Neutron::SubnetPool", since="6.0.0")
class SubnetPool(RestResource[SubnetPoolProps]):
    """Hands out ranges to subnets that do not choose their own, none of them twice."""

    extension = "subnet_allocation"
    entity = network("subnetpool", tags=True)
    lookups: ClassVar = {"neutron.subnetpool": names("Subnet pool", "/subnetpools")}
    survives = True
    fields: ClassVar = same("name", "is_default", "tenant_id", "shared") | {
        "prefixes": Field("prefixes", convert=_joined),
        "address_scope": Field("address_scope_id", cleared=None),
        **{name: Field(name, cleared=KEEP) for name in (*_ORDERED, "default_quota")},
    }

    def validate(self, props: SubnetPoolProps) -> None:
        """The default length of a prefix is between the bounds, and these are in order."""
        super().validate(props)
        given = [(name, value) for name in _ORDERED if (value := known(props.data.get(name))) is not None]
        for index, (low, less) in enumerate(given):
            for high, more in given[index + 1 :]:
                if less > more:
                    raise PropertyError(
                        f"Illegal prefix bounds: {low}={less}, {high}={more}.",
                        path=f"properties.{low}",
                        remedy=f"Let {low} be at most {more}, or {high} at least {less}.",
                    )
