"""Glance: images, by upload or by import."""

from __future__ import annotations

import hashlib
import html
from http import HTTPStatus

from stackd.devcloud.collection import Collection, Field, Style, demand, fetch
from stackd.devcloud.service import Service
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Fault, Reply, Route, bad_request, conflict, forbidden, not_found
from stackd.devcloud.world import World, stamp_seconds

FORMATS = (None, "ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop")
IMAGES_SEEDED = {"cirros": "cirros", "cfntools": "fedora"}
"""The images that there are from the beginning, and their distributions: a small image, and one that stands
for one with guest tools."""

CIRROS = b"cirros".ljust(1024, b"\0")


def fault(error: Fault) -> Reply:
    """A fault as Glance renders it: a small HTML page."""
    title = f"{error.status} {HTTPStatus(error.status).phrase}"
    page = (
        f"<html>\n <head>\n  <title>{title}</title>\n </head>\n <body>\n  <h1>{title}</h1>\n"
        f"  {html.escape(error.message)}<br /><br />\n\n\n\n </body>\n</html>"
    )
    return Reply(error.status, page, {"content-type": "text/html; charset=UTF-8"})


def _missing(label: str, entity_id: str) -> Fault:
    return not_found(f"No image found with ID {entity_id}")


def _duplicate(label: str, value: str) -> Fault:
    return conflict(f"Image ID {value} already exists!")


def _over_quota(plural: str, limit: int) -> Fault:
    return Fault(413, f"The request is over the quota of {limit} {plural}.")


def _denied(action: str) -> Fault:
    return forbidden(f"You are not authorized to complete {action} action.")


def _page(call: Call, plural: str, items: list[JSON], following: str | None) -> JSON:
    page: JSON = {plural: items, "first": "/v2/images", "schema": "/v2/schemas/images"}
    if following:
        page["next"] = "/v2" + following.removeprefix(call.base)
    return page


STYLE = Style(
    missing=_missing,
    duplicate=_duplicate,
    over_quota=_over_quota,
    denied=_denied,
    created_key="created_at",
    updated_key="updated_at",
    update_method="PATCH",
    page_links=_page,
    default_limit=25,
    largest_limit=1000,
    newest_first=True,
    project_keys=(),
)


def _sees(call: Call, entity: Entity) -> bool:
    open_to_all = entity.data["visibility"] in ("public", "community")
    mine = call.actor.project_id in (entity.project_id, *entity.private["members"])
    return open_to_all or mine or call.actor.is_admin


def _prepare(call: Call, values: JSON, private: JSON) -> None:
    if values["disk_format"] not in FORMATS:
        raise bad_request(
            f"Provided object does not match schema 'image': {values['disk_format']!r} is not one of "
            f"{list(FORMATS)}"
        )
    if values["visibility"] == "public":
        demand(call, "admin", "publicize_image", STYLE)
    wished = values.pop("id", None)
    private |= {"data": b"", "members": {}}
    values |= {
        "status": "queued", "size": None, "virtual_size": None, "checksum": None, "os_hash_algo": None,
        "os_hash_value": None, "owner": values["owner"] or call.actor.project_id, "__id": wished,
    }  # fmt: skip


def _choose_id(call: Call, values: JSON) -> str:
    wished = values.pop("__id")
    if wished and call.store.get(IMAGES.kind, wished) is not None:
        raise STYLE.duplicate("Image", wished)
    return wished or call.world.uuid()


def _view(call: Call, entity: Entity) -> JSON:
    url = f"/v2/images/{entity.id}"
    return entity.data | {"self": url, "file": f"{url}/file", "schema": "/v2/schemas/image"}


def _guard(call: Call, entity: Entity) -> None:
    if entity.data["protected"]:
        raise forbidden(f"Image {entity.id} is protected and cannot be deleted.")


def _by_tag(call: Call, entity: Entity, values: list[str]) -> bool:
    return set(values) <= set(entity.data["tags"])


def _by_visibility(call: Call, entity: Entity, values: list[str]) -> bool:
    return "all" in values or entity.data["visibility"] in values


