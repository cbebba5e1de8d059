"""The agents of a server, by the requests that os-collect-config and heat-config-notify send."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from stackd.app import make_asgi, make_cfn_asgi
from tests.routers.conftest import ORIGIN, Api, served, signed_in
from tests.support.engine import World, world

CLIENT = {"Client-ID": "3381af92-2b9e-11e3-b191-71861300734c"}


class Agent:
    """What runs in a server: it knows its metadata, and speaks HTTP. ``deployed`` are the ids it has run."""

    def __init__(self, made: World, native: Api, cfn: httpx.AsyncClient, outside: httpx.AsyncClient) -> None:
        self.made = made
        self.native = native
        self.cfn = cfn
        self.outside = outside
        self.deployed: set[str] = set()

    async def login(self, user: Mapping[str, str]) -> tuple[dict[str, str], dict[str, str]]:
        """Headers with a token of the user, and the endpoints of the catalog by type."""
        person = {"id": user["user_id"], "password": user["password"]}
        identity = {"methods": ["password"], "password": {"user": person}}
        scope = {"project": {"id": user["project_id"]}}
        body = {"auth": {"identity": identity, "scope": scope}}
        answer = await self.outside.post(f"{user['auth_url']}/auth/tokens", json=body)
        if answer.status_code == 401:
            raise PermissionError("the user is disabled while its stack rests")
        assert answer.status_code == 201, answer.text
        catalog = {each["type"]: each["endpoints"][0]["url"] for each in answer.json()["token"]["catalog"]}
        return {"X-Auth-Token": answer.headers["x-subject-token"]}, catalog

    # --- os-collect-config: what the server is to do ----------------------------------------------

    async def collect(self, section: Mapping[str, Any]) -> dict[str, Any] | None:
        """The metadata as the collector of ``os-collect-config`` reads it; None if it is not new."""
        [name] = [each for each in section["collectors"] if each in ("heat", "request", "zaqar")]
        settings = section[name]
        match name:
            case "heat":
                headers, _ = await self.login(settings)
                path = f"stacks/{settings['stack_id']}/resources/{settings['resource_name']}/metadata"
                answer = await self.native.client.get(f"/v1/{settings['project_id']}/{path}", headers=headers)
                assert answer.status_code == 200, answer.text
                found: dict[str, Any] = answer.json()["metadata"]
                return found
            case "request":
                head = await self.outside.head(settings["metadata_url"])
                assert head.headers["last-modified"]
                answer = await self.outside.get(settings["metadata_url"])
                assert answer.status_code == 200
                return dict(answer.json())
            case _:
                return await self._popped(settings)

    async def _popped(self, settings: Mapping[str, str]) -> dict[str, Any] | None:
        headers, catalog = await self.login(settings)
        url = f"{catalog['messaging']}/v2/queues/{settings['queue_id']}/messages?pop=1"
        answer = await self.outside.delete(url, headers=headers | CLIENT)
        messages = answer.json()["messages"] if answer.status_code == 200 else []
        return dict(messages[0]["body"]) if messages else None

    # --- heat-config-notify: what came of it --------------------------------------------------------

    def pending(self, metadata: Mapping[str, Any]) -> list[dict[str, Any]]:
        """The deployments that were not run yet, in the order in which they are to be."""
        return [each for each in metadata.get("deployments", ()) if each["id"] not in self.deployed]

    async def run(self, config: Mapping[str, Any], **outputs: Any) -> int:
        """Run a deployment, with these outputs, and signal them; returns the status of the answer."""
        self.deployed.add(config["id"])
        return await self.notify(config, {"deploy_stdout": "", "deploy_stderr": "", **outputs})

    async def notify(self, config: Mapping[str, Any], outputs: Mapping[str, Any]) -> int:
        """Signal the outputs of a deployment as its inputs ask for."""
        given = {each["name"]: each["value"] for each in config["inputs"]}
        user = {
            key: given.get(f"deploy_{key}", "") for key in ("user_id", "password", "project_id", "auth_url")
        }
        match given["deploy_signal_transport"]:
            case "NO_SIGNAL":
                return 0
            case "CFN_SIGNAL" | "TEMP_URL_SIGNAL":
                client = self.cfn if given["deploy_signal_verb"] == "POST" else self.outside
                answer = await client.request(
                    given["deploy_signal_verb"],
                    given["deploy_signal_id"],
                    content=json.dumps(outputs),
                    headers={"content-type": "application/json"},
                )
            case "HEAT_SIGNAL":
                headers, _ = await self.login(user)
                path = f"stacks/{given['deploy_stack_id']}/resources/{given['deploy_resource_name']}/signal"
                answer = await self.native.client.post(
                    f"/v1/{user['project_id']}/{path}", headers=headers, json=outputs
                )
            case _:
                headers, catalog = await self.login(user)
                url = f"{catalog['messaging']}/v2/queues/{given['deploy_queue_id']}/messages"
                body = {"messages": [{"body": outputs, "ttl": 600}]}
                answer = await self.outside.post(url, headers=headers | CLIENT, json=body)
        return answer.status_code


@asynccontextmanager
async def agent(directory: Path) -> AsyncIterator[Agent]:
    """An agent of servers of the project demo, beside a whole server on a dev cloud."""
    async with world(directory) as made, served(made) as parts:
        native = httpx.AsyncClient(transport=httpx.ASGITransport(make_asgi(parts)), base_url=ORIGIN)
        cfn = httpx.AsyncClient(transport=httpx.ASGITransport(make_cfn_asgi(parts)))
        async with native, cfn, httpx.AsyncClient() as outside:
            yield Agent(made, await signed_in(parts, native, "demo"), cfn, outside)
