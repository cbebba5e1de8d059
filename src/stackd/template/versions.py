"""Template versions as data: which functions, condition functions, sections and keys each of them has.

HOT versions are steps from the one before; CloudFormation dialects are written out. No version has a class.
What CloudFormation has and Heat does not stands in the same tables, and its names in `Beyond`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final, Literal

from stackd.errors import InvalidTemplateVersion, NotFound
from stackd.template.functions.aws import (
    Cidr,
    ConditionRef,
    EachMember,
    ImportValue,
    Length,
    Refused,
    RuleContains,
    Sub,
    ToJsonString,
)
from stackd.template.functions.base import Function
from stackd.template.functions.cfn import Base64, FindInMap, GetAZs, MemberListToMap, Select, SplitCfn
from stackd.template.functions.conditions import Equals, If, Not, NotHere, Removed, Several
from stackd.template.functions.lists import Contains, Filter, ListConcat, Repeat
from stackd.template.functions.maps import MapMerge, MapReplace
from stackd.template.functions.refs import (
    CFN_FACADE,
    GetAttr,
    GetFile,
    GetParam,
    GetResource,
    ParamRef,
    Ref,
    ResourceFacade,
)
from stackd.template.functions.text import Digest, Join, JoinMultiple, MakeUrl, Replace, Split
from stackd.template.functions.yaql import Yaql

Dialect = Literal["hot", "cfn"]
Functions = Mapping[str, Function]

HOT_KEY: Final = "heat_template_version"
AWS_KEY: Final = "AWSTemplateFormatVersion"
AWS_VERSION: Final = "2010-09-09"
HEAT_CFN_KEY: Final = "HeatTemplateFormatVersion"

# Section and key names: what the rest of the code calls them, and what each dialect does.
_HOT_SECTIONS: Final = {
    "description": "description",
    "parameter_groups": "parameter_groups",
    "parameters": "parameters",
    "resources": "resources",
    "outputs": "outputs",
}
_CFN_SECTIONS: Final = {
    "description": "Description",
    "mappings": "Mappings",
    "parameters": "Parameters",
    "resources": "Resources",
    "outputs": "Outputs",
}
_HOT_RESOURCE_KEYS: Final = {
    key: key
    for key in (
        "type",
        "properties",
        "metadata",
        "depends_on",
        "deletion_policy",
        "update_policy",
        "description",
    )
}
_CFN_RESOURCE_KEYS: Final = {
    "type": "Type",
    "properties": "Properties",
    "metadata": "Metadata",
    "depends_on": "DependsOn",
    "deletion_policy": "DeletionPolicy",
    "update_policy": "UpdatePolicy",
    "description": "Description",
}
_HOT_PARAMETER_KEYS: Final = {
    key: key
    for key in ("type", "label", "description", "default", "hidden", "constraints", "immutable", "schema")
}
_CFN_PARAMETER_KEYS: Final = {
    "type": "Type",
    "label": "Label",
    "description": "Description",
    "default": "Default",
    "hidden": "NoEcho",
    "allowed_values": "AllowedValues",
    "allowed_pattern": "AllowedPattern",
    "min_length": "MinLength",
    "max_length": "MaxLength",
    "min_value": "MinValue",
    "max_value": "MaxValue",
    "constraint_description": "ConstraintDescription",
}
_DELETION_POLICIES: Final = {policy: policy for policy in ("Delete", "Retain", "Snapshot")}
_LOWER_DELETION_POLICIES: Final = {policy.lower(): policy for policy in _DELETION_POLICIES}
_BASE_CONSTRAINTS: Final = frozenset(
    {"length", "range", "allowed_values", "allowed_pattern", "custom_constraint"}
)


@dataclass(frozen=True, slots=True)
class Beyond:
    """The names that a version has and Heat's does not: sections and keys as they are written."""

    functions: frozenset[str] = frozenset()
    condition_functions: frozenset[str] = frozenset()
    sections: frozenset[str] = frozenset()
    resource_keys: frozenset[str] = frozenset()
    output_keys: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Version:
    """One version of the template language.

    ``functions`` and ``condition_functions`` are what users may call, ``rule_functions`` what they may call
    in rules; ``recognised`` adds names that exist only to be refused, ``recognised_in_conditions`` the
    ordinary functions that conditions may not use. ``refused_sections`` are sections with the reason why
    they are refused.
    """

    key: str
    date: str
    dialect: Dialect
    aliases: tuple[str, ...] = ()
    functions: Functions = field(default_factory=dict, repr=False)
    removed: frozenset[str] = frozenset()
    condition_functions: Functions = field(default_factory=dict, repr=False)
    sections: Mapping[str, str] = field(default_factory=dict, repr=False)
    resource_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    parameter_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    output_keys: Mapping[str, str] = field(default_factory=dict, repr=False)
    deletion_policies: Mapping[str, str] = field(default_factory=dict, repr=False)
    constraints: frozenset[str] = _BASE_CONSTRAINTS
    rule_functions: Functions = field(default_factory=dict, repr=False)
    refused_sections: Mapping[str, str] = field(default_factory=dict, repr=False)
    beyond: Beyond = Beyond()

    @property
    def name(self) -> str:
        """The full name, as lists of versions show it."""
        return f"{self.key}.{self.date}"

    @property
    def recognised(self) -> Functions:
        """Every function name the parser knows outside conditions."""
        return _RECOGNISED[self.name]

    @property
    def recognised_in_conditions(self) -> Functions:
        """Every function name the parser knows inside conditions."""
        return _RECOGNISED_IN_CONDITIONS[self.name]

    @property
    def has_conditions(self) -> bool:
        """Whether templates may have conditions."""
        return "conditions" in self.sections