IMAGES = Collection(
    kind="image.images", path="/images", singular="", plural="images", label="Image",
    fields={
        "name": Field(), "id": Field(), "disk_format": Field(), "container_format": Field(),
        "visibility": Field("shared"), "protected": Field(False), "min_ram": Field(0), "min_disk": Field(0),
        "owner": Field(), "os_hidden": Field(False), "tags": Field([]),
    },
    quota="images", methods="list create show delete", broken={"status": "killed"}, sees=_sees,
    prepare=_prepare, choose_id=_choose_id, view=_view, guard=_guard,
    filters={"tag": _by_tag, "visibility": _by_visibility},
)  # fmt: skip


def _image(call: Call) -> Entity:
    demand(call, "member", "modify_image", STYLE)
    image = fetch(IMAGES, STYLE, call, call.params["id"])
    if image.project_id != call.actor.project_id and not call.actor.is_admin:
        raise forbidden(f"You are not permitted to modify this image {image.id}.")
    return image


def _patch(call: Call) -> Reply:
    image = _image(call)
    for change in call.json():
        name = change["path"].lstrip("/").replace("~1", "/").replace("~0", "~")
        if change["op"] == "remove":
            if name not in image.data:
                raise conflict(f"Property {name} does not exist.")
            del image.data[name]
            continue
        if name in ("id", "status", "size", "checksum", "created_at", "updated_at"):
            raise forbidden(f"Attribute '{name}' is read-only.")
        if name == "visibility" and change["value"] == "public":
            demand(call, "admin", "publicize_image", STYLE)
        image.data[name] = change["value"]
    image.data["updated_at"] = stamp_seconds(call.world.clock())
    return Reply(200, _view(call, image))


def _fill(image: Entity, content: bytes) -> JSON:
    image.private["data"] = content
    return {
        "status": "active", "size": len(content), "virtual_size": len(content),
        "checksum": hashlib.md5(content, usedforsecurity=False).hexdigest(), "os_hash_algo": "sha512",
        "os_hash_value": hashlib.sha512(content).hexdigest(),
    }  # fmt: skip


def _upload(call: Call) -> Reply:
    image = _image(call)
    if image.data["status"] != "queued":
        raise conflict(f"Image status transition from {image.data['status']} to saving is not allowed")
    if not image.data["disk_format"] or not image.data["container_format"]:
        raise bad_request("Properties disk_format, container_format must be set prior to saving data.")
    call.store.update(image, _fill(image, call.body))
    return Reply(204)


def _download(call: Call) -> Reply:
    image = fetch(IMAGES, STYLE, call, call.params["id"])
    if image.data["status"] != "active":
        return Reply(204)
    headers = {"content-md5": image.data["checksum"] or ""}
    return Reply(200, image.private["data"], headers)


def _stage(call: Call) -> Reply:
    image = _image(call)
    image.private["data"] = call.body
    call.store.update(image, {"status": "uploading"})
    return Reply(204)


def _import(call: Call) -> Reply:
    image = _image(call)
    method = call.json().get("method", {})
    if method.get("name") not in ("web-download", "glance-direct", "copy-image"):
        raise bad_request(f"Unknown import method name '{method.get('name')}'.")
    allowed = ("uploading",) if method["name"] == "glance-direct" else ("queued",)
    if image.data["status"] not in allowed:
        raise conflict(f"Image needs to be in '{allowed[0]}' state to use '{method['name']}' method.")
    if method["name"] == "web-download" and not str(method.get("uri", "")).startswith(
        ("http://", "https://")
    ):
        raise bad_request(f"URI for web-download does not pass filtering: {method.get('uri')}")
    call.store.update(image, {"status": "importing"})
    content = image.private["data"] or str(method.get("uri", "")).encode()
    call.store.later(image, call.world.ready_after, _fill(image, content))
    call.touched.append(image)
    return Reply(202, "", {"content-type": "text/html; charset=UTF-8"})


def _add_tag(call: Call) -> Reply:
    image = _image(call)
    image.data["tags"] = [
        *(tag for tag in image.data["tags"] if tag != call.params["tag"]),
        call.params["tag"],
    ]
    return Reply(204)


def _drop_tag(call: Call) -> Reply:
    image = _image(call)
    if call.params["tag"] not in image.data["tags"]:
        raise not_found("The resource could not be found.")
    image.data["tags"] = [tag for tag in image.data["tags"] if tag != call.params["tag"]]
    return Reply(204)


