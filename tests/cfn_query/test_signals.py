"""The URLs to which guests send signals, over a whole engine on a dev cloud."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote, unquote, urlsplit

import httpx
import pytest

from tests.cfn_query.conftest import CFN, Outcome, System
from tests.routers.conftest import Api
from tests.support.signing import Key, version_2, version_4
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
DONE = {"Status": "SUCCESS", "Reason": "Configuration Complete", "UniqueId": "a", "Data": "ready"}
DENIED = (403, "AccessDenied", "User is not authorized to perform action")
TEMPLATE = {
    "heat_template_version": "2021-04-16",
    "resources": {
        "aws": {"type": "AWS::CloudFormation::WaitConditionHandle"},
        "aws done": {
            "type": "AWS::CloudFormation::WaitCondition",
            "properties": {"Handle": {"get_resource": "aws"}, "Timeout": 600, "Count": 2},
        },
        "heat": {"type": "OS::Heat::WaitConditionHandle", "properties": {"signal_transport": "CFN_SIGNAL"}},
        "heat done": {
            "type": "OS::Heat::WaitCondition",
            "properties": {"handle": {"get_resource": "heat"}, "timeout": 600},
        },
    },
    "outputs": {
        "aws": {"value": {"get_resource": "aws"}},
        "heat": {"value": {"get_attr": ["heat", "signal"]}},
        "data": {"value": [{"get_attr": ["aws done", "Data"]}, {"get_attr": ["heat done", "data"]}]},
    },
}
IDLE = {
    "heat_template_version": "2021-04-16",
    "resources": {"aws": TEMPLATE["resources"]["aws"]},  # type: ignore[index]
    "outputs": {"aws": {"value": {"get_resource": "aws"}}},
}


async def output(system: System, path: str, name: str) -> Any:
    return (await system.native.get(f"{path}/outputs/{name}"))["output"]["output_value"]


async def idle(system: System, name: str) -> tuple[str, str]:
    """A stack with a handle, and the handle's URL."""
    path = await system.native.create(name, IDLE)
    return path, await output(system, path, "aws")


async def put(system: System, url: str, details: Any = DONE, **options: Any) -> httpx.Response:
    return await system.cfn.put(url, content=json.dumps(details), headers={"content-type": ""}, **options)


def signed(url: str, key: Key, verb: str = "PUT") -> str:
    """A URL as a client signs it with its own key."""
    bare = unquote(url.partition("?")[0])
    made = version_2(bare, {}, key, verb)
    return f"{url.partition('?')[0]}?{made.content.decode()}"


async def test_signed_urls_complete_wait_conditions(system: System) -> None:
    native = system.native
    body = {"stack_name": "waits", "template": TEMPLATE}
    path = f"/stacks/waits/{(await native.call('POST', '/stacks', body)).json()['stack']['id']}"
    await _made(native, path, "aws", "heat")
    aws, heat = await output(system, path, "aws"), json.loads(await output(system, path, "heat"))["alarm_url"]
    arn = f"arn%3Aopenstack%3Aheat%3A%3A{native.project}%3Astacks/waits/"
    assert aws.startswith(f"{CFN}/v1/waitcondition/{arn}")
    first = await put(system, aws)
    assert (first.status_code, first.text) == (200, "<resource>aws</resource>")
    assert first.headers["content-type"] == "application/xml"
    again = await put(system, aws, DONE | {"Data": "again"})
    other = await put(system, aws, DONE | {"UniqueId": "b", "Data": "other"})
    empty = await system.cfn.post(heat)
    assert [each.status_code for each in (again, other, empty)] == [200, 200, 200]
    assert (await native.settled(path))["stack_status"] == "CREATE_COMPLETE"
    data = [json.loads(each) for each in await output(system, path, "data")]
    assert data == [{"a": "again", "b": "other"}, {"1": None}]
    events = (await native.get(f"{path}/resources/aws/events"))["events"]
    assert events[0]["resource_status_reason"] == "Signal: status:SUCCESS reason:Configuration Complete"
    events = (await native.get(f"{path}/resources/aws%20done/events"))["events"]
    [shown] = [
        each
        for each in [
            (await native.get(f"{path}/resources/aws%20done/events/{one['id']}"))["event"] for one in events
        ]
        if each["resource_status"] == "CREATE_IN_PROGRESS"
    ]
    handle = shown["resource_properties"]["Handle"]
    assert handle.startswith(aws.rpartition("Signature=")[0])
    assert handle != aws
    await native.call("DELETE", path)


