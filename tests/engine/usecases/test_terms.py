"""The terms of a change: what they store, and what they refuse."""

from __future__ import annotations

import pytest

from stackd.engine.usecases import stacks as use_cases
from stackd.engine.usecases.requests import StackRequest
from stackd.engine.usecases.terms import NO_TERMS, Terms, Token
from stackd.errors import BadRequest
from tests.support.actions import a_test, made, resource, template
from tests.support.engine import World
from tests.support.records import a_stack


def test_what_is_not_asked_for_stays_as_it_is() -> None:
    stack = a_stack(settings={"role_arn": "r", "capabilities": []})
    assert NO_TERMS.values(stack) == {}
    assert NO_TERMS.options() == {}
    assert Terms(settings={"capabilities": ["c"]}).values(stack) == {
        "settings": {"role_arn": "r", "capabilities": ["c"]}
    }
    assert Terms(protected=False).values(stack) == {"protected": False}


def test_what_is_asked_of_the_operation_is_kept_with_it() -> None:
    terms = Terms(deletes=True, unretained=True, token=Token(value="t", digest="d"))
    assert terms.options() == {"on_failure": "delete", "unretained": True, "token": "t"}


def test_wrong_policies_are_no_terms() -> None:
    for name in ("policy", "policy_during"):
        with pytest.raises(BadRequest, match="Error validating stack policy"):
            Terms(**{name: "{}"})


@pytest.mark.parametrize(
    ("allowed", "refused"),
    [
        (("OS::Heat::*", "OS::Neutron::Net"), ""),
        (("OS::Heat::*",), "OS::Neutron::Net"),
        (("OS::Neutron::Net", "OS::Heat::Test"), "OS::Heat::TestResource"),
    ],
)
async def test_only_allowed_types_occur(stackd_world: World, allowed: tuple[str, ...], refused: str) -> None:
    content = template(r=a_test(), net=resource("OS::Neutron::Net"))
    async with stackd_world.process() as process:
        creation = use_cases.create(
            process.engine,
            process.caller,
            StackRequest(name="s", template=content),
            terms=Terms(allowed_types=allowed),
        )
        if not refused:
            await process.done(await creation)
            return
        with pytest.raises(
            BadRequest, match=f"^Resource type {refused} is not allowed by parameter ResourceTypes"
        ):
            await creation
        stack = await made(process, template(r=a_test()))
        with pytest.raises(BadRequest, match="is not allowed"):
            await use_cases.update(
                process.engine,
                process.caller,
                stack,
                StackRequest(template=content),
                terms=Terms(allowed_types=allowed),
            )
