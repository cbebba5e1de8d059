import asyncio

import httpx
import orjson
import pytest
import respx
import structlog

from stackd.clients import AnswerLost, Cloud, Clouds, KeystoneSettings
from stackd.errors import CloudConflict, CloudError, CloudNotFound, Transient

from .conftest import DEMO


@pytest.fixture
async def cloud(api: respx.MockRouter, clouds: Clouds) -> Cloud:
    return await clouds.open(DEMO)


async def test_answer_is_decoded_and_request_carries_the_token(api: respx.MockRouter, cloud: Cloud) -> None:
    route = api.get("http://nova/v2.1/servers/1").respond(json={"server": {"id": "1"}})
    assert await cloud.compute.get("/servers/1") == {"server": {"id": "1"}}
    sent = route.calls.last.request.headers
    assert sent["x-auth-token"] == "token-1"
    assert sent["openstack-api-version"] == "compute 2.72"
    assert sent["user-agent"] == "stackd"


async def test_body_goes_out_as_json(api: respx.MockRouter, cloud: Cloud) -> None:
    route = api.post("http://neutron/v2.0/networks").respond(201, json={"network": {"id": "n"}})
    reply = await cloud.network.post("/networks", {"network": {"name": "né"}})
    assert reply["network"]["id"] == "n"
    assert orjson.loads(route.calls.last.request.content) == {"network": {"name": "né"}}
    assert route.calls.last.request.headers["content-type"] == "application/json"


async def test_empty_answer_is_none(api: respx.MockRouter, cloud: Cloud) -> None:
    api.delete("http://cinder/v3/p1/volumes/1").respond(202)
    assert await cloud.volume.delete("/volumes/1") is None


async def test_head_gives_headers_and_text_stays_text(api: respx.MockRouter, cloud: Cloud) -> None:
    api.head("http://swift/v1/AUTH_p1/box").respond(headers={"X-Container-Object-Count": "3"})
    api.get("http://swift/v1/AUTH_p1/box/a").respond(text="hello")
    api.get("http://swift/v1/AUTH_p1/box/b").respond(content=b"\x00\x01")
    assert (await cloud.object_store.head("/box"))["x-container-object-count"] == "3"
    assert await cloud.object_store.get("/box/a") == "hello"
    assert await cloud.object_store.get("/box/b") == b"\x00\x01"


async def test_microversion_is_chosen_per_call(api: respx.MockRouter, cloud: Cloud) -> None:
    route = api.get("http://nova/v2.1/servers").respond(json={"servers": []})
    await cloud.compute.get("/servers", microversion="2.90")
    assert route.calls.last.request.headers["openstack-api-version"] == "compute 2.90"
    await cloud.compute.get("/servers", microversion="")
    assert "openstack-api-version" not in route.calls.last.request.headers


async def test_older_service_is_asked_for_the_newest_that_it_has(api: respx.MockRouter, cloud: Cloud) -> None:
    def old(request: httpx.Request) -> httpx.Response:
        if request.headers["openstack-api-version"] == "compute 2.60":
            return httpx.Response(200, json={"servers": []})
        text = "Version 2.72 is not supported by the API. Minimum is 2.1 and maximum is 2.60."
        return httpx.Response(406, json={"computeFault": {"message": text}})

    route = api.get("http://nova/v2.1/servers").mock(side_effect=old)
    await cloud.compute.get("/servers")
    await cloud.compute.get("/servers")
    assert route.call_count == 3
    with pytest.raises(CloudError, match="not supported"):
        await cloud.compute.get("/servers", microversion="2.99")


async def test_our_request_id_is_sent_on_and_theirs_is_kept(api: respx.MockRouter, cloud: Cloud) -> None:
    route = api.get("http://nova/v2.1/servers/1").respond(
        404, json={"itemNotFound": {"message": "Gone."}}, headers={"X-Openstack-Request-Id": "req-theirs"}
    )
    with (
        structlog.contextvars.bound_contextvars(request_id="req-ours"),
        pytest.raises(CloudNotFound, match=r"Gone\. \(compute, HTTP 404, req-theirs\)"),
    ):
        await cloud.compute.get("/servers/1")
    assert route.calls.last.request.headers["x-openstack-request-id"] == "req-ours"


