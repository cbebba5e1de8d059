"""What comes before any handler: versions, ids of requests, tokens, projects, methods."""

from __future__ import annotations

import re
from dataclasses import replace

import httpx
import pytest
import structlog
from structlog.testing import capture_logs

from stackd.app import Parts, make_asgi
from stackd.settings import Settings
from tests.routers.conftest import ORIGIN, Api

pytestmark = pytest.mark.asyncio(loop_scope="module")

REQUEST_ID = re.compile(r"req-[0-9a-f-]{36}")


@pytest.mark.parametrize("path", ["/", "/versions", "/v2/anything", "/v1.1/"])
async def test_versions_are_listed_without_a_token(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 300
    assert answer.json()["versions"][0]["links"] == [{"rel": "self", "href": f"{ORIGIN}/v1/"}]


async def test_health_is_told_without_a_token(client: httpx.AsyncClient) -> None:
    answer = await client.get("/healthcheck")
    assert (answer.status_code, answer.text) == (200, "OK")


@pytest.mark.parametrize("headers", [{}, {"X-Auth-Token": "nonsense"}, {"X-Auth-Token": "x" * 20000}])
async def test_no_good_token_is_refused_with_the_address_of_keystone(
    client: httpx.AsyncClient, parts: Parts, headers: dict[str, str]
) -> None:
    answer = await client.get("/v1/project/stacks", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == 401
    assert answer.headers["www-authenticate"] == f'Keystone uri="{parts.settings.keystone.auth_url}"'


async def test_every_answer_has_an_id_of_its_own(api: Api) -> None:
    given = "req-11111111-2222-3333-4444-555555555555"
    headers = {"X-Auth-Token": api.token, "X-Openstack-Request-Id": given}
    paths = ["/", "/v1/", f"/v1/{api.project}/stacks", f"/v1/{api.project}/nope"]
    ids = [(await api.raw("GET", path, headers=headers)).headers["x-openstack-request-id"] for path in paths]
    assert all(REQUEST_ID.fullmatch(each) for each in ids)
    assert len(set(ids)) == len(ids)
    assert given not in ids


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("req-11111111-2222-3333-4444-555555555555", "req-11111111-2222-3333-4444-555555555555"),
        ("11111111-2222-3333-4444-555555555555", None),
        ("req-1; DROP TABLE", None),
    ],
)
async def test_id_that_the_client_gives_is_in_the_log_even_before_it_has_shown_a_token(
    api: Api, given: str, shown: str | None
) -> None:
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        await api.raw("GET", f"/v1/{api.project}/stacks", headers={"X-Openstack-Request-Id": given})
        await api.raw("GET", "/", headers={})
    lines = [line.get("global_request_id") for line in logs if line["event"] == "request"]
    assert lines == [shown, None]


@pytest.mark.parametrize("path", ["/stacks/", "/stacks/a/b/c", "/nope", "/stacks//x", ""])
async def test_unknown_paths_have_a_notice(api: Api, path: str) -> None:
    answer = await api.call("GET", path)
    assert answer.status_code == 404
    assert answer.json()["code"] == "404 Not Found"


async def test_links_carry_the_version_that_was_asked_for(api: Api) -> None:
    path = await api.create("versioned", {"heat_template_version": "rocky"})
    answer = await api.raw("GET", f"/v1.0/{api.project}{path}")
    assert answer.json()["stack"]["links"][0]["href"] == f"{ORIGIN}/v1.0/{api.project}{path}"


async def test_method_that_a_path_does_not_take(api: Api) -> None:
    answer = await api.call("DELETE", "/stacks")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET,POST")
    assert answer.json()["error"]["type"] == "HTTPMethodNotAllowed"
    head = await api.call("HEAD", "/stacks")
    assert (head.status_code, head.content) == (405, b"")
    options = await api.call("OPTIONS", "/stacks")
    assert (options.status_code, options.headers["allow"], options.content) == (204, "GET,POST", b"")
    assert (await api.call("POST", "/services")).status_code == 404


async def test_other_projects_are_refused_except_to_administrators(api: Api, admin: Api) -> None:
    assert (await api.raw("GET", f"/v1/{admin.project}/stacks")).status_code == 403
    assert (await admin.raw("GET", f"/v1/{api.project}/stacks")).status_code == 200


async def test_unexpected_failure_tells_nothing(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the secret is hush")

    monkeypatch.setattr("stackd.routers.views.stack_item", broken)
    await api.create("seen", {"heat_template_version": "rocky"})
    answer = await api.call("GET", "/stacks")
    assert answer.status_code == 500
    assert "hush" not in answer.text
    assert answer.json()["code"] == 500


async def changed(parts: Parts, **api: object) -> httpx.AsyncClient:
    """A client of a server with other settings of the API."""
    section = Settings.model_validate({"api": api}).api
    settings = parts.settings.model_copy(update={"api": section})
    transport = httpx.ASGITransport(make_asgi(replace(parts, settings=settings)))
    return httpx.AsyncClient(transport=transport, base_url=ORIGIN)


async def test_links_follow_proxies_only_where_they_are_believed(parts: Parts) -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "public.test", "X-Forwarded-Prefix": "/heat"}
    for believed, origin in ((True, "https://public.test/heat"), (False, ORIGIN)):
        client = await changed(parts, proxy_headers=believed)
        answer = await client.get("/", headers=headers)
        assert answer.json()["versions"][0]["links"][0]["href"] == f"{origin}/v1/"


async def test_browsers_are_let_in_from_set_origins(parts: Parts) -> None:
    client = await changed(parts, cors_origins=["https://dashboard.test"])
    answer = await client.get("/", headers={"Origin": "https://dashboard.test"})
    assert answer.headers["access-control-allow-origin"] == "https://dashboard.test"
    other = await client.get("/", headers={"Origin": "https://evil.test"})
    assert "access-control-allow-origin" not in other.headers


async def test_every_request_has_a_log_line_with_its_route_and_neither_path_nor_query(api: Api) -> None:
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        answer = await api.call("GET", "/stacks/quiet-name?tags=quiet-tag")
        await api.call("GET", "/quiet-path")
        await api.raw("GET", "/v1/quiet/stacks", headers={})
        await api.raw("GET", "/healthcheck")
    requests = [line for line in logs if line["event"] == "request"]
    shown = [(line["route"], line["status"], line["project"], line["log_level"]) for line in requests]
    assert shown == [
        ("/v1/{project}/stacks/{name}", 404, api.project, "info"),
        ("", 404, api.project, "info"),
        ("", 401, "", "info"),
        ("/healthcheck", 200, "", "debug"),
    ]
    assert requests[0]["request_id"] == answer.headers["x-openstack-request-id"]
    assert requests[0]["method"] == "GET"
    assert requests[0]["ms"] > 0
    assert "quiet" not in str(logs)


async def test_every_operation_has_a_log_line_at_its_start_and_its_end(api: Api) -> None:
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        path = await api.create("logged", {"heat_template_version": "rocky"})
    stack = path.rpartition("/")[2]
    lines = [line for line in logs if line["event"].startswith("operation_")]
    assert [(line["event"], line["action"], line["stack_id"], line["project"]) for line in lines] == [
        ("operation_started", "CREATE", stack, api.project),
        ("operation_ended", "CREATE", stack, api.project),
    ]
    assert lines[1]["status"] == "COMPLETE"
    assert lines[0]["operation"] == lines[1]["operation"]
    requested = [line["request_id"] for line in logs if line.get("method") == "POST"]
    assert {line["request_id"] for line in lines} == set(requested)
