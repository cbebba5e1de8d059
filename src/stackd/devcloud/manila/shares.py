"""Shares, and snapshots of them."""

from __future__ import annotations

from typing import Any, Final

from stackd.devcloud.collection import Collection, Field, Progression, demand, fetch
from stackd.devcloud.manila.style import STYLE, check_texts, invalid
from stackd.devcloud.manila.types import SERVERS, find_type, is_on
from stackd.devcloud.manila.types import SNAPSHOTS as SNAPSHOT_SUPPORT
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Fault, Reply, Route, bad_request, forbidden, not_found
from stackd.devcloud.world import World

_PROTOCOLS: Final = ("NFS", "CIFS", "GLUSTERFS", "HDFS", "CEPHFS", "MAPRFS")
_DELETABLE: Final = ("available", "error", "inactive")
_KIND: Final = "shared-file-system.shares"
RULES: Final = "shared-file-system.access_rules"
NETWORKS: Final = "shared-file-system.share_networks"
_HOST: Final = "dev@dummy#dummy"
_TO_ADMINS: Final = ("host", "share_server_id")


def _prepare(call: Call, values: JSON, private: JSON) -> None:
    check_texts(values, "name", "description")
    for name in ("display_name", "display_description"):
        del values[name]
    protocol = str(values["share_proto"]).upper()
    if protocol not in _PROTOCOLS:
        raise invalid(f"Invalid share protocol provided: {values['share_proto']}. It is either disabled or "
                      f"unsupported. Available protocols: {list(_PROTOCOLS)}")  # fmt: skip
    source = _source(call, values["snapshot_id"])
    size = _checked_size(values["size"], source)
    _check_gigabytes(call, size)
    asked = values["share_type"] or (source.private["share_type"] if source else None)
    kind = find_type(call, asked)
    _check_network(call, values, kind, source)
    _check_public(call, values)
    values |= {
        "share_proto": protocol, "size": size, "metadata": checked_metadata(values["metadata"] or {}),
        "share_type": kind.id, "share_type_name": kind.data["name"], "volume_type": kind.data["name"],
        "snapshot_support": is_on(kind.data["extra_specs"].get(SNAPSHOT_SUPPORT)),
        "create_share_from_snapshot_support": True, "task_state": None, "has_replicas": False,
        "replication_type": None, "user_id": call.actor.user_id, "host": _HOST, "progress": None,
        "availability_zone": values["availability_zone"] or "nova",
        "share_server_id": call.world.uuid() if values["share_network_id"] else None,
    }  # fmt: skip


def _source(call: Call, snapshot_id: Any) -> Entity | None:
    if not snapshot_id:
        return None
    source = fetch(SNAPSHOTS, STYLE, call, str(snapshot_id))
    if source.data["status"] != "available":
        raise bad_request("Invalid share snapshot: status must be 'available'.")
    return source


def _checked_size(size: Any, source: Entity | None) -> int:
    try:
        number = int(size if size is not None or source is None else source.data["size"])
    except (TypeError, ValueError):
        number = 0
    if number < 1:
        raise invalid(f"Share size '{size}' must be an integer and greater than 0")
    if source is not None and number < source.data["size"]:
        raise invalid(f"Share size '{size}' must be equal or greater than snapshot size")
    return number


def _check_gigabytes(call: Call, more: int) -> None:
    project_id = call.actor.project_id
    limit = call.world.quota(project_id, "share_gigabytes")
    used = sum(each.data["size"] for each in call.store.all(_KIND) if each.project_id == project_id)
    if 0 <= limit < used + more:
        text = "Requested share exceeds allowed project/user or share type gigabytes quota."
        raise Fault(413, text, headers={"retry-after": "0"})


def _check_network(call: Call, values: JSON, kind: Entity, source: Entity | None) -> None:
    network = values["share_network_id"] or (source.private["share_network_id"] if source else None)
    values["share_network_id"] = network
    if network and call.store.get(NETWORKS, str(network)) is None:
        raise not_found(f"Share network {network} could not be found.")
    if not network and is_on(kind.data["extra_specs"][SERVERS]):
        raise bad_request(f"Share network must be set when the {SERVERS} is true.")


def _check_public(call: Call, values: JSON) -> None:
    if values.get("is_public") and not call.actor.is_admin:
        raise forbidden("Public shares cannot be created or updated by this user: policy forbids it.")


def checked_metadata(metadata: Any) -> JSON:
    """The pairs, which are texts; a fault if they are not."""
    if not isinstance(metadata, dict):
        raise bad_request("Invalid metadata: it is no map.")
    for name, value in metadata.items():
        if not name or len(name) > 255:
            raise bad_request("Metadata property key is blank or greater than 255 characters.")
        if not isinstance(value, str) or len(value) > 1023:
            raise bad_request("Metadata property value is no text of at most 1023 characters.")
    return dict(metadata)


