"""Stack policies: what they allow, and which are refused."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest

from stackd.engine.planning.plan import Step
from stackd.engine.planning.stack_policy import MAX_BYTES, _any_of, read_policy
from stackd.engine.planning.verbs import Verb
from stackd.errors import BadRequest, UpdateDenied
from tests.support.counting import counted

DB = "LogicalResourceId/db"
ALL = {"Effect": "Allow", "Action": "Update:*", "Principal": "*", "Resource": "*"}


def denying(**fields: Any) -> dict[str, Any]:
    chosen = {"Effect": "Deny", "Action": "Update:*", "Principal": "*", "Resource": "*"} | fields
    return {key: value for key, value in chosen.items() if value is not None}


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Statement": list(statements)})


@pytest.mark.parametrize(
    ("statements", "verb", "name", "denied"),
    [
        ([ALL], Verb.REPLACE, "db", ""),
        ([ALL, denying(Resource=DB)], Verb.UPDATE, "db", "Statement [#2] does not allow"),
        ([ALL, denying(Resource=DB)], Verb.UPDATE, "web", ""),
        ([denying(Resource=f"{DB}*"), ALL], Verb.DELETE, "db-2", "Statement [#1] does not allow"),
        ([ALL, denying(Resource=None, NotResource="LogicalResourceId/w?b")], Verb.UPDATE, "web", ""),
        ([ALL, denying(Resource=None, NotResource="LogicalResourceId/w?b")], Verb.UPDATE, "wb", "Statement"),
        ([ALL, denying(Action=["Update:Replace", "Update:Delete"])], Verb.UPDATE, "db", ""),
        ([ALL, denying(Action=["Update:Replace", "Update:Delete"])], Verb.ABANDON, "db", "Statement [#2]"),
        ([ALL | {"Action": "Update:Modify"}], Verb.REPLACE, "db", "no statement allows"),
        ([ALL | {"Resource": "LogicalResourceId/a*b*c"}], Verb.UPDATE, "a-b-b-c", ""),
        ([ALL | {"Resource": "LogicalResourceId/a*b*c"}], Verb.UPDATE, "a-c-b", "no statement allows"),
        ([denying()], Verb.CREATE, "db", ""),
        ([denying()], Verb.KEEP, "db", ""),
    ],
)
def test_denial_outweighs_permission_and_what_nothing_allows_is_denied(
    statements: list[dict[str, Any]], verb: Verb, name: str, denied: str
) -> None:
    rules = read_policy(policy(*statements))
    if not denied:
        rules.require(name, "AWS::EC2::Instance", verb)
        return
    with pytest.raises(UpdateDenied) as error:
        rules.require(name, "AWS::EC2::Instance", verb)
    assert str(error.value).startswith(f"Action denied by stack policy: {denied}")
    assert f"[LogicalResourceId/{name}]" in str(error.value)


@pytest.mark.parametrize(
    ("condition", "kind", "is_denied"),
    [
        ({"StringEquals": {"ResourceType": ["AWS::RDS::DBInstance"]}}, "AWS::RDS::DBInstance", True),
        ({"StringEquals": {"ResourceType": "AWS::RDS::*"}}, "AWS::RDS::DBInstance", False),
        ({"StringLike": {"ResourceType": "AWS::RDS::*"}}, "AWS::RDS::DBInstance", True),
        ({"StringLike": {"ResourceType": "AWS::RDS::*"}}, "AWS::EC2::Instance", False),
    ],
)
def test_condition_limits_a_statement_to_types(condition: dict[str, Any], kind: str, is_denied: bool) -> None:
    rules = read_policy(policy(ALL, denying(Condition=condition)))
    if is_denied:
        with pytest.raises(UpdateDenied):
            rules.require("db", kind, Verb.UPDATE)
    else:
        rules.require("db", kind, Verb.UPDATE)


def test_only_the_stacks_own_resources_are_judged() -> None:
    rules = read_policy(policy(ALL, denying(Resource="LogicalResourceId/db")))
    rules.require_all([Step(("group", "db"), "T", Verb.REPLACE), Step(("web",), "T", Verb.REPLACE)])
    with pytest.raises(UpdateDenied):
        rules.require_all([Step(("db",), "T", Verb.UPDATE)])


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{", "it is no JSON"),
        ("[" * 15_000, "it is no JSON"),
        ("[]", "Statement must be a list"),
        (policy(), "Statement must be a list"),
        (policy({**ALL, "Effect": "Maybe"}), r"Effect of Statement \[#1\] must be Allow or Deny"),
        (policy(ALL, {**ALL, "Principal": "me"}), r"Principal of Statement \[#2\]"),
        (policy({**ALL, "Action": "Create:*"}), r"Action Create:\* of Statement \[#1\] is not one of"),
        (policy({**ALL, "Action": []}), "must be a text or a list of texts"),
        (policy({**ALL, "NotResource": "*"}), "must have either Resource or NotResource"),
        (policy({**ALL, "Resource": "db"}), "must be .* or begin with LogicalResourceId/"),
        (policy({**ALL, "Condition": {"Bool": {}}}), "must have StringEquals or StringLike"),
        (policy({**ALL, "Condition": {"StringLike": {"Name": "x"}}}), "must be about ResourceType"),
        (policy({**ALL, "Resource": "LogicalResourceId/" + "x" * MAX_BYTES}), "longer than 16384 bytes"),
    ],
)
def test_text_that_is_no_policy_is_refused_naming_what_is_wrong(text: str, why: str) -> None:
    with pytest.raises(BadRequest, match=f"^Error validating stack policy: .*{why}"):
        read_policy(text)


def test_pattern_of_many_wildcards_is_matched_in_no_time() -> None:
    rules = read_policy(policy({**ALL, "Resource": "LogicalResourceId/" + "*a" * 4000 + "*b"}))
    with pytest.raises(UpdateDenied):
        rules.require("a" * 255, "T", Verb.UPDATE)


@pytest.mark.parametrize(
    ("pattern", "is_named"),
    [
        ("web", True),
        ("we?", True),
        ("w*", True),
        ("*b", True),
        ("w*e*b", True),
        ("?*?", True),
        ("w*?b", True),
        ("we", False),
        ("web?", False),
        ("eb", False),
        ("w*w*b", False),
        ("w*b*b", False),
        ("we*eb", False),
        ("w.b", False),
    ],
)
def test_names_are_matched_with_wildcards(pattern: str, is_named: bool) -> None:
    assert _any_of([pattern])("web") is is_named


def test_policy_of_many_wildcards_is_read_in_few_steps() -> None:
    parts = ["".join(each) for each in itertools.product("abcdefghijklmnop", repeat=3)][:3900]
    statement = {"Effect": "Deny", "Action": "Update:*", "Principal": "*"}
    long = json.dumps({"Statement": statement | {"Resource": f"LogicalResourceId/*{'*'.join(parts)}"}})
    with counted() as steps:
        read_policy(long)
    assert steps.count < 50 * len(parts)
    many = [f"LogicalResourceId/a?{number}" for number in range(101)]
    with pytest.raises(BadRequest, match="it has more than 100 wildcards"):
        read_policy(json.dumps({"Statement": statement | {"Resource": many}}))
