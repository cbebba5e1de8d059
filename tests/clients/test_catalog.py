import pytest

from stackd.clients.catalog import Endpoint, complete_url, find_endpoint, official_name, parse_catalog


@pytest.mark.parametrize(
    ("service", "url", "complete"),
    [
        ("network", "http://h:9696", "http://h:9696/v2.0"),
        ("network", "http://h/network/v2.0/", "http://h/network/v2.0"),
        ("image", "http://h/image", "http://h/image/v2"),
        ("compute", "http://h/v2.1", "http://h/v2.1"),
        ("compute", "http://h/compute/v2.1/p1", "http://h/compute/v2.1/p1"),
        ("identity", "http://h/identity", "http://h/identity/v3"),
        ("identity", "http://h:5000/v2.0", "http://h:5000/v3"),
        ("identity", "http://h:5000/v3/", "http://h:5000/v3"),
        ("block-storage", "http://h/v3", "http://h/v3/p1"),
        ("block-storage", "http://h/v3/p1", "http://h/v3/p1"),
        ("block-storage", "http://h", "http://h/v3/p1"),
        ("object-store", "http://h/v1/AUTH_p1", "http://h/v1/AUTH_p1"),
        ("load-balancer", "http://h:9876", "http://h:9876/v2"),
        ("unheard-of", "http://h/x", "http://h/x"),
    ],
)
def test_endpoint_is_completed_with_version_and_project(service: str, url: str, complete: str) -> None:
    assert complete_url(service, url, "p1") == complete


@pytest.mark.parametrize("name", ["volume", "volumev3", "block-storage"])
def test_all_names_of_a_service_mean_the_same_one(name: str) -> None:
    catalog = [Endpoint("volumev3", "public", "R1", "http://cinder/v3/p1")]
    found = find_endpoint(catalog, name, region="R1", interface="public", project_id="p1")
    assert official_name(name) == "block-storage"
    assert found == "http://cinder/v3/p1"


def test_region_and_interface_choose_the_endpoint() -> None:
    catalog = [
        Endpoint("network", "public", "R1", "http://one"),
        Endpoint("network", "internal", "R2", "http://two"),
        Endpoint("network", "public", "R2", "http://three"),
    ]

    def chosen(region: str, interface: str) -> str | None:
        return find_endpoint(catalog, "network", region=region, interface=interface, project_id="p")

    assert chosen("R2", "public") == "http://three/v2.0"
    assert chosen("R2", "internal") == "http://two/v2.0"
    assert chosen("", "public") == "http://one/v2.0"
    assert chosen("R3", "public") is None


def test_catalog_with_old_region_key_is_read() -> None:
    entries = [{"type": "dns", "endpoints": [{"interface": "public", "region": "R1", "url": "http://d"}]}]
    assert parse_catalog(entries) == (Endpoint("dns", "public", "R1", "http://d"),)


@pytest.mark.parametrize(
    ("client", "service"),
    [
        ("nova", "compute"),
        ("neutron", "network"),
        ("cinder", "block-storage"),
        ("glance", "image"),
        ("swift", "object-store"),
        ("keystone", "identity"),
        ("zaqar", "message"),
        ("manila", "shared-file-system"),
        ("mistral", "workflow"),
        ("no-such", "no-such"),
    ],
)
def test_service_is_found_by_the_name_of_its_client(client: str, service: str) -> None:
    assert official_name(client) == service
    catalog = [Endpoint(service, "public", "r", "http://h/v2")]
    found = find_endpoint(catalog, client, region="", interface="public", project_id="p")
    assert found is not None
    assert found.startswith("http://h")
