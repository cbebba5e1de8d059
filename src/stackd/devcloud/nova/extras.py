"""Keypairs, server groups, limits."""

from __future__ import annotations

import base64
import binascii
import hashlib

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stackd.devcloud.collection import Collection, Field, demand
from stackd.devcloud.nova.boot import usage
from stackd.devcloud.nova.style import PLAIN
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Handler, Reply, Route, bad_request, conflict, forbidden, not_found

KEYPAIRS = "compute.keypairs"


def _owner(call: Call) -> str:
    asked = call.first("user_id")
    if asked and asked != call.actor.user_id and not call.actor.is_admin:
        raise PLAIN.denied("os-keypairs")
    return asked or call.actor.user_id


def _create_keypair(call: Call) -> Reply:
    demand(call, "reader", "os-keypairs:create", PLAIN)
    desired = call.unwrap("keypair")
    name, public = desired.get("name"), desired.get("public_key")
    if not name:
        raise bad_request("Invalid input for field/attribute keypair. 'name' is a required property")
    private = ""
    if not public:
        if call.version >= (2, 92):
            raise bad_request(
                f"Invalid input for field/attribute keypair. Value: {desired}. 'public_key' is a required "
                f"property"
            )
        public, private = _generate()
    user_id = str(desired.get("user_id") or call.actor.user_id)
    key_id = f"{user_id}/{name}"
    if call.store.get(KEYPAIRS, key_id) is not None:
        raise conflict(f"Key pair '{name}' already exists.")
    limit = call.world.quota(call.actor.project_id, "keypairs")
    if limit >= 0 and sum(1 for _ in call.store.find(KEYPAIRS, user_id=user_id)) >= limit:
        raise forbidden("Quota exceeded, too many key pairs.")
    data: JSON = {
        "name": name, "public_key": public, "fingerprint": _fingerprint(public), "user_id": user_id,
        "type": desired.get("type", "ssh"), "created_at": None, "deleted": False, "deleted_at": None,
        "updated_at": None, "id": call.world.random.getrandbits(31),
    }  # fmt: skip
    call.store.add(KEYPAIRS, key_id, "", data)
    shown = {key: data[key] for key in ("name", "public_key", "fingerprint", "user_id")}
    if call.version >= (2, 2):
        shown["type"] = data["type"]
    if private:
        shown["private_key"] = private
    return Reply(201 if call.version >= (2, 2) else 200, {"keypair": shown})


def _generate() -> tuple[str, str]:
    key = Ed25519PrivateKey.generate()
    formats = serialization.Encoding, serialization.PublicFormat, serialization.PrivateFormat
    public = key.public_key().public_bytes(formats[0].OpenSSH, formats[1].OpenSSH)
    private = key.private_bytes(formats[0].PEM, formats[2].OpenSSH, serialization.NoEncryption())
    return f"{public.decode()} Generated-by-Nova", private.decode()


def _fingerprint(public: str) -> str:
    try:
        blob = base64.b64decode(public.split()[1], validate=True)
    except (IndexError, binascii.Error) as error:
        raise bad_request("Keypair data is invalid: failed to generate fingerprint") from error
    digest = hashlib.md5(blob, usedforsecurity=False).hexdigest()
    return ":".join(digest[at : at + 2] for at in range(0, 32, 2))


def _keypair(call: Call) -> Entity:
    user_id = _owner(call)
    entity = call.store.get(KEYPAIRS, f"{user_id}/{call.params['name']}")
    if entity is None:
        raise not_found(f"Keypair {call.params['name']} not found for user {user_id}")
    return entity


def _show_keypair(call: Call) -> Reply:
    hidden = "type" if call.version < (2, 2) else ""
    return Reply(200, {"keypair": {k: v for k, v in _keypair(call).data.items() if k != hidden}})


def _list_keypairs(call: Call) -> Reply:
    keys = ["name", "public_key", "fingerprint"] + (["type"] if call.version >= (2, 2) else [])
    found = call.store.find(KEYPAIRS, user_id=_owner(call))
    return Reply(200, {"keypairs": [{"keypair": {key: row.data[key] for key in keys}} for row in found]})


def _delete_keypair(call: Call) -> Reply:
    call.store.remove(_keypair(call))
    return Reply(204 if call.version >= (2, 2) else 202)


def _prepare_group(call: Call, values: JSON, private: JSON) -> None:
    policies = values.pop("policies", None)
    policy = values["policy"] or (policies[0] if policies else None)
    known = ("affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity")
    if policy not in known:
        raise bad_request(
            f"Invalid input for field/attribute policy. Value: {policy}. It is not one of {known}"
        )
    values |= {
        "policy": policy, "rules": values["rules"] or {}, "members": [], "metadata": {},
        "project_id": call.actor.project_id, "user_id": call.actor.user_id,
    }  # fmt: skip


def _view_group(call: Call, entity: Entity) -> JSON:
    shown = dict(entity.data)
    if call.version < (2, 64):
        shown["policies"] = [shown.pop("policy")]
        shown.pop("rules")
    else:
        shown.pop("metadata")
    if call.version < (2, 13):
        shown.pop("project_id")
        shown.pop("user_id")
    return shown


GROUPS = Collection(
    kind="compute.server_groups", path="/os-server-groups", singular="server_group", plural="server_groups",
    label="Instance group",
    fields={"name": Field(required=True), "policy": Field(), "policies": Field(), "rules": Field()},
    quota="server_groups", methods="list create show delete", prepare=_prepare_group, view=_view_group,
)  # fmt: skip
COLLECTIONS = ((GROUPS, PLAIN),)


def _limits(call: Call) -> Reply:
    project_id = call.first("tenant_id") or call.actor.project_id
    used = usage(call, project_id)

    def quota(name: str) -> int:
        return call.world.quota(project_id, name)

    absolute = {
        "maxTotalInstances": quota("servers"), "maxTotalCores": quota("cores"),
        "maxTotalRAMSize": quota("ram"),
        "maxTotalKeypairs": quota("keypairs"), "maxServerGroups": quota("server_groups"),
        "maxServerGroupMembers": quota("server_group_members"), "maxServerMeta": 128, "maxImageMeta": 128,
        "maxPersonality": 5, "maxPersonalitySize": 10240, "maxTotalFloatingIps": -1, "maxSecurityGroups": -1,
        "maxSecurityGroupRules": -1, "totalInstancesUsed": used["servers"], "totalCoresUsed": used["cores"],
        "totalRAMUsed": used["ram"], "totalFloatingIpsUsed": 0, "totalSecurityGroupsUsed": 0,
        "totalServerGroupsUsed": 0,
    }  # fmt: skip
    return Reply(200, {"limits": {"rate": [], "absolute": absolute}})


def _empty(plural: str) -> Handler:
    def handle(call: Call) -> Reply:
        return Reply(200, {plural: []})

    return handle


def _no_extension(call: Call) -> Reply:
    raise not_found("The resource could not be found.")


ROUTES = (
    Route("POST", "/os-keypairs", _create_keypair),
    Route("GET", "/os-keypairs", _list_keypairs),
    Route("GET", "/os-keypairs/{name}", _show_keypair),
    Route("DELETE", "/os-keypairs/{name}", _delete_keypair),
    Route("GET", "/limits", _limits),
    Route("GET", "/extensions", _empty("extensions")),
    Route("GET", "/extensions/{alias}", _no_extension),
    Route("GET", "/servers/{id}/os-instance-actions", _empty("instanceActions")),
)
