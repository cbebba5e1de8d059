from typing import Any

import pytest

from stackd.errors import PropertyError
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext

KIND = "OS::Heat::Value"


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        (None, {"a": [1, None]}),
        ("string", 1),
        ("number", "1.50"),
        ("comma_delimited_list", ["a", 1, None]),
        ("json", {"a": 1}),
        ("json", None),
        ("boolean", "True"),
    ],
)
async def test_the_attribute_is_the_value_as_it_was_given(kind: Any, given: Any) -> None:
    ctx = FakeContext(KIND, properties={"value": given} | ({"type": kind} if kind else {}))
    ctx.type.validate(ctx.props)
    await ctx.type.create(ctx, ctx.props)
    assert ctx.shown({}) == {"value": given}
    assert ctx.physical_id == ctx.physical_name


@pytest.mark.parametrize(
    ("kind", "given"),
    [
        ("string", {"a": 1}),
        ("number", "x"),
        ("json", '{"a": 1}'),
        ("json", [1]),
        ("boolean", "yes"),
        ("comma_delimited_list", "a,b"),
    ],
)
def test_a_value_that_a_property_of_the_type_would_not_take_is_refused(kind: Any, given: Any) -> None:
    ctx = FakeContext(KIND, properties={"value": given, "type": kind})
    with pytest.raises(PropertyError) as refused:
        ctx.type.validate(ctx.props)
    assert refused.value.path == "properties.value"


def test_a_value_that_is_not_known_yet_passes() -> None:
    ctx = FakeContext(KIND, properties={"value": Unknown("other"), "type": "number"})
    assert ctx.type.validate(ctx.props) is None
