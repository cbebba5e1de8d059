"""What CloudFormation templates have beyond Heat."""

from __future__ import annotations

import ipaddress
import json
from typing import Any, ClassVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stackd.errors import InvalidTemplateSection, TemplateError
from stackd.template import (
    Unknown,
    bind_parameters,
    dependencies,
    evaluate,
    load_environment,
    load_template,
    parse_text,
    resolve_conditions,
    validate_static,
)
from stackd.template.exports import export_names, import_names
from stackd.template.functions.aws import placeholders
from tests.template.helpers import IDENTITY, DataScope, cfn, template_with

PARAMETERS = {
    "S": {"Type": "String", "Default": "text"},
    "N": {"Type": "Number", "Default": 5},
    "B": {"Type": "Boolean", "Default": True},
    "L": {"Type": "CommaDelimitedList", "Default": "a,b"},
}


class ExportScope(DataScope):
    exports: ClassVar[dict[str, Any]] = {"net": ["n1"]}


def value_of(value: Any, *, scope: DataScope | None = None, **sections: Any) -> Any:
    """What a value gives in a template with some parameters, and a resource R that has the attribute a.b."""
    resources = {"R": {"Type": "T"}}
    template = cfn(resources, Outputs={"o": {"Value": value}}, Parameters=PARAMETERS, **sections)
    scope = scope or DataScope(ids={"R": "r-1"}, attributes={"R": {"a.b": "attr"}})
    scope.parameters = bind_parameters(template, load_environment({}), IDENTITY)
    return evaluate(template.outputs["o"].value, scope, template=template)


def refusal(value: Any, **sections: Any) -> str:
    with pytest.raises(TemplateError) as caught:
        value_of(value, **sections)
    return caught.value.message


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("${S}-${N}", "text-5"),
        ("${B} ${AWS::StackName}", "true web"),
        ("${R}:${R.a.b}", "r-1:attr"),
        ("${!S} $S ${S", "${S} $S ${S"),
        ("", ""),
        (["${S}${V}", {"S": "over", "V": {"Fn::Join": ["", ["x", "y"]]}}], "overxy"),
        (["${V}", {"V": None, "unused": [1]}], ""),
        ("${AWS::Partition}:${AWS::AccountId}", "openstack:p1"),
        ("${ S }", "text"),
    ],
)
def test_names_in_a_text_are_substituted(value: Any, expected: str) -> None:
    assert value_of({"Fn::Sub": value}) == expected


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"Fn::Sub": {"Ref": "S"}}, "must be of the form"),
        ({"Fn::Sub": ["a"]}, "must be of the form"),
        ({"Fn::Sub": "${}"}, "empty name"),
        ({"Fn::Sub": "${L}"}, 'The variable "L" of "Fn::Sub" is not a text but a list'),
        ({"Fn::Sub": "${Nothing}"}, '"Nothing"'),
        ({"Fn::Cidr": ["10.0.0.0/24", 3, 7]}, "no room for 3 blocks with 7 bits"),
        ({"Fn::Cidr": ["10.0.0.0/24", 257]}, "from 1 to 256"),
        ({"Fn::Cidr": ["10.0.0.0/24", "x"]}, "invalid literal"),
        ({"Fn::Cidr": ["nowhere", 1]}, "does not appear to be"),
        ({"Fn::Length": "abc"}, "must be a list"),
        ({"Fn::Length": {"Ref": "S"}}, "must be a list"),
        ({"Fn::ToJsonString": "abc"}, "must be a map or a list"),
        ({"Fn::FindInMap": ["M", "k", "x"]}, 'Mapping "M" has no value'),
        ({"Fn::FindInMap": ["M", "k", "x", 7]}, "DefaultValue"),
        ({"Fn::Transform": {"Name": "AWS::Include"}}, "Macros and transforms are not supported"),
    ],
)
def test_wrong_arguments_are_refused(value: Any, problem: str) -> None:
    assert problem in refusal(value, Mappings={"M": {"k": {"v": 1}}})


