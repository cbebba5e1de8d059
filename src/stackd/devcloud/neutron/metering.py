"""Metering labels and the rules by which traffic is counted under them."""

from __future__ import annotations

from ipaddress import ip_network

from stackd.devcloud.collection import Collection, Field
from stackd.devcloud.neutron.style import PLAIN, missing
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, bad_request, conflict
from stackd.devcloud.world import World

_LABELS, _RULES = "network.metering_labels", "network.metering_label_rules"


def _release_label(world: World, entity: Entity) -> None:
    for rule in list(world.store.find(_RULES, metering_label_id=entity.id)):
        world.store.remove(rule)


def _prepare_rule(call: Call, values: JSON, private: JSON) -> None:
    label = str(values["metering_label_id"])
    if call.store.get(_LABELS, label) is None:
        raise missing("Metering label", label)
    try:
        wanted = ip_network(values["remote_ip_prefix"], strict=False)
    except ValueError as error:
        raise bad_request(
            f"Invalid input for remote_ip_prefix. Reason: '{values['remote_ip_prefix']}' is not a valid IP "
            "subnet.",
            "HTTPBadRequest",
        ) from error
    for other in call.store.find(_RULES, metering_label_id=label, direction=values["direction"]):
        taken = ip_network(other.data["remote_ip_prefix"], strict=False)
        if taken.version == wanted.version and taken.overlaps(wanted):
            raise conflict(
                f"Metering label rule with remote_ip_prefix '{wanted}' overlaps another.",
                "MeteringLabelRuleOverlaps",
            )


LABELS = Collection(
    kind=_LABELS, path="/metering/metering-labels", singular="metering_label", plural="metering_labels",
    label="Metering label",
    fields={"name": Field(""), "description": Field(""), "shared": Field(False)},
    writer="admin", methods="list create show delete", release=_release_label, bulk=True,
)  # fmt: skip
RULES = Collection(
    kind=_RULES, path="/metering/metering-label-rules", singular="metering_label_rule",
    plural="metering_label_rules", label="Metering label rule",
    fields={
        "metering_label_id": Field(required=True), "remote_ip_prefix": Field(required=True),
        "direction": Field("ingress"), "excluded": Field(False),
    },
    indexes=("metering_label_id",), writer="admin", methods="list create show delete", prepare=_prepare_rule,
    projectless=True, bulk=True,
)  # fmt: skip
COLLECTIONS = ((LABELS, PLAIN), (RULES, PLAIN))
