"""Magnum of the dev cloud: what cluster templates need, and clusters that work in the background."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.devcloud.conftest import Cloud, User

V1 = "/container-infra/v1"
TEMPLATES, CLUSTERS = f"{V1}/clustertemplates", f"{V1}/clusters"
GOOD: dict[str, Any] = {
    "name": "t", "image_id": "cirros", "coe": "kubernetes", "external_network_id": "public",
    "flavor_id": "m1.small", "master_flavor_id": "m1.small",
}  # fmt: skip


async def refusal(user: User, method: str, path: str, body: Any = None) -> str:
    reply = await user.call(method, path, body)
    (error,) = reply.json()["errors"]
    assert error["status"] == reply.status_code
    return f"{reply.status_code} {error['detail']}"


def replacing(name: str, value: Any) -> list[dict[str, Any]]:
    return [{"op": "replace", "path": f"/{name}", "value": value}]


async def test_template_lives(demo: User, admin: User) -> None:
    made = await demo.post(TEMPLATES, GOOD)
    path = f"{TEMPLATES}/{made['uuid']}"
    assert (made["network_driver"], made["cluster_distro"], made["public"]) == ("flannel", "cirros", False)
    assert [each["uuid"] for each in (await demo.get(TEMPLATES))["clustertemplates"]] == [made["uuid"]]
    assert "403 Not authorized to set public" in await refusal(demo, "PATCH", path, replacing("public", True))
    assert (await admin.call("PATCH", path, replacing("public", True))).json()["public"] is True
    assert await demo.status("DELETE", path) == 204
    assert await refusal(demo, "GET", path) == f"404 ClusterTemplate {made['uuid']} could not be found."


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"image_id": None}, "400 Invalid input for field/attribute image_id"),
        ({"image_id": "x"}, "400 Image x could not be found"),
        ({"coe": "swarm"}, "400 Invalid input for field/attribute coe"),
        ({"server_type": "x"}, "400 Invalid input for field/attribute server_type"),
        ({"tls_disabled": "no"}, "400 Invalid input for field/attribute tls_disabled"),
        ({"flavor_id": "x"}, "400 Unable to find flavor x"),
        ({"external_network_id": "x"}, "400 Unable to find external network x"),
        ({"fixed_network": "x"}, "400 Unable to find fixed network x"),
        ({"fixed_subnet": "x"}, "400 Unable to find fixed subnet x"),
        ({"network_driver": "x"}, "400 Network driver type x is not supported"),
        ({"volume_driver": "rexray"}, "400 Volume driver type rexray is not supported"),
        ({"docker_storage_driver": "devicemapper"}, "400 docker volume size None GB is not valid"),
        ({"docker_volume_size": 0}, "400 Invalid input for field/attribute docker_volume_size"),
        ({"public": True}, "403 Not authorized"),
        ({"colour": "red"}, "400 Unknown attribute for argument cluster_template: colour"),
    ],
)
async def test_templates_that_are_refused(demo: User, change: dict[str, Any], reason: str) -> None:
    assert reason in await refusal(demo, "POST", TEMPLATES, GOOD | change)


async def test_image_has_to_name_its_distribution(demo: User) -> None:
    body = {"name": "plain", "disk_format": "raw", "container_format": "bare"}
    image = (await demo.post("/image/v2/images", body))["id"]
    said = await refusal(demo, "POST", TEMPLATES, GOOD | {"image_id": image})
    assert said == f"400 Image {image} doesn't contain os_distro field."


@pytest.mark.parametrize(
    ("patch", "reason"),
    [
        ([{"op": "remove", "path": "/uuid"}], "is an internal attribute"),
        ([{"op": "add", "path": "/name", "value": "n"}], "please use 'replace'"),
        ([{"op": "replace", "path": "/name"}], "operations needs value"),
        (replacing("colour", "red"), "Couldn't apply patch"),
        (replacing("network_driver", "x"), "is not supported"),
        ({"name": "n"}, "Expected a list"),
    ],
)
async def test_patches_that_are_refused(demo: User, patch: Any, reason: str) -> None:
    made = await demo.post(TEMPLATES, GOOD)
    assert reason in await refusal(demo, "PATCH", f"{TEMPLATES}/{made['uuid']}", patch)


@pytest.mark.parametrize("path", [TEMPLATES, CLUSTERS])
async def test_lists_have_no_filters(demo: User, path: str) -> None:
    assert await refusal(demo, "GET", f"{path}?name=x") == '400 Unknown argument: "name"'


async def test_cluster_is_shown_built_changed_and_deleted_in_its_time(cloud: Cloud, demo: User) -> None:
    template = (await demo.post(TEMPLATES, GOOD))["uuid"]
    made = await demo.post(CLUSTERS, {"cluster_template_id": "t", "name": "c"})
    path = f"{CLUSTERS}/{made['uuid']}"
    assert list(made) == ["uuid"]
    assert await demo.status("GET", path) == 404
    cloud.time.now += 0.03
    for each in (path, f"{CLUSTERS}/detail", CLUSTERS):  # the cluster is stored, its masters are not
        assert "400 Invalid input for field/attribute master_count" in await refusal(demo, "GET", each)
    cloud.time.now += 0.07
    assert (await demo.get(path))["status"] == "CREATE_IN_PROGRESS"
    assert await demo.status("PATCH", path, replacing("node_count", 5)) == 202
    cloud.time.now += 0.2
    shown = await demo.get(path)
    assert (shown["status"], shown["node_count"], shown["flavor_id"]) == ("CREATE_COMPLETE", 1, "m1.small")
    assert (shown["cluster_template_id"], len(shown["master_addresses"])) == (template, 1)
    assert "is referenced by" in await refusal(demo, "DELETE", f"{TEMPLATES}/{template}")

    assert "cannot change cluster property(ies) create_timeout" in await refusal(
        demo, "PATCH", path, replacing("create_timeout", 5)
    )
    assert await demo.status("PATCH", path, replacing("node_count", 2)) == 202
    assert (await demo.get(path))["status"] == "UPDATE_IN_PROGRESS"
    cloud.time.now += 1
    (listed,) = (await demo.get(f"{CLUSTERS}/detail"))["clusters"]
    assert (listed["status"], listed["node_addresses"]) == ("UPDATE_COMPLETE", ["10.0.0.100", "10.0.0.101"])
    assert "api_address" not in (await demo.get(CLUSTERS))["clusters"][0]

    assert await demo.status("DELETE", path) == 204
    assert (await demo.get(path))["status"] == "DELETE_IN_PROGRESS"
    cloud.time.now += 1
    assert await demo.status("GET", path) == 404
    assert await demo.status("DELETE", f"{TEMPLATES}/{template}") == 204


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"cluster_template_id": None}, "400 Invalid input for field/attribute cluster_template_id"),
        ({"cluster_template_id": "x"}, "404 ClusterTemplate x could not be found"),
        ({"name": "1st"}, "400 Invalid input for field/attribute name"),
        ({"master_count": 0}, "400 Invalid input for field/attribute master_count"),
        ({"node_count": "1"}, "400 Invalid input for field/attribute node_count"),
        ({"master_count": 3}, "400 master_count must be 1"),
        ({"keypair": "x"}, "404 Unable to find keypair x"),
        ({"colour": "red"}, "400 Unknown attribute for argument cluster: colour"),
    ],
)
async def test_clusters_that_are_refused(demo: User, change: dict[str, Any], reason: str) -> None:
    await demo.post(TEMPLATES, GOOD)
    assert reason in await refusal(demo, "POST", CLUSTERS, {"cluster_template_id": "t"} | change)


async def test_machines_boot_from_volumes_or_have_flavors(demo: User) -> None:
    await demo.post(TEMPLATES, GOOD | {"master_flavor_id": None})
    body = {"cluster_template_id": "t"}
    assert await refusal(demo, "POST", CLUSTERS, body) == "400 Unable to find flavor None."
    assert await demo.status("POST", CLUSTERS, body | {"labels": {"boot_volume_size": "5"}}) == 202


async def test_project_has_a_quota_of_clusters(build: Callable[..., Cloud]) -> None:
    demo = await build(quotas={"magnum_clusters": 1}).login("demo", "demo")
    await demo.post(TEMPLATES, GOOD)
    await demo.post(CLUSTERS, {"cluster_template_id": "t"})
    said = await refusal(demo, "POST", CLUSTERS, {"cluster_template_id": "t"})
    assert said.startswith(
        "403 Resource limit exceeded: You have reached the maximum clusters per project, 1."
    )


async def test_hidden_template_is_for_administrators(demo: User, admin: User) -> None:
    hidden = await admin.post(TEMPLATES, GOOD | {"public": True, "hidden": True})
    said = await refusal(demo, "POST", CLUSTERS, {"cluster_template_id": hidden["uuid"]})
    assert said == "403 Not authorized."
    assert await demo.status("PATCH", f"{TEMPLATES}/{hidden['uuid']}", replacing("name", "mine")) == 403


async def test_versions_are_chosen_by_a_header(demo: User) -> None:
    assert (await demo.get("/container-infra/"))["versions"][0]["max_version"] == "1.11"
    assert (
        await demo.status("GET", CLUSTERS, headers={"OpenStack-API-Version": "container-infra 1.10"}) == 200
    )
    assert (
        await demo.status("GET", CLUSTERS, headers={"OpenStack-API-Version": "container-infra 1.99"}) == 406
    )