async def test_every_page_of_a_list_is_read_from_the_same_place(api: respx.MockRouter, cloud: Cloud) -> None:
    def page(request: httpx.Request) -> httpx.Response:
        if "marker" in request.url.params:
            return httpx.Response(200, json={"networks": [{"id": "3"}]})
        link = {"rel": "next", "href": "http://elsewhere/networks?limit=2&marker=2"}
        return httpx.Response(200, json={"networks": [{"id": "1"}, {"id": "2"}], "networks_links": [link]})

    api.get(url__startswith="http://neutron/v2.0/networks").mock(side_effect=page)
    found = await cloud.network.list_all("/networks", "networks", {"limit": 2})
    assert [entry["id"] for entry in found] == ["1", "2", "3"]


async def test_a_list_whose_link_leads_in_a_circle_ends(api: respx.MockRouter, cloud: Cloud) -> None:
    answer = {"images": [{"id": "1"}], "next": "/v2/images?marker=1"}
    route = api.get(url__startswith="http://glance/v2/images").respond(json=answer)
    assert len(await cloud.image.list_all("/images", "images")) == 2
    assert route.call_count == 2


async def test_bare_list_needs_no_key(api: respx.MockRouter, cloud: Cloud) -> None:
    api.get(url__startswith="http://swift/v1/AUTH_p1").respond(json=[{"name": "a"}])
    assert await cloud.object_store.list_all("", params={"format": "json"}) == [{"name": "a"}]


@pytest.mark.parametrize("status", [413, 429, 502, 503, 504])
async def test_reading_is_repeated_when_the_service_asks_for_patience(
    api: respx.MockRouter, cloud: Cloud, status: int
) -> None:
    route = api.get("http://nova/v2.1/servers/1")
    route.side_effect = [httpx.Response(status), httpx.Response(200, json={})]
    assert await cloud.compute.get("/servers/1") == {}
    assert route.call_count == 2


async def test_a_cluster_without_masters_is_asked_for_again(api: respx.MockRouter, cloud: Cloud) -> None:
    text = "Invalid input for field/attribute master_count. Value: '0'. Value should be greater or equal to 1"
    said = httpx.Response(400, json={"errors": [{"status": 400, "title": "Invalid", "detail": text}]})
    route = api.get("http://nova/v2.1/clusters/1")
    route.side_effect = [said, httpx.Response(200, json={})]
    assert await cloud.compute.get("/clusters/1") == {}
    api.post("http://nova/v2.1/clusters").mock(return_value=said)
    with pytest.raises(CloudError, match="HTTP 400"):
        await cloud.compute.post("/clusters", {"master_count": 0})


async def test_patience_ends(api: respx.MockRouter, cloud: Cloud) -> None:
    route = api.get("http://nova/v2.1/servers/1").respond(503)
    with pytest.raises(Transient):
        await cloud.compute.get("/servers/1")
    assert route.call_count == 3


@pytest.mark.parametrize("status", [429, 503])
async def test_creation_is_repeated_when_it_was_refused(
    api: respx.MockRouter, cloud: Cloud, status: int
) -> None:
    route = api.post("http://nova/v2.1/servers")
    route.side_effect = [httpx.Response(status), httpx.Response(202, json={"server": {"id": "1"}})]
    assert (await cloud.compute.post("/servers", {}))["server"]["id"] == "1"


@pytest.mark.parametrize(
    "outcome",
    [httpx.Response(502), httpx.Response(504), httpx.ReadError("reset"), httpx.ReadTimeout("slow")],
)
async def test_creation_whose_answer_is_lost_is_never_repeated(
    api: respx.MockRouter, cloud: Cloud, outcome: httpx.Response | Exception
) -> None:
    route = api.post("http://nova/v2.1/servers")
    route.side_effect = [outcome]
    with pytest.raises(AnswerLost) as lost:
        await cloud.compute.post("/servers", {"server": {}})
    assert lost.value.maybe_done
    assert route.call_count == 1


async def test_creation_that_never_left_is_repeated(api: respx.MockRouter, cloud: Cloud) -> None:
    route = api.post("http://nova/v2.1/servers")
    route.side_effect = [httpx.ConnectError("refused"), httpx.Response(202, json={})]
    assert await cloud.compute.post("/servers", {}) == {}


