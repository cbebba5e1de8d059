"""`stackd enroll`, against an API made of canned answers."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
import respx
from click.testing import CliRunner, Result

from stackd.cli.main import cli

URL = "http://heat/v1/p/enrollment"
ENVIRON = {"OS_AUTH_TYPE": "none", "OS_PROJECT_ID": "p", "OS_ORCHESTRATION_ENDPOINT": "http://heat"}
KEPT = {"enrollment": [{"kind": "trust", "roles": ["member", "reader"], "state": "pending"}]}


@pytest.fixture
def web() -> Iterator[respx.MockRouter]:
    with respx.mock(using="httpx", assert_all_called=False) as router:
        router.get(URL).respond(json=KEPT)
        router.put(URL).respond(json=KEPT)
        router.delete(URL).respond(204)
        yield router


def run(*arguments: str, **environ: str) -> Result:
    return CliRunner(env=ENVIRON | environ).invoke(cli, ["enroll", *arguments])


def test_enroll_asks_for_a_trust_and_shows_it(web: respx.MockRouter) -> None:
    made = run()
    assert made.exit_code == 0, made.output
    assert json.loads(web.calls[0].request.content) == {}
    assert "trust" in made.output
    assert "member, reader" in made.output


def test_enroll_sends_the_application_credential_of_the_environment(web: respx.MockRouter) -> None:
    given = {"OS_APPLICATION_CREDENTIAL_ID": "i", "OS_APPLICATION_CREDENTIAL_SECRET": "s"}
    made = run("--application-credential", **given)
    assert made.exit_code == 0, made.output
    sent = json.loads(web.calls[0].request.content)
    assert sent == {"application_credential": {"id": "i", "secret": "s"}}


def test_application_credential_must_be_in_the_environment(web: respx.MockRouter) -> None:
    made = run("--application-credential", OS_APPLICATION_CREDENTIAL_ID="i")
    assert made.exit_code != 0
    assert "OS_APPLICATION_CREDENTIAL_SECRET" in made.output
    assert not web.calls


def test_what_is_kept_is_shown_or_withdrawn(web: respx.MockRouter) -> None:
    assert run("--show", "-f", "json").exit_code == 0
    assert run("--withdraw").exit_code == 0
    assert [call.request.method for call in web.calls] == ["GET", "DELETE", "GET"]
    assert run("--show", "--withdraw").exit_code != 0