@dataclass(frozen=True, slots=True)
class _Step:
    """What one HOT version changes; a None function is removed."""

    date: str
    alias: str = ""
    functions: Mapping[str, Function | None] = field(default_factory=dict)
    conditions: Functions = field(default_factory=dict)
    sections: tuple[str, ...] = ()
    resource_keys: tuple[str, ...] = ()
    parameter_keys: tuple[str, ...] = ()
    output_keys: tuple[str, ...] = ()
    deletion_policies: Mapping[str, str] = field(default_factory=dict)
    constraints: frozenset[str] = frozenset()


_OLD_CFN: Final[Functions] = {
    "Fn::GetAZs": GetAZs(),
    "Fn::Join": Join("Fn::Join"),
    "Fn::Split": SplitCfn(),
    "Fn::Replace": Replace("Fn::Replace", params_first=True),
    "Fn::Base64": Base64(),
    "Fn::MemberListToMap": MemberListToMap(),
    "Fn::ResourceFacade": ResourceFacade("Fn::ResourceFacade", CFN_FACADE),
    "Ref": Ref(),
}

_HOT_STEPS: Final = (
    _Step(
        "2013-05-23",
        functions={
            "get_param": GetParam(),
            "get_resource": GetResource(),
            "get_attr": GetAttr(select_after=True),
            "get_file": GetFile(),
            "resource_facade": ResourceFacade(),
            "list_join": Join(),
            "str_replace": Replace(),
            "Fn::Select": Select(),
            **_OLD_CFN,
        },
    ),
    _Step("2014-10-16", functions={"get_attr": GetAttr(), **dict.fromkeys(_OLD_CFN)}),
    _Step("2015-04-30", functions={"repeat": Repeat(), "digest": Digest()}),
    _Step(
        "2015-10-15",
        functions={
            "Fn::Select": None,
            "get_attr": GetAttr(allow_all=True),
            "list_join": JoinMultiple(),
            "str_replace": Replace(structures=True),
            "str_split": Split(),
        },
    ),
    _Step("2016-04-08", functions={"map_merge": MapMerge()}),
    _Step(
        "2016-10-14",
        "newton",
        functions={
            "if": If(),
            "map_replace": MapReplace(),
            "repeat": Repeat(maps=True),
            "yaql": Yaql(),
        },
        conditions={
            "get_param": GetParam(),
            "equals": Equals(),
            "not": Not(),
            "and": Several("and", decided_by=False),
            "or": Several("or", decided_by=True),
        },
        sections=("conditions",),
        resource_keys=("external_id", "condition"),
        output_keys=("condition",),
        deletion_policies=_LOWER_DELETION_POLICIES,
    ),
    _Step(
        "2017-02-24",
        "ocata",
        functions={
            "filter": Filter(),
            "str_replace_strict": Replace("str_replace_strict", structures=True, strict=True),
        },
        constraints=frozenset({"modulo"}),
    ),
    _Step(
        "2017-09-01",
        "pike",
        functions={
            "contains": Contains(),
            "list_concat": ListConcat(),
            "list_concat_unique": ListConcat("list_concat_unique", unique=True),
            "make_url": MakeUrl(),
            "repeat": Repeat(maps=True, permutations=True),
            "str_replace_vstrict": Replace("str_replace_vstrict", structures=True, very_strict=True),
        },
        conditions={"yaql": Yaql(), "contains": Contains()},
    ),
    _Step("2018-03-02", "queens", parameter_keys=("tags",)),
    _Step("2018-08-31", "rocky"),
    _Step("2021-04-16", "wallaby", functions={"if": If(optional_else=True)}),
)