async def test_unreachable_service_is_transient_and_surely_not_done(
    api: respx.MockRouter, cloud: Cloud
) -> None:
    api.post("http://nova/v2.1/servers").mock(side_effect=httpx.ConnectError("refused"))
    with pytest.raises(Transient, match="compute could not be reached") as error:
        await cloud.compute.post("/servers", {})
    assert str(error.value) == (
        "The service compute could not be reached: no connection could be made (3 attempts in 1 s)"
    )
    assert not isinstance(error.value, AnswerLost)


async def test_put_that_adds_can_be_declared_unsafe_to_repeat(api: respx.MockRouter, cloud: Cloud) -> None:
    route = api.put("http://neutron/v2.0/routers/1/add_router_interface").mock(
        side_effect=httpx.ReadError("reset")
    )
    with pytest.raises(AnswerLost):
        await cloud.network.request("PUT", "/routers/1/add_router_interface", json={}, idempotent=False)
    assert route.call_count == 1


async def test_slow_answer_ends_at_the_deadline(api: respx.MockRouter, cloud: Cloud) -> None:
    async def slow(request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(30)
        return httpx.Response(200)

    api.post("http://nova/v2.1/servers").mock(side_effect=slow)
    with pytest.raises(AnswerLost, match=r"no answer within 0\.02 s"):
        await cloud.compute.request("POST", "/servers", json={}, timeout=0.02)


async def test_conflict_is_raised_at_once(api: respx.MockRouter, cloud: Cloud) -> None:
    route = api.delete("http://neutron/v2.0/ports/1").respond(
        409, json={"NeutronError": {"type": "PortInUse", "message": "In use."}}
    )
    with pytest.raises(CloudConflict, match=r"In use\."):
        await cloud.network.delete("/ports/1")
    assert route.call_count == 1


async def test_deletion_without_an_id_never_leaves(api: respx.MockRouter, cloud: Cloud) -> None:
    with pytest.raises(ValueError, match="lacks an id"):
        await cloud.network.delete("/ports/")


async def test_missing_service_is_no_missing_object(api: respx.MockRouter, cloud: Cloud) -> None:
    with pytest.raises(CloudError, match="no public endpoint of the service dns in region R1") as error:
        await cloud.service("dns").get("/zones")
    assert not isinstance(error.value, CloudNotFound)


async def test_operator_can_override_endpoint_interface_and_microversion(api: respx.MockRouter) -> None:
    settings = KeystoneSettings(
        "http://keystone",
        endpoints={"dns": "http://designate/v2"},
        interfaces={"volume": "internal"},
        microversions={"compute": "2.79"},
    )
    async with Clouds(settings) as clouds:
        cloud = await clouds.open(DEMO)
        zones = api.get("http://designate/v2/zones").respond(json={"zones": []})
        servers = api.get("http://nova/v2.1/servers").respond(json={"servers": []})
        await cloud.service("dns").get("/zones")
        await cloud.compute.get("/servers")
        assert zones.called
        assert servers.calls.last.request.headers["openstack-api-version"] == "compute 2.79"
        with pytest.raises(CloudError, match="no internal endpoint"):
            await cloud.volume.get("/volumes")


async def test_load_and_errors_are_counted_by_service(
    api: respx.MockRouter, cloud: Cloud, clouds: Clouds
) -> None:
    api.get("http://nova/v2.1/servers/1").respond(500)
    with pytest.raises(CloudError):
        await cloud.compute.get("/servers/1")
    stats = clouds.stats()["compute", "nova"]
    assert (stats.calls, stats.errors, stats.in_flight, stats.limit) == (1, 1, 0, 4)


async def test_a_fact_that_many_ask_for_at_one_moment_takes_one_call(
    api: respx.MockRouter, cloud: Cloud
) -> None:
    route = api.get("http://neutron/v2.0/networks/n").respond(json={"network": {"id": "n"}})
    services = [cloud.network, cloud.with_permit(lambda: None).network]
    answers = await asyncio.gather(*(each.get_fact("/networks/n") for each in services))
    assert answers == [{"network": {"id": "n"}}] * 2
    assert route.call_count == 1
