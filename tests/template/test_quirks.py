"""What the language does by accident, on which templates in the wild rely all the same."""

from __future__ import annotations

from typing import Any

import pytest

from stackd.errors import InvalidTemplateSection, TemplateError
from stackd.template import Limits, StackIdentity, bind_parameters, load_environment, load_template
from stackd.template.merge import merge_environments
from stackd.template.schemas import ParameterSchema
from tests.template.helpers import DataScope, cause, cfn, run

HIDDEN = [
    (True, True),
    (False, False),
    ("false", True),
    ("no", True),
    ("", False),
    (0, False),
    (None, False),
]


# --- functions --------------------------------------------------------------------------------------


def test_text_of_one_character_names_a_resource_in_get_attr() -> None:
    scope = DataScope(attributes={"r": {"name": "x"}})
    resources = {"r": {"type": "OS::Heat::Value"}}
    assert run({"get_attr": "r"}, scope=scope, resources=resources) == {"name": "x"}


@pytest.mark.parametrize(
    ("name", "version"), [("re", "2021-04-16"), ("r", "2015-04-30"), ("r", "2013-05-23")]
)
def test_other_text_is_no_argument_of_get_attr(name: str, version: str) -> None:
    resources = {name: {"type": "OS::Heat::Value"}}
    assert issubclass(cause({"get_attr": name}, version, resources=resources) or int, TypeError)


@pytest.mark.parametrize("others", [{}, {"query": {"a": 1}}])
def test_fragment_that_is_no_text_is_refused_with_and_without_a_query(others: dict[str, Any]) -> None:
    assert issubclass(cause({"make_url": {"host": "h", "fragment": 7, **others}}) or int, TypeError)


def test_null_condition_is_true() -> None:
    assert run({"if": [None, "yes", "no"]}) == "yes"


@pytest.mark.parametrize("condition", ["true", "false", "missing", 1, 0])
def test_other_values_are_no_conditions(condition: Any) -> None:
    with pytest.raises(TemplateError, match=f'Invalid condition "{condition}"'):
        run({"if": [condition, "yes", "no"]})


def test_replaced_text_is_not_replaced_again_but_repeated_text_is() -> None:
    assert run({"str_replace": {"template": "a b", "params": {"a": "b", "b": "c"}}}) == "b c"
    assert run({"repeat": {"template": "a b", "for_each": {"a": ["b"], "b": ["c"]}}}) == ["c c"]


def test_number_in_a_path_into_text_selects_a_character() -> None:
    declared = {"s": {"type": "string", "default": "abc"}}
    assert run({"get_param": ["s", -1]}, parameters=declared) == "c"
    assert run({"get_param": ["s", 3]}, parameters=declared) == ""


@pytest.mark.parametrize(
    ("path", "expected"),
    [(["0"], 7), ([0], 7), (["-1"], 8), (["x"], ""), ([5], ""), ([0, "x"], ""), ([None], "")],
)
def test_path_that_leads_nowhere_in_a_parameter_gives_empty_text(path: list[Any], expected: Any) -> None:
    declared = {"j": {"type": "json", "default": {"l": [7, 8]}}}
    assert run({"get_param": ["j", "l", *path]}, parameters=declared) == expected


@pytest.mark.parametrize(
    ("path", "expected"), [([0], 7), ([-1], 8), (["0"], None), ([5], None), (["x"], None)]
)
def test_path_that_leads_nowhere_in_an_attribute_gives_null(path: list[Any], expected: Any) -> None:
    scope = DataScope(attributes={"r": {"l": [7, 8]}})
    resources = {"r": {"type": "OS::Heat::Value"}}
    assert run({"get_attr": ["r", "l", *path]}, "2013-05-23", scope=scope, resources=resources) == expected


def test_digest_takes_latin_1() -> None:
    assert run({"digest": ["md5", "ä"]}) == "c15bcc5577f9fade4b4a3256190a59b0"
    assert issubclass(cause({"digest": ["md5", "€"]}) or int, UnicodeError)


def test_item_that_a_choice_omits_is_null_where_it_stands_alone() -> None:
    assert run({"if": [False, 1]}) is None
    assert run([{"if": [False, 1]}, 2]) == [2]
    assert run({"a": {"if": [False, 1]}, "b": None}) == {"b": None}


def test_branch_that_is_not_chosen_may_hold_anything() -> None:
    assert run({"if": [True, 1, {"get_param": ["missing"]}]}) == 1
    assert run({"if": [True, 1, {"str_split": "nonsense"}]}) == 1


# --- parameters --------------------------------------------------------------------------------------


