"""Laws of evaluation, with and without what is not known yet, of texts, of parameters and of merging."""

from __future__ import annotations

import copy
import json
from typing import Any

import yaml
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from stackd.db.codec import from_json, to_json
from stackd.errors import StackdError, TemplateError
from stackd.template import (
    Environment,
    Unknown,
    bind_parameters,
    evaluate,
    load_environment,
    load_template,
    merge_environments,
)
from stackd.template.schemas import ParameterSchema, convert, text_form
from tests.template.grammar import FUNCTIONS, KEYS, PARAMETERS, values
from tests.template.helpers import IDENTITY, DataScope, template_with

SLOWLY = settings(suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much])
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=8)
    | st.sampled_from(
        ["yes", "0777", "2013-05-23", "12:30:45", "<<", "=", "~", "null", "1e3", "1_0", "", " x ", "a: b"]
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=25,
)


# --- evaluation --------------------------------------------------------------------------------------


def covers(open_value: Any, value: Any) -> bool:
    """Whether a result with open parts can become ``value`` once these are known.

    What is open may turn out to be anything, even omitted.
    """
    if isinstance(open_value, Unknown):
        return True
    if isinstance(open_value, dict) and isinstance(value, dict):
        omitted = [open_value[key] for key in open_value.keys() - value.keys()]
        return (
            value.keys() <= open_value.keys()
            and all(isinstance(each, Unknown) for each in omitted)
            and all(covers(open_value[key], each) for key, each in value.items())
        )
    if isinstance(open_value, list) and isinstance(value, list):
        return _covers_list(open_value, value)
    return type(open_value) is type(value) and bool(open_value == value)


def _covers_list(open_values: list[Any], wanted: list[Any]) -> bool:
    if not open_values:
        return not wanted
    first, *rest = open_values
    if isinstance(first, Unknown) and _covers_list(rest, wanted):
        return True
    return bool(wanted) and covers(first, wanted[0]) and _covers_list(rest, wanted[1:])


KNOWN: dict[str, Any] = {name: declared["default"] for name, declared in PARAMETERS.items()}
RESOURCES = {name: {"type": "OS::Heat::Value"} for name in ("r", "t")}
ATTRIBUTES = {
    "r": {"value": "x", "show": {"a": [1, {"b": "c"}]}, "nothing": None},
    "t": {"value": ["p", "q"], "show": {}, "nothing": None},
}


def result(value: Any, open_parameters: set[str], open_resources: set[str]) -> Any:
    """The value where these parameters and resources are not known yet."""
    sections: dict[str, Any] = {
        "parameters": PARAMETERS,
        "resources": RESOURCES,
        "conditions": {
            "yes": {"equals": [{"get_param": "s"}, "a b"]},
            "no": {"not": "yes"},
            "maybe": {"or": ["no", {"get_param": "b"}]},
        },
    }
    template = template_with(value, **sections)
    bound = dict(bind_parameters(template, load_environment(None), IDENTITY))
    bound |= {name: Unknown("", ("parameters", name)) for name in open_parameters}
    known = {name: each for name, each in ATTRIBUTES.items() if name not in open_resources}
    scope = DataScope(bound, ids={name: f"id-{name}" for name in known}, attributes=known)
    try:
        return evaluate(template.outputs["o"].value, scope, template=template)
    except (LookupError, TypeError):  # the scope's own, of a path that leads nowhere
        raise TemplateError("no such attribute") from None


OPEN_PARAMETERS = st.sets(st.sampled_from([*PARAMETERS]))
OPEN_RESOURCES = st.sets(st.sampled_from([*RESOURCES]))


@settings(SLOWLY, max_examples=150)
@given(values(leaves=12), OPEN_PARAMETERS, OPEN_RESOURCES)
def test_what_is_not_known_yet_hides_a_result_and_never_changes_or_breaks_it(
    value: Any, open_parameters: set[str], open_resources: set[str]
) -> None:
    try:
        known = result(value, set(), set())
    except StackdError:
        assume(False)
    assert covers(result(value, open_parameters, open_resources), known)


@settings(SLOWLY, max_examples=80)
@given(values(leaves=12), OPEN_PARAMETERS, OPEN_RESOURCES)
def test_evaluation_gives_the_same_again_and_changes_nothing(
    value: Any, open_parameters: set[str], open_resources: set[str]
) -> None:
    before = copy.deepcopy(value)
    try:
        one = result(value, open_parameters, open_resources)
    except StackdError as error:
        assume(bool(str(error)))
        assume(False)
    assert repr(result(value, open_parameters, open_resources)) == repr(one)
    assert repr(value) == repr(before)


def test_functions_of_all_versions_take_part() -> None:
    assert {"get_attr", "if", "repeat", "Fn::Select", "Ref", "make_url"} <= set(FUNCTIONS)


# --- texts -------------------------------------------------------------------------------------------


def template_of(data: Any) -> dict[str, Any]:
    """A template that contains the data where nothing reads it."""
    return {"heat_template_version": "2021-04-16", "outputs": {"o": {"value": 1, "x": data}}}


@settings(SLOWLY, max_examples=150)
@given(PLAIN)
def test_template_written_as_yaml_json_or_stored_is_read_as_it_was(data: Any) -> None:
    given_template = template_of(data)
    expected = load_template(given_template).data
    for text in (
        yaml.safe_dump(given_template),
        yaml.safe_dump(given_template, default_flow_style=True),
        json.dumps(given_template),
        json.dumps(given_template, indent=1, ensure_ascii=False),
    ):
        assert repr(_sorted(load_template(text).data)) == repr(_sorted(expected))


