from typing import Any

from stackd.engine.definition.desired import Desired, build, load_source
from stackd.engine.definition.nested_definitions import (
    HIDDEN_VALUES,
    NO_MEMBERS,
    hidden_values,
    members_of,
    no_members,
    with_hidden_values,
)
from stackd.records import Action, Definition, Resource
from stackd.resources.registry import load_registry
from stackd.template.parameters import StackIdentity
from stackd.template.unknown import Unknown, has_unknown
from tests.support.records import a_resource, a_stack
from tests.support.templates import hot

REGISTRY = load_registry([])
IDENTITY = StackIdentity(project_id="p", stack_name="s", stack_id="id")


def desired(**resources: Any) -> Desired:
    return build(load_source(hot(resources), None, {}), IDENTITY, REGISTRY, Definition("t"))


def value(of: Any) -> dict[str, Any]:
    return {"type": "OS::Heat::Value", "properties": {"value": of}}


def row(name: str, **fields: Any) -> Resource:
    given = {"type": "OS::Heat::Value", "action": Action.CREATE, "physical_id": f"s-{name}-1"}
    return a_resource(a_stack(), name, **(given | fields))


AROUND = desired(one=value("x"), two=value({"get_resource": "one"}), three=value("s-one-1"))


def test_sibling_is_found_by_its_reference_among_those_that_are_needed() -> None:
    scope = AROUND.scope({"one": row("one", properties={"value": "y"}, data={"kept": 1})})
    found = no_members(AROUND, "two", scope).sibling("s-one-1")
    assert found is not None
    assert (found.name, found.properties["value"], found.data) == ("one", "y", {"kept": 1})
    assert no_members(AROUND, "two", scope).sibling("s-two-1") is None
    assert no_members(AROUND, "three", scope).sibling("s-one-1") is None


def test_sibling_that_does_not_exist_yet_is_found_as_it_will_be() -> None:
    sibling = no_members(AROUND, "two", AROUND.scope({})).sibling
    found = sibling(Unknown("one"))
    assert found is not None
    assert (found.kind, found.properties["value"], found.physical_id) == ("OS::Heat::Value", "x", None)
    assert sibling(Unknown("one", ("value",))) is None
    assert sibling(Unknown("", ("parameters", "x"))) is None


def test_properties_of_a_wrong_sibling_are_not_known() -> None:
    around = desired(one={"type": "OS::Heat::RandomString", "properties": {"length": "long"}})
    found = no_members(around, "two", around.scope({})).sibling(Unknown("one"))
    assert found is not None
    assert has_unknown(dict(found.properties))


def test_members_have_the_definitions_of_the_stored_template() -> None:
    inside = desired(one=value(1), two=value(2))
    members = members_of(inside, {"one": row("one"), "two": None}, {}, REGISTRY)
    assert set(members.resources) == {"one"}
    assert members.definitions == {"one": value(1), "two": value(2)}
    assert members.sibling("s-one-1") is None


def test_secrets_that_members_have_now_are_kept_until_they_are_gone() -> None:
    inside = desired(one=value('a "quoted" word'), two=value("old-word"))
    members = members_of(inside, {}, {}, REGISTRY)
    secrets = frozenset({'a "quoted" word', "new-word"})
    data = {"kept": 1, HIDDEN_VALUES: ["old-word", "older-word"]}
    after = with_hidden_values(data, secrets, members)
    assert after == {"kept": 1, HIDDEN_VALUES: ['a "quoted" word', "old-word"]}
    assert hidden_values(row("one", data=after)) == {'a "quoted" word', "old-word"}
    assert with_hidden_values(data, secrets, NO_MEMBERS) == {"kept": 1}
    assert with_hidden_values({"kept": 1}, frozenset(), members) == {"kept": 1}
