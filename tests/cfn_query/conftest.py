"""Both APIs of one process on a dev cloud, and a client that signs what it asks."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import httpx
import pytest_asyncio

from stackd.app import Parts, make_asgi, make_cfn_asgi
from stackd.devcloud import DevCloud
from tests.routers.conftest import ORIGIN, Api, served, signed_in
from tests.support.engine import world
from tests.support.signing import Key, Signed, version_4

CFN = "http://127.0.0.1:8000"
ROOT = f"{CFN}/v1"


@dataclass(frozen=True)
class Outcome:
    """An answer, read as XML."""

    status: int
    headers: httpx.Headers
    root: ET.Element

    @classmethod
    def of(cls, answer: httpx.Response) -> Outcome:
        return cls(answer.status_code, answer.headers, ET.fromstring(answer.text))

    def text(self, path: str) -> str:
        """The text of an element below the root; fails if there is none."""
        found = self.root.findtext(path)
        assert found is not None, ET.tostring(self.root)
        return found

    def texts(self, path: str) -> list[str]:
        return [each.text or "" for each in self.root.findall(path)]

    @property
    def error(self) -> tuple[int, str, str]:
        """Status, code and message of a refusal."""
        assert self.root.tag == "ErrorResponse", ET.tostring(self.root)
        return self.status, self.text("Error/Code"), self.text("Error/Message")


@dataclass(frozen=True)
class Aws:
    """What a client with a key asks."""

    client: httpx.AsyncClient
    key: Key

    async def call(self, action: str, **params: Any) -> Outcome:
        """Call an action; lists and structures among the parameters are encoded as SDKs do."""
        return Outcome.of(await self.send(version_4(ROOT, query(action, params), self.key)))

    async def send(self, signed: Signed) -> httpx.Response:
        return await self.client.request(
            signed.method, signed.url, headers=signed.headers, content=signed.content
        )


def query(action: str, params: Mapping[str, Any]) -> dict[str, str]:
    """The pairs of a Query request."""
    pairs = {"Action": action, "Version": "2010-05-15"}
    for name, value in params.items():
        _add(pairs, name, value)
    return pairs


def _add(pairs: dict[str, str], name: str, value: Any) -> None:
    match value:
        case list() if not value:
            pairs[name] = ""
        case list():
            for at, each in enumerate(value, 1):
                _add(pairs, f"{name}.member.{at}", each)
        case dict():
            for key, each in value.items():
                _add(pairs, f"{name}.{key}", each)
        case bool():
            pairs[name] = "true" if value else "false"
        case _:
            pairs[name] = str(value)


@dataclass(frozen=True)
class System:
    """Both APIs of one process, with two users of two projects."""

    parts: Parts
    native: Api
    aws: Aws
    other_native: Api
    other: Aws
    cloud: DevCloud

    @property
    def cfn(self) -> httpx.AsyncClient:
        return self.aws.client


async def key_of(parts: Parts, native: Api) -> Key:
    """A new EC2 key pair of a user in the project of the token."""
    keystone = parts.settings.keystone.auth_url
    async with httpx.AsyncClient(headers={"X-Auth-Token": native.token}) as client:
        me = await client.get(f"{keystone}/auth/tokens", headers={"X-Subject-Token": native.token})
        user = me.json()["token"]["user"]["id"]
        url = f"{keystone}/users/{user}/credentials/OS-EC2"
        made = (await client.post(url, json={"tenant_id": native.project})).json()["credential"]
    return Key(made["access"], made["secret"])


async def _second_project(parts: Parts, admin: Api) -> None:
    """The user alt, who is a member of the project alt only."""
    keystone = parts.settings.keystone.auth_url
    async with httpx.AsyncClient(headers={"X-Auth-Token": admin.token}) as client:
        project = await client.post(
            f"{keystone}/projects", json={"project": {"name": "alt", "domain_id": "default"}}
        )
        user = await client.post(
            f"{keystone}/users", json={"user": {"name": "alt", "domain_id": "default", "password": "secret"}}
        )
        project_id, user_id = project.json()["project"]["id"], user.json()["user"]["id"]
        roles = (await client.get(f"{keystone}/roles?name=member")).json()["roles"]
        url = f"{keystone}/projects/{project_id}/users/{user_id}/roles/{roles[0]['id']}"
        (await client.put(url)).raise_for_status()


@contextlib.asynccontextmanager
async def both_apis(directory: Path) -> AsyncIterator[System]:
    async with world(directory) as made, served(made) as parts:
        native = httpx.AsyncClient(transport=httpx.ASGITransport(make_asgi(parts)), base_url=ORIGIN)
        cfn = httpx.AsyncClient(transport=httpx.ASGITransport(make_cfn_asgi(parts)), base_url=CFN)
        async with native, cfn:
            await _second_project(parts, await signed_in(parts, native, "admin"))
            demo, alt = await signed_in(parts, native, "demo"), await signed_in(parts, native, "alt")
            for native_api in (demo, alt):
                assert (await native_api.call("PUT", "/enrollment")).status_code == 200
            keys = await key_of(parts, demo), await key_of(parts, alt)
            yield System(parts, demo, Aws(cfn, keys[0]), alt, Aws(cfn, keys[1]), made.cloud)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system(tmp_path_factory: Any) -> AsyncIterator[System]:
    async with both_apis(tmp_path_factory.mktemp("aws")) as made:
        yield made