def test_no_value_takes_away_what_it_stands_for() -> None:
    nothing = {"Ref": "AWS::NoValue"}
    chosen = {"Fn::If": ["No", 1, nothing]}
    conditions = {"No": {"Fn::Equals": [1, 2]}}
    assert value_of({"a": nothing, "b": [chosen, 2], "c": chosen}, Conditions=conditions) == {"b": [2]}
    assert "has no value" in refusal({"Fn::Sub": "${AWS::NoValue}"})


def test_only_what_heat_has_is_shown_of_the_pseudo_parameters() -> None:
    parameters = bind_parameters(cfn(), load_environment({}), IDENTITY)
    assert sorted(parameters.shown()) == ["AWS::Region", "AWS::StackId", "AWS::StackName"]


def test_what_a_text_names_is_required() -> None:
    template = cfn(
        {
            "A": {"Type": "T"},
            "B": {"Type": "T"},
            "C": {"Type": "T", "Properties": {"p": {"Fn::Sub": "${A} ${B.x} ${S} ${!D}"}}},
        },
        Parameters=PARAMETERS,
    )
    parameters = bind_parameters(template, load_environment({}), IDENTITY)
    assert dependencies(template, resolve_conditions(template, parameters))["C"] == {"A", "B"}


def test_name_that_is_nothing_is_told_with_its_place_and_a_way_out() -> None:
    text = 'AWSTemplateFormatVersion: "2010-09-09"\nOutputs:\n  o:\n    Value: !Sub "${Lost}"\n'
    template = load_template(text)
    [error] = validate_static(template, {})
    assert error.message == 'The specified reference "Lost" (in Outputs.o.Value.Fn::Sub) is incorrect.'
    assert error.place.line == 4
    assert error.remedy.endswith("write ${!Lost} for the text ${Lost}.")


def test_substitution_waits_for_what_is_not_known() -> None:
    assert isinstance(value_of({"Fn::Sub": "${R}"}, scope=DataScope()), Unknown)


@given(st.text(alphabet="${}!aB. ", max_size=30))
def test_pieces_of_a_text_lose_nothing(text: str) -> None:
    try:
        pieces = list(placeholders(text))
    except ValueError:
        return
    if "!" not in text and " " not in text:
        assert "".join(f"${{{piece}}}" if is_name else piece for piece, is_name in pieces) == text


def test_hostile_text_is_cut_in_no_time() -> None:
    assert [piece for piece, _ in placeholders("${" * 200_000)] == ["${" * 200_000]


@settings(max_examples=50)
@given(st.integers(8, 24), st.integers(1, 16), st.integers(0, 8))
def test_blocks_are_parts_of_the_block_and_do_not_overlap(prefix: int, count: int, bits: int) -> None:
    block = f"10.0.0.0/{prefix}"
    fits = bits >= 1 and count * 2**bits <= 2 ** (32 - prefix)
    if not fits:
        assert "Fn::Cidr" in refusal({"Fn::Cidr": [block, count, bits]})
        return
    made = [ipaddress.IPv4Network(each) for each in value_of({"Fn::Cidr": [block, count, bits]})]
    assert len(set(made)) == count
    assert all(each.subnet_of(ipaddress.IPv4Network(block)) for each in made)
    assert {each.prefixlen for each in made} == {32 - bits}


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"Fn::Cidr": ["192.168.0.0/24", "6", "5"]}, [f"192.168.0.{n * 32}/27" for n in range(6)]),
        ({"Fn::Cidr": ["fd00::/56", 2, 64]}, ["fd00::/64", "fd00:0:0:1::/64"]),
        ({"Fn::Length": {"Ref": "L"}}, 2),
        ({"Fn::Length": [{"Ref": "R"}, 1, 2]}, 3),
        ({"Fn::ToJsonString": {"b": [1, {"Ref": "S"}], "a": "ü"}}, '{"b":[1,"text"],"a":"ü"}'),
        ({"Fn::FindInMap": ["M", "k", "x", {"DefaultValue": {"Ref": "S"}}]}, "text"),
        ({"Fn::FindInMap": ["none", "k", "v", {"DefaultValue": 2}]}, 2),
        ({"Fn::FindInMap": ["M", {"Fn::Select": [0, ["k"]]}, "v"]}, 1),
    ],
)
def test_functions_of_cloudformation_give_what_they_should(value: Any, expected: Any) -> None:
    assert value_of(value, Mappings={"M": {"k": {"v": 1}}}) == expected