@pytest.mark.parametrize(("written", "hidden"), HIDDEN)
def test_hidden_is_what_python_takes_for_true(written: Any, hidden: bool) -> None:
    parameters = {"p": {"type": "string", "default": "x", "hidden": written}}
    template = load_template({"heat_template_version": "2018-08-31", "parameters": parameters})
    assert template.parameter_schemas["p"].hidden is hidden


@pytest.mark.parametrize(
    ("written", "hidden"),
    [("true", True), ("TRUE", True), (True, True), ("yes", False), (False, False), ("1", False)],
)
def test_no_echo_is_the_text_true(written: Any, hidden: bool) -> None:
    template = cfn(Parameters={"p": {"Type": "String", "Default": "x", "NoEcho": written}})
    assert template.parameter_schemas["p"].hidden is hidden


def test_pattern_takes_its_first_alternative() -> None:
    declared = {"p": {"type": "string", "constraints": [{"allowed_pattern": "a|ab"}]}}
    assert run({"get_param": "p"}, parameters=declared, given={"p": "a"}) == "a"
    with pytest.raises(TemplateError, match=r'"ab" does not match pattern "a\|ab"'):
        run({"get_param": "p"}, parameters=declared, given={"p": "ab"})


def test_of_several_constraints_in_one_item_the_first_counts() -> None:
    both = {"length": {"max": 9}, "allowed_values": ["x"]}
    declared = {"p": {"type": "string", "constraints": [both]}}
    assert run({"get_param": "p"}, parameters=declared, given={"p": "other"}) == "other"


def test_groups_of_parameters_are_no_section_of_cloudformation() -> None:
    for name in ("parameter_groups", "ParameterGroups"):
        with pytest.raises(InvalidTemplateSection, match=f"The template section is invalid: {name}"):
            cfn(**{name: []})


def test_stack_id_is_the_text_none_before_the_stack_is_stored() -> None:
    template = load_template({"heat_template_version": "2018-08-31"})
    bound = bind_parameters(template, load_environment(None), StackIdentity("p", "s"))
    assert bound["OS::stack_id"] == "None"


def test_region_is_a_name_that_is_never_defined() -> None:
    with pytest.raises(TemplateError, match=r"The Parameter \(OS::region\) was not provided"):
        run({"get_param": "OS::region"})


# --- environments ------------------------------------------------------------------------------------


def target(registry: dict[str, Any], kind: str, resource: str = "r") -> str | None:
    environment = load_environment({"resource_registry": registry})
    known = {"OS::Heat::Value", "OS::Heat::None", "OS::Heat::TestResource"}
    return environment.resolve_type(kind, resource, exists=known.__contains__)


def test_wildcard_beats_an_exact_entry() -> None:
    registry = {"OS::Heat::Value": "OS::Heat::TestResource", "OS::Heat::*": "OS::Heat::None"}
    assert target(registry, "OS::Heat::Value") == "OS::Heat::None"


def test_shorter_wildcard_beats_a_longer_one() -> None:
    registry = {"OS::Heat::Val*": "OS::Heat::TestResource", "OS::Heat::*": "OS::Heat::None"}
    assert target(registry, "OS::Heat::Value") == "OS::Heat::None"


def test_wildcard_never_stands_for_a_template() -> None:
    assert target({"OS::Heat::*": "own.yaml"}, "OS::Heat::Value") == "OS::Heat::Value"


def test_wildcard_does_not_match_its_own_target() -> None:
    assert target({"OS::Heat::*": "OS::Heat::None"}, "OS::Heat::None") == "OS::Heat::None"


@pytest.mark.parametrize("registry", [{"My::A": "My::A"}, {"My::A": "My::B", "My::B": "My::A"}])
def test_circle_of_aliases_leads_nowhere(registry: dict[str, Any]) -> None:
    assert target(registry, "My::A") is None


def test_null_takes_back_what_was_mapped_before_it_only() -> None:
    before = {"OS::Heat::Value": "OS::Heat::None", "OS::Heat::V*": None}
    after = {"OS::Heat::V*": None, "OS::Heat::Value": "OS::Heat::None"}
    assert target(before, "OS::Heat::Value") == "OS::Heat::Value"
    assert target(after, "OS::Heat::Value") == "OS::Heat::None"


def test_null_does_not_hide_a_type() -> None:
    assert target({"OS::Heat::Value": None}, "OS::Heat::Value") == "OS::Heat::Value"


@pytest.mark.parametrize("wrong", [{"a": 1}, 5, ["x"], True])
def test_target_that_is_no_text_is_refused(wrong: Any) -> None:
    with pytest.raises(TemplateError):
        load_environment({"resource_registry": {"My::A": wrong}})


