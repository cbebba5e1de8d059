"""What strangers send: a user of another project names everything there is, and others send nonsense."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
import pytest_asyncio

from stackd.cfn_query.cloudformation import ACTIONS
from tests.cfn_query.conftest import ROOT, Outcome, System, query
from tests.support.signing import FORM, version_4
from tests.support.waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="module")
FEW_OR_MANY = [200, pytest.param(2_000, marks=pytest.mark.aws)]
SECRET = "canary-of-demo"
TEST = "OS::Heat::TestResource"
GROUP = {"Type": "OS::Heat::ResourceGroup", "Properties": {"count": 1, "resource_def": {"type": TEST}}}
TEMPLATE = {
    "Description": f"{SECRET} description",
    "Resources": {
        "First": {"Type": TEST, "Properties": {"value": SECRET}, "Metadata": {"k": SECRET}},
        "Group": GROUP,
    },
    "Outputs": {"O": {"Value": SECRET, "Export": {"Name": "victims-export"}}},
}
OWN = {"Resources": {"First": {"Type": TEST}}, "Outputs": {"O": {"Value": "mine"}}}
NOTHING = '{"Resources": {}}'


_POLICY = {"Statement": [{"Effect": "Deny", "Action": "Update:*", "Principal": "*", "Resource": "*"}]}
_TODAY: Mapping[str, dict[str, Any]] = {
    "CreateChangeSet": {"TemplateBody": NOTHING},
    "UpdateTerminationProtection": {"EnableTerminationProtection": True},
    "SetStackPolicy": {"StackPolicyBody": json.dumps(_POLICY)},
    "SignalResource": {"UniqueId": "1", "Status": "FAILURE"},
}
"""What some actions must be asked with besides the names."""


@dataclass(frozen=True)
class Victim:
    """All by which a stranger might name what is another project's."""

    project: str
    arn: str
    deleted: str
    nested: str
    physical: str
    change_set: str
    detection: str

    def names(self) -> list[str]:
        identity, gone = self.arn.rpartition("/")[2], self.deleted.rpartition("/")[2]
        names = [self.arn, self.deleted, self.nested, identity, gone, self.nested.rpartition("/")[2]]
        return [*names, "victim", "victim-gone", self.nested.split("/")[1], f"{self.arn}/resources/First"]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def victim(system: System) -> Victim:
    made = await system.aws.call("CreateStack", StackName="victim", TemplateBody=json.dumps(TEMPLATE))
    gone = await system.aws.call("CreateStack", StackName="victim-gone", TemplateBody=NOTHING)
    arn, deleted = made.text("CreateStackResult/StackId"), gone.text("CreateStackResult/StackId")
    await reached(system, arn, "CREATE_COMPLETE")
    await reached(system, deleted, "CREATE_COMPLETE")
    await system.aws.call("DeleteStack", StackName=deleted)
    await reached(system, deleted, "DELETE_COMPLETE")
    rows = await system.aws.call("ListStackResources", StackName="victim")
    ids = rows.texts("ListStackResourcesResult/StackResourceSummaries/member/PhysicalResourceId")
    change_set = await system.aws.call(
        "CreateChangeSet", StackName="victim", ChangeSetName="victims", TemplateBody=json.dumps(OWN)
    )
    detection = await system.aws.call("DetectStackDrift", StackName="victim")
    return Victim(
        system.native.project,
        arn,
        deleted,
        ids[1],
        ids[0],
        change_set.text("CreateChangeSetResult/Id"),
        detection.text("DetectStackDriftResult/StackDriftDetectionId"),
    )


async def reached(system: System, name: str, status: str) -> None:
    async def is_there() -> bool:
        found = await system.aws.call("DescribeStacks", StackName=name)
        return found.text("DescribeStacksResult/Stacks/member/StackStatus") == status

    await until(is_there)


