"""The verbs of a plan's steps, and the table of what each means (pure)."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from stackd.engine.planning.resting import rests
from stackd.records import Action, Resource, Status


class Verb(enum.StrEnum):
    """What a plan does to one resource."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    DELETE = "delete"
    KEEP = "keep"
    CHECK = "check"
    SUSPEND = "suspend"
    RESUME = "resume"
    SNAPSHOT = "snapshot"
    RESTORE = "restore"
    ADOPT = "adopt"
    ABANDON = "abandon"


@dataclass(frozen=True, slots=True)
class VerbRule:
    """One verb's row.

    ``listed`` is the list of Heat's previews in which its resources stand, ``changes`` whether it counts as a
    change of the cloud, ``may_become`` what a walk may do instead once it knows more: less, never more.
    """

    listed: str
    changes: bool
    may_become: frozenset[Verb]


def _rule(listed: str, *may_become: Verb, changes: bool = True) -> VerbRule:
    return VerbRule(listed, changes, frozenset(may_become))


VERBS: Final[Mapping[Verb, VerbRule]] = {
    Verb.CREATE: _rule("added"),
    Verb.UPDATE: _rule("updated", Verb.KEEP),
    Verb.REPLACE: _rule("replaced", Verb.UPDATE, Verb.KEEP),
    Verb.DELETE: _rule("deleted", Verb.ABANDON),
    Verb.KEEP: _rule("unchanged", changes=False),
    Verb.CHECK: _rule("unchanged", changes=False),
    Verb.SUSPEND: _rule("updated", Verb.KEEP),
    Verb.RESUME: _rule("updated", Verb.KEEP),
    Verb.SNAPSHOT: _rule("unchanged", changes=False),
    Verb.RESTORE: _rule("updated", Verb.REPLACE, Verb.UPDATE, Verb.KEEP),
    Verb.ADOPT: _rule("added"),
    Verb.ABANDON: _rule("deleted"),
}


def permits(planned: Verb, done: Verb) -> bool:
    """Whether a walk may do one thing where another was planned."""
    return done is planned or done in VERBS[planned].may_become


def is_unsettled(row: Resource) -> bool:
    """Whether a resource rests, or an action on all of its stack has not come to its end with it.

    It is checked, or resumed, before anything else is done to it. What failed a check is not: mostly it is
    replaced.
    """
    if row.action is Action.CHECK and row.status is not Status.COMPLETE:
        return row.status is Status.IN_PROGRESS
    return rests(row)


@dataclass(frozen=True, slots=True)
class ActionRule:
    """How the plan of an action of stacks is made.

    An action with a ``verb`` does this one thing to every stored resource, ``reversed`` from those that need
    others to those that are needed. One without compares the stored resources with a definition. If it
    ``continues``, a resource that fails keeps only those that need it from their turn.
    """

    verb: Verb | None = None
    reversed: bool = False
    continues: bool = False


ACTIONS: Final[Mapping[Action, ActionRule]] = {
    Action.CREATE: ActionRule(),
    Action.UPDATE: ActionRule(),
    Action.ROLLBACK: ActionRule(),
    Action.DELETE: ActionRule(),
    Action.RESTORE: ActionRule(),
    Action.ADOPT: ActionRule(),
    Action.CHECK: ActionRule(Verb.CHECK, continues=True),
    Action.SUSPEND: ActionRule(Verb.SUSPEND, reversed=True),
    Action.RESUME: ActionRule(Verb.RESUME),
    Action.SNAPSHOT: ActionRule(Verb.SNAPSHOT),
}