def _hot_versions() -> list[Version]:
    functions: dict[str, Function | None] = {}
    conditions: dict[str, Function] = {}
    sections = {"version": HOT_KEY, **_HOT_SECTIONS}
    resource_keys = dict(_HOT_RESOURCE_KEYS)
    parameter_keys = dict(_HOT_PARAMETER_KEYS)
    output_keys = {"description": "description", "value": "value"}
    policies = dict(_DELETION_POLICIES)
    constraints = _BASE_CONSTRAINTS
    versions: list[Version] = []
    for step in _HOT_STEPS:
        functions |= step.functions
        conditions |= step.conditions
        sections |= {name: name for name in step.sections}
        resource_keys |= {name: name for name in step.resource_keys}
        parameter_keys |= {name: name for name in step.parameter_keys}
        output_keys |= {name: name for name in step.output_keys}
        policies |= step.deletion_policies
        constraints |= step.constraints
        versions.append(
            Version(
                HOT_KEY,
                step.date,
                "hot",
                (step.alias,) if step.alias else (),
                {name: function for name, function in functions.items() if function is not None},
                frozenset(name for name, function in functions.items() if function is None),
                dict(conditions),
                dict(sections),
                dict(resource_keys),
                dict(parameter_keys),
                dict(output_keys),
                dict(policies),
                constraints,
            )
        )
    return versions


_CFN_FUNCTIONS: Final[Functions] = {
    **_OLD_CFN,
    "Fn::FindInMap": FindInMap(),
    "Fn::GetAtt": GetAttr(select_after=True, exact=True),
    "Fn::Select": Select(),
}
_CFN_OUTPUT_KEYS: Final = {"description": "Description", "value": "Value"}

_AWS_FUNCTIONS: Final[Functions] = {
    "Fn::Cidr": Cidr(),
    "Fn::ImportValue": ImportValue(),
    "Fn::Length": Length(),
    "Fn::Sub": Sub(),
    "Fn::ToJsonString": ToJsonString(),
}
_AWS_CONDITION_FUNCTIONS: Final[Functions] = {
    "Condition": ConditionRef(),
    "Fn::Join": Join("Fn::Join"),
    "Fn::Length": Length(),
    "Fn::Select": Select(),
    "Fn::Split": SplitCfn(),
    "Fn::Sub": Sub(),
    "Fn::ToJsonString": ToJsonString(),
}
_AWS_SECTIONS: Final = {"metadata": "Metadata", "rules": "Rules"}
_AWS_RESOURCE_KEYS: Final = {"update_replace_policy": "UpdateReplacePolicy"}
_AWS_OUTPUT_KEYS: Final = {"export": "Export"}
_REFUSED_SECTIONS: Final = {
    "Transform": "Macros and transforms are not supported. Write the template as they would leave it; "
    "Fn::Length, Fn::ToJsonString and the default of Fn::FindInMap work without one.",
    "Hooks": "Deployments by CodeDeploy are not supported.",
}
_REFUSED_FUNCTIONS: Final[Functions] = {
    "Fn::Transform": Refused("Macros and transforms are not supported"),
}
_RULE_FUNCTIONS: Final[Functions] = {
    "Ref": ParamRef(),
    "Fn::And": Several("Fn::And", decided_by=False),
    "Fn::Or": Several("Fn::Or", decided_by=True),
    "Fn::Not": Not("Fn::Not", in_list=True),
    "Fn::Equals": Equals("Fn::Equals"),
    "Fn::Contains": RuleContains(),
    "Fn::EachMemberEquals": EachMember("Fn::EachMemberEquals", in_list=False),
    "Fn::EachMemberIn": EachMember("Fn::EachMemberIn", in_list=True),
    **dict.fromkeys(
        ("Fn::RefAll", "Fn::ValueOf", "Fn::ValueOfAll"),
        Refused("Rules cannot ask about types and tags of AWS; only parameters are known to them"),
    ),
}