def test_names_in_the_registry_are_patterns_for_hooks_but_not_for_types() -> None:
    named = {"resources": {"web*": {"hooks": "pre-create", "OS::Heat::Value": "OS::Heat::None"}}}
    environment = load_environment({"resource_registry": named})
    assert environment.hooks("web1") == {"pre-create"}
    assert target(named, "OS::Heat::Value", "web1") == "OS::Heat::Value"
    assert target(named, "OS::Heat::Value", "web*") == "OS::Heat::None"


# --- merging -----------------------------------------------------------------------------------------


def merged(kind: str, *values: Any) -> Any:
    strategies = {"parameter_merge_strategies": {"p": "merge"}}
    parts = [load_environment({"parameters": {"p": value}, **strategies}) for value in values]
    return merge_environments(*parts, schemas={"p": ParameterSchema("p", kind)}).parameters["p"]


@pytest.mark.parametrize(
    ("kind", "one", "other", "expected"),
    [
        ("number", "1", "2", "12"),
        ("number", 1, 2, 3),
        ("comma_delimited_list", ["a"], "b,c", ["a", "b", "c"]),
        ("comma_delimited_list", "a", ["b"], ["a", "b"]),
        ("json", '{"a": 1}', {"b": 2}, {"a": 1, "b": 2}),
    ],
)
def test_text_of_numbers_is_joined_and_what_heat_fails_to_merge_is_merged(
    kind: str, one: Any, other: Any, expected: Any
) -> None:
    assert merged(kind, one, other) == expected


@pytest.mark.parametrize(("one", "other"), [(True, False), ("true", "false"), ("true", False)])
def test_booleans_cannot_be_merged(one: Any, other: Any) -> None:
    with pytest.raises(TemplateError, match="Invalid merge strategy for parameter 'p'"):
        merged("boolean", one, other)


def test_first_file_counts_as_it_is_and_later_ones_only_for_what_is_declared() -> None:
    first = load_environment({"parameters": {"undeclared": 1, "p": "a"}})
    second = load_environment({"parameters": {"other": 2, "p": "b"}})
    found = merge_environments(first, second, schemas={"p": ParameterSchema("p", "string")})
    assert found.parameters == {"undeclared": 1, "p": "b"}


# --- texts -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("yes", True),
        ("Off", False),
        ("0777", 511),
        ("0x1F", 31),
        ("0b11", 3),
        ("1_000", 1000),
        ("12:30:45", 45045),
        ("1.0e+3", 1000.0),
        ("1e3", "1e3"),
        ("0o17", "0o17"),
        ("09", "09"),
        ("~", None),
        ("", None),
        (".inf", float("inf")),
        ("123456789012345678901234567890", 123456789012345678901234567890),
        ("2013-05-23", "2013-05-23"),
        ("2014-01-01T00:00:00Z", "2014-01-01T00:00:00Z"),
        ("n", "n"),
        ("y", "y"),
    ],
)
def test_plain_scalar_is_typed_as_in_yaml_1_1(written: str, value: Any) -> None:
    text = f"heat_template_version: 2021-04-16\noutputs: {{o: {{value: {written} }}}}"
    found = load_template(text).outputs["o"].value
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("wrong", ["!foo x", "=", "\tx"])
def test_what_the_loader_cannot_construct_is_refused(wrong: str) -> None:
    with pytest.raises(TemplateError, match="Error parsing template"):
        load_template(f"heat_template_version: 2021-04-16\ndescription: {wrong}\n\tx: 1", limits=Limits())


def test_last_of_two_equal_keys_counts() -> None:
    text = "heat_template_version: 2021-04-16\noutputs:\n  o: {value: 1}\n  o: {value: 2}"
    assert load_template(text).outputs["o"].value == 2


# --- versions ----------------------------------------------------------------------------------------


def declared(version: str, **keys: Any) -> dict[str, Any]:
    parameters = {"p": {"type": "number", "default": 4, **keys}}
    return {"heat_template_version": version, "parameters": parameters}


@pytest.mark.parametrize("version", ["2013-05-23", "2015-04-30", "2016-10-14"])
def test_modulo_is_no_constraint_before_ocata(version: str) -> None:
    steps = {"modulo": {"step": 2, "offset": 0}}
    with pytest.raises(TemplateError):
        load_template(declared(version, constraints=[steps]))
    for later in ("2017-02-24", "ocata", "2021-04-16"):
        assert load_template(declared(later, constraints=[steps])).parameter_schemas["p"].constraints


@pytest.mark.parametrize("version", ["2013-05-23", "2017-09-01"])
def test_tags_are_no_key_of_parameters_before_queens(version: str) -> None:
    with pytest.raises(TemplateError, match="Invalid key 'tags' for parameter"):
        load_template(declared(version, tags=["a"]))
    assert load_template(declared("queens", tags=["a"])).parameter_schemas["p"].tags == ("a",)
