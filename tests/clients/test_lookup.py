import asyncio

import httpx
import pytest
import respx

from stackd.clients import Cloud, Clouds
from stackd.clients.failures import NoEndpoint
from stackd.clients.lookup import DECLARED, AmbiguousName, Finder
from stackd.errors import CloudForbidden, EntityNotFound
from stackd.resources.registry import load_registry

from .conftest import DEMO

ID = "0123456789abcdef0123456789abcdef"


@pytest.fixture
async def finder(api: respx.MockRouter, clouds: Clouds) -> Finder:
    load_registry()
    cloud: Cloud = await clouds.open(DEMO)
    return Finder(cloud)


async def test_small_collection_is_listed_once_for_all_names(api: respx.MockRouter, finder: Finder) -> None:
    networks = [{"id": "1", "name": "a"}, {"id": "2", "name": "b"}]
    route = api.get(url__startswith="http://neutron/v2.0/networks").respond(json={"networks": networks})
    found = await asyncio.gather(*(finder.id_of("neutron.network", name) for name in ("a", "b", "2")))
    assert found == ["1", "2", "2"]
    assert route.call_count == 1
    assert route.calls.last.request.url.params.get_list("fields") == ["id", "name", "project_id"]


async def test_own_object_hides_those_of_other_projects(api: respx.MockRouter, finder: Finder) -> None:
    groups = [{"id": str(number), "name": "default", "project_id": f"p{number}"} for number in range(3)]
    api.get(url__startswith="http://neutron/v2.0/security-groups").respond(json={"security_groups": groups})
    assert await finder.id_of("neutron.security_group", "default") == "1"
    assert await finder.id_of("neutron.security_group", "2") == "2"


async def test_ambiguous_name_lists_the_candidates(api: respx.MockRouter, finder: Finder) -> None:
    networks = [{"id": str(number), "name": "a"} for number in range(12)]
    api.get(url__startswith="http://neutron/v2.0/networks").respond(json={"networks": networks})
    with pytest.raises(
        AmbiguousName, match=r"12 objects of the kind Network are named a: 0, 1, .* and 2 more"
    ):
        await finder.id_of("neutron.network", "a")


async def test_unlisted_object_is_found_by_its_id(api: respx.MockRouter, finder: Finder) -> None:
    api.get(url__startswith="http://nova/v2.1/flavors?").respond(json={"flavors": []})
    api.get("http://nova/v2.1/flavors/hidden").respond(json={"flavor": {"id": "hidden"}})
    api.get("http://nova/v2.1/flavors/none").respond(404)
    assert await finder.id_of("nova.flavor", "hidden") == "hidden"
    with pytest.raises(EntityNotFound, match=r"No Flavor matching \{'name': 'none'\}"):
        await finder.id_of("nova.flavor", "none")


async def test_large_collection_is_asked_for_the_name(api: respx.MockRouter, finder: Finder) -> None:
    listing = api.get(url__startswith="http://glance/v2/images?").respond(
        json={"images": [{"id": ID, "name": "cirros"}]}
    )
    api.get(f"http://glance/v2/images/{ID}").respond(json={})
    assert await finder.id_of("glance.image", "cirros") == ID
    assert listing.calls.last.request.url.params["name"] == "cirros"
    assert await finder.id_of("glance.image", ID) == ID
    assert listing.call_count == 1


async def test_server_is_searched_by_its_exact_name(api: respx.MockRouter, finder: Finder) -> None:
    servers = [{"id": "1", "name": "web.1"}, {"id": "2", "name": "web.12"}]
    route = api.get(url__startswith="http://nova/v2.1/servers?").respond(json={"servers": servers})
    assert await finder.id_of("nova.server", "web.1") == "1"
    assert route.calls.last.request.url.params["name"] == r"^web\.1$"


async def test_keypair_is_its_name(api: respx.MockRouter, finder: Finder) -> None:
    api.get("http://nova/v2.1/os-keypairs").respond(json={"keypairs": [{"keypair": {"name": "k"}}]})
    assert await finder.id_of("nova.keypair", "k") == "k"


async def test_name_that_looks_like_a_path_stays_a_name(api: respx.MockRouter, finder: Finder) -> None:
    api.get(url__startswith="http://neutron/v2.0/networks?").respond(json={"networks": []})
    single = api.get(url__startswith="http://neutron/v2.0/networks/").respond(404)
    assert not await finder.exists("neutron.network", "../ports?x")
    assert not await finder.exists("neutron.network", "..")
    assert not await finder.exists("neutron.network", "")
    assert single.calls.last.request.url.raw_path == b"/v2.0/networks/..%2Fports%3Fx"
    assert single.call_count == 1


async def test_id_of_a_form_the_service_does_not_know_is_not_found(
    api: respx.MockRouter, finder: Finder
) -> None:
    api.get(url__startswith="http://cinder/v3/p1/volumes?").respond(json={"volumes": []})
    api.get("http://cinder/v3/p1/volumes/x").respond(400)
    assert not await finder.exists("cinder.volume", "x")


async def test_refusal_is_not_taken_for_absence(api: respx.MockRouter, finder: Finder) -> None:
    api.get(url__startswith="http://keystone/v3/users").respond(403)
    with pytest.raises(CloudForbidden):
        await finder.id_of("keystone.user", "bob")


