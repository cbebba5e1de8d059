"""The short forms of CloudFormation's functions, such as ``!Ref name``, which YAML calls tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

_FUNCTIONS: Final = (
    "And Base64 Cidr Contains EachMemberEquals EachMemberIn Equals FindInMap GetAtt GetAZs If ImportValue "
    "Join Length MemberListToMap Not Or Replace ResourceFacade Select Split Sub ToJsonString Transform"
)
LONG_FORMS: Final[Mapping[str, str]] = {
    "!Ref": "Ref",
    "!Condition": "Condition",
    **{f"!{name}": f"Fn::{name}" for name in _FUNCTIONS.split()},
}
"""The function that a tag stands for. Only texts of CloudFormation may have tags."""

_HOT: Final[Mapping[str, str]] = {
    "!Ref": "{get_param: …} for a parameter or {get_resource: …} for a resource",
    "!GetAtt": "{get_attr: [resource, attribute]}",
    "!Sub": "{str_replace: {template: …, params: …}}",
    "!Join": "{list_join: [delimiter, list]}",
    "!Split": "{str_split: [delimiter, text]}",
    "!Select": "{get_param: [name, index]} or {yaql: …}",
    "!FindInMap": "{get_param: [name, key, …]} with a parameter of type json",
    "!If": "{if: [condition, value, value]}",
    "!Equals": "{equals: [value, value]}",
    "!And": "{and: [condition, condition]}",
    "!Or": "{or: [condition, condition]}",
    "!Not": "{not: condition}",
    "!Condition": "the name of the condition alone",
    "!Contains": "{contains: [value, list]}",
    "!Replace": "{str_replace: {template: …, params: …}}",
    "!ResourceFacade": "{resource_facade: …}",
    "!Base64": "the text alone, which is encoded where that is needed",
}
_HOT_VERSION: Final = "heat_template_version"
_VERSION_KEYS: Final = ("AWSTemplateFormatVersion", "HeatTemplateFormatVersion")


def may_have_tags(document: Any, *, versionless: bool = False) -> bool:
    """Whether a document is a template of CloudFormation, which may be ``versionless``."""
    if not isinstance(document, dict):
        return False
    return any(key in document for key in _VERSION_KEYS) or (versionless and _HOT_VERSION not in document)


def tag_remedy(tag: str, document: Any) -> str:
    """What to write instead of a tag; ``document`` is what it stands in, as far as that is known."""
    if isinstance(document, dict) and _HOT_VERSION in document:
        if tag in _HOT:
            return f"Write {_HOT[tag]}: HOT has no short forms."
        if tag in LONG_FORMS:
            return f"HOT has nothing like {tag}; it is of CloudFormation."
    if tag in LONG_FORMS:
        return f"Write the long form, {{{LONG_FORMS[tag]}: …}}, or remove the tag."
    return "Remove the tag."


def long_form(tag: str, text: str) -> dict[str, Any]:
    """What a tag before a text stands for; ``!GetAtt A.B`` parts resource and attribute at the first dot."""
    value: Any = text
    if tag == "!GetAtt" and "." in text:
        value = text.split(".", 1)
    return {LONG_FORMS[tag]: value}
