"""The difference between one existing resource and its definition, as a verb with causes (pure)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from stackd.engine.planning.verbs import Verb
from stackd.errors import NotSupported
from stackd.records import Action, Resource, Stack, Status
from stackd.resources.base import ResourceType
from stackd.resources.schema import IMMUTABLE, IN_PLACE, Properties
from stackd.template.masking import (
    Secrets,
    concealed,
    concealed_keys,
    concealed_text,
    without_signatures,
)
from stackd.template.shown_values import MASK, names_secret
from stackd.template.unknown import Unknown, has_unknown
from stackd.urls import shown_name

NOT_IN_PLACE: Final = "cannot be changed in place"
_SHOWN = 200
"""Characters of a value that a cause shows."""

_DEEP = 16
"""Most differences listed inside one property; with more, the property counts as one difference."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a step does something: a property that differs, or a rule about the resource itself.

    ``path`` is where (``properties.image``, empty for the resource), ``old`` and ``new`` are JSON values;
    ``unknown`` says that the new value is known only after other steps, ``replaces`` that this cause forces a
    replacement, ``rule`` by which rule.
    """

    path: str = ""
    old: Any = None
    new: Any = None
    unknown: bool = False
    replaces: bool = False
    rule: str = ""

    def __str__(self) -> str:
        if self.rule and self.old is None and self.new is None and not self.unknown:
            return self.rule
        value = "(known after apply)" if self.unknown else _short(self.new)
        rule = f" {self.rule}:" if self.rule else ""
        return f"`{self.path.removeprefix('properties.')}`{rule} {_short(self.old)} → {value}"


@dataclass(frozen=True, slots=True)
class Difference:
    """The verb that makes a resource what it should be, why, and which properties changed.

    One that only ``settles`` brings to its end what was begun before, and changes nothing else.
    """

    verb: Verb
    causes: tuple[Cause, ...] = ()
    changed: frozenset[str] = frozenset()
    settles: bool = False

    @property
    def reason(self) -> str:
        """The causes in one line."""
        return reason_of(self.causes)


def reason_of(causes: Iterable[Cause]) -> str:
    """Causes in one line: those that force a replacement, if any do."""
    causes = tuple(causes)
    forcing = tuple(cause for cause in causes if cause.replaces)
    return "; ".join(map(str, forcing or causes))


Names = frozenset[str]
NO_NAMES: Final[Names] = frozenset()

UNCHANGED: Final = Difference(Verb.KEEP)


def replaced(rule: str) -> Difference:
    """A replacement that the state of the resource itself calls for."""
    return Difference(Verb.REPLACE, (Cause(rule=rule, replaces=True),))


def diff_resource(
    row: Resource,
    kind: ResourceType[Any],
    new: Properties,
    *,
    type_name: str,
    broken: bool = True,
    missing: bool = False,
    metadata_changed: bool = False,
    stays: bool = False,
    rewritten: Names = NO_NAMES,
) -> Difference:
    """Compare a stored resource with its new properties.

    ``broken`` means that a FAILED resource's object is beyond repair, ``missing`` that it no longer exists,
    ``stays`` that it need be neither replaced nor changed only because there is an update. ``rewritten`` are
    properties that count as changed.
    Raises ``NotSupported`` when an immutable property changed.
    """
    if row.kind != type_name and not _same_family(row.kind, type_name) and row.kind not in kind.former_names:
        return replaced(f"type changed: {shown_name(row.kind)} → {shown_name(type_name)}")
    if row.external_id is not None:
        return UNCHANGED
    if row.action is Action.DELETE or (row.action is Action.INIT and row.physical_id is None):
        return replaced("it was deleted")
    if missing:
        return replaced("its object is gone")
    if row.status is Status.FAILED and broken:
        return replaced(f"its last {row.action} failed: {row.reason}")
    if kind.replaced_by_updates and not stays:
        return replaced("every update replaces it")
    old = type(new).wrap(present(row, new, rewritten))
    return _by_properties(row, kind, old, new, metadata_changed, stays)


def is_surely_broken(row: Resource, kind: ResourceType[Any]) -> bool:
    """Whether a FAILED resource must be replaced whatever its object is like.

    A resource that failed a check or was marked unhealthy mostly is.
    """
    if row.action is Action.CHECK and kind.replaced_by_checks:
        return True
    return row.physical_id is None or type(kind).broken is ResourceType.broken


def metadata_after(row: Resource, kind: ResourceType[Any], written: Mapping[str, Any]) -> dict[str, Any]:
    """The metadata of a resource that stays once its template has these; without any they do not change."""
    if not written:
        return dict(row.metadata)
    return {**written, **kind.own_metadata(row.metadata, written)}


def present(row: Resource, new: Properties, rewritten: Names = NO_NAMES) -> dict[str, Any]:
    """The properties that the object must be taken to have, as seen from the ``new`` ones.

    After a failed update it is unknown which of its changes were made. A value that was sent
    counts only where it differs from the new one; else the one before it does. So whatever may not
    be as it should be shows as changed. What is ``rewritten`` it has not.
    """
    sent = dict(row.properties)
    if row.previous_properties is not None:
        before = dict(row.previous_properties)
        sent = {
            name: before.get(name) if sent.get(name) == new.data.get(name) else sent.get(name)
            for name in sent.keys() | before.keys()
        }
    return {name: value for name, value in sent.items() if name not in rewritten}


def rolls_back(stack: Stack | None) -> bool:
    """Whether a stack is on its way back, to resources that were good."""
    return stack is not None and (stack.action, stack.status) == (Action.ROLLBACK, Status.IN_PROGRESS)


def _same_family(one: str, other: str) -> bool:
    """Template resources of different files update each other in place."""
    return all(name.endswith((".yaml", ".template")) for name in (one, other))


def _by_properties(
    row: Resource,
    kind: ResourceType[Any],
    old: Properties,
    new: Properties,
    metadata_changed: bool,
    stays: bool,
) -> Difference:
    changed = new.changed(old)
    if not changed:
        if metadata_changed:
            replaces = kind.replaced_by_metadata
            verb = Verb.REPLACE if replaces else Verb.UPDATE
            return Difference(verb, (Cause("metadata", rule="metadata changed", replaces=replaces),))
        if (why := kind.must_update(new)) and not stays:
            return Difference(Verb.UPDATE, (Cause(rule=why),))
        return UNCHANGED
    refused = sorted(name for name in changed if _update_of(new, name) is IMMUTABLE)
    if refused:
        names = ", ".join(refused)
        raise NotSupported(
            f"Update to properties {names} of {row.name} ({shown_name(row.type)}) is not supported."
        )
    reasons = (kind.needs_replace(old, new, changed), kind.must_replace(row, new))
    causes = [Cause(rule=why, replaces=True) for why in reasons if why]
    for name in sorted(changed):
        causes += _causes(old, new, name)
    replaces = any(cause.replaces for cause in causes)
    return Difference(Verb.REPLACE if replaces else Verb.UPDATE, tuple(causes), changed)


def _update_of(new: Properties, name: str) -> Any:
    schema = new.schema.get(name)
    return schema.update if schema is not None else IN_PLACE


def _causes(old: Properties, new: Properties, name: str) -> Iterator[Cause]:
    """Where one property differs: inside maps and lists each place, as long as there are few."""
    fixed = _update_of(new, name) is not IN_PLACE
    rule = NOT_IN_PLACE if fixed else ""
    before, after = old.data.get(name), new.data.get(name)
    places = list(_places(f"properties.{name}", before, after))
    if len(places) > _DEEP:
        places = [(f"properties.{name}", before, after)]
    for path, one, other in places:
        if names_secret(path):
            yield Cause(path, _masked(one), _masked(other), has_unknown(other), fixed, rule)
        else:
            yield Cause(path, one, other, has_unknown(other), fixed, rule)


def _places(path: str, old: Any, new: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted({*old, *new}, key=str):
            if old.get(key) != new.get(key):
                yield from _places(f"{path}.{key}", old.get(key), new.get(key))
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for index, (one, other) in enumerate(zip(old, new, strict=True)):
            if one != other:
                yield from _places(f"{path}[{index}]", one, other)
    else:
        yield path, old, new


def masked(cause: Cause, secrets: Secrets) -> Cause:
    """A cause as a plan shows it: nothing in it is secret, and all of it is JSON data."""
    return replace(
        cause,
        path=concealed_text(cause.path, secrets),
        old=shown(cause.old, secrets),
        new=shown(cause.new, secrets),
        rule=concealed_text(cause.rule, secrets),
    )


def shown(value: Any, secrets: Secrets) -> Any:
    """A value as a plan shows it: secrets masked, long texts cut, what is not known yet null.

    What is cut was masked before: no part of a secret is left.
    """
    if isinstance(value, Unknown):
        return None
    if isinstance(value, Mapping):
        named = {str(key): each for key, each in value.items()}
        return {key: shown(each, secrets) for key, each in concealed_keys(named, secrets).items()}
    if isinstance(value, list | tuple):
        return [shown(each, secrets) for each in value]
    value = without_signatures(concealed(value, secrets))
    if isinstance(value, str) and len(value) > _SHOWN:
        return value[: _SHOWN - 1] + "…"
    return value


def _masked(value: Any) -> Any:
    """The mask for a value whose name marks it as secret."""
    return None if value is None or has_unknown(value) else MASK


def _short(value: Any) -> str:
    """Only scalars are worth a place in a line; the rest stands for its type."""
    text = str(value)
    return text if len(text) <= 60 and not isinstance(value, dict | list) else f"({type(value).__name__})"