def _change(call: Call, share: Entity, changes: JSON) -> None:
    """Updates know a name as `display_name` only."""
    asked = {name.removeprefix("display_"): value for name, value in changes.items()}
    changes.clear()
    changes |= asked
    check_texts(changes, "name", "description")
    _check_public(call, changes)


def _guard(call: Call, share: Entity) -> None:
    if share.data["status"] not in _DELETABLE:
        raise forbidden(f"Invalid share: Share status must be one of {_DELETABLE}.")
    snapshots = sum(1 for _ in call.store.find(SNAPSHOTS.kind, share_id=share.id))
    if snapshots:
        raise forbidden(f"Invalid share: Share still has {snapshots} dependent snapshots..")


def _release(world: World, share: Entity) -> None:
    for rule in list(world.store.find(RULES, share_id=share.id)):
        world.store.remove(rule)


def _sees(call: Call, share: Entity) -> bool:
    actor = call.actor
    return share.project_id == actor.project_id or actor.is_admin or share.data["is_public"]


def view(call: Call, share: Entity) -> JSON:
    """A share, with the state of its rules."""
    url = f"{call.base}/shares/{share.id}"
    states = {each.data["state"] for each in call.store.find(RULES, share_id=share.id)}
    syncing = "syncing" if states - {"active"} else "active"
    shown = share.data | {
        "access_rules_status": "error" if "error" in states else syncing,
        "links": [{"rel": "self", "href": url}, {"rel": "bookmark", "href": url}],
    }
    return {key: each for key, each in shown.items() if call.actor.is_admin or key not in _TO_ADMINS}


def _brief(call: Call, share: Entity) -> JSON:
    return {name: view(call, share)[name] for name in ("id", "name", "links")}


SHARES: Final = Collection(
    kind=_KIND, path="/shares", singular="share", plural="shares", label="Share",
    fields={
        "name": Field(put=False), "description": Field(put=False), "size": Field(put=False),
        "share_proto": Field(required=True, put=False), "share_type": Field(put=False),
        "share_network_id": Field(put=False), "snapshot_id": Field(put=False),
        "availability_zone": Field(put=False), "metadata": Field(put=False), "is_public": Field(False),
        "display_name": Field(post=False), "display_description": Field(post=False),
    },
    indexes=("name",), detail=True, quota="shares", progress=Progression("creating", "available"),
    broken={"status": "error"}, deleting="deleting", sees=_sees, prepare=_prepare, change=_change,
    guard=_guard, release=_release, view=view, brief=_brief,
)  # fmt: skip


def _locations(call: Call) -> Reply:
    share = fetch(SHARES, STYLE, call, call.params["id"])
    if share.data["status"] == "creating":
        return Reply(200, {"export_locations": []})
    path = f"192.0.2.200:/shares/share-{share.id}"
    return Reply(200, {"export_locations": [{"id": share.id, "path": path, "preferred": True}]})


def _metadata(call: Call) -> Reply:
    """Show, add to or replace the pairs of a share."""
    share = fetch(SHARES, STYLE, call, call.params["id"])
    if call.method != "GET":
        demand(call, "member", "share:update_share_metadata", STYLE)
        given = checked_metadata(call.unwrap("metadata"))
        kept = share.data["metadata"] if call.method == "POST" else {}
        call.store.update(share, {"metadata": kept | given})
    return Reply(200, {"metadata": share.data["metadata"]})


def _prepare_snapshot(call: Call, values: JSON, private: JSON) -> None:
    check_texts(values, "name", "description")
    share = fetch(SHARES, STYLE, call, str(values["share_id"]))
    if share.data["status"] != "available":
        raise bad_request("Invalid share: Source share status must be 'available'.")
    if not share.data["snapshot_support"]:
        raise bad_request(f"Snapshots cannot be created for share '{share.id}' since it does not have that "
                          "capability.")  # fmt: skip
    private |= {name: share.data[name] for name in ("share_type", "share_network_id")}
    values |= {"size": share.data["size"], "share_size": share.data["size"], "provider_location": None}
    values |= {"share_proto": share.data["share_proto"], "user_id": call.actor.user_id}


SNAPSHOTS: Final = Collection(
    kind="shared-file-system.share_snapshots", path="/snapshots", singular="snapshot", plural="snapshots",
    label="Snapshot",
    fields={"name": Field(), "description": Field(), "share_id": Field(required=True, put=False)},
    indexes=("share_id",), detail=True, quota="share_snapshots",
    progress=Progression("creating", "available"), broken={"status": "error"}, deleting="deleting",
    prepare=_prepare_snapshot,
)  # fmt: skip
ROUTES: Final = (
    Route("GET", "/shares/{id}/export_locations", _locations),
    Route("GET", "/shares/{id}/metadata", _metadata),
    Route("POST", "/shares/{id}/metadata", _metadata),
    Route("PUT", "/shares/{id}/metadata", _metadata),
)