async def _made(native: Api, path: str, *names: str) -> None:
    async def are_made() -> bool:
        rows = (await native.get(f"{path}/resources"))["resources"]
        done = {row["resource_name"] for row in rows if row["resource_status"] == "CREATE_COMPLETE"}
        return done.issuperset(names)

    await until(are_made)


async def test_url_is_good_for_its_resource_and_action_only_and_as_long_as_they_exist(system: System) -> None:
    path, url = await idle(system, "bound")
    _, other = await idle(system, "bound2")
    arn = urlsplit(url).path.rpartition("/waitcondition/")[2]
    elsewhere = urlsplit(other).path.rpartition("/waitcondition/")[2]
    query = urlsplit(url).query
    wrong = [
        f"/v1/signal/{arn}?{query}",
        f"/v1/waitcondition/{arn}?{query}x",
        f"/v1/waitcondition/{arn}?{query}&Expires=2000-01-01T00:00:00Z",
        f"/v1/waitcondition/{arn}?{query.replace('AWSAccessKeyId=', 'AWSAccessKeyId=0')}",
        f"/v1/waitcondition/{elsewhere}?{query}",
        f"/v1/waitcondition/{arn}no-such-resource?{query}",
        f"/v1/waitcondition/{quote('arn:openstack:heat::p:stacks/no/such/resources/aws')}?{query}",
    ]
    refused = [await system.cfn.post(wrong[0]), *[await put(system, each) for each in wrong[1:]]]
    assert {Outcome.of(each).error for each in refused} == {DENIED}
    assert (await put(system, url)).status_code == 200
    calls = dict(system.parts.engine.trusts._clouds.stats())
    assert (await put(system, url)).status_code == 200
    assert dict(system.parts.engine.trusts._clouds.stats()) == calls  # Keystone is not asked
    await system.native.call("DELETE", path)
    await _gone(system, path)
    deleted = await put(system, url)
    assert Outcome.of(deleted).error == DENIED


async def _gone(system: System, path: str) -> None:
    async def is_gone() -> bool:
        return (await system.native.call("GET", path)).json().get("stack", {}).get(
            "stack_status"
        ) == "DELETE_COMPLETE"

    await until(is_gone)


async def test_signatures_of_other_keys_are_keystones_to_check(system: System) -> None:
    _, url = await idle(system, "ec2")
    accepted = await put(system, signed(url, system.aws.key))
    assert (accepted.status_code, accepted.text) == (200, "<resource>aws</resource>")
    wrong = await put(system, signed(url, Key(system.aws.key.access, "no secret")))
    assert Outcome.of(wrong).error == DENIED


async def test_request_may_be_signed_in_its_header(system: System) -> None:
    _, url = await idle(system, "header")
    bare, body = url.partition("?")[0], json.dumps(DONE).encode()
    headers = version_4(bare, {}, system.aws.key, verb="PUT", content=body).headers
    answer = await system.cfn.put(bare, content=body, headers=headers)
    assert (answer.status_code, answer.text) == (200, "<resource>aws</resource>")
    changed = await system.cfn.put(bare, content=body + b" ", headers=headers)
    assert Outcome.of(changed).error == DENIED


