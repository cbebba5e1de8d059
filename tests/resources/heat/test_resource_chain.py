from typing import Any

import pytest

from stackd.errors import InvalidTemplateAttribute
from stackd.resources.base import Members
from tests.support.context import FakeContext, make_resource

NOBODY = Members({}, {}, {}, lambda name, path: None)
TYPES = ["OS::Heat::RandomString", "OS::Heat::None"]


def members_of(**properties: Any) -> Any:
    ctx = FakeContext("OS::Heat::ResourceChain", name="chain", properties={"resources": TYPES, **properties})
    child = ctx.type.child(ctx.resource, ctx.props, NOBODY, {})
    return child.template["resources"]


def test_members_follow_each_other_and_share_their_properties() -> None:
    assert members_of(resource_properties={"length": 5}) == {
        "0": {"type": TYPES[0], "properties": {"length": 5}},
        "1": {"type": TYPES[1], "properties": {"length": 5}, "depends_on": ["0"]},
    }


def test_concurrent_members_do_not_wait() -> None:
    assert members_of(concurrent=True) == {"0": {"type": TYPES[0]}, "1": {"type": TYPES[1]}}


def test_attributes_are_in_the_order_of_the_chain() -> None:
    ctx = FakeContext("OS::Heat::ResourceChain", name="chain", properties={"resources": TYPES})
    rows = {str(index): make_resource(str(index), "OS::Heat::None") for index in (10, 2, 0)}
    references = {name: f"ref-{name}" for name in rows}
    members = Members(rows, references, {}, lambda name, path: f"{name}:{'.'.join(map(str, path))}")

    def read(name: str, *path: Any) -> Any:
        return ctx.type.read(ctx.resource, name, path, members)

    assert read("refs") == ["ref-0", "ref-2", "ref-10"]
    assert read("attributes", "value") == {"0": "0:value", "2": "2:value", "10": "10:value"}
    assert read("resource.2") == "ref-2"
    with pytest.raises(InvalidTemplateAttribute):
        read("attributes")
