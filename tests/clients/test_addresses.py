"""Which addresses a user's URL may lead to, in whatever form they are written."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackd.clients.addresses import AddressPolicy

PUBLIC = AddressPolicy()
PRIVATE = [
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "0.0.0.0/8",
    "224.0.0.0/4",
    "240.0.0.0/4",
]


def in_network(text: str) -> st.SearchStrategy[int]:
    network = ip_network(text)
    return st.integers(int(network.network_address), int(network.broadcast_address))


private = st.sampled_from(PRIVATE).flatmap(in_network).map(IPv4Address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "198.17.255.255", "2606:4700:4700::1111", "2a00::1", "2400:cb00::1"]
)
def test_addresses_of_the_internet_are_permitted(address: str) -> None:
    assert PUBLIC.permits(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "0.0.0.0",
        "169.254.169.254",
        "255.255.255.255",
        "192.0.2.1",
        "198.18.0.1",
        "::",
        "::1",
        "::7f00:1",
        "fe80::1",
        "fe80::1%eth0",
        "2606:4700::1%eth0",
        "fc00::1",
        "fd12::1",
        "fec0::1",
        "ff02::1",
        "100::1",
        "2001:db8::1",
        "2001::7f00:1",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::1",
        "64:ff9b:1::1",
        "3fff::1",
        "5f00::1",
    ],
)
def test_special_addresses_are_refused(address: str) -> None:
    assert not PUBLIC.permits(address)


@given(private)
def test_no_form_of_a_private_address_is_permitted(address: IPv4Address) -> None:
    number = int(address)
    mapped = IPv6Address(int(IPv6Address("::ffff:0:0")) + number)
    translated = IPv6Address(int(IPv6Address("64:ff9b::")) + number)
    forms = [str(address), str(mapped), mapped.exploded, f"::ffff:{address}", str(translated)]
    forms += [
        str(number),
        hex(number),
        oct(number).replace("o", ""),
        f"0x{number >> 24:x}.{number & 0xFFFFFF}",
    ]
    assert [form for form in forms if PUBLIC.permits(form)] == []


@given(st.integers(0, 2**32 - 1))
def test_other_forms_are_judged_like_the_address_that_they_lead_to(number: int) -> None:
    verdict = PUBLIC.permits(str(IPv4Address(number)))
    assert PUBLIC.permits(str(IPv6Address(int(IPv6Address("::ffff:0:0")) + number))) is verdict
    assert PUBLIC.permits(str(IPv6Address(int(IPv6Address("64:ff9b::")) + number))) is verdict


@given(st.text(max_size=20))
def test_what_is_not_an_address_is_refused(text: str) -> None:
    assert not PUBLIC.permits(f"{text}.test")


def test_allowed_networks_are_permitted_in_every_form() -> None:
    policy = AddressPolicy.of(["10.1.0.0/16", "fd00::/8"])
    assert policy.permits("10.1.2.3")
    assert policy.permits("::ffff:10.1.2.3")
    assert policy.permits("fd00::1")
    assert not policy.permits("10.2.0.1")


def test_translation_prefix_in_the_allowed_networks_opens_no_private_address() -> None:
    policy = AddressPolicy.of(["64:ff9b::/96"])
    assert policy.permits("64:ff9b::8.8.8.8")
    assert not policy.permits("64:ff9b::10.0.0.1")


def test_denied_networks_beat_the_internet_and_the_allowed_ones() -> None:
    policy = AddressPolicy.of(["10.0.0.0/8"], ["10.1.0.0/16", "8.8.8.0/24"])
    assert policy.permits("10.2.0.1")
    assert not policy.permits("10.1.0.1")
    assert not policy.permits("8.8.8.8")
    assert not policy.permits("::ffff:8.8.8.8")
    assert policy.permits("8.8.4.4")
