"""Templates, pure: text to records, and records to values.

All input is bounded before it is used. Nothing here uses the cloud or the database.
"""

from __future__ import annotations

from stackd.template.conditions import Conditions
from stackd.template.constraints import Constraint
from stackd.template.describe import describe_parameter, describe_template
from stackd.template.environment import Environment, load_environment
from stackd.template.evaluate import (
    Scope,
    dependencies,
    enabled_resources,
    evaluate,
    find_circle,
    referenced_attributes,
    references,
    resolve_conditions,
    validate_static,
)
from stackd.template.functions.base import Call, Reference
from stackd.template.limits import Limits, check_data
from stackd.template.merge import merge_environments, patch_environment
from stackd.template.parameters import Parameters, StackIdentity, bind_parameters
from stackd.template.parse import ParsedDocument, parse_text
from stackd.template.registry import is_template_name
from stackd.template.schemas import ParameterSchema
from stackd.template.template import OutputDefinition, ResourceDefinition, Template, load_template
from stackd.template.unknown import Unknown, find_unknown, has_unknown
from stackd.template.versions import VERSIONS, Version, list_functions, list_versions

__all__ = [
    "VERSIONS",
    "Call",
    "Conditions",
    "Constraint",
    "Environment",
    "Limits",
    "OutputDefinition",
    "ParameterSchema",
    "Parameters",
    "ParsedDocument",
    "Reference",
    "ResourceDefinition",
    "Scope",
    "StackIdentity",
    "Template",
    "Unknown",
    "Version",
    "bind_parameters",
    "check_data",
    "dependencies",
    "describe_parameter",
    "describe_template",
    "enabled_resources",
    "evaluate",
    "find_circle",
    "find_unknown",
    "has_unknown",
    "is_template_name",
    "list_functions",
    "list_versions",
    "load_environment",
    "load_template",
    "merge_environments",
    "parse_text",
    "patch_environment",
    "referenced_attributes",
    "references",
    "resolve_conditions",
    "validate_static",
]
