import hashlib

import httpx
import orjson
import pytest
import respx

from stackd.auth.stack_users import Ec2Keypair, StackUsers, generate_password
from stackd.clients import Clouds
from stackd.errors import CloudConflict, CloudError, MissingCredential

from .conftest import KEYSTONE, SERVICE


@pytest.fixture
async def users(clouds: Clouds) -> StackUsers:
    return StackUsers(clouds.cloud(SERVICE), "heat-domain")


def _sent(route: respx.Route) -> dict[str, object]:
    body = orjson.loads(route.calls.last.request.content)
    assert isinstance(body, dict)
    return body


async def test_project_is_made_in_the_stack_domain(keystone: respx.MockRouter, users: StackUsers) -> None:
    route = keystone.post(f"{KEYSTONE}/projects").respond(201, json={"project": {"id": "sp"}})
    assert await users.create_project("stack-1", "StackUserService") == "sp"
    assert _sent(route) == {
        "project": {"name": "stack-1", "description": "StackUserService", "domain_id": "heat-domain"}
    }


@pytest.mark.parametrize("outcome", [httpx.Response(409), httpx.ReadError("reset")])
async def test_project_that_exists_under_its_name_is_taken_over(
    keystone: respx.MockRouter, users: StackUsers, outcome: httpx.Response | Exception
) -> None:
    keystone.post(f"{KEYSTONE}/projects").mock(side_effect=[outcome])
    listing = keystone.get(url__startswith=f"{KEYSTONE}/projects?").respond(json={"projects": [{"id": "sp"}]})
    keystone.patch(f"{KEYSTONE}/projects/sp").respond(json={})
    assert await users.create_project("stack-1") == "sp"
    assert listing.calls.last.request.url.params["domain_id"] == "heat-domain"


async def test_conflict_over_something_else_stays_one(keystone: respx.MockRouter, users: StackUsers) -> None:
    keystone.post(f"{KEYSTONE}/projects").respond(409)
    keystone.get(url__startswith=f"{KEYSTONE}/projects?").respond(json={"projects": []})
    with pytest.raises(CloudConflict):
        await users.create_project("stack-1")


async def test_user_gets_only_the_role_of_stack_users(keystone: respx.MockRouter, users: StackUsers) -> None:
    made = keystone.post(f"{KEYSTONE}/users").respond(201, json={"user": {"id": "su"}})
    roles = keystone.get(f"{KEYSTONE}/roles?name=heat_stack_user").respond(json={"roles": [{"id": "r"}]})
    grant = keystone.put(f"{KEYSTONE}/projects/sp/users/su/roles/r").respond(204)
    assert await users.create_user("web-1", "sp", "Pa55word!") == "su"
    assert await users.create_user("x" * 100, "sp") == "su"
    sent = _sent(made)["user"]
    assert isinstance(sent, dict)
    assert len(sent["name"]) == 64
    assert sent["domain_id"] == "heat-domain"
    assert grant.call_count == 2
    assert roles.call_count == 1


async def test_missing_role_is_named(keystone: respx.MockRouter, users: StackUsers) -> None:
    keystone.post(f"{KEYSTONE}/users").respond(201, json={"user": {"id": "su"}})
    keystone.get(f"{KEYSTONE}/roles?name=heat_stack_user").respond(json={"roles": []})
    with pytest.raises(MissingCredential, match="heat_stack_user"):
        await users.create_user("web-1", "sp")


async def test_only_objects_of_the_stack_domain_are_deleted(
    keystone: respx.MockRouter, users: StackUsers
) -> None:
    keystone.get(f"{KEYSTONE}/users/su").respond(json={"user": {"domain_id": "heat-domain"}})
    keystone.get(f"{KEYSTONE}/projects/real").respond(json={"project": {"domain_id": "default"}})
    deleted = keystone.delete(url__startswith=KEYSTONE).respond(204)
    await users.delete_user("su")
    with pytest.raises(CloudError, match="not in the stack domain"):
        await users.delete_project("real")
    assert deleted.call_count == 1


async def test_what_is_gone_counts_as_deleted(keystone: respx.MockRouter, users: StackUsers) -> None:
    missing = keystone.route(url__startswith=f"{KEYSTONE}/", method__in=["GET", "DELETE"]).respond(404)
    await users.delete_project("sp")
    await users.delete_user("su")
    await users.delete_keypair("access")
    assert missing.call_count == 3


async def test_user_is_shut_out_and_let_in(keystone: respx.MockRouter, users: StackUsers) -> None:
    route = keystone.patch(f"{KEYSTONE}/users/su").respond(json={})
    await users.set_enabled("su", False)
    assert _sent(route) == {"user": {"enabled": False}}


async def test_keypair_is_registered_under_the_hash_of_its_access_key(
    keystone: respx.MockRouter, users: StackUsers
) -> None:
    route = keystone.post(f"{KEYSTONE}/credentials").respond(201, json={})
    pair = await users.create_keypair("su", "sp")
    sent = _sent(route)["credential"]
    assert isinstance(sent, dict)
    assert orjson.loads(sent["blob"]) == {"access": pair.access, "secret": pair.secret}
    assert (sent["type"], sent["user_id"], sent["project_id"]) == ("ec2", "su", "sp")
    assert pair.id == hashlib.sha256(pair.access.encode()).hexdigest()
    assert pair.secret not in repr(pair)


async def test_keypair_whose_answer_was_lost_is_looked_up(
    keystone: respx.MockRouter, users: StackUsers
) -> None:
    keystone.post(f"{KEYSTONE}/credentials").mock(side_effect=httpx.ReadError("reset"))
    look = keystone.get(url__startswith=f"{KEYSTONE}/credentials/").respond(json={})
    pair = await users.create_keypair("su", "sp")
    assert look.calls.last.request.url.path.endswith(pair.id)


async def test_given_keypair_that_keystone_knows_already_is_kept(
    keystone: respx.MockRouter, users: StackUsers
) -> None:
    keystone.post(f"{KEYSTONE}/credentials").respond(409, json={"error": {"message": "duplicate"}})
    look = keystone.get(url__startswith=f"{KEYSTONE}/credentials/").respond(json={})
    pair = Ec2Keypair.drawn()
    assert await users.create_keypair("su", "sp", pair) == pair
    assert look.calls.last.request.url.path.endswith(pair.id)


def test_generated_passwords_are_strong_and_different() -> None:
    one, two = generate_password(), generate_password()
    assert one != two
    assert len(one) >= 40
    assert any(char.isupper() for char in one)
    assert any(char.isdigit() for char in one)
