"""Who may call what by which proof, over a whole process."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from stackd.app import make_cfn_asgi
from tests.cfn_query.conftest import CFN, ROOT, Outcome, System, query
from tests.support.signing import Key, Signed, encoded, presigned, version_2, version_4

pytestmark = pytest.mark.asyncio(loop_scope="module")
ASKED = query("DescribeAccountLimits", {})
LIMITS = ["StackLimit", "StackResourcesLimit"]


def now() -> datetime:
    return datetime.now(UTC)


async def outcome(system: System, signed: Signed) -> Outcome:
    return Outcome.of(await system.aws.send(signed))


@pytest.mark.parametrize("root", [ROOT, f"{ROOT}/", f"{ROOT}.0/", ROOT[:-3], f"{ROOT}//v1/"])
async def test_every_kind_of_signature_is_accepted_at_every_root(system: System, root: str) -> None:
    key = system.aws.key
    url = root if root.count("/") > 2 else f"{root}/"
    for signed in (
        version_4(url, ASKED, key),
        presigned(url, ASKED, key),
        version_2(url, ASKED, key, at=now()),
        version_2(url, ASKED, key, "POST", at=now()),
    ):
        found = await outcome(system, signed)
        assert (found.status, found.root.tag) == (200, "DescribeAccountLimitsResponse")
        assert found.texts("DescribeAccountLimitsResult/AccountLimits/member/Name") == LIMITS
        assert found.text("ResponseMetadata/RequestId") == found.headers["x-amzn-requestid"]


async def test_version_4_in_the_header_of_a_get_covers_the_query(system: System) -> None:
    signed = presigned(ROOT, ASKED, system.aws.key)
    changed = replace(signed, url=signed.url.replace("DescribeAccountLimits", "EstimateTemplateCost"))
    assert (await outcome(system, changed)).error[:2] == (403, "SignatureDoesNotMatch")


async def test_token_alone_is_enough(system: System) -> None:
    given = {"X-Auth-Token": system.native.token}
    answer = await system.cfn.get(ROOT, params=ASKED, headers=given)
    assert answer.status_code == 200
    denied = await system.cfn.get(ROOT, params=ASKED, headers={"X-Auth-Token": "no"})
    assert Outcome.of(denied).error == (403, "AccessDenied", "User is not authorized to perform action")


def _changed(signed: Signed, **headers: str) -> Signed:
    return replace(signed, headers=signed.headers | headers)


async def test_what_was_changed_after_signing_is_refused(system: System) -> None:
    key = system.aws.key
    header, url = version_4(ROOT, ASKED, key), presigned(ROOT, ASKED, key)
    old, form = version_2(ROOT, ASKED, key, at=now()), version_2(ROOT, ASKED, key, "POST", at=now())
    changed = [
        replace(header, content=header.content + b"&StackName=x"),
        _changed(header, **{"Content-Type": "application/x-www-form-urlencoded"}),
        _changed(header, Host="elsewhere:8000"),
        replace(header, url=f"{ROOT}/"),
        replace(url, url=f"{url.url}&StackName=x"),
        replace(url, url=url.url.replace("Expires=300", "Expires=900")),
        replace(old, url=old.url.replace("Version=2010", "Version=2011")),
        replace(form, content=form.content.replace(b"Describe", b"Describf")),
        version_4(ROOT, ASKED, Key(key.access, "wrong")),
        presigned(ROOT, ASKED, Key(key.access, "wrong")),
        version_2(ROOT, ASKED, Key(key.access, "wrong"), at=now()),
    ]
    refused = [(await outcome(system, each)).error[:2] for each in changed]
    assert refused == [(403, "SignatureDoesNotMatch")] * len(changed)


async def test_headers_that_nothing_signs_are_refused(system: System) -> None:
    signed = version_4(ROOT, ASKED, system.aws.key)
    added = await outcome(system, _changed(signed, **{"X-Amz-Security-Token": "x"}))
    message = "The signature must cover the headers x-amz-security-token."
    assert added.error == (403, "SignatureDoesNotMatch", message)
    without = signed.headers["Authorization"].replace("content-type;host;", "content-type;")
    assert (await outcome(system, _changed(signed, Authorization=without))).error[
        1
    ] == "SignatureDoesNotMatch"
    harmless = _changed(signed, **{"X-Forwarded-For": "10.0.0.1", "User-Agent": "other"})
    assert (await outcome(system, harmless)).status == 200


async def test_proxy_that_is_believed_tells_what_the_client_signed(system: System) -> None:
    outside = "https://cloud.example:443/heat-api-cfn/v1"
    signed = replace(version_4(outside, ASKED, system.aws.key), url=ROOT)
    told = {"X-Forwarded-Host": "cloud.example:443", "X-Forwarded-Prefix": "/heat-api-cfn/"}
    assert (await outcome(system, _changed(signed, **told))).error[1] == "SignatureDoesNotMatch"
    api = system.parts.settings.api.model_copy(update={"proxy_headers": True})
    parts = replace(system.parts, settings=system.parts.settings.model_copy(update={"api": api}))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(make_cfn_asgi(parts)), base_url=CFN) as client:
        behind = replace(system.aws, client=client)
        assert Outcome.of(await behind.send(_changed(signed, **told))).status == 200


async def test_parameters_that_no_signature_covers_are_refused(system: System) -> None:
    signed = version_4(ROOT, ASKED, system.aws.key)
    status, code, message = (await outcome(system, replace(signed, url=f"{ROOT}?StackName=x"))).error
    assert (status, code) == (400, "IncompleteSignature")
    assert message == "The signature of a POST does not cover its query: send all parameters in the body."


async def test_signature_of_a_header_is_no_signature_of_a_query(system: System) -> None:
    """Else whoever saw a signed request could add parameters to it."""
    signed = version_4(ROOT, ASKED, system.aws.key)
    fields = dict(each.split("=", 1) for each in signed.headers["Authorization"].split(" ", 1)[1].split(", "))
    moved = {
        "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
        "X-Amz-Credential": fields["Credential"],
        "X-Amz-Date": signed.headers["X-Amz-Date"],
        "X-Amz-SignedHeaders": fields["SignedHeaders"],
        "X-Amz-Signature": fields["Signature"],
        "StackName": "added",
    }
    both = await outcome(system, replace(signed, url=f"{ROOT}?{encoded(moved)}"))
    assert both.error[:2] == (400, "IncompleteSignature")
    bare = {name: value for name, value in signed.headers.items() if name != "Authorization"}
    instead = await outcome(system, replace(signed, url=f"{ROOT}?{encoded(moved)}", headers=bare))
    assert instead.error[:2] == (400, "IncompleteSignature")


@pytest.mark.parametrize("version", ["0", "1", "3", ""])
async def test_signatures_of_other_versions_are_refused(system: System, version: str) -> None:
    params = ASKED | {"AWSAccessKeyId": system.aws.key.access, "SignatureVersion": version, "Signature": "x"}
    refused = Outcome.of(await system.cfn.get(ROOT, params=params))
    assert refused.error == (400, "IncompleteSignature", "The signature must be one of version 2 or 4.")


@pytest.mark.parametrize("name", ["Content-Type", "Host", "Authorization", "X-Amz-Date"])
async def test_header_that_is_given_twice_is_refused(system: System, name: str) -> None:
    signed = version_4(ROOT, ASKED, system.aws.key)
    headers = [*signed.headers.items(), ("Host", "127.0.0.1:8000")]
    answer = await system.cfn.post(signed.url, headers=[*headers, (name, "x")], content=signed.content)
    assert Outcome.of(answer).error == (
        400,
        "IncompleteSignature",
        f"The header {name.lower()} is given more than once.",
    )


async def test_authorization_that_is_no_signature_does_not_matter(system: System) -> None:
    form = version_2(ROOT, ASKED, system.aws.key, "POST", at=now())
    for signed in (form, presigned(ROOT, ASKED, system.aws.key)):
        assert (await outcome(system, _changed(signed, Authorization="Basic eDp5"))).status == 200


async def test_unknown_keys_and_missing_proofs_have_their_codes(system: System) -> None:
    unknown = version_4(ROOT, ASKED, Key("0" * 32, "secret"))
    assert (await outcome(system, unknown)).error[:2] == (403, "InvalidClientTokenId")
    bare = Outcome.of(await system.cfn.get(ROOT, params=ASKED))
    assert bare.error[:2] == (400, "IncompleteSignature")
    keyless = Outcome.of(await system.cfn.get(ROOT, params=ASKED | {"Signature": "x"}))
    assert keyless.error[:2] == (403, "MissingAuthenticationToken")


@pytest.mark.parametrize("minutes", [-16, 16])
async def test_signatures_are_good_for_fifteen_minutes(system: System, minutes: int) -> None:
    at, key = now() + timedelta(minutes=minutes), system.aws.key
    for signed in (
        version_4(ROOT, ASKED, key, at),
        presigned(ROOT, ASKED, key, at, expires=100_000),
        version_2(ROOT, ASKED, key, at=at),
        version_2(ROOT, ASKED, key, "POST", at=at),
    ):
        assert (await outcome(system, signed)).error[:2] == (400, "RequestExpired")


async def test_url_is_good_for_as_long_as_it_says(system: System) -> None:
    at, key = now() - timedelta(minutes=2), system.aws.key
    assert (await outcome(system, presigned(ROOT, ASKED, key, at, expires=180))).status == 200
    assert (await outcome(system, presigned(ROOT, ASKED, key, at, expires=60))).error[1] == "RequestExpired"
    odd = presigned(ROOT, ASKED, key)
    for given in ("soon", "-1", "9" * 20):
        changed = replace(odd, url=odd.url.replace("Expires=300", f"Expires={given}"))
        assert (await outcome(system, changed)).error[1] == "RequestExpired"


@pytest.mark.parametrize("time", ["", "soon", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"])
async def test_time_that_is_none_is_over(system: System, time: str) -> None:
    signed = version_4(ROOT, ASKED, system.aws.key)
    changed = _changed(signed, **{"X-Amz-Date": time})
    assert (await outcome(system, changed)).error[:2] == (400, "RequestExpired")


async def test_signature_without_a_time_is_no_proof_for_what_guests_do_not_need(system: System) -> None:
    signed = version_2(ROOT, ASKED, system.aws.key)
    status, code, message = (await outcome(system, signed)).error
    assert (status, code) == (400, "IncompleteSignature")
    assert message == "The signed parameters must include Timestamp or Expires."


async def test_same_request_is_known_for_seconds_and_no_other(system: System) -> None:
    signed = version_4(ROOT, ASKED, system.aws.key)
    assert (await outcome(system, signed)).status == 200
    calls = dict(system.parts.engine.trusts._clouds.stats())
    assert (await outcome(system, signed)).status == 200
    assert dict(system.parts.engine.trusts._clouds.stats()) == calls
    assert (await outcome(system, replace(signed, content=b"x"))).status == 403


@pytest.mark.parametrize(
    ("method", "path", "expected"),
    [
        ("GET", "/v1/?ContentType=JSON", (400, "IncompleteSignature")),
        ("PUT", "/v1", (400, "InvalidAction")),
        ("DELETE", "/v1/", (400, "InvalidAction")),
        ("GET", "/nothing", (404, "MalformedQueryString")),
        ("GET", "/v1/nothing", (404, "MalformedQueryString")),
    ],
)
async def test_every_failure_has_the_form_of_aws(
    system: System, method: str, path: str, expected: tuple[int, str]
) -> None:
    answer = await system.cfn.request(method, path)
    if "JSON" in path:
        body: dict[str, Any] = answer.json()["ErrorResponse"]
        found = (answer.status_code, body["Error"]["Code"])
        assert body["RequestId"] == answer.headers["x-amzn-requestid"]
    else:
        shown = Outcome.of(answer)
        found = shown.error[:2]
        assert shown.text("RequestId") == answer.headers["x-openstack-request-id"]
    assert found == expected


async def test_bodies_have_a_limit(system: System) -> None:
    answer = await system.cfn.post(ROOT, content=b"A=" + b"x" * 2_000_000)
    assert Outcome.of(answer).error[:2] == (400, "RequestLimitExceeded")


async def test_actions_and_versions_that_there_are_not_are_refused(system: System) -> None:
    unknown = await system.aws.call("InventStack")
    message = "The action InventStack is not valid for this web service."
    assert unknown.error == (400, "InvalidAction", message)
    missing = await outcome(system, version_4(ROOT, {"Version": "2010-05-15"}, system.aws.key))
    assert missing.error[:2] == (400, "MissingAction")
    version = await outcome(system, version_4(ROOT, ASKED | {"Version": "2000-01-01"}, system.aws.key))
    assert version.error[1] == "InvalidAction"
    form = version_4(ROOT, ASKED, system.aws.key, content_type="application/json")
    assert (await outcome(system, form)).error[:2] == (400, "MissingAction")


async def test_other_versions_lead_to_those_that_there_are(system: System) -> None:
    for path in ("/", "/versions", "/v2", "/v0.9/x"):
        answer = await system.cfn.get(path)
        assert answer.status_code == 300
        [version] = answer.json()["versions"]
        assert (version["id"], version["links"][0]["href"]) == ("v1.0", f"{ROOT}/")
    health: httpx.Response = await system.cfn.get("/healthcheck")
    assert (health.status_code, health.text) == (200, "OK")
