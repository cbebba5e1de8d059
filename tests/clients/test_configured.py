"""Clients as the settings want them."""

from __future__ import annotations

import pytest

from stackd.clients.configured import make_clouds, service_credentials, stack_domain_credentials
from stackd.clients.credentials import PasswordCredentials, Scope
from stackd.settings import Settings


def settings(**sections: object) -> Settings:
    return Settings.model_validate({"keystone": {"auth_url": "http://127.0.0.1:9/v3"}, **sections})


def test_service_user_is_in_its_project() -> None:
    keystone = {"username": "u", "password": "p", "project_name": "services", "user_domain_name": "d"}
    assert service_credentials(settings(keystone=keystone)) == PasswordCredentials(
        "p",
        user_name="u",
        user_domain_name="d",
        scope=Scope(project_name="services", project_domain_name="Default"),
    )


@pytest.mark.parametrize("missing", ["stack_domain_name", "stack_domain_admin"])
def test_stack_domain_needs_a_name_and_an_administrator(missing: str) -> None:
    keystone = {
        "stack_domain_name": "d",
        "stack_domain_admin": "a",
        "stack_domain_admin_password": "p",
    }
    assert stack_domain_credentials(settings(keystone=keystone)) == PasswordCredentials(
        "p", user_name="a", user_domain_name="d", scope=Scope(domain_name="d")
    )
    assert stack_domain_credentials(settings(keystone={**keystone, missing: ""})) is None


async def test_clouds_are_those_of_the_named_region() -> None:
    keystone = {"auth_url": "http://127.0.0.1:9/v3", "region": "north", "interface": "internal"}
    async with make_clouds(settings(keystone=keystone)) as clouds:
        named = clouds.keystone
    assert (named.auth_url, named.region, named.interface) == ("http://127.0.0.1:9/v3", "north", "internal")