def attempts(victim: Victim, own: str, count: int) -> Iterator[tuple[str, dict[str, Any], tuple[str, ...]]]:
    """Actions with parameters of which some name what is the victim's; and these."""
    chosen = random.Random(11)
    names = victim.names()
    mixed = [own.replace(own.rpartition("/")[2], victim.arn.rpartition("/")[2])]
    mixed += [victim.arn.replace(victim.project, own.split(":")[4]), victim.arn.upper(), f" {victim.arn}"]
    for _ in range(count):
        action = chosen.choice(sorted(ACTIONS))
        named = chosen.choice([*names, *mixed])
        params: dict[str, Any] = {"StackName": named}
        if chosen.random() < 0.5:
            params["LogicalResourceId"] = chosen.choice(["First", "Group", "0", "O"])
        if action == "DescribeStackResources" and chosen.random() < 0.5:
            params = {"PhysicalResourceId": chosen.choice([victim.physical, *names])}
        if action in ("UpdateStack", "ValidateTemplate", "GetTemplateSummary") and chosen.random() < 0.8:
            params["TemplateBody"] = NOTHING
        if action.endswith(("ChangeSet", "ChangeSetHooks")):
            params["ChangeSetName"] = chosen.choice([victim.change_set, "victims", victim.arn])
        params |= _TODAY.get(action, {})
        if action == "DescribeStackDriftDetectionStatus":
            params["StackDriftDetectionId"] = victim.detection
        if action == "CreateStack":
            params = {"StackName": victim.arn, "TemplateBody": NOTHING}
        if action == "ListImports":
            params = {"ExportName": "victims-export"}
        if action in ("ListStacks", "ListExports", "DescribeStacks") and chosen.random() < 0.3:
            params.pop("StackName", None)
        yield action, params, tuple(str(each) for each in params.values() if each != NOTHING)


@pytest.mark.parametrize("count", FEW_OR_MANY)
async def test_what_is_another_projects_is_as_if_it_were_not(
    system: System, victim: Victim, count: int
) -> None:
    mine = {"StackName": f"mine{count}", "TemplateBody": json.dumps(OWN)}
    made = await system.other.call("CreateStack", **mine)
    own = made.text("CreateStackResult/StackId")
    before = await shown_of(system, victim)
    canaries = (
        SECRET,
        "victims-export",
        victim.change_set,
        victim.detection,
        *victim.names(),
        victim.physical,
        victim.project,
    )
    token = {"X-Auth-Token": system.other_native.token}
    leaks = []
    for number, (action, params, sent) in enumerate(attempts(victim, own, count)):
        pairs = query(action, params)
        if number % 20:
            answer = await system.cfn.post(ROOT, data=pairs, headers=token)
        else:
            answer = await system.other.send(version_4(ROOT, pairs, system.other.key))
        assert answer.status_code < 500, (action, params, answer.text)
        told = _without(answer.text, sent)
        leaks += [(action, params, each) for each in canaries if each in told]
    assert leaks == []
    assert await shown_of(system, victim) == before


def _without(text: str, sent: tuple[str, ...]) -> str:
    """What an answer says beside what the request said."""
    for each in sorted(sent, key=len, reverse=True):
        text = text.replace(each, "")
    return text


async def shown_of(system: System, victim: Victim) -> list[str]:
    """All that the owner sees of the stack, but for the ids of the requests."""
    shown = []
    for action in ("DescribeStacks", "ListStackResources", "DescribeStackEvents", "GetTemplate"):
        found = await system.aws.call(action, StackName=victim.arn)
        shown.append("".join(found.root[0].itertext()))
    return shown


async def test_what_is_not_there_and_what_is_not_ones_own_answer_alike(
    system: System, victim: Victim
) -> None:
    arn = victim.arn
    missing = arn.replace(arn.rpartition("/")[2], "00000000-0000-4000-8000-000000000000")
    for action in sorted(ACTIONS):
        answers = []
        for name in (arn, missing):
            outcome = await system.other.call(
                action, StackName=name, LogicalResourceId="First", TemplateBody=NOTHING
            )
            answers.append(texts_of(outcome).replace(name, "NAME"))
        assert answers[0] == answers[1], action


def texts_of(outcome: Outcome) -> str:
    """The answer without the id of the request."""
    texts = [each.text or "" for each in outcome.root.iter() if each.tag != "RequestId"]
    return f"{outcome.status} {texts}"


# --- requests that are none -------------------------------------------------------------------------

