from hypothesis import given
from hypothesis import strategies as st

from stackd.resources.rest import without_nulls

plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=10,
)


def nulls_in_maps(value):
    if isinstance(value, dict):
        return any(each is None or nulls_in_maps(each) for each in value.values())
    return isinstance(value, list) and any(nulls_in_maps(each) for each in value)


@given(plain)
def test_without_nulls_leaves_none_in_any_map(value):
    assert not nulls_in_maps(without_nulls(value))


@given(plain)
def test_without_nulls_twice_is_the_same(value):
    once = without_nulls(value)
    assert without_nulls(once) == once