def test_length_of_a_list_with_unknown_items_is_known() -> None:
    assert value_of({"Fn::Length": [{"Ref": "R"}]}, scope=DataScope()) == 1


def test_imports_come_from_the_scope() -> None:
    imported = {"Fn::ImportValue": {"Fn::Sub": "${Name}"}}
    sections = {"Outputs": {"o": {"Value": imported}}, "Parameters": {"Name": {"Type": "String"}}}
    template = cfn(**sections)
    environment = load_environment({"parameters": {"Name": "net"}})
    parameters = bind_parameters(template, environment, IDENTITY)
    assert import_names(template, resolve_conditions(template, parameters)) == {"net"}
    node = template.outputs["o"].value
    assert evaluate(node, ExportScope(parameters), template=template) == ["n1"]
    assert evaluate(node, DataScope(parameters), template=template) == Unknown("", ("exports", "net"))
    parameters = bind_parameters(template, load_environment({"parameters": {"Name": "lost"}}), IDENTITY)
    with pytest.raises(TemplateError, match=r"No export named lost found\."):
        evaluate(node, ExportScope(parameters), template=template)


def test_names_of_exports_are_checked() -> None:
    exported = {"Value": 1, "Export": {"Name": {"Fn::Sub": "${AWS::StackName}:x"}}}
    wrong: dict[str, Any] = {
        "twice": {"Fn::Join": [":", ["web", "x"]]},
        "text": "not a name",
        "long": "x" * 256,
        "kind": 7,
        "resource": {"Ref": "R"},
    }
    outputs = {name: {"Value": 1, "Export": {"Name": export}} for name, export in wrong.items()}
    template = cfn({"R": {"Type": "T"}}, Outputs={"good": exported, **outputs})
    parameters = bind_parameters(template, load_environment({}), IDENTITY)
    errors: list[TemplateError] = []
    names = export_names(template, resolve_conditions(template, parameters), errors.append)
    assert names == {"good": "web:x"}
    assert [error.path.split(".")[1] for error in errors] == list(wrong)


@pytest.mark.parametrize("export", ["x", {}, {"Name": "a", "other": 1}])
def test_export_of_another_shape_is_refused(export: Any) -> None:
    with pytest.raises(TemplateError, match="An export must be a map with the key Name"):
        cfn(Outputs={"o": {"Value": 1, "Export": export}})


CONDITIONS = {
    "Yes": {"Fn::Equals": [{"Fn::Sub": "${S}"}, "text"]},
    "Also": {"Fn::And": [{"Condition": "Yes"}, {"Fn::Not": [{"Condition": "No"}]}]},
    "No": {"Fn::Equals": [{"Fn::Select": [0, {"Ref": "L"}]}, "b"]},
}


def test_conditions_name_each_other_and_use_texts() -> None:
    template = cfn(Parameters=PARAMETERS, Conditions=CONDITIONS)
    parameters = bind_parameters(template, load_environment({}), IDENTITY)
    assert dict(resolve_conditions(template, parameters)) == {"Yes": True, "Also": True, "No": False}


def test_import_in_a_condition_is_refused() -> None:
    with pytest.raises(TemplateError, match='"Fn::ImportValue" is invalid in this context'):
        cfn(Conditions={"c": {"Fn::Equals": [{"Fn::ImportValue": "x"}, 1]}})


def problems(rules: Any, **given: Any) -> list[str]:
    template = cfn(Parameters=PARAMETERS, Rules=rules)
    parameters = bind_parameters(template, load_environment({"parameters": given}), IDENTITY)
    return [error.message for error in validate_static(template, parameters)]


