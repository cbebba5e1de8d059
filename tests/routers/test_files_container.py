"""Requests whose files are in a container of Swift, and requests whose template is at a URL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio

from stackd.app import Parts
from stackd.clients.credentials import TokenCredentials
from tests.routers.conftest import Api
from tests.support.web import website

pytestmark = pytest.mark.asyncio(loop_scope="module")

VALUE = """
heat_template_version: 2021-04-16
parameters:
  word: {type: string, default: none}
resources:
  inner: {type: OS::Heat::Value, properties: {value: {get_param: word}}}
outputs:
  said: {value: {get_attr: [inner, value]}}
"""
OUTER = """
heat_template_version: 2021-04-16
parameters:
  word: {type: string, default: none}
resources:
  nested: {type: templates/inner.yaml, properties: {word: {get_param: word}}}
  text: {type: OS::Heat::Value, properties: {value: {get_file: notes/read me.txt}}}
outputs:
  said: {value: {get_attr: [nested, said]}}
  text: {value: {get_attr: [text, value]}}
"""


class Swift:
    """Containers of the project demo."""

    def __init__(self, service: Any) -> None:
        self.service = service

    async def fill(self, container: str, objects: Mapping[str, bytes | str], **headers: str) -> str:
        await self.service.request("PUT", f"/{container}")
        for name, content in objects.items():
            path = f"/{container}/{quote(name)}"
            await self.service.request("PUT", path, content=content or b"", headers=headers)
        return container


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def swift(parts: Parts, api: Api) -> Swift:
    cloud = parts.engine.trusts._clouds.cloud(TokenCredentials(api.token))
    return Swift(cloud.service("object-store"))


async def outputs(api: Api, path: str) -> dict[str, Any]:
    shown = await api.get(path)
    assert shown["stack"]["stack_status"].endswith("COMPLETE"), shown["stack"]["stack_status_reason"]
    return {each["output_key"]: each["output_value"] for each in shown["stack"]["outputs"]}


async def test_everything_may_come_from_a_container(api: Api, swift: Swift) -> None:
    await swift.fill(
        "whole",
        {
            "templates/inner.yaml": VALUE,
            "notes/read me.txt": "hällo",
            "env.yaml": "parameters: {word: from the environment}",
            "folder/": "",
            "unused.bin": b"\xff\x00",
            "empty": "",
        },
    )
    body = {"files_container": "whole", "environment_files": ["env.yaml"]}
    path = await api.create("whole", OUTER, **body)
    assert await outputs(api, path) == {"said": "from the environment", "text": "hällo"}
    files = await api.get(f"{path}/files")
    assert sorted(files) == ["empty", "env.yaml", "notes/read me.txt", "templates/inner.yaml", "unused.bin"]
    assert (files["unused.bin"], files["empty"]) == ("/wA=", "")


async def test_files_of_the_request_come_before_those_in_the_container(api: Api, swift: Swift) -> None:
    await swift.fill("both", {"templates/inner.yaml": "not a template", "notes/read me.txt": "container"})
    files = {"templates/inner.yaml": VALUE}
    path = await api.create("both", OUTER, files=files, files_container="both")
    assert await outputs(api, path) == {"said": "none", "text": "container"}


async def test_templates_in_a_container_may_name_further_ones(api: Api, swift: Swift) -> None:
    await swift.fill("deep", {"outer.yaml": OUTER, "templates/inner.yaml": VALUE, "notes/read me.txt": "x"})
    template = {
        "heat_template_version": "2021-04-16",
        "resources": {
            "group": {
                "type": "OS::Heat::ResourceGroup",
                "properties": {"resource_def": {"type": "outer.yaml", "properties": {"word": "deep"}}},
            }
        },
        "outputs": {"said": {"value": {"get_attr": ["group", "said"]}}},
    }
    path = await api.create("deep", template, files_container="deep")
    assert await outputs(api, path) == {"said": ["deep"]}


async def test_updates_and_previews_take_a_container(api: Api, swift: Swift) -> None:
    await swift.fill("v1", {"templates/inner.yaml": VALUE, "notes/read me.txt": "one"})
    await swift.fill("v2", {"templates/inner.yaml": VALUE, "notes/read me.txt": "two"})
    path = await api.create("changing", OUTER, files_container="v1")
    changes = await api.call("PATCH", f"{path}/preview", {"files_container": "v2"})
    assert [each["resource_name"] for each in changes.json()["resource_changes"]["updated"]] == [
        "nested",
        "text",
    ]
    answer = await api.call("PATCH", path, {"files_container": "v2"})
    assert answer.status_code == 202, answer.text
    await api.settled(path)
    assert (await outputs(api, path))["text"] == "two"
    shown = await api.call("POST", "/validate", {"template": OUTER, "files_container": "v1"})
    assert shown.status_code == 200, shown.text


async def test_container_that_is_not_there_is_named(api: Api) -> None:
    body = {"template": OUTER, "stack_name": "x", "files_container": "no-such"}
    assert await api.refused("POST", "/stacks", body) == (
        404,
        "NotFound",
        "Could not fetch files from container no-such, reason: The resource could not be found.",
    )


async def test_container_of_others_is_not_read(api: Api, admin: Api, parts: Parts) -> None:
    cloud = parts.engine.trusts._clouds.cloud(TokenCredentials(admin.token))
    await Swift(cloud.service("object-store")).fill("private", {"templates/inner.yaml": VALUE})
    body = {"template": OUTER, "stack_name": "x", "files_container": "private"}
    code, kind, _ = await api.refused("POST", "/stacks", body)
    assert (code, kind) == (404, "NotFound")


async def test_missing_object_is_named(api: Api, swift: Swift) -> None:
    await swift.fill("lacking", {"notes/read me.txt": "x"})
    body = {"template": OUTER, "stack_name": "x", "files_container": "lacking"}
    code, kind, message = await api.refused("POST", "/stacks", body)
    assert (code, kind) == (400, "StackValidationFailed")
    assert 'Could not fetch remote template "templates/inner.yaml"' in message
    body |= {"environment_files": ["env.yaml"]}
    code, _, message = await api.refused("POST", "/stacks", body)
    assert (code, message) == (400, 'The environment file "env.yaml" is not among the files of the request.')


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../x", 7, ["x"], {}])
async def test_what_is_no_container_is_refused(api: Api, name: Any) -> None:
    body = {"template": OUTER, "stack_name": "x", "files_container": name}
    code, kind, _ = await api.refused("POST", "/stacks", body)
    assert (code, kind) == (400, "HTTPBadRequest")


async def test_container_may_be_no_larger_than_a_request(api: Api, swift: Swift) -> None:
    await swift.fill("large", {"a": "x" * 600_000, "b": "x" * 600_000})
    body = {"template": OUTER, "stack_name": "x", "files_container": "large"}
    code, kind, message = await api.refused("POST", "/stacks", body)
    assert (code, kind) == (400, "DownloadLimitExceeded")
    assert message == "The files in the container large are larger than the maximum of 1048576 bytes."


async def test_container_may_hold_only_so_many_files(api: Api, swift: Swift) -> None:
    await swift.fill("many", {f"{number}": "" for number in range(201)})
    body = {"template": OUTER, "stack_name": "x", "files_container": "many"}
    code, kind, message = await api.refused("POST", "/stacks", body)
    assert (code, kind) == (400, "DownloadLimitExceeded")
    assert message == "The container many has more than 200 objects."


async def test_template_url_is_fetched_by_every_request_that_has_a_template(api: Api, parts: Parts) -> None:
    from stackd.clients.addresses import AddressPolicy
    from stackd.clients.egress import Egress, EgressSettings

    egress = Egress(EgressSettings(AddressPolicy.of(["127.0.0.1/32"])))
    usual = parts.engine.services.egress
    object.__setattr__(parts.engine.services, "egress", egress)
    try:
        async with website({"/t": VALUE}) as site:
            url = {"template_url": site.url("/t")}
            path = await _created(api, url)
            for method, where, body in (
                ("POST", "/stacks/preview", {"stack_name": "p", **url}),
                ("POST", "/validate", url),
                ("PUT", f"{path}/preview", url),
                ("PATCH", f"{path}/preview", url),
                ("PUT", path, {"parameters": {"word": "put"}, **url}),
                ("PATCH", path, {"parameters": {"word": "patched"}, **url}),
            ):
                answer = await api.call(method, where, body)
                assert answer.status_code in (200, 202), (method, where, answer.text)
            await api.settled(path)
            assert await outputs(api, path) == {"said": "patched"}
            assert len(site.requests) == 7
    finally:
        object.__setattr__(parts.engine.services, "egress", usual)
        await egress.close()


async def _created(api: Api, url: Mapping[str, str]) -> str:
    answer = await api.call("POST", "/stacks", {"stack_name": "by-url", **url})
    assert answer.status_code == 201, answer.text
    path = f"/stacks/by-url/{answer.json()['stack']['id']}"
    await api.settled(path)
    return path


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("file:///etc/passwd", "Invalid URL scheme file"),
        ("http://127.0.0.1:9/none", "Failed to retrieve template from http://127.0.0.1:9/none"),
        ("http://169.254.169.254/x", "Failed to retrieve template from http://169.254.169.254/x"),
    ],
)
async def test_template_url_that_cannot_be_fetched_reads_as_in_heat(api: Api, url: str, why: str) -> None:
    refusal = await api.refused("POST", "/validate", {"template_url": url})
    assert refusal == (400, "HTTPBadRequest", f"Could not retrieve template: {why}")


async def test_template_url_must_be_text(api: Api) -> None:
    code, kind, _ = await api.refused("POST", "/validate", {"template_url": ["http://x.test/"]})
    assert (code, kind) == (400, "HTTPBadRequest")
