"""Signing in and calling, against a Keystone and an API made of canned answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx

from stackd.cli.failures import Failure
from stackd.cli.session import Session, auth_body, endpoint_in, with_project

PASSWORD = {
    "OS_AUTH_URL": "http://key/v3",
    "OS_USERNAME": "me",
    "OS_PASSWORD": "hush",
    "OS_PROJECT_NAME": "p",
    "OS_USER_DOMAIN_NAME": "U",
    "OS_PROJECT_DOMAIN_ID": "pd",
}


def catalog(url: str = "http://heat/v1/pid", region: str = "R1") -> list[dict[str, Any]]:
    endpoint = {"interface": "public", "region": region, "region_id": region, "url": url}
    return [{"type": "compute", "endpoints": []}, {"type": "orchestration", "endpoints": [endpoint]}]


@pytest.fixture
def web() -> Iterator[respx.MockRouter]:
    with respx.mock(using="httpx", assert_all_called=False) as router:
        token = {"token": {"project": {"id": "pid"}, "catalog": catalog()}}
        router.post("http://key/v3/auth/tokens", name="token").respond(
            201, json=token, headers={"X-Subject-Token": "tok"}
        )
        yield router


def test_password_is_scoped_to_the_project_with_its_domain() -> None:
    auth = auth_body(PASSWORD)["auth"]
    assert auth["identity"] == {
        "methods": ["password"],
        "password": {"user": {"name": "me", "domain": {"name": "U"}, "password": "hush"}},
    }
    assert auth["scope"] == {"project": {"name": "p", "domain": {"id": "pd"}}}


def test_ids_need_no_domain() -> None:
    auth = auth_body({"OS_USER_ID": "u", "OS_PASSWORD": "x", "OS_PROJECT_ID": "p"})["auth"]
    assert auth["identity"]["password"]["user"] == {"id": "u", "password": "x"}
    assert auth["scope"] == {"project": {"id": "p"}}


def test_token_is_rescoped() -> None:
    auth = auth_body({"OS_TOKEN": "t", "OS_PROJECT_ID": "p"})["auth"]
    assert auth["identity"] == {"methods": ["token"], "token": {"id": "t"}}


def test_application_credential_has_no_scope() -> None:
    environ = {
        "OS_APPLICATION_CREDENTIAL_ID": "i",
        "OS_APPLICATION_CREDENTIAL_SECRET": "s",
        "OS_PROJECT_ID": "p",
    }
    assert auth_body(environ) == {
        "auth": {
            "identity": {
                "methods": ["application_credential"],
                "application_credential": {"id": "i", "secret": "s"},
            }
        }
    }


def test_application_credential_by_name_names_its_user() -> None:
    environ = {
        "OS_APPLICATION_CREDENTIAL_NAME": "n",
        "OS_APPLICATION_CREDENTIAL_SECRET": "s",
        "OS_USERNAME": "me",
    }
    credential = auth_body(environ)["auth"]["identity"]["application_credential"]
    assert credential == {"secret": "s", "name": "n", "user": {"name": "me", "domain": {"name": "Default"}}}


def test_no_credentials_name_the_variables() -> None:
    with pytest.raises(Failure) as caught:
        auth_body({})
    assert caught.value.exit_code == 4
    assert "OS_USERNAME" in caught.value.remedy


def test_endpoint_is_chosen_by_region_and_interface() -> None:
    both = catalog("http://one") + catalog("http://two", "R2")
    assert endpoint_in(both, {"OS_REGION_NAME": "R2", "OS_ENDPOINT_TYPE": "publicURL"}) == "http://two"
    with pytest.raises(Failure, match="no internal endpoint of type `orchestration`"):
        endpoint_in(both, {"OS_INTERFACE": "internal"})


@pytest.mark.parametrize(
    "endpoint",
    ["http://h:8004", "http://h:8004/", "http://h:8004/v1", "http://h:8004/v1/p", "http://h:8004/v1/p/"],
)
def test_endpoint_gets_version_and_project(endpoint: str) -> None:
    assert with_project(endpoint, "p") == "http://h:8004/v1/p"


def test_endpoint_may_have_a_prefix() -> None:
    assert with_project("https://h/heat-api", "p") == "https://h/heat-api/v1/p"


def test_call_carries_the_token(web: respx.MockRouter) -> None:
    route = web.get("http://heat/v1/pid/stacks").respond(json={"stacks": []})
    with Session(PASSWORD) as session:
        assert session.get("/stacks") == {"stacks": []}
    assert route.calls.last.request.headers["X-Auth-Token"] == "tok"


def test_auth_url_without_version_gets_one(web: respx.MockRouter) -> None:
    web.get("http://heat/v1/pid/stacks").respond(json={})
    assert Session(PASSWORD | {"OS_AUTH_URL": "http://key/"}).get("/stacks") == {}


def test_named_endpoint_beats_the_catalog(web: respx.MockRouter) -> None:
    route = web.get("http://other/v1/pid/stacks").respond(json={})
    Session(PASSWORD, "http://other").get("/stacks")
    Session(PASSWORD | {"STACKD_ENDPOINT": "http://other"}).get("/stacks")
    assert route.call_count == 2


def test_expired_token_is_renewed_once(web: respx.MockRouter) -> None:
    web.get("http://heat/v1/pid/x").mock(
        side_effect=[httpx.Response(401), httpx.Response(200, json={"n": 1})]
    )
    assert Session(PASSWORD).get("/x") == {"n": 1}
    assert web["token"].call_count == 2


def test_stack_is_found_by_the_redirect_but_never_elsewhere(web: respx.MockRouter) -> None:
    web.get("http://heat/v1/pid/stacks/s%20x").respond(
        302, headers={"Location": "http://evil/v1/pid/stacks/s%20x/id?resolve_outputs=false"}
    )
    web.get("http://heat/v1/pid/stacks/s%20x/id").respond(json={"stack": {"id": "id"}})
    evil = web.route(host="evil").respond(json={})
    assert Session(PASSWORD).find("s x") == {"id": "id"}
    assert not evil.called


@pytest.mark.parametrize(
    ("status", "code"), [(400, 2), (409, 2), (401, 4), (403, 4), (404, 3), (500, 1), (503, 5)]
)
def test_error_answers_have_exit_codes(web: respx.MockRouter, status: int, code: int) -> None:
    error = {
        "type": "X",
        "message": "It is so.",
        "place": {"file": "", "line": 3, "column": 5},
        "remedy": "Do.",
    }
    web.get("http://heat/v1/pid/x").respond(status, json={"code": status, "error": error})
    with pytest.raises(Failure) as caught:
        Session(PASSWORD).get("/x")
    failure = caught.value
    assert (failure.exit_code, failure.message, failure.remedy) == (code, "template:3:5: It is so.", "Do.")


def test_refused_credentials_end_with_keystones_message(web: respx.MockRouter) -> None:
    web["token"].respond(401, json={"error": {"message": "Wrong password."}})
    with pytest.raises(Failure, match="Wrong password") as caught:
        Session(PASSWORD).get("/x")
    assert caught.value.exit_code == 4


def test_unreachable_server_is_named(web: respx.MockRouter) -> None:
    web.get("http://heat/v1/pid/x").mock(side_effect=httpx.ConnectError("refused"))
    with pytest.raises(Failure, match="heat cannot be reached: refused") as caught:
        Session(PASSWORD).get("/x")
    assert caught.value.exit_code == 5


def test_without_auth_url_the_remedy_is_the_openrc_file() -> None:
    with pytest.raises(Failure, match="OS_AUTH_URL") as caught:
        Session({}).get("/x")
    assert "openrc" in caught.value.remedy


def test_no_authentication_needs_only_the_endpoint(web: respx.MockRouter) -> None:
    route = web.get("http://heat/v1/admin/x").respond(json={"n": 1})
    assert Session({"OS_AUTH_TYPE": "none"}, "http://heat").get("/x") == {"n": 1}
    assert "X-Auth-Token" not in route.calls.last.request.headers
    with pytest.raises(Failure, match="endpoint"):
        Session({"OS_AUTH_TYPE": "none"}).get("/x")


@pytest.mark.parametrize("answer", [{"text": "<html>"}, {"json": []}, {"status_code": 204}])
def test_good_answer_that_is_not_the_apis_names_the_endpoint(
    web: respx.MockRouter, answer: dict[str, Any]
) -> None:
    web.get("http://heat/v1/pid/stacks").respond(**answer)
    with pytest.raises(Failure, match="http://heat/v1/pid is something else") as failed:
        Session(PASSWORD).get("/stacks")
    assert failed.value.exit_code == 5
    assert "--endpoint" in failed.value.remedy


@pytest.mark.parametrize("status", [300, 404])
def test_missing_path_of_another_service_is_not_a_missing_stack(web: respx.MockRouter, status: int) -> None:
    web.get("http://heat/v1/pid/stacks/web").respond(status, text="<html>Not Found</html>")
    with pytest.raises(Failure, match=f"it answered HTTP {status}") as failed:
        Session(PASSWORD).find("web")
    assert failed.value.exit_code == 5


@pytest.mark.parametrize(
    "answer",
    [
        {"status_code": 200, "text": "<html>"},
        {"status_code": 201, "json": {}},
        {"status_code": 300, "json": {"versions": []}},
        {"status_code": 404, "text": "Not Found"},
    ],
)
def test_address_that_is_not_keystones_is_named(web: respx.MockRouter, answer: dict[str, Any]) -> None:
    web.routes["token"].respond(**answer)
    with pytest.raises(Failure, match="http://key/v3 is something else") as failed:
        Session(PASSWORD).get("/stacks")
    assert failed.value.exit_code == 5
    assert "OS_AUTH_URL" in failed.value.remedy


def test_certificates_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    missing = tmp_path / "ca.pem"
    with pytest.raises(Failure, match=r"ca[.]pem, cannot be read: No such file or directory") as failed:
        Session(PASSWORD | {"OS_CACERT": str(missing)})
    assert failed.value.exit_code == 2
    missing.write_text("no certificate")
    with pytest.raises(Failure, match=r"ca[.]pem, cannot be read"):
        Session(PASSWORD | {"OS_CACERT": str(missing)})