ODD_NAMES = (
    *("Tags", "Tags.member", "Tags.member.1", "Tags.member.1.Key", "Tags.member.99999999.Key"),
    *("Tags.member.x", "Tags.entry.1.key", "Tags.entry.1", "Parameters", "Parameters.member.1.ParameterKey"),
    *(
        "Parameters.member.1.ParameterValue.x",
        "StackName",
        "StackName.member.1",
        "TemplateBody",
        "TemplateURL",
    ),
    *("TimeoutInMinutes", "NextToken", "DisableRollback", "OnFailure", "StackStatusFilter.member.1"),
    *("StackStatusFilter", ".", "..", "member.1", "entry.1.key", "a" * 2000, "Version", "ContentType"),
    *("Action", "LogicalResourceId", ""),
    *("ChangeSetName", "ChangeSetType", "UsePreviousTemplate", "Parameters.member.1.UsePreviousValue"),
    *("StackPolicyBody", "StackPolicyDuringUpdateURL", "RollbackConfiguration", "Capabilities", "RoleARN"),
    *("RollbackConfiguration.RollbackTriggers", "RollbackConfiguration.RollbackTriggers.member.1.Arn"),
    *("ResourceTypes.member.1", "RetainResources.member.1", "ResourcesToSkip.member.1", "NotificationARNs"),
    *("StackDriftDetectionId", "UniqueId", "ClientRequestToken", "MaxResults", "LogicalResourceIds.member.1"),
)
ODD_VALUES = (
    *("", "\0", "\ud7ff", "%", "%zz", "null", "{", "[" * 3000, "{" * 3000, "-1", "1" * 400, "true", "[]"),
    *("JSON", "é\u202e", "heat_template_version: 2021-04-16\nresources: {a: {type: !Ref x}}", "&a [*a]"),
    *("a: &b [*b, *b]", "arn:openstack:heat::", "arn:openstack:heat::p:stacks/a", "x" * 5000),
    *("arn:openstack:heat::%00:stacks/a/b", "http://127.0.0.1:1/", "file:///etc/passwd", "https://[::1"),
    *("s3://a/b", "NaN", "1e400", "\r\n"),
)


def odd_forms(count: int) -> Iterator[Mapping[str, str]]:
    chosen = random.Random(5)
    for _ in range(count):
        names = chosen.choices(ODD_NAMES, k=chosen.randint(1, 6))
        pairs = {name: chosen.choice(ODD_VALUES) for name in names}
        yield {"Action": chosen.choice(sorted(ACTIONS))} | pairs


@pytest.mark.parametrize("count", FEW_OR_MANY)
async def test_odd_parameters_are_refused_and_break_nothing(system: System, count: int) -> None:
    token = {"X-Auth-Token": system.native.token, "Content-Type": FORM}
    seen: set[int] = set()
    for pairs in odd_forms(count):
        body = urlencode(pairs, errors="surrogatepass")
        answer = await system.cfn.post(ROOT, content=body, headers=token)
        assert answer.status_code < 500, (pairs, answer.text)
        assert_readable(answer)
        seen.add(answer.status_code)
    assert 400 in seen


async def test_odd_bodies_are_refused_and_break_nothing(system: System) -> None:
    chosen = random.Random(3)
    for number in range(60):
        body = chosen.randbytes(chosen.randint(0, 400)) + b"=&" * (number % 7)
        kind = chosen.choice([FORM, "application/json", "text/plain", "multipart/form-data; boundary=x", ""])
        headers = {"Content-Type": kind, "Authorization": chosen.choice(["", "AWS4-HMAC-SHA256", "x" * 500])}
        answer = await system.cfn.post(f"{ROOT}?{'a=%ff' * (number % 2)}", content=body, headers=headers)
        assert 400 <= answer.status_code < 500, answer.text
        assert_readable(answer)


def assert_readable(answer: httpx.Response) -> None:
    """The answer is one that clients can parse, and has the id of the request."""
    if answer.headers["content-type"] == "application/json":
        assert answer.json()
    else:
        assert Outcome.of(answer).root.tag.endswith("Response")
    assert answer.headers["x-amzn-requestid"].startswith("req-")
