"""Other clouds, whose addresses users choose."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from aiohttp import web

from stackd.clients.addresses import AddressPolicy
from stackd.clients.credentials import ApplicationCredential, PasswordCredentials
from stackd.clients.http import Guard, HttpSettings, make_client
from stackd.clients.keystone import KeystoneSettings
from stackd.clients.remote import Remote, Remotes, read_auth
from stackd.clients.wire import RetrySettings
from stackd.errors import CloudError, FetchFailed, Transient
from tests.support.web import Site, website

LOOPBACK = AddressPolicy.of(["127.0.0.0/8"])
OWN = KeystoneSettings("http://keystone.test/v3")


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with website({"/short": "x" * 10, "/long": "x" * 2000}) as made:
        yield made


def test_secrets_have_the_forms_that_the_clients_of_openstack_know() -> None:
    auth: dict[str, Any] = {
        "auth_url": "u",
        "application_credential_id": "i",
        "application_credential_secret": "s",
    }
    assert read_auth({"auth_type": "v3applicationcredential", "auth": auth}) == (
        "u",
        ApplicationCredential("s", id="i"),
    )
    auth = {"auth_url": "u", "username": "n", "password": "p", "project_name": "q"}
    _, found = read_auth({"auth_type": "password", "auth": auth})
    assert isinstance(found, PasswordCredentials)
    assert (found.user_name, found.password, found.scope.project_name) == ("n", "p", "q")


@pytest.mark.parametrize(
    "stored", [{}, {"auth": {}}, {"auth_type": "v3oidc", "auth": {"auth_url": "u", "secret": "x" * 9}}]
)
def test_secrets_of_other_forms_are_refused_and_not_shown(stored: Any) -> None:
    with pytest.raises(CloudError) as raised:
        read_auth(stored)
    assert "xxx" not in str(raised.value)


async def test_connections_obey_the_rules_of_urls_from_users(site: Site) -> None:
    async with make_client(guard=Guard(AddressPolicy(), 1000)) as client:
        with pytest.raises(httpx.TransportError):
            await client.get(site.url("/short"))
    assert site.requests == []


async def test_answers_are_bounded_and_not_compressed(site: Site) -> None:
    async def packed(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=b"x", headers={"Content-Encoding": "gzip"})

    site.pages["/packed"] = packed
    async with make_client(guard=Guard(LOOPBACK, 1000)) as client:
        assert (await client.get(site.url("/short"))).text == "x" * 10
        for path in ("/long", "/packed"):
            with pytest.raises(httpx.TransportError):
                await client.get(site.url(path))


async def test_a_place_is_opened_once_and_a_forbidden_one_does_not_answer(site: Site) -> None:
    remotes = Remotes(OWN, AddressPolicy(), RetrySettings(attempts=1), HttpSettings())
    auth = {"auth_url": site.url("/v3"), "application_credential_id": "i"}
    place = Remote("R", {"auth_type": "v3applicationcredential", "auth": auth})
    own: Any = None
    cloud = remotes.open(own, place)
    assert remotes.open(own, place) is cloud
    with pytest.raises(Transient, match="The service identity"):
        await cloud.token()
    assert site.requests == []
    bad = {"auth_type": "v3password", "auth": {"auth_url": "file:///etc/passwd"}}
    with pytest.raises(FetchFailed):
        remotes.open(own, Remote(auth=bad))
    good = {"auth_type": "v3password", "auth": {"auth_url": "https://k.test/v3", "password": None}}
    for text in ("no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "ä"):
        with pytest.raises(CloudError, match="ca_cert"):
            remotes.open(own, Remote(auth=good, ca_cert=text))
    await remotes.close()
