"""The terms of a change: what a request asks of a stack besides its definition.

They are what AWS clients know and the native API has no members for: protection, the stack policy, what a
failure leads to, what is only kept and shown. All of it is stored in the write that accepts the change, with
the stack or with the operation, so that whoever takes the operation over goes by the same terms.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from stackd.engine.definition.desired import Desired
from stackd.engine.execution.operation import DELETES
from stackd.engine.planning.stack_policy import read_policy
from stackd.errors import BadRequest
from stackd.records import Stack


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A client's name for a request, and a digest of the action with its arguments."""

    value: str
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a request asks besides the definition; None is "as it is".

    ``settings`` are kept with the stack and shown. ``policy_during`` takes the place of the ``policy`` for
    this change. ``allowed_types`` are the resource types that may occur, with ``*`` at the end for all that
    begin so. ``deletes`` asks for the deletion of a stack that cannot be made. ``unretained`` lets a rollback
    delete what this change made, whatever its deletion policy. With ``only_changes`` an update that changes
    nothing is refused.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    protected: bool | None = None
    policy: str | None = None
    policy_during: str | None = None
    allowed_types: tuple[str, ...] = ()
    deletes: bool = False
    unretained: bool = False
    only_changes: bool = False
    token: Token | None = None

    def __post_init__(self) -> None:
        for text in (self.policy, self.policy_during):
            if text is not None:
                read_policy(text)

    def values(self, stack: Stack | None = None) -> dict[str, Any]:
        """The values of the stack's own fields that change."""
        given = {"protected": self.protected, "policy": self.policy}
        values: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        if self.settings:
            values["settings"] = {**(stack.settings if stack is not None else {}), **self.settings}
        return values

    def options(self) -> dict[str, Any]:
        """What is kept with the operation."""
        options: dict[str, Any] = {}
        if self.deletes:
            options["on_failure"] = DELETES
        if self.unretained:
            options["unretained"] = True
        if self.policy_during is not None:
            options["policy"] = self.policy_during
        if self.token is not None:
            options["token"] = self.token.value
        return options

    def policy_for(self, stack: Stack) -> str | None:
        """The text of the stack policy by which a change is judged."""
        return self.policy_during if self.policy_during is not None else stack.policy

    def require_types(self, desired: Desired) -> None:
        """Refuse resource types that the request does not allow."""
        for kind in sorted({each.written for each in desired.types.values()}):
            if self.allowed_types and not _is_allowed(kind, self.allowed_types):
                raise BadRequest(f"Resource type {kind} is not allowed by parameter ResourceTypes")


def _is_allowed(kind: str, allowed: Collection[str]) -> bool:
    return any(kind.startswith(each[:-1]) if each.endswith("*") else kind == each for each in allowed)


NO_TERMS: Final = Terms()
