"""Cluster templates: what must be there already, and what goes together."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from stackd.devcloud.collection import Collection, Field, demand, fetch, listing, own, show, update
from stackd.devcloud.magnum.style import STYLE, demand_own, invalid, patched, refuse_filters, whole
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Fault, Reply, Route, bad_request, conflict, forbidden, not_found

CLUSTERS_KIND: Final = "container-infra.clusters"
_ENGINE: Final = "kubernetes"
_NETWORK_DRIVERS: Final = ("flannel", "calico", "cilium")
_SMALLEST: Final = 3
"""Size in GB of the smallest volume for the driver devicemapper."""

_FLAGS: Final = (
    *("tls_disabled", "public", "registry_enabled", "master_lb_enabled", "floating_ip_enabled"),
    "hidden",
)


def _prepare(call: Call, values: JSON, private: JSON) -> None:
    if unknown := sorted(values.keys() - FIELDS.keys() - {"project_id"}):
        raise bad_request(f"Unknown attribute for argument cluster_template: {', '.join(unknown)}")
    for name in ("image_id", "coe"):
        if not values[name]:
            raise invalid(name, values[name], "Mandatory field missing.")
    values["network_driver"] = values["network_driver"] or _NETWORK_DRIVERS[0]
    _check(call, values)
    _check_driver(values)
    image = check_image(call, str(values["image_id"]))
    values["cluster_distro"] = image.data["os_distro"]
    values["labels"] = values["labels"] or {}
    values["name"] = values["name"] or f"zeta-{call.world.random.randint(1, 99)}-template"
    values |= {"user_id": call.actor.user_id, "insecure_registry": None, "apiserver_port": None, "tags": None}


def _check(call: Call, values: JSON) -> None:
    """What is checked again with each change."""
    for name in _FLAGS:
        if not isinstance(values[name], bool):
            raise invalid(name, values[name], "Wrong type. Expected 'bool'")
    if (values["public"] or values["hidden"]) and not call.actor.is_admin:
        raise forbidden("Not authorized to set public or hidden flag for cluster template.")
    if values["network_driver"] not in _NETWORK_DRIVERS:
        known = "/".join((*_NETWORK_DRIVERS, "unspecified"))
        raise bad_request(
            f"Network driver type {values['network_driver']} is not supported, "
            f"expecting a {known} network driver."
        )
    if values["volume_driver"] not in (None, "cinder"):
        raise bad_request(
            f"Volume driver type {values['volume_driver']} is not supported, "
            "expecting a cinder/unspecified volume driver."
        )
    for name, check in _LOOKED_UP.items():
        if values[name] is not None:
            check(call, str(values[name]))


def _check_driver(values: JSON) -> None:
    if values["coe"] != _ENGINE:
        raise invalid("coe", values["coe"], f"Value should be one of: {_ENGINE}")
    if values["server_type"] not in ("vm", "bm"):
        raise invalid("server_type", values["server_type"], "Value should be one of: vm, bm")
    size = values["docker_volume_size"]
    if size is not None:
        whole("docker_volume_size", size, 1)
    if values["docker_storage_driver"] == "devicemapper" and (size or 0) < _SMALLEST:
        raise bad_request(
            f"docker volume size {size} GB is not valid, expecting minimum value {_SMALLEST}GB for "
            "devicemapper storage driver."
        )


# --- what must be there --------------------------------------------------------------------------------


def _named(call: Call, kind: str, wanted: str) -> list[Entity]:
    """The objects with an id or a name."""
    found = call.store.get(kind, wanted)
    return [found] if found is not None else list(call.store.find(kind, name=wanted))


def check_image(call: Call, wanted: str) -> Entity:
    """The image of nodes, which says what its distribution is."""
    found = _named(call, "image.images", wanted)
    if not found:
        raise bad_request(f"Image {wanted} could not be found.")
    if len(found) > 1:
        raise conflict(f"Multiple images exist with same name '{wanted}'. Please use the image ID instead.")
    if not found[0].data.get("os_distro"):
        raise bad_request(f"Image {wanted} doesn't contain os_distro field.")
    return found[0]


def check_key(call: Call, wanted: str) -> None:
    """A key pair of the caller."""
    if call.store.get("compute.keypairs", f"{call.actor.user_id}/{wanted}") is None:
        raise not_found(f"Unable to find keypair {wanted}.")


def _check_flavor(call: Call, wanted: str) -> None:
    if not _named(call, "compute.flavors", wanted):
        raise bad_request(f"Unable to find flavor {wanted}.")


def _in_neutron(plural: str, title: str, *, external: bool = False) -> Callable[[Call, str], None]:
    def check(call: Call, wanted: str) -> None:
        found = [
            each
            for each in _named(call, f"network.{plural}", wanted)
            if (own(call, each) or each.data.get("shared") or external)
            and (each.data.get("router:external") or not external)
        ]
        if not found:
            raise bad_request(f"Unable to find {title} {wanted}.")
        if len(found) > 1:
            raise conflict(f"Multiple {title}s exist with same name '{wanted}'. Please use the ID instead.")

    return check


_LOOKED_UP: Final = {
    "flavor_id": _check_flavor,
    "master_flavor_id": _check_flavor,
    "external_network_id": _in_neutron("networks", "external network", external=True),
    "fixed_network": _in_neutron("networks", "fixed network"),
    "fixed_subnet": _in_neutron("subnets", "fixed subnet"),
}


# --- the collection -----------------------------------------------------------------------------------


def _sees(call: Call, template: Entity) -> bool:
    return own(call, template) or bool(template.data["public"])


def _view(call: Call, template: Entity) -> JSON:
    return template.data | {"links": links(call, "clustertemplates", template.id)}


def links(call: Call, plural: str, identity: str) -> list[JSON]:
    """Where an object is found."""
    href = f"{call.base}/{plural}/{identity}"
    return [{"rel": "self", "href": href}, {"rel": "bookmark", "href": href.replace("/v1", "")}]


FIELDS: Final = {
    "name": Field(), "coe": Field(), "image_id": Field(), "flavor_id": Field(), "master_flavor_id": Field(),
    "dns_nameserver": Field(), "keypair_id": Field(), "external_network_id": Field(),
    "fixed_network": Field(), "fixed_subnet": Field(), "network_driver": Field(),
    "docker_volume_size": Field(), "http_proxy": Field(),
    "https_proxy": Field(), "no_proxy": Field(), "volume_driver": Field(), "registry_enabled": Field(False),
    "labels": Field({}), "tls_disabled": Field(False), "public": Field(False), "server_type": Field("vm"),
    "docker_storage_driver": Field(), "master_lb_enabled": Field(False), "floating_ip_enabled": Field(True),
    "hidden": Field(False),
}  # fmt: skip
TEMPLATES: Final = Collection(
    kind="container-infra.clustertemplates", path="/clustertemplates", singular="",
    plural="clustertemplates", label="ClusterTemplate", fields=FIELDS, id_field="uuid", sees=_sees,
    methods="create show", prepare=_prepare, view=_view,
)  # fmt: skip


def _list(call: Call) -> Reply:
    demand(call, "reader", "clustertemplate:get_all", STYLE)
    refuse_filters(call)
    return Reply(200, listing(TEMPLATES, STYLE, call, _view))


def _changeable(call: Call, verb: str) -> Entity:
    action = f"clustertemplate:{verb}"
    demand(call, TEMPLATES.writer, action, STYLE)
    template = fetch(TEMPLATES, STYLE, call, call.params["id"])
    demand_own(call, template, action)
    return template


def _patch(call: Call) -> Reply:
    template = _changeable(call, "update")
    changes = patched(call, template, {name: each.default for name, each in FIELDS.items()})
    _check(call, template.data | changes)
    update(TEMPLATES, STYLE, call, template, changes)
    return Reply(200, show(TEMPLATES, call, template))


def _delete(call: Call) -> Reply:
    template = _changeable(call, "delete")
    if call.store.first(CLUSTERS_KIND, cluster_template_id=template.id) is not None:
        raise Fault(400, f"ClusterTemplate {template.id} is referenced by one or multiple clusters.")
    call.store.remove(template)
    return Reply(204)


ROUTES: Final = (
    Route("GET", TEMPLATES.path, _list),
    Route("GET", f"{TEMPLATES.path}/detail", _list),
    Route("PATCH", f"{TEMPLATES.path}/{{id}}", _patch),
    Route("DELETE", f"{TEMPLATES.path}/{{id}}", _delete),
)
