"""Swift: containers and objects."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import formatdate
from http import HTTPStatus
from urllib.parse import unquote

from stackd.devcloud.service import Service
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Fault, Reply, conflict, forbidden, not_found

CONTAINERS = "object-store.containers"
OBJECTS = "object-store.objects"
ACCOUNTS = "object-store.accounts"
TEXT = {
    401: "This server could not verify that you are authorized to access the document you requested.",
    403: "Access was denied to this resource.",
    404: "The resource could not be found.",
    409: "There was a conflict when trying to complete your request.",
    405: "The method is not allowed for this resource.",
}
DIGESTS = {40: "sha1", 64: "sha256", 128: "sha512"}
"""Digests of temporary URLs, by the length of the signature."""
KEPT = ("content-disposition", "content-encoding", "x-delete-at", "x-object-manifest")


def fault(error: Fault) -> Reply:
    """A fault as Swift renders it."""
    if error.status == HTTPStatus.BAD_REQUEST:
        return Reply(error.status, error.message, {"content-type": "text/plain"})
    phrase = HTTPStatus(error.status).phrase
    text = TEXT.get(error.status, error.message)
    headers = {"content-type": "text/html; charset=UTF-8"}
    return Reply(error.status, f"<html><h1>{phrase}</h1><p>{text}</p></html>", headers)


def _handle(call: Call) -> Reply:
    account, container, name = ([*call.path.lstrip("/").split("/", 2), "", ""])[:3]
    if not account.startswith("AUTH_"):
        raise not_found("")
    project_id = account.removeprefix("AUTH_")
    _authorize(call, project_id, container, name)
    target = "object" if name else "container" if container else "account"
    handler = _HANDLERS.get((target, "GET" if call.method == "HEAD" else call.method))
    if handler is None:
        raise Fault(405, "")
    call.params = {"project": project_id, "container": container, "object": name}
    reply = handler(call)
    if call.method == "HEAD":
        if target != "object":
            reply.status = 204
        reply.headers.setdefault("content-length", str(len(reply.encoded()[0])))
    reply.headers["x-trans-id"] = f"tx{call.world.hex_id()[:21]}"
    return reply


def _authorize(call: Call, project_id: str, container: str, name: str) -> None:
    if name and call.first("temp_url_sig"):
        _check_temp_url(call, project_id, container)
        return
    actor = call.actor_or_none
    mine = actor is not None and (actor.project_id == project_id or actor.is_admin)
    if mine and actor is not None and not actor.roles.isdisjoint(("admin", "member")):
        return
    entity = call.store.get(CONTAINERS, f"{project_id}/{container}") if container else None
    if entity is not None:
        writing = call.method not in ("GET", "HEAD")
        acl = entity.private["headers"].get(f"x-container-{'write' if writing else 'read'}", "")
        if _acl_allows(call, acl, listing=not name):
            return
    raise Fault(401, "") if actor is None else forbidden("")


def _acl_allows(call: Call, acl: str, listing: bool) -> bool:
    grants = [item.strip() for item in acl.split(",") if item.strip()]
    if ".r:*" in grants and (not listing or ".rlistings" in grants):
        return True
    actor = call.actor_or_none
    if actor is None:
        return False
    names = {"*:*", f"{actor.project_id}:*", f"*:{actor.user_id}", f"{actor.project_id}:{actor.user_id}"}
    return not names.isdisjoint(grants) or not actor.roles.isdisjoint(grants)


def _check_temp_url(call: Call, project_id: str, container: str) -> None:
    signature, expires = call.first("temp_url_sig"), call.first("temp_url_expires")
    if not expires.isdigit():
        try:
            moment = datetime.fromisoformat(expires.replace("Z", "+00:00"))
            expires = str(int(moment.astimezone(UTC).timestamp()))
        except ValueError as error:
            raise Fault(401, "") from error
    if int(expires) < call.world.clock():
        raise Fault(401, "")
    keys = []
    for kind, key in ((ACCOUNTS, project_id), (CONTAINERS, f"{project_id}/{container}")):
        if entity := call.store.get(kind, key):
            prefix = "x-account-meta-" if kind == ACCOUNTS else "x-container-meta-"
            headers = entity.private["headers"]
            keys += [
                headers[f"{prefix}temp-url-key{end}"]
                for end in ("", "-2")
                if f"{prefix}temp-url-key{end}" in headers
            ]
    digest = DIGESTS.get(len(signature))
    methods = {"GET": ("GET", "PUT", "POST"), "HEAD": ("HEAD", "GET", "PUT", "POST")}.get(
        call.method, (call.method,)
    )
    for method in methods:
        text = f"{method}\n{expires}\n/v1{unquote(call.path)}".encode()
        for key in keys if digest else ():
            if digest and hmac.compare_digest(hmac.new(key.encode(), text, digest).hexdigest(), signature):
                return
    raise Fault(401, "")


def _settable(headers: Mapping[str, str], target: str) -> dict[str, str]:
    """The headers of a request that stay with a container or account."""
    prefixes = (f"x-{target}-", "x-versions-location", "x-history-location")
    return {key: value for key, value in headers.items() if key.startswith(prefixes)}


def _merge(known: dict[str, str], request: Mapping[str, str], target: str) -> None:
    for key, value in _settable(request, target).items():
        if value:
            known[key] = value
        else:
            known.pop(key, None)
    for key in request:
        if key.startswith((f"x-remove-{target}-", "x-remove-versions-", "x-remove-history-")):
            known.pop("x-" + key.removeprefix("x-remove-"), None)


def _account(call: Call) -> Entity:
    project_id = call.params["project"]
    entity = call.store.get(ACCOUNTS, project_id)
    if entity is None:
        entity = call.store.add(ACCOUNTS, project_id, project_id, {"id": project_id}, {"headers": {}})
    return entity


def _post_account(call: Call) -> Reply:
    _merge(_account(call).private["headers"], call.headers, "account")
    return Reply(204)


def _get_account(call: Call) -> Reply:
    project_id = call.params["project"]
    containers = [row for row in call.store.all(CONTAINERS) if row.project_id == project_id]
    objects = [row for row in call.store.all(OBJECTS) if row.project_id == project_id]
    headers = _account(call).private["headers"] | {
        "x-account-container-count": str(len(containers)), "x-account-object-count": str(len(objects)),
        "x-account-bytes-used": str(sum(row.data["bytes"] for row in objects)),
        "x-timestamp": f"{call.world.clock():.5f}", "accept-ranges": "bytes",
    }  # fmt: skip
    items = []
    for row in containers:
        inside = [item for item in objects if item.data["container"] == row.data["name"]]
        items.append({
            "name": row.data["name"], "count": len(inside),
            "bytes": sum(item.data["bytes"] for item in inside),
            "last_modified": _iso(row.created),
        })  # fmt: skip
    return _listed(call, items, headers)


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


def _listed(call: Call, items: list[JSON], headers: dict[str, str]) -> Reply:
    prefix, marker, end = call.first("prefix"), call.first("marker"), call.first("end_marker")
    chosen = sorted(
        (
            item for item in items
            if item["name"].startswith(prefix) and item["name"] > marker and (not end or item["name"] < end)
        ),
        key=lambda item: str(item["name"]),
    )  # fmt: skip
    if delimiter := call.first("delimiter"):
        chosen = _rolled_up(chosen, prefix, delimiter)
    limit = call.first("limit")
    chosen = chosen[: min(int(limit), 10000) if limit.isdigit() else 10000]
    if call.first("format") == "json" or "application/json" in call.headers.get("accept", ""):
        return Reply(200, chosen, headers | {"content-type": "application/json; charset=utf-8"})
    lines = "".join(f"{item.get('name') or item['subdir']}\n" for item in chosen)
    return Reply(200 if lines else 204, lines, headers)


def _rolled_up(items: list[JSON], prefix: str, delimiter: str) -> list[JSON]:
    seen: dict[str, JSON] = {}
    for item in items:
        head, found, _ = item["name"][len(prefix) :].partition(delimiter)
        if found:
            seen.setdefault(prefix + head + delimiter, {"subdir": prefix + head + delimiter})
        else:
            seen[item["name"]] = item
    return list(seen.values())


def _container(call: Call) -> Entity:
    entity = call.store.get(CONTAINERS, f"{call.params['project']}/{call.params['container']}")
    if entity is None:
        raise not_found("")
    return entity


def _check_acl(call: Call) -> None:
    """Refuse to let everybody write who has no token."""
    rule = call.headers.get("x-container-write", "")
    if refused := [each for each in rule.split(",") if each.strip().startswith(".r")]:
        raise Fault(400, f"Referrers not allowed in write ACL: {refused[0].strip()!r}")


def _put_container(call: Call) -> Reply:
    _check_acl(call)
    project_id, name = call.params["project"], call.params["container"]
    key = f"{project_id}/{name}"
    entity = call.store.get(CONTAINERS, key)
    status = 202 if entity is not None else 201
    if entity is None:
        limit = call.world.quota(project_id, "containers")
        if (
            limit >= 0
            and sum(1 for row in call.store.all(CONTAINERS) if row.project_id == project_id) >= limit
        ):
            raise Fault(413, "Upload exceeds quota.")
        entity = call.store.add(CONTAINERS, key, project_id, {"id": key, "name": name}, {"headers": {}})
        call.touched.append(entity)
    _merge(entity.private["headers"], call.headers, "container")
    return Reply(status)


def _post_container(call: Call) -> Reply:
    _check_acl(call)
    _merge(_container(call).private["headers"], call.headers, "container")
    return Reply(204)


def _objects(call: Call) -> list[Entity]:
    return [
        row for row in call.store.find(OBJECTS, container=call.params["container"])
        if row.project_id == call.params["project"]
    ]  # fmt: skip


def _get_container(call: Call) -> Reply:
    entity = _container(call)
    objects = _objects(call)
    headers = entity.private["headers"] | {
        "x-container-object-count": str(len(objects)), "accept-ranges": "bytes",
        "x-container-bytes-used": str(sum(row.data["bytes"] for row in objects)),
        "x-timestamp": f"{entity.created:.5f}", "x-storage-policy": "Policy-0",
        "last-modified": formatdate(entity.created, usegmt=True),
    }  # fmt: skip
    items = [
        {
            "name": row.data["name"], "bytes": row.data["bytes"], "hash": row.data["hash"],
            "content_type": row.data["content_type"], "last_modified": _iso(row.created),
        }
        for row in objects
    ]  # fmt: skip
    return _listed(call, items, headers)


def _delete_container(call: Call) -> Reply:
    entity = _container(call)
    if _objects(call):
        raise conflict("")
    call.store.remove(entity)
    return Reply(204)


def _object(call: Call) -> Entity:
    _container(call)
    params = call.params
    entity = call.store.get(OBJECTS, f"{params['project']}/{params['container']}/{params['object']}")
    if entity is None:
        raise not_found("")
    return entity


def _object_headers(request: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in request.items() if key.startswith("x-object-meta-") or key in KEPT}


def _put_object(call: Call) -> Reply:
    _container(call)
    params = call.params
    key = f"{params['project']}/{params['container']}/{params['object']}"
    digest = hashlib.md5(call.body, usedforsecurity=False).hexdigest()
    if (expected := call.headers.get("etag")) and expected.strip('"') != digest:
        raise Fault(422, "Unable to process the contained instructions")
    if (old := call.store.get(OBJECTS, key)) is not None:
        if call.headers.get("if-none-match") == "*":
            raise Fault(412, "A precondition for this request was not met.")
        _archive(call, old)
        call.store.remove(old)
    data = {
        "id": key, "name": params["object"], "container": params["container"], "bytes": len(call.body),
        "hash": digest, "content_type": call.headers.get("content-type", "application/octet-stream"),
    }  # fmt: skip
    private = {"content": call.body, "headers": _object_headers(call.headers)}
    entity = call.store.add(OBJECTS, key, params["project"], data, private)
    return Reply(201, None, {"etag": digest, "last-modified": formatdate(entity.created, usegmt=True)})


def _archive(call: Call, old: Entity) -> None:
    """Keep an object that is overwritten, if its container names a place for older versions."""
    place = _container(call).private["headers"].get("x-versions-location")
    if not place:
        return
    time = old.created
    while call.store.get(OBJECTS, key := f"{old.project_id}/{place}/{_version(old, time)}"):
        time += 0.00001
    data = {**old.data, "id": key, "name": _version(old, time), "container": place}
    call.store.add(OBJECTS, key, old.project_id, data, dict(old.private))


def _version(old: Entity, time: float) -> str:
    name = old.data["name"]
    return f"{len(name):03x}{name}/{time:.5f}"


def _post_object(call: Call) -> Reply:
    entity = _object(call)
    entity.private["headers"] = _object_headers(call.headers)
    if kind := call.headers.get("content-type"):
        entity.data["content_type"] = kind
    return Reply(202)


def _get_object(call: Call) -> Reply:
    entity = _object(call)
    headers = entity.private["headers"] | {
        "content-type": entity.data["content_type"], "etag": entity.data["hash"],
        "last-modified": formatdate(entity.created, usegmt=True), "x-timestamp": f"{entity.created:.5f}",
        "accept-ranges": "bytes",
    }  # fmt: skip
    return Reply(200, entity.private["content"], headers)


def _delete_object(call: Call) -> Reply:
    entity = _object(call)
    call.store.remove(entity)
    _bring_back(call, entity)
    return Reply(204)


def _bring_back(call: Call, gone: Entity) -> None:
    """Put the newest older version, if there is one, in the place of an object that was deleted."""
    place = _container(call).private["headers"].get("x-versions-location")
    prefix = f"{len(gone.data['name']):03x}{gone.data['name']}/"
    older = [row for row in call.store.find(OBJECTS, container=place) if row.data["name"].startswith(prefix)]
    mine = [row for row in older if row.project_id == gone.project_id]
    if place and mine:
        newest = max(mine, key=lambda row: str(row.data["name"]))
        call.store.remove(newest)
        data = {**newest.data, "id": gone.id, "name": gone.data["name"], "container": gone.data["container"]}
        call.store.add(OBJECTS, gone.id, gone.project_id, data, dict(newest.private))


_HANDLERS = {
    ("account", "GET"): _get_account,
    ("account", "POST"): _post_account,
    ("container", "GET"): _get_container,
    ("container", "PUT"): _put_container,
    ("container", "POST"): _post_container,
    ("container", "DELETE"): _delete_container,
    ("object", "GET"): _get_object,
    ("object", "PUT"): _put_object,
    ("object", "POST"): _post_object,
    ("object", "DELETE"): _delete_object,
}

SWIFT = Service(
    name="object-store",
    prefix="object-store",
    api="/v1",
    catalog=(("object-store", "swift", "/v1/AUTH_$(project_id)s"),),
    fault=fault,
    kinds={ACCOUNTS: (), CONTAINERS: (), OBJECTS: ("container",)},
    direct=_handle,
    request_id_headers=("x-openstack-request-id",),
)
