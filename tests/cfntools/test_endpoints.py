"""The URLs of the APIs come from the first place that has one, and are taken as they are."""

from __future__ import annotations

import json

import pytest

from stackd_cfntools.endpoints import cloudformation, cloudwatch, required, watch_url, with_path
from stackd_cfntools.errors import ToolError
from tests.cfntools.machine import Machine

DATA = "/var/lib/heat-cfntools/"
BOTO = """[Boto]
debug = 0
is_secure = {secure}
https_validate_certificates = {validate}
cfn_region_name = heat
cfn_region_endpoint = boto.example.com
cloudwatch_region_name = heat
cloudwatch_region_endpoint = boto.example.com
"""


def url(machine: Machine, given: str | None = None) -> str:
    found = cloudformation(machine, given)
    assert found is not None
    return found.url


def test_places_are_asked_in_their_order(machine: Machine) -> None:
    machine.put(DATA + "cfn-boto-cfg", BOTO.format(secure=0, validate=1))
    assert url(machine) == "http://boto.example.com:8000/v1/"
    collector = {"os-collect-config": {"cfn": {"metadata_url": "https://collector:8000/v1/"}}}
    machine.put(DATA + "cfn-init-data", json.dumps(collector))
    assert url(machine) == "https://collector:8000/v1/"
    machine.put(DATA + "cfn-metadata-server", "https://hint.example.com/heat-api-cfn/v1/\n")
    assert url(machine) == "https://hint.example.com/heat-api-cfn/v1/"
    assert url(machine, "https://option:1/v1") == "https://option:1/v1"


def test_older_place_of_user_data_counts_too(machine: Machine) -> None:
    machine.put("/var/lib/cloud/data/cfn-metadata-server", "http://old:8000/v1/")
    assert url(machine) == "http://old:8000/v1/"


def test_configuration_of_boto_says_whether_there_is_tls_and_whether_it_is_verified(machine: Machine) -> None:
    machine.put(DATA + "cfn-boto-cfg", BOTO.format(secure=1, validate=0))
    found = cloudformation(machine, None)
    assert found is not None
    assert (found.url, found.insecure) == ("https://boto.example.com:8000/v1/", True)


def test_configuration_that_the_environment_names_comes_first(machine: Machine) -> None:
    machine.put(DATA + "cfn-boto-cfg", BOTO.format(secure=0, validate=1))
    machine.put("/other.cfg", BOTO.format(secure=1, validate=1))
    machine.environ["BOTO_CONFIG"] = "/other.cfg"
    assert url(machine).startswith("https:")


def test_nothing_known_says_what_to_give(machine: Machine) -> None:
    assert cloudformation(machine, None) is None
    assert cloudwatch(machine, None) is None
    with pytest.raises(
        ToolError, match=r"give --url, or write it to /var/lib/heat-cfntools/cfn-watch-server"
    ):
        required(None, "cfn-watch-server")


def test_authorities_of_the_collector_are_trusted(machine: Machine) -> None:
    section = {"metadata_url": "https://c/v1/", "ca_certificate": "/etc/ca.pem"}
    machine.put(DATA + "cfn-init-data", json.dumps({"os-collect-config": {"cfn": section}}))
    found = cloudformation(machine, None)
    assert found is not None
    assert (found.bundle, found.insecure) == ("/etc/ca.pem", False)


def test_watch_server_comes_from_its_hint_then_boto_then_the_other_api(machine: Machine) -> None:
    machine.put(DATA + "cfn-metadata-server", "https://h:8000/v1/")
    found = cloudwatch(machine, None)
    assert found is not None
    assert found.url == "https://h:8003/v1/"
    machine.put(DATA + "cfn-boto-cfg", BOTO.format(secure=0, validate=1))
    found = cloudwatch(machine, None)
    assert found is not None
    assert found.url == "http://boto.example.com:8003/v1/"
    machine.put(DATA + "cfn-watch-server", "https://watch/heat-api-cloudwatch/v1/")
    found = cloudwatch(machine, None)
    assert found is not None
    assert found.url == "https://watch/heat-api-cloudwatch/v1/"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("http://h:8000/v1/", "http://h:8003/v1/"),
        ("https://h/heat-api-cfn/v1/", "https://h/heat-api-cloudwatch/v1/"),
        ("https://[::1]:8000/v1/", "https://[::1]:8003/v1/"),
        ("https://one.example.com/v1/", "https://one.example.com/v1/"),
    ],
)
def test_watch_url_belongs_to_the_other(given: str, expected: str) -> None:
    assert watch_url(given) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("http://h:8000", "http://h:8000/v1/"),
        ("http://h:8000/\n", "http://h:8000/v1/"),
        ("http://h:8000/v1", "http://h:8000/v1"),
        ("https://h/heat-api-cfn/v1/", "https://h/heat-api-cfn/v1/"),
    ],
)
def test_path_is_added_only_where_there_is_none(given: str, expected: str) -> None:
    assert with_path(given) == expected