@settings(SLOWLY, max_examples=100)
@given(PLAIN)
def test_stored_form_of_a_template_is_read_as_it_was(data: Any) -> None:
    finite = json.loads(json.dumps(template_of(data)).replace("Infinity", "0"))
    assert repr(_sorted(load_template(from_json(to_json(finite))).data)) == repr(_sorted(finite))


def _sorted(data: Any) -> Any:
    if isinstance(data, dict):
        return {key: _sorted(data[key]) for key in sorted(data)}
    return [_sorted(each) for each in data] if isinstance(data, list) else data


# --- parameters --------------------------------------------------------------------------------------

NUMBERS = st.integers(-(10**12), 10**12) | st.floats(allow_nan=False, allow_infinity=False)
ITEMS = st.text(max_size=5).filter(lambda text: "," not in text)
JSON_DATA = st.dictionaries(
    st.text(max_size=4), st.none() | st.booleans() | NUMBERS | st.text(max_size=5), max_size=3
)


@given(
    st.tuples(st.just("string"), st.text(max_size=9))
    | st.tuples(st.just("number"), NUMBERS)
    | st.tuples(st.just("boolean"), st.booleans())
    | st.tuples(
        st.just("comma_delimited_list"), st.lists(ITEMS, max_size=4).filter(lambda items: items != [""])
    )
    | st.tuples(st.just("json"), JSON_DATA | st.lists(JSON_DATA, max_size=2))
)
def test_text_form_of_a_parameter_gives_its_value_again(typed: tuple[str, Any]) -> None:
    kind, value = typed
    bound = convert(kind, value)
    text = text_form(kind, bound)
    assert convert(kind, text) == bound
    assert text_form(kind, convert(kind, text)) == text


@given(st.sampled_from([declared["type"] for declared in PARAMETERS.values()]), PLAIN)
def test_converted_value_converts_to_itself(kind: str, value: Any) -> None:
    try:
        once = convert(kind, value)
    except ValueError:
        assume(False)
    if kind == "json" and isinstance(once, str):
        return  # a text in a JSON text may be a JSON text itself
    assert convert(kind, once) == once


# --- environments ------------------------------------------------------------------------------------

NAMES = ("a", "b", "c")
SCHEMAS = {name: ParameterSchema(name, "json") for name in NAMES}
OBJECTS = st.dictionaries(st.sampled_from(["x", "y"]), st.text("pq", max_size=2), min_size=1)
MAPS = st.dictionaries(st.sampled_from(NAMES), OBJECTS, min_size=1)


def environment(parameters: dict[str, Any], strategy: str = "overwrite", **sections: Any) -> Environment:
    strategies = {"default": strategy}
    return load_environment({"parameters": parameters, "parameter_merge_strategies": strategies, **sections})


@given(MAPS, st.sampled_from(["overwrite", "merge", "deep_merge"]))
def test_one_environment_is_merged_to_itself(parameters: dict[str, Any], strategy: str) -> None:
    one = environment(parameters, strategy, resource_registry={"My::A": "OS::Heat::None"})
    merged = merge_environments(one, schemas=SCHEMAS)
    assert merged.to_data() == one.to_data()
    empty = environment({}, strategy)
    assert merge_environments(one, empty, schemas=SCHEMAS).to_data() == one.to_data()
    assert merge_environments(empty, one, schemas=SCHEMAS).to_data() == one.to_data()


@given(MAPS, MAPS, MAPS, st.sampled_from(["overwrite", "merge", "deep_merge"]))
def test_environments_may_be_merged_in_any_grouping(
    one: dict[str, Any], two: dict[str, Any], three: dict[str, Any], strategy: str
) -> None:
    a, b, c = (environment(each, strategy) for each in (one, two, three))
    flat = merge_environments(a, b, c, schemas=SCHEMAS)
    left = merge_environments(merge_environments(a, b, schemas=SCHEMAS), c, schemas=SCHEMAS)
    right = merge_environments(a, merge_environments(b, c, schemas=SCHEMAS), schemas=SCHEMAS)
    assert flat.parameters == left.parameters == right.parameters


@given(st.lists(MAPS, min_size=1, max_size=4))
def test_last_environment_that_names_a_parameter_wins(parts: list[dict[str, Any]]) -> None:
    merged = merge_environments(*map(environment, parts), schemas=SCHEMAS)
    assert merged.parameters == {name: each for part in parts for name, each in part.items()}


@given(MAPS, MAPS)
def test_merged_maps_have_the_keys_of_both_and_the_values_of_the_last(
    one: dict[str, Any], two: dict[str, Any]
) -> None:
    merged = merge_environments(environment(one, "merge"), environment(two, "merge"), schemas=SCHEMAS)
    for name, value in merged.parameters.items():
        assert value == {**one.get(name, {}), **two.get(name, {})}


@given(
    st.dictionaries(KEYS, st.text(max_size=3), max_size=3),
    st.dictionaries(KEYS, st.text(max_size=3), max_size=3),
)
def test_registries_are_laid_over_each_other(one: dict[str, str], two: dict[str, str]) -> None:
    first, second = (environment({}, resource_registry=each) for each in (one, two))
    assert merge_environments(first, second).resource_registry == {**one, **two}