def _member(call: Call, image: Entity, member_id: str) -> JSON:
    return {
        "member_id": member_id, "image_id": image.id, "status": image.private["members"][member_id],
        "schema": "/v2/schemas/member", "created_at": image.data["created_at"],
        "updated_at": image.data["updated_at"],
    }  # fmt: skip


def _members(call: Call) -> Reply:
    image = fetch(IMAGES, STYLE, call, call.params["id"])
    shown = [_member(call, image, member_id) for member_id in image.private["members"]]
    return Reply(200, {"members": shown, "schema": "/v2/schemas/members"})


def _add_member(call: Call) -> Reply:
    image = _image(call)
    if image.data["visibility"] != "shared":
        raise forbidden("Only shared images have members.")
    member_id = str(call.json().get("member"))
    if member_id in image.private["members"]:
        raise conflict(f"The target member {member_id} is already associated with image {image.id}.")
    image.private["members"][member_id] = "pending"
    return Reply(200, _member(call, image, member_id))


def _one_member(call: Call) -> Reply:
    image = fetch(IMAGES, STYLE, call, call.params["id"])
    member_id = call.params["member"]
    if member_id not in image.private["members"]:
        raise not_found(f"{member_id} not found in the member list of the image {image.id}.")
    if call.method == "DELETE":
        del _image(call).private["members"][member_id]
        return Reply(204)
    if call.method == "PUT":
        image.private["members"][member_id] = str(call.json().get("status"))
    return Reply(200, _member(call, image, member_id))


def _import_info(call: Call) -> Reply:
    methods = {
        "description": "Import methods available.",
        "type": "array",
        "value": ["glance-direct", "web-download"],
    }
    return Reply(200, {"import-methods": methods})


def _schema(call: Call) -> Reply:
    properties = {name: {"type": ["null", "string"]} for name in IMAGES.fields}
    return Reply(200, {"name": "image", "properties": properties, "additionalProperties": {"type": "string"}})


def _versions(call: Call) -> Reply:
    root = call.base.removesuffix("/v2")
    numbers = [f"v2.{minor}" for minor in (17, 16, 15, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)]
    versions = [
        {
            "id": number, "status": "CURRENT" if number == "v2.17" else "SUPPORTED",
            "links": [{"rel": "self", "href": f"{root}/v2/"}],
        }
        for number in numbers
    ]  # fmt: skip
    return Reply(300, {"versions": versions})


def _start(world: World) -> None:
    admin = world.store.first("identity.projects", name="admin")
    owner = admin.id if admin else ""
    for name, distribution in IMAGES_SEEDED.items():
        _seed(world, name, distribution, owner)


def _seed(world: World, name: str, distribution: str, owner: str) -> None:
    """A public image."""
    now = stamp_seconds(world.clock())
    image_id = world.uuid()
    data: JSON = {
        "id": image_id, "name": name, "disk_format": "raw", "container_format": "bare",
        "visibility": "public", "protected": False, "min_ram": 0, "min_disk": 0, "owner": owner,
        "os_hidden": False, "created_at": now, "updated_at": now, "tags": [], "os_distro": distribution,
    }  # fmt: skip
    image = world.store.add("image.images", image_id, owner, data, {"members": {}})
    world.store.update(image, _fill(image, CIRROS))


_ONE = "/images/{id}"
GLANCE = Service(
    name="image",
    prefix="image",
    api="/v2",
    catalog=(("image", "glance", ""),),
    fault=fault,
    collections=((IMAGES, STYLE),),
    routes=(
        Route("PATCH", _ONE, _patch),
        Route("PUT", _ONE + "/file", _upload),
        Route("GET", _ONE + "/file", _download),
        Route("PUT", _ONE + "/stage", _stage),
        Route("POST", _ONE + "/import", _import),
        Route("PUT", _ONE + "/tags/{tag}", _add_tag),
        Route("DELETE", _ONE + "/tags/{tag}", _drop_tag),
        Route("GET", _ONE + "/members", _members),
        Route("POST", _ONE + "/members", _add_member),
        Route("GET", _ONE + "/members/{member}", _one_member),
        Route("PUT", _ONE + "/members/{member}", _one_member),
        Route("DELETE", _ONE + "/members/{member}", _one_member),
        Route("GET", "/info/import", _import_info),
        Route("GET", "/schemas/image", _schema),
    ),
    versions=_versions,
    start=_start,
)
