from hypothesis import given
from hypothesis import strategies as st

from stackd.resources.neutron import objects
from stackd.template.unknown import Unknown

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
    assert not nulls_in_maps(objects.without_nulls(value))


@given(plain)
def test_without_nulls_twice_is_the_same(value):
    once = objects.without_nulls(value)
    assert objects.without_nulls(once) == once


def test_reference_to_new_sibling_is_the_same_as_its_name():
    assert objects.same(Unknown("net"), "net")
    assert objects.same("net", Unknown("net"))
    assert objects.same(Unknown("net", ("a",)), Unknown("net", ("a",)))
    assert not objects.same(Unknown("net", ("a",)), "net")
    assert not objects.same(None, None)
    assert not objects.same("", "")


def test_first_value_under_current_or_former_name():
    assert objects.either({"network": None, "network_id": "n"}, "network", "network_id") == "n"
    assert objects.either({}, "network", "network_id") is None