def _cfn_versions() -> list[Version]:
    beyond = Beyond(
        functions=frozenset(_AWS_FUNCTIONS),
        sections=frozenset(_AWS_SECTIONS.values()),
        resource_keys=frozenset(_AWS_RESOURCE_KEYS.values()),
        output_keys=frozenset(_AWS_OUTPUT_KEYS.values()),
    )
    functions = {**_CFN_FUNCTIONS, **_AWS_FUNCTIONS}
    sections = {**_CFN_SECTIONS, **_AWS_SECTIONS}
    resource_keys = {**_CFN_RESOURCE_KEYS, **_AWS_RESOURCE_KEYS}
    output_keys = {**_CFN_OUTPUT_KEYS, **_AWS_OUTPUT_KEYS}
    common: dict[str, Any] = {
        "parameter_keys": _CFN_PARAMETER_KEYS,
        "deletion_policies": _DELETION_POLICIES,
        "rule_functions": _RULE_FUNCTIONS,
        "refused_sections": _REFUSED_SECTIONS,
    }
    aws = Version(
        AWS_KEY,
        AWS_VERSION,
        "cfn",
        functions={**functions, "Fn::If": If("Fn::If")},
        condition_functions={
            "Ref": ParamRef(),
            "Fn::FindInMap": FindInMap(),
            "Fn::Equals": Equals("Fn::Equals"),
            "Fn::Not": Not("Fn::Not", in_list=True),
            "Fn::And": Several("Fn::And", decided_by=False),
            "Fn::Or": Several("Fn::Or", decided_by=True),
            **_AWS_CONDITION_FUNCTIONS,
        },
        sections={
            "version": AWS_KEY,
            "other_version": HEAT_CFN_KEY,
            **sections,
            "conditions": "Conditions",
        },
        resource_keys={**resource_keys, "condition": "Condition"},
        output_keys={**output_keys, "condition": "Condition"},
        beyond=replace(beyond, condition_functions=frozenset(_AWS_CONDITION_FUNCTIONS)),
        **common,
    )
    heat = Version(
        HEAT_CFN_KEY,
        "2012-12-12",
        "cfn",
        functions=functions,
        sections={"version": HEAT_CFN_KEY, "other_version": AWS_KEY, **sections},
        resource_keys=resource_keys,
        output_keys=output_keys,
        beyond=beyond,
        **common,
    )
    return [aws, heat]


VERSIONS: Final[Mapping[str, Version]] = MappingProxyType(
    {version.name: version for version in (*_cfn_versions(), *_hot_versions())}
)

_RECOGNISED: Final[Mapping[str, Functions]] = {
    version.name: {
        **version.functions,
        **{name: Removed(name) for name in version.removed},
        **(_REFUSED_FUNCTIONS if version.dialect == "cfn" else {}),
    }
    for version in VERSIONS.values()
}

_RECOGNISED_IN_CONDITIONS: Final[Mapping[str, Functions]] = {
    version.name: {
        **{name: NotHere(name) for name in _RECOGNISED[version.name]},
        **version.condition_functions,
    }
    for version in VERSIONS.values()
}

VERSION_KEYS: Final = (HOT_KEY, AWS_KEY, HEAT_CFN_KEY)

_BY_VALUE: Final[Mapping[tuple[str, str], Version]] = {
    (version.key, value): version
    for version in VERSIONS.values()
    for value in (version.date, *version.aliases)
}


def find_version(data: Mapping[str, Any]) -> Version:
    """The version that a template declares; raises InvalidTemplateVersion."""
    given = [(key, data[key]) for key in VERSION_KEYS if isinstance(data.get(key), str)]
    if not given:
        raise _invalid(
            "Template version was not provided", "Start the template with heat_template_version: …"
        )
    if len(given) > 1:
        raise _invalid(f"Ambiguous versions ({', '.join(key for key, _ in given)})", "Keep one version key.")
    key, value = given[0]
    if (version := _BY_VALUE.get((key, value))) is not None:
        return version
    values = sorted(known for known_key, known in _BY_VALUE if known_key == key)
    choice = f"should be one of: {', '.join(values)}" if len(values) > 1 else f"should be: {values[0]}"
    expected = f'"{key}" {choice}'
    raise _invalid(f'"{key}: {value}". {expected}', f"Set {key} to a version that exists.", key)


def _invalid(problem: str, remedy: str, path: str = "") -> InvalidTemplateVersion:
    lead = ("The template version is invalid",)
    return InvalidTemplateVersion(problem, lead=lead, path=path, remedy=remedy)


def list_versions() -> list[dict[str, Any]]:
    """All versions as the API shows them."""
    return [
        {
            "version": version.name,
            "type": version.dialect,
            "aliases": [f"{version.key}.{alias}" for alias in version.aliases],
        }
        for version in sorted(VERSIONS.values(), key=lambda version: version.name)
    ]


def list_functions(version: str, with_conditions: bool = False) -> list[dict[str, str]]:
    """The functions of a version, given by full name or alias, as the API shows them; raises NotFound."""
    key, _, value = version.partition(".")
    found = _BY_VALUE.get((key, value))
    if found is None:
        raise NotFound(f"Template with version {version} not found")
    functions = {**found.condition_functions, **found.functions} if with_conditions else found.functions
    return [{"functions": name, "description": functions[name].summary} for name in sorted(functions)]
