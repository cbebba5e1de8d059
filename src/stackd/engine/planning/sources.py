"""Where the changes of a plan come from: parameters, other resources, or the template itself (pure).

A plan says what differs and whether that forces a replacement. Here the expression behind each property that
differs is looked at, in the old template and in the new one, as change sets show it.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from stackd.engine.definition.desired import Desired
from stackd.engine.planning.diff import Cause
from stackd.engine.planning.plan import Plan, StackPlan, Step
from stackd.engine.planning.verbs import VERBS, Verb
from stackd.records import Resource
from stackd.resources.base import NestedType
from stackd.template.functions.aws import placeholders
from stackd.template.masking import shown_id

ACTIONS: Final[Mapping[Verb, str]] = {
    Verb.CREATE: "Add",
    Verb.UPDATE: "Modify",
    Verb.REPLACE: "Modify",
    Verb.DELETE: "Remove",
    Verb.ABANDON: "Remove",
    Verb.ADOPT: "Import",
}
"""What change sets call the verbs that they show."""

_DEEPEST: Final = 200


@dataclass(frozen=True, slots=True)
class Use:
    """What an expression refers to: a parameter, or a resource, perhaps an attribute of it."""

    name: str
    attribute: str = ""
    of_parameter: bool = False


def uses_in(expression: Any, parameters: Mapping[str, Any], depth: int = 0) -> Iterator[Use]:
    """What an expression of a template refers to; ``parameters`` are those that the template declares."""
    if depth > _DEEPEST:
        return
    if isinstance(expression, list):
        for each in expression:
            yield from uses_in(each, parameters, depth + 1)
    elif isinstance(expression, Mapping):
        for key, argument in expression.items():
            if len(expression) == 1 and (read := _READERS.get(str(key))) is not None:
                yield from read(argument, parameters)
            yield from uses_in(argument, parameters, depth + 1)


def _named(argument: Any, parameters: Mapping[str, Any]) -> Iterator[Use]:
    """A parameter or a resource, as ``Ref`` names it."""
    if isinstance(argument, str):
        yield Use(argument, of_parameter=argument in parameters)


def _parameter(argument: Any, parameters: Mapping[str, Any]) -> Iterator[Use]:
    first = argument[0] if isinstance(argument, list) and argument else argument
    if isinstance(first, str):
        yield Use(first, of_parameter=True)


def _resource(argument: Any, parameters: Mapping[str, Any]) -> Iterator[Use]:
    if isinstance(argument, str):
        yield Use(argument)


def _attribute(argument: Any, parameters: Mapping[str, Any]) -> Iterator[Use]:
    parts = argument.split(".", 1) if isinstance(argument, str) else argument
    if isinstance(parts, list) and len(parts) > 1 and all(isinstance(each, str) for each in parts[:2]):
        yield Use(parts[0], parts[1])


def _text(argument: Any, parameters: Mapping[str, Any]) -> Iterator[Use]:
    """What stands in the placeholders of a text."""
    text, own = argument, {}
    if isinstance(argument, list) and len(argument) == 2:
        text, own = argument
    with contextlib.suppress(ValueError):  # what is no function in this template may have any text
        for name, is_name in placeholders(text) if isinstance(text, str) else ():
            if is_name and (not isinstance(own, Mapping) or name not in own):
                yield from (_attribute if "." in name else _named)(name, parameters)


_READERS: Final = {
    "Ref": _named,
    "Fn::GetAtt": _attribute,
    "Fn::Sub": _text,
    "get_param": _parameter,
    "get_resource": _resource,
    "get_attr": _attribute,
}


# --- changes as change sets show them --------------------------------------------------------------------


def shown_changes(plan: Plan, before: Desired | None) -> list[dict[str, Any]]:
    """The changes of the stack's own resources; ``before`` is the definition that it has, None for a new one.

    Steps inside nested stacks are those of the resource that contains them.
    """
    root = plan.root
    assert root is not None
    assert root.desired is not None
    view = _View(root, before, root.desired)
    steps = (step for step in plan.steps if len(step.path) == 1 and VERBS[step.verb].changes)
    return [view.change(step) for step in steps if not (step.removes and step.name in root.steps)]


class _View:
    """A plan of one stack beside the definitions that it leads from and to."""

    def __init__(self, root: StackPlan, before: Desired | None, after: Desired) -> None:
        self._root = root
        self._before = before
        self._after = after
        self._rows = {row.id: row for row in root.stored}

    def change(self, step: Step) -> dict[str, Any]:
        """One change: members that do not apply are left out."""
        row = self._rows.get(step.row)
        change: dict[str, Any] = {
            "action": ACTIONS[step.verb],
            "name": step.name,
            "type": step.type,
            "physical_id": shown_id(row.physical_id) if row is not None else None,
            "policy_action": self._policy_action(step, row),
        }
        if ACTIONS[step.verb] == "Modify":
            details = [detail for cause in step.causes for detail in self._details(step, cause)]
            change["replacement"] = _replacement(step)
            change["scope"] = sorted({detail["attribute"] for detail in details})
            change["details"] = details
        return {key: value for key, value in change.items() if value is not None}

    def _policy_action(self, step: Step, row: Resource | None) -> str | None:
        if step.removes and row is not None:
            return "Retain" if step.verb is Verb.ABANDON else row.deletion_policy
        if step.verb is not Verb.REPLACE or row is None:
            return None
        policy = self._after.resources[step.name].replacement_policy or row.deletion_policy
        return f"ReplaceAnd{policy}"

    def _details(self, step: Step, cause: Cause) -> Iterator[dict[str, Any]]:
        attribute, _, path = cause.path.partition(".")
        target = {
            "attribute": "Metadata" if attribute == "metadata" else "Properties",
            "recreation": _recreation(cause),
        }
        if path:
            name = re.split(r"[.\[]", path, maxsplit=1)[0]
            target |= {"name": name, "path": _pointer(path), "before": cause.old, "after": cause.new}
            target["change"] = _kind_of_change(cause)
            sources = list(self._sources(step, name, cause))
        else:
            nested = isinstance(self._after.types[step.name].handler, NestedType)
            sources = [{"source": "Automatic" if nested and not cause.path else "DirectModification"}]
        for source in sources:
            dynamic = cause.unknown or source["source"] == "Automatic"
            yield {**target, "evaluation": "Dynamic" if dynamic else "Static", **source}

    def _sources(self, step: Step, name: str, cause: Cause) -> Iterator[dict[str, Any]]:
        """What has changed behind one property."""
        new, old = _expression(self._after, step.name, name), None
        if self._before is not None:
            old = _expression(self._before, step.name, name)
        found = False
        for use in dict.fromkeys(uses_in(new, self._after.source.template.parameter_schemas)):
            if use.of_parameter and self._has_other_value(use.name):
                yield {"source": "ParameterReference", "entity": use.name}
            elif not use.of_parameter and self._changes(use.name):
                source = "ResourceAttribute" if use.attribute else "ResourceReference"
                yield {"source": source, "entity": ".".join(filter(None, (use.name, use.attribute)))}
            else:
                continue
            found = True
        if new != old or not found:
            yield {"source": "DirectModification"}

    def _has_other_value(self, parameter: str) -> bool:
        before = self._before.parameters.values_by_name if self._before is not None else {}
        after = self._after.parameters.values_by_name
        return bool(before.get(parameter) != after.get(parameter))

    def _changes(self, resource: str) -> bool:
        step = self._root.steps.get(resource)
        return step is not None and VERBS[step.verb].changes


def _expression(desired: Desired, resource: str, name: str) -> Any:
    """What a template has for a property of a resource."""
    definition = desired.resources.get(resource)
    keys = desired.source.template.version.resource_keys
    properties = definition.raw.get(keys["properties"]) if definition is not None else None
    return properties.get(name) if isinstance(properties, Mapping) else properties


def _replacement(step: Step) -> str:
    """Whether the object is replaced; conditionally where that depends on what is not known yet."""
    if step.verb is not Verb.REPLACE:
        return "False"
    return "True" if any(cause.replaces and not cause.unknown for cause in step.causes) else "Conditional"


def _recreation(cause: Cause) -> str:
    if not cause.replaces:
        return "Never"
    return "Conditionally" if cause.unknown else "Always"


def _kind_of_change(cause: Cause) -> str:
    if cause.old is None:
        return "Add"
    return "Remove" if cause.new is None and not cause.unknown else "Modify"


def _pointer(path: str) -> str:
    """The place of a property as a JSON pointer: ``a.b[0]`` is ``/Properties/a/b/0``."""
    return "/Properties/" + "/".join(re.findall(r"[^.\[\]]+", path))
