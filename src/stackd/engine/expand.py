"""A definition with all its nested stacks, as far as they can be known before anything exists (pure)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from stackd.engine.desired import Desired, build, load_source, loaded_properties, validate
from stackd.engine.nested import NO_MEMBERS, child_environment
from stackd.engine.run import now
from stackd.errors import RequestLimitExceeded, TemplateError
from stackd.records import Resource
from stackd.resources.base import Child, NestedType
from stackd.resources.registry import Registry
from stackd.resources.schema import Properties
from stackd.template.parameters import StackIdentity
from stackd.template.unknown import has_unknown

PLACEHOLDER = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Expanded:
    """A stack to be, with the stacks inside it by the name of the resource that contains each."""

    name: str
    desired: Desired
    children: dict[str, Expanded] = field(default_factory=dict)

    def walk(self) -> Iterator[Expanded]:
        """This stack and all below it."""
        yield self
        for child in self.children.values():
            yield from child.walk()

    def count(self) -> int:
        """Number of resources in the whole tree."""
        return sum(len(each.desired.resources) for each in self.walk())

    def types(self) -> set[str]:
        """Every resource type in the tree, as registered."""
        return {
            kind.name for each in self.walk() for kind in each.desired.kinds.values() if not kind.is_template
        }


def expand(
    desired: Desired,
    registry: Registry,
    *,
    name: str,
    max_depth: int,
    max_resources: int,
    depth: int = 0,
    taken: int = 0,
) -> Expanded:
    """Evaluate nested stacks recursively; raises the first error, with its path through the names.

    Stacks whose parameters depend on what does not exist yet are evaluated with these left open.
    ``taken`` is how many of ``max_resources`` the stacks around have already.
    """
    taken += len(desired.resources)
    _refuse_too_many(taken, max_resources)
    expanded = Expanded(name, desired)
    scope = desired.scope({})
    for resource, kind in desired.kinds.items():
        if not isinstance(kind.handler, NestedType) or desired.resources[resource].external_id is not None:
            continue
        if depth + 1 > max_depth:
            raise TemplateError(
                f"Recursion depth exceeds {max_depth}.",
                path=f"resources.{resource}",
                remedy="Nest less deeply, or ask the operator to raise max_nested_stack_depth.",
            )
        props = loaded_properties(desired, resource, scope)
        try:
            declared = _declared(desired, resource, props)
            if declared is None:
                continue
            if not isinstance(declared.template, str):
                _refuse_too_many(taken + len(declared.template.get("resources") or ()), max_resources)
            child = _child(desired, resource, declared, registry, name)
            inner = expand(
                child,
                registry,
                name=f"{name}-{resource}",
                max_depth=max_depth,
                max_resources=max_resources,
                depth=depth + 1,
                taken=taken,
            )
        except TemplateError as error:
            raise deeper(error, resource) from error
        taken += inner.count()
        expanded.children[resource] = inner
    return expanded


def _refuse_too_many(count: int, most: int) -> None:
    if 0 <= most < count:
        raise RequestLimitExceeded(f"Request limit exceeded: Maximum resources per stack exceeded ({most}).")


def _declared(desired: Desired, name: str, props: Properties) -> Child | None:
    """What a resource wants to contain; None while that is not known or when it contains nothing."""
    handler = desired.kinds[name].handler
    if not isinstance(handler, NestedType):
        return None
    try:
        return handler.child(_row(desired, name), props, NO_MEMBERS, desired.source.files)
    except (TypeError, ValueError, AttributeError):
        if has_unknown(props.data):
            return None  # how many members there are is not known before the stack exists
        raise


def _child(desired: Desired, name: str, child: Child, registry: Registry, stack: str) -> Desired:
    row = _row(desired, name)
    environment = child_environment(desired.source.environment, row, child)
    template = child.template if isinstance(child.template, str) else dict(child.template)
    source = load_source(template, environment, desired.source.files)
    identity = StackIdentity(project_id="", stack_name=f"{stack}-{name}", stack_id=PLACEHOLDER)
    inner = build(source, identity, registry, strict=False)
    for error in validate(inner):
        raise error
    return inner


def _row(desired: Desired, name: str) -> Resource:
    kind = desired.kinds[name]
    return Resource(
        id=PLACEHOLDER,
        stack_id=PLACEHOLDER,
        root_id=PLACEHOLDER,
        name=name,
        type=kind.written,
        kind=kind.name,
        created_at=now(),
    )


def deeper(error: TemplateError, resource: str) -> TemplateError:
    """The same error seen from the stack around it."""
    prefix = f"resources.{resource}"
    message = error.message.replace(error.path, f"{prefix}.{error.path}", 1) if error.path else error.message
    path = f"{prefix}.{error.path}" if error.path else prefix
    return type(error)(message, path=path, place=error.place, remedy=error.remedy)
