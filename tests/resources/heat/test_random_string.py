import string
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackd.errors import PropertyError
from stackd.resources.heat.random_string import CLASSES, draw
from tests.support.context import FakeContext

KIND = "OS::Heat::RandomString"


async def test_the_text_is_kept_and_is_the_reference() -> None:
    ctx = FakeContext(KIND)
    await ctx.type.create(ctx, ctx.props)
    text = ctx.data["value"]
    assert len(text) == 32
    assert set(text) <= set(string.ascii_letters + string.digits)
    assert ctx.physical_id == ctx.physical_name
    assert ctx.type.reference(ctx.resource) == text
    assert ctx.shown({}) == {"value": text}


async def test_before_creation_the_reference_is_the_name() -> None:
    ctx = FakeContext(KIND, name="secret")
    assert ctx.type.reference(ctx.resource) == "secret"


async def test_the_old_sequence_property_chooses_the_characters() -> None:
    ctx = FakeContext(KIND, properties={"sequence": "octdigits", "length": 100})
    await ctx.type.create(ctx, ctx.props)
    assert set(ctx.data["value"]) <= set(string.octdigits)


@given(
    st.lists(st.tuples(st.sampled_from(sorted(CLASSES.values())), st.integers(1, 5)), min_size=1, max_size=5),
    st.integers(25, 60),
)
def test_every_minimum_is_met(parts: Any, length: Any) -> None:
    text = draw(parts, length)
    assert len(text) == length
    for alphabet, least in parts:
        assert sum(char in alphabet for char in text) >= least


def test_minima_must_fit_into_the_length() -> None:
    ctx = FakeContext(KIND, properties={"length": 3, "character_sequences": [{"sequence": "$", "min": 3}]})
    with pytest.raises(PropertyError, match="smaller than combined"):
        ctx.type.validate(ctx.props)
    ctx.type.validate(ctx.load({"length": 4, "character_sequences": [{"sequence": "$", "min": 3}]}))
