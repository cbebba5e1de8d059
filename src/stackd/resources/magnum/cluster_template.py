"""OS::Magnum::ClusterTemplate, what clusters of containers are made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from stackd.clients.lookup import Collection
from stackd.errors import PropertyError
from stackd.resources.constraints import between, custom, one_of
from stackd.resources.entity import Entity
from stackd.resources.magnum.patched import SERVICE, Patched
from stackd.resources.registry import resource_type
from stackd.resources.rest import same
from stackd.resources.rules import known
from stackd.resources.schema import IN_PLACE, Properties, prop

_VOLUMES: Final[Mapping[str, str]] = {"kubernetes": "cinder", "swarm": "rexray", "mesos": "rexray"}
"""The driver of volumes that each engine works with."""


class ClusterTemplateProps(Properties):
    """Properties of a cluster template."""

    name: str | None = prop("Name of the template.")
    image: str = prop("Name or id of the image of the nodes.", required=True, find="glance.image")
    flavor: str | None = prop("Name or id of the flavor of the nodes.", find="nova.flavor")
    master_flavor: str | None = prop("Name or id of the flavor of the masters.", find="nova.flavor")
    keypair: str | None = prop("Key pair to log in to the nodes with.", find="nova.keypair")
    external_network: str = prop(
        "Name or id of the network by which the nodes reach the outside.",
        required=True,
        find="neutron.network",
    )
    fixed_network: str | None = prop(
        "Name or id of the network of the nodes; one is made when it is left out.", find="neutron.network"
    )
    fixed_subnet: str | None = prop("Name or id of the subnet of the nodes.", find="neutron.subnet")
    network_driver: str | None = prop(
        "What connects the containers; the cloud's default when it is left out."
    )
    http_proxy: str | None = prop("Proxy of the nodes for HTTP.")
    https_proxy: str | None = prop("Proxy of the nodes for HTTPS.")
    no_proxy: str | None = prop("What is reached without a proxy, separated by commas.")
    labels: dict[str, Any] | None = prop("Settings of the engine and its parts, by name.")
    tls_disabled: bool = prop("Whether the API of the clusters goes without TLS.", default=False)
    public: bool = prop(
        "Whether all projects may use the template; for administrators.", default=False, update=IN_PLACE
    )
    registry_enabled: bool = prop("Whether clusters have a registry of images of their own.", default=False)
    volume_driver: str | None = prop(
        "What gives the containers volumes.", constraints=[one_of("cinder", "rexray")]
    )
    server_type: str = prop(
        "Whether the nodes are virtual machines or bare metal.",
        default="vm",
        constraints=[one_of("vm", "bm")],
    )
    master_lb_enabled: bool = prop("Whether a load balancer is before the masters.", default=True)
    floating_ip_enabled: bool = prop("Whether the nodes get floating IPs.", default=True)
    dns_nameserver: str | None = prop(
        "Address of the name server of the nodes.", constraints=[custom("ip_addr")]
    )
    docker_volume_size: int | None = prop(
        "Size in GB of the volume for images and containers on each node.", constraints=[between(1)]
    )
    docker_storage_driver: str = prop(
        "How images and containers are stored; devicemapper needs a volume of 3 GB.",
        default="devicemapper",
        constraints=[one_of("devicemapper", "overlay")],
    )
    coe: str = prop("The engine that runs the containers.", required=True, constraints=[one_of(*_VOLUMES)])


@resource_type("OS::Magnum::ClusterTemplate", since="9.0.0")
class ClusterTemplate(Patched[ClusterTemplateProps]):
    """A description of clusters. The service refuses filters in lists, so that all are read."""

    entity = Entity(
        SERVICE, "/clustertemplates", "", "clustertemplates", "PATCH", id_field="uuid", found_by=()
    )
    lookups: ClassVar = {
        "magnum.cluster_template": Collection(
            "Cluster template", SERVICE, "/clustertemplates", "clustertemplates", whole=True, id="uuid"
        )
    }
    former_names: ClassVar[tuple[str, ...]] = ("OS::Magnum::BayModel",)
    fields: ClassVar = same(
        *(
            "name",
            "coe",
            "public",
            "fixed_network",
            "fixed_subnet",
            "network_driver",
            "volume_driver",
            "labels",
        ),
        *("http_proxy", "https_proxy", "no_proxy", "dns_nameserver", "docker_volume_size"),
        *("docker_storage_driver", "tls_disabled", "registry_enabled", "server_type", "master_lb_enabled"),
        "floating_ip_enabled",
    ) | {
        "image": "image_id",
        "flavor": "flavor_id",
        "master_flavor": "master_flavor_id",
        "keypair": "keypair_id",
        "external_network": "external_network_id",
    }

    def validate(self, props: ClusterTemplateProps) -> None:
        """Each engine works with one driver of volumes."""
        super().validate(props)
        engine, driver = known(props.coe), known(props.volume_driver)
        if engine and driver and driver != _VOLUMES[engine]:
            raise PropertyError(
                f"The volume_driver {driver} does not work with {engine}.",
                path="properties.volume_driver",
                remedy=f"Use {_VOLUMES[engine]}, or leave it out.",
            )
