"""Template validation describes parameters in CloudFormation's words."""

from __future__ import annotations

from stackd.template import describe_template, load_template


def test_description_has_schemas_constraints_values_and_groups() -> None:
    template = load_template(
        {
            "heat_template_version": "2021-04-16",
            "description": "d",
            "parameter_groups": [{"label": "g", "parameters": ["a"]}],
            "parameters": {
                "a": {
                    "type": "comma_delimited_list",
                    "label": "A",
                    "default": "x",
                    "tags": ["t"],
                    "constraints": [
                        {"length": {"min": 1}, "description": "one"},
                        {"allowed_values": ["x", "y"], "description": "two"},
                    ],
                },
                "n": {
                    "type": "number",
                    "constraints": [
                        {"range": {"max": 5}},
                        {"modulo": {"step": 2, "offset": 0}},
                        {"custom_constraint": "c"},
                    ],
                },
                "s": {"type": "string", "hidden": True, "constraints": [{"allowed_pattern": "x*"}]},
            },
        }
    )
    assert describe_template(template, {"n": "4", "s": "xx"}) == {
        "Description": "d",
        "ParameterGroups": [{"label": "g", "parameters": ["a"]}],
        "Parameters": {
            "a": {
                "Type": "CommaDelimitedList",
                "Description": "",
                "NoEcho": "false",
                "Label": "A",
                "Default": "x",
                "Tags": ["t"],
                "MinLength": 1,
                "AllowedValues": ["x", "y"],
                "ConstraintDescription": "one two",
            },
            "n": {
                "Type": "Number",
                "Description": "",
                "NoEcho": "false",
                "Label": "n",
                "Value": "4",
                "MaxValue": 5,
                "Step": 2,
                "Offset": 0,
                "CustomConstraint": "c",
            },
            "s": {
                "Type": "String",
                "Description": "",
                "NoEcho": "true",
                "Label": "s",
                "Value": "******",
                "AllowedPattern": "x*",
            },
        },
    }


def test_template_without_anything_is_described_as_such() -> None:
    template = load_template({"heat_template_version": "2021-04-16"})
    assert describe_template(template) == {"Description": "No description", "Parameters": {}}
