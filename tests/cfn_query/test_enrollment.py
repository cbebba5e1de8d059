"""What a request by signature may change, and by what stackd then acts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest_asyncio

from stackd.app import make_asgi, make_cfn_asgi
from stackd.db import credentials
from stackd.db.journal import Update
from stackd.records import Credential
from tests.cfn_query.conftest import CFN, Aws, System, key_of
from tests.routers.conftest import ORIGIN, Api, served, signed_in
from tests.support.engine import World, world
from tests.support.waiting import until

NET = '{"Resources": {"Net": {"Type": "OS::Neutron::Net"}}}'
ROW = "ListStackResourcesResult/StackResourceSummaries/member/"


@pytest_asyncio.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as made:
        yield made


@pytest_asyncio.fixture
async def system(cloud: World) -> AsyncIterator[System]:
    """A process whose user has not enrolled."""
    async with served(cloud) as parts:
        native = httpx.AsyncClient(transport=httpx.ASGITransport(make_asgi(parts)), base_url=ORIGIN)
        cfn = httpx.AsyncClient(transport=httpx.ASGITransport(make_cfn_asgi(parts)), base_url=CFN)
        async with native, cfn:
            demo = await signed_in(parts, native, "demo")
            aws = Aws(cfn, await key_of(parts, demo))
            yield System(parts, demo, aws, demo, aws, cloud.cloud)


async def complete(aws: Aws, name: str) -> None:
    async def is_made() -> bool:
        found = await aws.call("DescribeStacks", StackName=name)
        return found.text("DescribeStacksResult/Stacks/member/StackStatus") == "CREATE_COMPLETE"

    await until(is_made)


async def until_gone(aws: Aws, name: str) -> None:
    async def is_gone() -> bool:
        return (await aws.call("DescribeStacks", StackName=name)).status == 400

    await until(is_gone)


async def create(aws: Aws, name: str) -> tuple[int, str, str]:
    found = await aws.call("CreateStack", StackName=name, TemplateBody=NET)
    return (200, "", "") if found.status == 200 else found.error


async def test_user_who_has_not_enrolled_is_told_what_to_do_and_nothing_is_made(
    cloud: World, system: System
) -> None:
    status, code, message = await create(system.aws, "one")
    assert (status, code) == (403, "AccessDenied")
    assert "the user demo is not enrolled in the project demo" in message
    assert "stackd enroll" in message
    assert (await system.native.get("/enrollment"))["enrollment"] == []
    assert (await system.native.get("/stacks"))["stacks"] == []
    assert cloud.objects("trusts") == []


async def test_trust_of_who_enrolled_serves_and_stays_without_stacks(cloud: World, system: System) -> None:
    shown = (await system.native.call("PUT", "/enrollment")).json()["enrollment"]
    assert shown[0]["kind"] == "trust"
    assert await create(system.aws, "one") == (200, "", "")
    await complete(system.aws, "one")
    await system.aws.call("DeleteStack", StackName="one")
    await until_gone(system.aws, "one")
    trusts = system.parts.engine.trusts
    await trusts.revoke_idle(kept=trusts.kept * 0)
    assert len(cloud.objects("trusts")) == 1
    assert await create(system.aws, "two") == (200, "", "")
    await complete(system.aws, "two")
    assert (await system.native.call("DELETE", "/enrollment")).status_code == 204
    assert (await system.native.get("/enrollment"))["enrollment"] == []
    assert await create(system.aws, "three") == (200, "", "")  # the trust of two still stands


async def test_trust_of_stacks_by_the_native_api_serves_as_long_as_they_stand(system: System) -> None:
    await system.native.create("native", {"heat_template_version": "2021-04-16", "resources": {}})
    assert await create(system.aws, "one") == (200, "", "")
    await complete(system.aws, "one")


async def application_credential(system: System) -> dict[str, str]:
    keystone = system.parts.settings.keystone.auth_url
    async with httpx.AsyncClient(headers={"X-Auth-Token": system.native.token}) as client:
        me = await client.get(f"{keystone}/auth/tokens", headers={"X-Subject-Token": system.native.token})
        url = f"{keystone}/users/{me.json()['token']['user']['id']}/application_credentials"
        made = (await client.post(url, json={"application_credential": {"name": "stacks"}})).json()
    found: dict[str, Any] = made["application_credential"]
    return {"id": found["id"], "secret": found["secret"]}


async def test_application_credential_serves_as_well_and_is_sealed(cloud: World, system: System) -> None:
    given = await application_credential(system)
    body = {"application_credential": given}
    made = await system.native.call("PUT", "/enrollment", body)
    assert [each["kind"] for each in made.json()["enrollment"]] == ["application_credential"]
    assert given["secret"] not in made.text
    assert await create(system.aws, "one") == (200, "", "")
    await complete(system.aws, "one")
    assert cloud.objects("trusts") == []
    files = cloud.settings.database.url.partition("///")[2]
    assert all(given["secret"].encode() not in each.read_bytes() for each in Path(files).parent.glob("*.db*"))
    await system.aws.call("DeleteStack", StackName="one")
    await until_gone(system.aws, "one")
    again = await system.native.call("PUT", "/enrollment", body)
    assert again.status_code == 200
    assert len((await system.native.get("/enrollment"))["enrollment"]) == 1
    await system.native.call("DELETE", "/enrollment")
    trusts = system.parts.engine.trusts
    caller = await system.parts.tokens.validate(system.native.token)
    await trusts.revoke_idle(kept=-trusts.kept)  # deleted stacks keep theirs for a while
    assert await credentials.of_user(trusts._db, caller.user_id, caller.project_id) == []


async def test_application_credential_must_work_and_be_the_callers_own(system: System) -> None:
    given = await application_credential(system)
    for wrong in (
        {"id": given["id"], "secret": "wrong"},
        {"id": "none", "secret": "x"},
        {"id": given["id"]},
        {},
    ):
        refused = await system.native.refused("PUT", "/enrollment", {"application_credential": wrong})
        assert refused[0] == 400
    admin = await signed_in(system.parts, system.native.client, "admin")
    code, _, message = await admin.refused("PUT", "/enrollment", {"application_credential": given})
    assert (code, message) == (400, "The application credential is not one of the caller in this project.")
    assert (await system.native.get("/enrollment"))["enrollment"] == []


async def test_trust_that_keystone_lost_is_as_none_until_the_next_enrollment(
    cloud: World, system: System
) -> None:
    await system.native.call("PUT", "/enrollment")
    await until(lambda: len(cloud.objects("trusts")) == 1)
    assert await create(system.aws, "one") == (200, "", "")
    await complete(system.aws, "one")
    [kept] = await _all(system)
    await system.parts.engine.services.journal.write(Update(Credential, kept.id, {"state": credentials.LOST}))
    assert (await create(system.aws, "two"))[1] == "AccessDenied"
    await system.native.call("PUT", "/enrollment")
    assert await create(system.aws, "two") == (200, "", "")
    await complete(system.aws, "two")


async def _all(system: System) -> list[Credential]:
    caller = await system.parts.tokens.validate(system.native.token)
    return await system.parts.engine.enrollments.enrolled(caller)


async def test_first_use_of_the_native_api_enrolls_if_the_operator_wants_it(tmp_path: Path) -> None:
    async with world(tmp_path) as made:
        keystone = made.settings.keystone.model_copy(update={"enroll_on_first_use": True})
        made.settings = made.settings.model_copy(update={"keystone": keystone})
        async with served(made) as parts:
            native = httpx.AsyncClient(transport=httpx.ASGITransport(make_asgi(parts)), base_url=ORIGIN)
            cfn = httpx.AsyncClient(transport=httpx.ASGITransport(make_cfn_asgi(parts)), base_url=CFN)
            async with native, cfn:
                demo: Api = await signed_in(parts, native, "demo")
                aws = Aws(cfn, await key_of(parts, demo))
                assert (await create(aws, "one"))[1] == "AccessDenied"
                await demo.get("/stacks")
                assert await create(aws, "one") == (200, "", "")
                await complete(aws, "one")
