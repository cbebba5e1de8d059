"""Cinder, Glance and Swift."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import Any


async def volume(user: Any, **values: Any) -> str:
    body = {"volume": {"size": 1} | values}
    return str((await user.post(f"/volume/v3/{user.project_id}/volumes", body))["volume"]["id"])


async def test_volume_is_created_extended_and_deleted_in_its_time(cloud: Any, demo: Any) -> None:
    volume_id = await volume(demo, name="v")
    path = f"/volume/v3/{demo.project_id}/volumes/{volume_id}"
    assert (await demo.get(path))["volume"]["status"] == "creating"
    cloud.time.now += 1
    assert (await demo.get(path))["volume"]["status"] == "available"
    assert await demo.status("POST", f"{path}/action", {"os-extend": {"new_size": 1}}) == 400
    assert await demo.status("POST", f"{path}/action", {"os-extend": {"new_size": 3}}) == 202
    assert (await demo.get(path))["volume"]["status"] == "extending"
    cloud.time.now += 1
    assert (await demo.get(path))["volume"]["size"] == 3
    assert await demo.status("DELETE", path) == 202
    assert (await demo.get(path))["volume"]["status"] == "deleting"
    cloud.time.now += 1
    reply = await demo.call("GET", path)
    assert reply.json()["itemNotFound"]["message"] == f"Volume {volume_id} could not be found."


async def test_volume_with_snapshots_stays(cloud: Any, demo: Any) -> None:
    volume_id = await volume(demo)
    cloud.time.now += 1
    base = f"/volume/v3/{demo.project_id}"
    snapshot = (await demo.post(f"{base}/snapshots", {"snapshot": {"volume_id": volume_id}}))["snapshot"][
        "id"
    ]
    assert await demo.status("DELETE", f"{base}/volumes/{volume_id}") == 400
    cloud.time.now += 1
    copy = await volume(demo, snapshot_id=snapshot, size=2)
    assert (await demo.get(f"{base}/volumes/{copy}"))["volume"]["snapshot_id"] == snapshot
    assert await demo.status("DELETE", f"{base}/snapshots/{snapshot}") == 202
    cloud.time.now += 1
    assert await demo.status("DELETE", f"{base}/volumes/{volume_id}") == 202


async def test_volume_quotas_are_413(build: Callable[..., Any]) -> None:
    cloud = build(quotas={"volumes": 2, "gigabytes": 3})
    demo = await cloud.login("demo", "demo")
    path = f"/volume/v3/{demo.project_id}/volumes"
    await volume(demo)
    reply = await demo.call("POST", path, {"volume": {"size": 9}})
    assert (reply.status_code, list(reply.json())) == (413, ["overLimit"])
    await volume(demo)
    assert await demo.status("POST", path, {"volume": {"size": 1}}) == 413


async def test_volume_types_are_for_administrators(admin: Any, demo: Any) -> None:
    path = f"/volume/v3/{admin.project_id}/types"
    made = (await admin.post(path, {"volume_type": {"name": "t", "extra_specs": {"a": "b"}}}))["volume_type"]
    await admin.post(f"{path}/{made['id']}/extra_specs", {"extra_specs": {"c": "d"}})
    assert (await demo.get(f"{path}/{made['id']}"))["volume_type"]["extra_specs"] == {"a": "b", "c": "d"}
    assert await admin.status("POST", path, {"volume_type": {"name": "t"}}) == 409
    assert await demo.status("POST", path, {"volume_type": {"name": "u"}}) == 403
    assert await admin.status("DELETE", f"{path}/{made['id']}") == 202


async def test_image_becomes_active_by_upload_or_import(cloud: Any, demo: Any) -> None:
    kinds = {"disk_format": "raw", "container_format": "bare"}
    image = await demo.post("/image/v2/images", {"name": "i", **kinds})
    assert (image["status"], image["owner"]) == ("queued", demo.project_id)
    path = f"/image/v2/images/{image['id']}"
    reply = await demo.call("PUT", f"{path}/file", content=b"abc")
    assert reply.status_code == 204
    shown = await demo.get(path)
    assert (shown["status"], shown["size"]) == ("active", 3)
    assert shown["checksum"] == hashlib.md5(b"abc").hexdigest()
    other = await demo.post("/image/v2/images", {"name": "j", **kinds})
    path = f"/image/v2/images/{other['id']}"
    method = {"method": {"name": "web-download", "uri": "http://files.test/x"}}
    assert await demo.status("POST", f"{path}/import", method) == 202
    assert (await demo.get(path))["status"] == "importing"
    cloud.time.now += 1
    assert (await demo.get(path))["status"] == "active"
    change = [{"op": "replace", "path": "/protected", "value": True}]
    assert await demo.status("PATCH", path, change) == 200
    assert await demo.status("DELETE", path) == 403


async def test_missing_image_is_a_small_web_page(demo: Any) -> None:
    reply = await demo.call("GET", "/image/v2/images/nope")
    assert reply.status_code == 404
    assert reply.headers["Content-Type"].startswith("text/html")
    assert "No image found with ID nope" in reply.text


async def test_containers_hold_objects_and_must_be_emptied(demo: Any) -> None:
    base = f"/object-store/v1/AUTH_{demo.project_id}"
    headers = {"X-Container-Meta-Color": "red"}
    assert await demo.status("PUT", f"{base}/c", headers=headers) == 201
    assert await demo.status("PUT", f"{base}/c") == 202
    assert (await demo.call("PUT", f"{base}/c/a/b", content=b"hi")).status_code == 201
    reply = await demo.call("HEAD", f"{base}/c")
    assert (reply.status_code, reply.headers["X-Container-Object-Count"]) == (204, "1")
    assert reply.headers["X-Container-Meta-Color"] == "red"
    assert (await demo.call("GET", f"{base}/c")).text == "a/b\n"
    assert (await demo.call("GET", f"{base}/c/a/b")).content == b"hi"
    assert await demo.status("DELETE", f"{base}/c") == 409
    assert await demo.status("DELETE", f"{base}/c/a/b") == 204
    assert await demo.status("DELETE", f"{base}/c") == 204
    reply = await demo.call("DELETE", f"{base}/c")
    assert reply.text == "<html><h1>Not Found</h1><p>The resource could not be found.</p></html>"


async def test_objects_open_by_signed_url_or_acl_only(cloud: Any, demo: Any) -> None:
    base = f"/object-store/v1/AUTH_{demo.project_id}"
    await demo.call("POST", base, headers={"X-Account-Meta-Temp-Url-Key": "k"})
    await demo.call("PUT", f"{base}/c")
    await demo.call("PUT", f"{base}/c/o", content=b"hi")
    assert (await cloud.http.get(f"{base}/c/o")).status_code == 401
    expires = int(cloud.time.now) + 60
    text = f"GET\n{expires}\n{base.removeprefix('/object-store')}/c/o".encode()
    signed = hmac.new(b"k", text, hashlib.sha256).hexdigest()
    query = {"temp_url_sig": signed, "temp_url_expires": str(expires)}
    assert (await cloud.http.get(f"{base}/c/o", params=query)).text == "hi"
    assert (await cloud.http.put(f"{base}/c/o", params=query)).status_code == 401
    cloud.time.now += 61
    assert (await cloud.http.get(f"{base}/c/o", params=query)).status_code == 401
    await demo.call("POST", f"{base}/c", headers={"X-Container-Read": ".r:*"})
    assert (await cloud.http.get(f"{base}/c/o")).text == "hi"
    reply = await demo.call("POST", f"{base}/c", headers={"X-Container-Write": "*:*,.r:*"})
    assert (reply.status_code, reply.text) == (400, "Referrers not allowed in write ACL: '.r:*'")
    assert await demo.status("POST", f"{base}/c", headers={"X-Container-Write": "*:*"}) == 204


async def test_overwritten_objects_are_kept_where_the_container_says_and_come_back(
    cloud: Any, demo: Any
) -> None:
    base = f"/object-store/v1/AUTH_{demo.project_id}/box"
    await demo.call("PUT", base, headers={"X-Versions-Location": "box"})
    for content in (b"one", b"two", b"three"):
        await demo.call("PUT", f"{base}/o", content=content)
    listed = (await demo.call("GET", f"{base}?format=json")).json()
    assert [each["name"].partition("/")[0] for each in listed] == ["001o", "001o", "o"]
    for content in ("three", "two", "one"):
        assert (await demo.call("GET", f"{base}/o")).text == content
        assert await demo.status("DELETE", f"{base}/o") == 204
    assert await demo.status("DELETE", base) == 204


async def test_private_volume_type_lets_projects_in_once(admin: Any, demo: Any) -> None:
    path = f"/volume/v3/{admin.project_id}/types"
    body = {"name": "t", "os-volume-type-access:is_public": False}
    one = f"{path}/{(await admin.post(path, {'volume_type': body}))['volume_type']['id']}"
    let_in, keep_out = ({f"{verb}ProjectAccess": {"project": demo.project_id}} for verb in ("add", "remove"))
    assert await demo.status("GET", one) == 404
    assert [await admin.status("POST", f"{one}/action", let_in) for _ in range(2)] == [202, 409]
    assert await demo.status("GET", one) == 200
    assert [await admin.status("POST", f"{one}/action", keep_out) for _ in range(2)] == [202, 404]
    assert await admin.status("PUT", one, {"volume_type": {"is_public": True}}) == 200
    assert await admin.status("POST", f"{one}/action", let_in) == 400
    assert await admin.status("GET", f"{one}/os-volume-type-access") == 404
    assert await admin.status("POST", path, {"volume_type": {"name": "u", "is_public": False}}) == 400
    assert await admin.status("POST", f"{one}/extra_specs", {"extra_specs": {"a": 1}}) == 400


async def test_volume_type_has_one_encryption(cloud: Any, admin: Any) -> None:
    base = f"/volume/v3/{admin.project_id}"
    made = (await admin.post(f"{base}/types", {"volume_type": {"name": "t"}}))["volume_type"]["id"]
    path, luks = f"{base}/types/{made}/encryption", {"encryption": {"provider": "luks"}}
    assert await admin.get(path) == {}
    assert [await admin.status("POST", path, luks) for _ in range(2)] == [200, 400]
    assert await admin.status("PUT", f"{path}/provider", {"encryption": {"key_size": 512}}) == 200
    assert (await admin.get(path)).items() >= {"provider": "luks", "key_size": 512}.items()
    await volume(admin, volume_type="t")
    assert await admin.status("DELETE", f"{path}/provider") == 400
    cloud.dev.store.remove(cloud.dev.store.first("volume.volumes", volume_type_id=made))
    assert [await admin.status("DELETE", f"{path}/provider") for _ in range(2)] == [202, 404]


async def test_volume_type_has_one_set_of_qos_specs(admin: Any) -> None:
    base = f"/volume/v3/{admin.project_id}"
    kind = (await admin.post(f"{base}/types", {"volume_type": {"name": "t"}}))["volume_type"]["id"]
    specs = [
        (await admin.post(f"{base}/qos-specs", {"qos_specs": {"name": name, "a": "1"}}))["qos_specs"]
        for name in "qr"
    ]
    assert specs[0].items() >= {"consumer": "back-end", "specs": {"a": "1"}}.items()
    one, two = (f"{base}/qos-specs/{each['id']}" for each in specs)
    assert [
        await admin.status("GET", f"{each}/associate?vol_type_id={kind}") for each in (one, one, two)
    ] == [
        202,
        202,
        400,
    ]
    assert (await admin.get(f"{one}/associations"))["qos_associations"][0]["id"] == kind
    assert await admin.status("DELETE", one) == 400
    assert await admin.status("GET", f"{two}/disassociate?vol_type_id={kind}") == 202
    assert await admin.status("DELETE", one) == 400
    assert await admin.status("GET", f"{one}/disassociate_all") == 202
    assert await admin.status("DELETE", one) == 202
    assert await admin.status("PUT", f"{two}/delete_keys", {"keys": ["b"]}) == 404
    assert await admin.status("PUT", two, {"qos_specs": {"b": 2}}) == 400


async def test_quotas_of_storage_have_names_and_bounds(admin: Any) -> None:
    path = f"/volume/v3/{admin.project_id}/os-quota-sets/{admin.project_id}"
    assert await admin.status("PUT", path, {"quota_set": {"volumes": 3}}) == 200
    assert (await admin.get(path))["quota_set"]["volumes"] == 3
    for wrong in ({"volumez": 1}, {"volumes": -2}):
        assert await admin.status("PUT", path, {"quota_set": wrong}) == 400
