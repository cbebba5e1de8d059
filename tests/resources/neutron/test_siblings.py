from stackd.resources.neutron.siblings import either, same
from stackd.template.unknown import Unknown


def test_reference_to_new_sibling_is_the_same_as_its_name() -> None:
    assert same(Unknown("net"), "net")
    assert same("net", Unknown("net"))
    assert same(Unknown("net", ("a",)), Unknown("net", ("a",)))
    assert not same(Unknown("net", ("a",)), "net")
    assert not same(None, None)
    assert not same("", "")


def test_first_value_under_current_or_former_name() -> None:
    assert either({"network": None, "network_id": "n"}, "network", "network_id") == "n"
    assert either({}, "network", "network_id") is None
