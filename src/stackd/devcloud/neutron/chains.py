"""Service function chains: port pairs in groups, groups in chains, and what chains take."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from stackd.devcloud.collection import Collection, Field, Hook
from stackd.devcloud.neutron.addresses import parse_network
from stackd.devcloud.neutron.style import PLAIN, missing
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Fault, bad_request, conflict

PAIRS_KIND, GROUPS_KIND = "network.port_pairs", "network.port_pair_groups"
CHAINS_KIND, CLASSIFIERS_KIND = "network.port_chains", "network.flow_classifiers"
_ENDS = ("source", "destination")
_EXACT = ("protocol", "ethertype", "logical_source_port", "logical_destination_port")
_RANGED = tuple(
    f"{end}_{what}" for end in _ENDS for what in ("ip_prefix", "port_range_min", "port_range_max")
)


def _prepare_pair(call: Call, values: JSON, private: JSON) -> None:
    """Both ports exist and are on a host, where packets can be led to them."""
    for name in ("ingress", "egress"):
        port = call.store.get("network.ports", str(values[name]))
        if port is None:
            raise missing("Port", str(values[name]))
        if not port.data["binding:host_id"]:
            raise bad_request(
                f"Port Pair {name} port {port.id} does not belong to a host.",
                f"PortPair{name.capitalize()}NoHost",
            )
    ends = {name: values[name] for name in ("ingress", "egress")}
    if twin := call.store.first(PAIRS_KIND, **ends):
        raise bad_request(
            f"Port Pair with ingress port {values['ingress']} and egress port {values['egress']} is "
            f"already used by another Port Pair {twin.id}.",
            "PortPairIngressEgressInUse",
        )


def _prepare_classifier(call: Call, values: JSON, private: JSON) -> None:
    for end in _ENDS:
        low, high = values[f"{end}_port_range_min"], values[f"{end}_port_range_max"]
        if (low or high) and values["protocol"] not in ("tcp", "udp"):
            raise bad_request(
                f"IP protocol {values['protocol']} does not support port ranges.",
                "FlowClassifierProtocolRequiredWithPorts",
            )
        if low and high and int(low) > int(high):
            raise bad_request(
                f"Invalid IP protocol port range. min_port_range={low} must be lesser or equal to "
                f"max_port_range={high}.",
                "FlowClassifierInvalidPortRange",
            )
    if twin := next((each for each in call.store.all(CLASSIFIERS_KIND) if _meet(each.data, values)), None):
        raise bad_request(
            f"Flow Classifier conflicts with another Flow Classifier {twin.id}.", "FlowClassifierInConflict"
        )


def _meet(one: JSON, other: JSON) -> bool:
    """Whether two classifiers can select the same packet; what is null selects all."""
    return (
        all(None in (one[name], other[name]) or one[name] == other[name] for name in _EXACT)
        and all(_prefixes_meet(one[f"{end}_ip_prefix"], other[f"{end}_ip_prefix"]) for end in _ENDS)
        and all(_ranges_meet(_ports_of(one, end), _ports_of(other, end)) for end in _ENDS)
    )


def _prefixes_meet(one: str | None, other: str | None) -> bool:
    return not one or not other or parse_network(one).overlaps(parse_network(other))


def _ports_of(values: JSON, end: str) -> tuple[int, int]:
    return values[f"{end}_port_range_min"] or 1, values[f"{end}_port_range_max"] or 65535


def _ranges_meet(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] <= other[1] and other[0] <= one[1]


def _check_members(
    call: Call, owner: Entity | None, owners: str, field: str, members: Any, kind: str
) -> None:
    """Every member exists, and belongs to no other owner where it can have only one."""
    for member in members:
        label = kind.rpartition(".")[2].removesuffix("s").replace("_", " ").title()
        if call.store.get(kind, str(member)) is None:
            raise missing(label, str(member))
        if kind != GROUPS_KIND and any(each is not owner for each in _owners(call, owners, field, member)):
            raise _taken(label, str(member))


def _taken(label: str, member: str) -> Fault:
    return conflict(f"{label} {member} in use.", label.replace(" ", "") + "InUse")


def _owners(call: Call, kind: str, field: str, member: str) -> Iterable[Entity]:
    return (each for each in call.store.all(kind) if member in each.data[field])


def _prepare_group(call: Call, values: JSON, private: JSON) -> None:
    _check_members(call, None, GROUPS_KIND, "port_pairs", values["port_pairs"], PAIRS_KIND)
    values |= {"group_id": sum(1 for _ in call.store.all(GROUPS_KIND)) + 1, "tap_enabled": False}


def _change_group(call: Call, entity: Entity, changes: JSON) -> None:
    _check_members(call, entity, GROUPS_KIND, "port_pairs", changes.get("port_pairs", ()), PAIRS_KIND)


def _prepare_chain(call: Call, values: JSON, private: JSON) -> None:
    _check_chain(call, None, values)
    values["chain_id"] = sum(1 for _ in call.store.all(CHAINS_KIND)) + 1


def _check_chain(call: Call, chain: Entity | None, values: JSON) -> None:
    """A chain has a way, and no other chain has the same."""
    way = values.get("port_pair_groups", chain.data["port_pair_groups"] if chain else [])
    if not way:
        raise bad_request("Port Pair Group is not specified in Port Chain.", "PortPairGroupNotSpecified")
    twin = call.store.first(CHAINS_KIND, port_pair_groups=way)
    if twin is not None and twin is not chain:
        raise conflict(f"Port Pair Group(s) {way} in use by Port Chain {twin.id}.", "InvalidPortPairGroups")
    for field, kind in (("port_pair_groups", GROUPS_KIND), ("flow_classifiers", CLASSIFIERS_KIND)):
        _check_members(call, chain, CHAINS_KIND, field, values.get(field, ()), kind)


def _unowned(label: str, *owners: tuple[str, str]) -> Hook:
    """The guard of what others have as a member: kinds of owners and their fields."""

    def guard(call: Call, entity: Entity) -> None:
        if any(True for kind, field in owners for _ in _owners(call, kind, field, entity.id)):
            raise _taken(label, entity.id)

    return guard


_NAMED = {"name": Field(""), "description": Field("")}
PORT_PAIRS = Collection(
    kind=PAIRS_KIND, path="/sfc/port_pairs", singular="port_pair", plural="port_pairs", label="Port Pair",
    fields=_NAMED | {
        "ingress": Field(required=True, put=False), "egress": Field(required=True, put=False),
        "service_function_parameters": Field({"correlation": None, "weight": 1}, put=False),
    },
    quota="port_pairs", prepare=_prepare_pair, guard=_unowned("Port Pair", (GROUPS_KIND, "port_pairs")),
)  # fmt: skip
PORT_PAIR_GROUPS = Collection(
    kind=GROUPS_KIND, path="/sfc/port_pair_groups", singular="port_pair_group", plural="port_pair_groups",
    label="Port Pair Group",
    fields=_NAMED | {"port_pairs": Field([]), "port_pair_group_parameters": Field({}, put=False)},
    quota="port_pair_groups", prepare=_prepare_group, change=_change_group,
    guard=_unowned("Port Pair Group", (CHAINS_KIND, "port_pair_groups")),
)  # fmt: skip
FLOW_CLASSIFIERS = Collection(
    kind=CLASSIFIERS_KIND, path="/sfc/flow_classifiers", singular="flow_classifier",
    plural="flow_classifiers", label="Flow Classifier",
    fields=_NAMED | dict.fromkeys((*_EXACT, *_RANGED), Field(put=False)) | {
        "ethertype": Field("IPv4", put=False), "l7_parameters": Field({}, put=False),
    },
    references={"logical_source_port": "network.ports", "logical_destination_port": "network.ports"},
    quota="flow_classifiers", prepare=_prepare_classifier,
    guard=_unowned("Flow Classifier", (CHAINS_KIND, "flow_classifiers")),
)  # fmt: skip
PORT_CHAINS = Collection(
    kind=CHAINS_KIND, path="/sfc/port_chains", singular="port_chain", plural="port_chains",
    label="Port Chain",
    fields=_NAMED | {
        "port_pair_groups": Field(required=True), "flow_classifiers": Field([]),
        "chain_parameters": Field({"correlation": "mpls", "symmetric": False}, put=False),
    },
    quota="port_chains", prepare=_prepare_chain, change=_check_chain,
)  # fmt: skip

COLLECTIONS = (
    (PORT_PAIRS, PLAIN), (PORT_PAIR_GROUPS, PLAIN), (FLOW_CLASSIFIERS, PLAIN), (PORT_CHAINS, PLAIN),
)  # fmt: skip