def rule(assertion: Any, **more: Any) -> dict[str, Any]:
    return {"r": {"Assertions": [{"Assert": assertion, "AssertDescription": "no"}], **more}}


@pytest.mark.parametrize(
    ("assertion", "holds"),
    [
        ({"Fn::Contains": [["text", "x"], {"Ref": "S"}]}, True),
        ({"Fn::Contains": [["x"], {"Ref": "S"}]}, False),
        ({"Fn::Contains": [["5"], {"Ref": "N"}]}, True),
        ({"Fn::EachMemberIn": [{"Ref": "L"}, ["a", "b", "c"]]}, True),
        ({"Fn::EachMemberIn": [{"Ref": "L"}, ["a"]]}, False),
        ({"Fn::EachMemberEquals": [{"Ref": "L"}, "a"]}, False),
        ({"Fn::EachMemberEquals": [["a", "a"], "a"]}, True),
        ({"Fn::And": [{"Fn::Equals": [{"Ref": "S"}, "text"]}, {"Fn::Not": [{"Fn::Equals": [1, 2]}]}]}, True),
        ({"Fn::Or": [{"Fn::Equals": [1, 2]}, {"Fn::Equals": [1, 3]}]}, False),
    ],
)
def test_assertions_are_judged_by_the_parameters(assertion: Any, holds: bool) -> None:
    assert problems(rule(assertion)) == ([] if holds else ["no"])


def test_rule_whose_condition_is_false_asserts_nothing() -> None:
    never = {"Fn::Equals": [{"Ref": "S"}, "prod"]}
    rules = rule({"Fn::Equals": [1, 2]}, RuleCondition=never)
    assert problems(rules) == []
    assert problems(rules, S="prod") == ["no"]


@pytest.mark.parametrize(
    ("rules", "problem"),
    [
        ([1], "must contain a map of rules"),
        ({"r": 1}, "a list of Assertions"),
        ({"r": {"Assertions": [1]}}, "the key Assert"),
        (rule("x"), "This is not a condition"),
        (rule(True, Other=1), "The key Other has no meaning here"),
        (rule({"Fn::ValueOf": ["S", "x"]}), "only parameters are known to them"),
        (rule({"Fn::RefAll": "AWS::EC2::VPC::Id"}), "only parameters are known to them"),
        (rule({"Fn::Equals": [{"Ref": "Nothing"}, 1]}), "Nothing"),
        (rule({"Fn::Contains": ["x", "x"]}), "is not a list"),
    ],
)
def test_rule_that_is_none_is_refused(rules: Any, problem: str) -> None:
    assert any(problem in message for message in problems(rules))


def test_interface_groups_and_labels_parameters() -> None:
    interface = {
        "ParameterGroups": [
            {"Label": {"default": "Main"}, "Parameters": ["S", "Lost"]},
            7,
            {"Parameters": 1},
        ],
        "ParameterLabels": {"S": {"default": "The text"}, "N": "no map"},
    }
    template = cfn(Parameters=PARAMETERS, Metadata={"AWS::CloudFormation::Interface": interface, "mine": [1]})
    assert template.parameter_groups == [{"label": "Main", "parameters": ["S"]}]
    assert [template.parameter_schemas[name].label for name in "SN"] == ["The text", "N"]


@pytest.mark.parametrize("section", ["Transform", "Hooks"])
def test_refused_section_says_why(section: str) -> None:
    with pytest.raises(InvalidTemplateSection, match=f"The template section is invalid: {section}") as caught:
        cfn(**{section: "x"})
    assert "not supported" in caught.value.remedy


def test_replacement_policy_is_read_and_checked() -> None:
    template = cfn({"R": {"Type": "T", "UpdateReplacePolicy": "Retain"}, "Q": {"Type": "T"}})
    assert [template.resources[name].replacement_policy for name in "RQ"] == ["Retain", None]
    with pytest.raises(TemplateError, match='Invalid update replace policy "Keep"'):
        cfn({"R": {"Type": "T", "UpdateReplacePolicy": "Keep"}})


