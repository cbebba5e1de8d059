import pytest

from stackd.errors import PropertyError
from stackd.template.unknown import Unknown
from tests.support.context import FakeContext

KIND = "OS::Heat::Value"


@pytest.mark.parametrize(
    ("kind", "given", "seen"),
    [
        (None, {"a": [1, None]}, {"a": [1, None]}),
        ("string", 1, "1"),
        ("number", "1.50", 1.5),
        ("number", "3", 3),
        ("comma_delimited_list", "a,b", ["a", "b"]),
        ("comma_delimited_list", "", []),
        ("comma_delimited_list", ["a", 1], ["a", "1"]),
        ("json", '{"a": 1}', {"a": 1}),
        ("json", "", ""),
        ("json", [1], [1]),
        ("boolean", "On", True),
        ("boolean", 0, False),
    ],
)
async def test_the_attribute_has_the_type_that_is_asked_for(kind, given, seen):
    ctx = FakeContext(KIND, properties={"value": given} | ({"type": kind} if kind else {}))
    ctx.type.validate(ctx.props)
    await ctx.type.create(ctx, ctx.props)
    assert ctx.type.attribute_values(ctx.resource, {}) == {"value": seen}
    assert ctx.physical_id == ctx.physical_name


@pytest.mark.parametrize(
    ("kind", "given"), [("number", "x"), ("json", "{"), ("boolean", "maybe"), ("comma_delimited_list", 1)]
)
def test_a_value_of_another_type_is_refused(kind, given):
    ctx = FakeContext(KIND, properties={"value": given, "type": kind})
    with pytest.raises(PropertyError) as refused:
        ctx.type.validate(ctx.props)
    assert refused.value.remedy == f"Give a {kind}."


def test_a_value_that_is_not_known_yet_passes():
    ctx = FakeContext(KIND, properties={"value": Unknown("other"), "type": "number"})
    assert ctx.type.validate(ctx.props) is None