async def test_what_was_made_since_the_list_is_found(api: respx.MockRouter, finder: Finder) -> None:
    route = api.get(url__startswith="http://neutron/v2.0/networks?")
    api.get("http://neutron/v2.0/networks/new").respond(404)
    route.side_effect = [
        httpx.Response(200, json={"networks": []}),
        httpx.Response(200, json={"networks": [{"id": "1", "name": "new"}]}),
    ]
    assert not await finder.exists("neutron.network", "new")
    assert await finder.id_of("neutron.network", "new") == "1"


async def test_names_that_are_missing_together_need_one_list(api: respx.MockRouter, finder: Finder) -> None:
    route = api.get(url__startswith="http://neutron/v2.0/networks?").respond(json={"networks": []})
    api.get(url__startswith="http://neutron/v2.0/networks/").respond(404)
    asked = (finder.id_of("neutron.network", f"n{number}", again=False) for number in range(9))
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert all(isinstance(each, EntityNotFound) for each in found)
    assert route.call_count == 1


async def test_a_finder_begins_with_what_another_found(api: respx.MockRouter, clouds: Clouds) -> None:
    networks = [{"id": "1", "name": "a"}]
    route = api.get(url__startswith="http://neutron/v2.0/networks?").respond(json={"networks": networks})
    first = Finder(await clouds.open(DEMO))
    await first.id_of("neutron.network", "a")
    assert await Finder(await clouds.open(DEMO), first.found).id_of("neutron.network", "a") == "1"
    assert route.call_count == 1


async def test_a_name_like_the_wrong_one_is_proposed(api: respx.MockRouter, finder: Finder) -> None:
    flavors = [{"id": "1", "name": "m1.small"}, {"id": "2", "name": "m1.large"}]
    api.get(url__startswith="http://nova/v2.1/flavors?").respond(json={"flavors": flavors})
    page = api.get(url__startswith="http://glance/v2/images?").respond(
        json={"images": [{"id": ID, "name": "cirros"}], "next": "/v2/images?marker=x"}
    )
    assert await finder.near("nova.flavor", "m1.smal") == "m1.small"
    assert await finder.near("nova.flavor", "quantum") is None
    assert await finder.near("glance.image", "ciros") == "cirros"
    assert await finder.near("glance.image", "ubuntu") is None
    assert page.call_count == 1
    assert await finder.near("keystone.user", "bob") is None


async def test_a_name_may_say_its_domain(api: respx.MockRouter, finder: Finder) -> None:
    users = api.get(url__startswith="http://keystone/v3/users?").respond(
        json={"users": [{"id": "u", "name": "bob"}]}
    )
    api.get(url__startswith="http://keystone/v3/domains?").respond(
        json={"domains": [{"id": "d", "name": "D"}]}
    )
    assert await finder.id_of("keystone.user", "bob{D}") == "u"
    assert users.calls.last.request.url.params["domain_id"] == "d"


async def test_a_name_in_a_domain_that_is_not_there_is_missing_itself(
    api: respx.MockRouter, finder: Finder
) -> None:
    api.get(url__startswith="http://keystone/v3/domains?").respond(json={"domains": []})
    api.get("http://keystone/v3/domains/D").respond(404)
    with pytest.raises(EntityNotFound, match=r"The KeystoneUser \(bob\{D\}\) could not be found\."):
        await finder.id_of("keystone.user", "bob{D}")


async def test_a_service_without_such_objects_is_named(api: respx.MockRouter, finder: Finder) -> None:
    api.get("http://neutron/v2.0/lbaas/pools").respond(404)
    with pytest.raises(NoEndpoint, match=r"The neutron extension \(lbaasv2\) could not be found\."):
        await finder.id_of("neutron.lbaas.pool", "p")
    api.get(url__startswith="http://neutron/v2.0/sfc/port_pairs?").respond(404)
    with pytest.raises(NoEndpoint, match=r"The service network has nothing at /sfc/port_pairs\."):
        await finder.id_of("neutron.port_pair", "p")


async def test_providers_are_only_listed(api: respx.MockRouter, finder: Finder) -> None:
    providers = [{"name": "octavia"}, {"name": "haproxy"}]
    route = api.get(url__startswith="http://neutron/v2.0/service-providers?").respond(
        json={"service_providers": providers}
    )
    assert await finder.id_of("neutron.lbaas.provider", "octavia") == "octavia"
    with pytest.raises(EntityNotFound, match=r"'x', available providers are \['haproxy', 'octavia'\]\."):
        await finder.id_of("neutron.lbaas.provider", "x", again=False)
    assert route.call_count == 1


async def test_unknown_kind_is_an_error_of_ours(finder: Finder) -> None:
    with pytest.raises(ValueError, match=r"flux\.capacitor"):
        await finder.id_of("flux.capacitor", "x")


async def test_what_is_known_by_its_url_is_asked_for_by_the_last_part(
    api: respx.MockRouter, finder: Finder
) -> None:
    api.get("http://barbican/v1/secrets/s").respond(json={})
    api.get("http://barbican/v1/secrets/t").respond(404)
    assert await finder.id_of("barbican.secret", "http://keys/v1/secrets/s") == "http://keys/v1/secrets/s"
    with pytest.raises(EntityNotFound, match=r"The Secret \(t\) could not be found\."):
        await finder.id_of("barbican.secret", "t")


def test_every_collection_is_complete() -> None:
    load_registry()
    for kind, collection in DECLARED.items():
        assert "." in kind
        assert collection.path.startswith("/")
        assert collection.key