@pytest.mark.parametrize("name", ["Fn::Sub", "Fn::ImportValue", "Fn::Cidr", "Fn::Length", "Fn::ToJsonString"])
def test_in_hot_the_functions_of_cloudformation_are_maps(name: str) -> None:
    assert template_with({name: "${x}"}).outputs["o"].value == {name: "${x}"}


AWS = 'AWSTemplateFormatVersion: "2010-09-09"\n'
TAGGED = {
    "!Ref x": {"Ref": "x"},
    "!Condition x": {"Condition": "x"},
    "!GetAtt a.b.c": {"Fn::GetAtt": ["a", "b.c"]},
    "!GetAtt [a, b]": {"Fn::GetAtt": ["a", "b"]},
    "!Sub 12": {"Fn::Sub": "12"},
    '!GetAZs ""': {"Fn::GetAZs": ""},
    "!Join [',', [!Ref a, {k: !Ref b}]]": {"Fn::Join": [",", [{"Ref": "a"}, {"k": {"Ref": "b"}}]]},
    "!Base64 {Fn::Sub: x}": {"Fn::Base64": {"Fn::Sub": "x"}},
    "!If [c, !Ref a, !Ref AWS::NoValue]": {"Fn::If": ["c", {"Ref": "a"}, {"Ref": "AWS::NoValue"}]},
    "!Not [!Equals [1, 2]]": {"Fn::Not": [{"Fn::Equals": [1, 2]}]},
}


@pytest.mark.parametrize("text", TAGGED)
def test_short_forms_are_read_as_the_long_ones(text: str) -> None:
    assert parse_text(f"{AWS}a: {text}").data["a"] == TAGGED[text]
    assert parse_text(f"a: {text}\nHeatTemplateFormatVersion: '2012-12-12'").data["a"] == TAGGED[text]


def test_short_forms_can_be_anchors_and_have_places() -> None:
    document = parse_text(f"{AWS}a: &a !Join ['', [x]]\nb: *a\nc: &c !Ref y\nd: [*c]")
    assert document.data["b"] == document.data["a"]
    assert document.data["d"] == [{"Ref": "y"}]
    assert document.place(("a", "Fn::Join", 1, 0)).column == 19


@pytest.mark.parametrize(
    ("tag", "remedy"),
    [
        ("!Ref x", "{get_param: …} for a parameter or {get_resource: …}"),
        ("!GetAtt a.b", "{get_attr: [resource, attribute]}"),
        ("!Sub x", "{str_replace:"),
        ("!Join [a]", "{list_join:"),
        ("!If [a]", "{if:"),
        ("!Cidr [a]", "HOT has nothing like !Cidr"),
    ],
)
def test_in_hot_a_short_form_is_refused_with_what_to_write(tag: str, remedy: str) -> None:
    with pytest.raises(TemplateError, match="constructor for the tag") as caught:
        parse_text(f"heat_template_version: 2021-04-16\na: {tag}")
    assert remedy in caught.value.remedy
    assert caught.value.place.line == 2


@pytest.mark.parametrize("text", ["a: !Foo x", "a: !Foo [x]", "a: !Foo {x: 1}", "? !Ref a\n: b"])
def test_other_tags_are_refused_in_cloudformation(text: str) -> None:
    with pytest.raises(TemplateError, match="Error parsing template"):
        parse_text(AWS + text)


def test_short_forms_count_as_deep_as_the_long_ones() -> None:
    for depth, fits in ((49, True), (50, False)):
        short = AWS + "a: " + "!If [" * depth + "x" + "]" * depth
        data = {"AWSTemplateFormatVersion": "2010-09-09", "a": _nested(depth)}
        for text in (short, json.dumps(data)):
            if fits:
                assert parse_text(text).data["a"] == data["a"]
            else:
                with pytest.raises(TemplateError, match="nested more than 100 levels"):
                    parse_text(text)


def _nested(depth: int) -> Any:
    value: Any = "x"
    for _ in range(depth):
        value = {"Fn::If": [value]}
    return value