async def test_a_token_will_do(system: System) -> None:
    _, url = await idle(system, "token")
    bare, token = url.partition("?")[0], {"X-Auth-Token": system.native.token}
    answer = await system.cfn.put(f"{bare}?ContentType=JSON", headers=token, content=json.dumps(DONE))
    entry = {key: value for key, value in DONE.items() if key != "UniqueId"}
    assert answer.json() == {"resource": "aws", "metadata": {"a": entry}}
    assert Outcome.of(await system.cfn.put(bare, headers={"X-Auth-Token": "no"})).error == DENIED


async def test_what_cannot_be_accepted_is_refused_in_the_same_form(system: System) -> None:
    _, url = await idle(system, "malformed")
    refused = [
        await put(system, url, {"Status": "SUCCESS"}),
        await put(system, url, DONE | {"Status": "PERHAPS"}),
        await system.cfn.put(url, content=b'{"Status"'),
        await system.cfn.put(url),
        await put(system, url, DONE | {"Data": "x" * 1_100_000}),
        await system.cfn.put(url.partition("?")[0]),
        await system.cfn.put(f"{url.partition('?')[0]}?Signature=x"),
        await system.cfn.put("/v1/waitcondition/arn%3Aaws%3Ax?Signature=x"),
        await put(system, url.replace("aws?", "a%00ws?")),
        await put(system, url.replace("aws?", "a%2500ws?")),
        await system.cfn.get(url),
        await system.cfn.get("/v1/nothing"),
        await system.cfn.get("/v1/nothing?ContentType=JSON"),
    ]
    codes = [(each.status_code, *_code(each)) for each in refused]
    assert codes == [
        (400, "Sender", "ValidationError"),
        (400, "Sender", "ValidationError"),
        (400, "Sender", "ValidationError"),
        (400, "Sender", "ValidationError"),
        (400, "Sender", "RequestLimitExceeded"),
        (400, "Sender", "IncompleteSignature"),
        (403, "Sender", "MissingAuthenticationToken"),
        (400, "Sender", "ValidationError"),
        (400, "Sender", "ValidationError"),
        (400, "Sender", "ValidationError"),
        (400, "Sender", "InvalidAction"),
        (404, "Sender", "MalformedQueryString"),
        (404, "Sender", "MalformedQueryString"),
    ]
    assert "Metadata format invalid" in refused[0].text
    assert all("x-openstack-request-id" in each.headers for each in refused)


async def test_odd_requests_are_refused_and_break_nothing(system: System) -> None:
    _, url = await idle(system, "odd")
    bare, _, query = url.partition("?")
    odd = [
        "Signature=%ff&AWSAccessKeyId=%00&SignatureVersion=2",
        "Signature=%C3%A9&AWSAccessKeyId=%C3%A9&SignatureVersion=2",
        f"{query.partition('&')[0]}&SignatureVersion=2&Signature=%F0%9F%98%80",
        f"{query}&more=1",
        f"{query}&Expires=soon",
        "X-Amz-Signature=a&X-Amz-Credential=///",
        "&".join(f"a{at}=b" for at in range(2000)),
    ]
    answers = [await put(system, f"{bare}?{each}") for each in odd]
    headers = {"Authorization": "AWS4-HMAC-SHA256 Credential=a/b, Signature=" + "0" * 64}
    answers.append(await system.cfn.put(bare, headers=headers, content=b"\xff"))
    deep = b'{"Status":' + b"[" * 5000 + b"]" * 5000 + b"}"
    answers.append(await system.cfn.put(url, content=deep))
    assert [each.status_code for each in answers] == [403, 403, 403, 403, 403, 403, 400, 403, 400]


def _code(answer: httpx.Response) -> tuple[str, str]:
    if answer.headers["content-type"] == "application/json":
        error = answer.json()["ErrorResponse"]["Error"]
        return error["Type"], error["Code"]
    from xml.etree import ElementTree as ET

    root = ET.fromstring(answer.text)
    assert root.tag == "ErrorResponse"
    return root.findtext("Error/Type", ""), root.findtext("Error/Code", "")
