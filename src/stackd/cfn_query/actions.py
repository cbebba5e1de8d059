"""What an action is: a row in a table, whose function answers one call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from stackd.auth.signatures import SignedRequest
from stackd.cfn_query.front import CfnFront
from stackd.cfn_query.params import Params
from stackd.engine.usecases.engine import Engine
from stackd.engine.usecases.queries import Reader
from stackd.records import Caller


@dataclass(frozen=True, slots=True)
class Call:
    """One call of an action: who calls it with what."""

    front: CfnFront
    caller: Caller
    action: Action
    params: Params

    @property
    def engine(self) -> Engine:
        """The engine."""
        return self.front.engine

    @property
    def reader(self) -> Reader:
        """The cached queries of the engine."""
        return self.front.reader

    @property
    def rule(self) -> str:
        """The rule of policy that the caller must satisfy."""
        return f"{self.action.service}:{self.action.name}"


Run = Callable[[Call], Awaitable[Mapping[str, Any] | None]]
"""Answers a call with the elements of its result; None if the action has no result."""

GuestCheck = Callable[[CfnFront, Params, SignedRequest], Awaitable[Caller]]
"""Checks the signature of a request that may be a guest's."""


@dataclass(frozen=True, slots=True)
class Action:
    """An action of an API.

    ``service`` is the first part of its rules of policy, ``version`` the API's. ``check`` is for actions that
    guests call: their signatures have no time, and so are valid for ever.
    """

    name: str
    run: Run
    check: GuestCheck | None = None
    service: str = "cloudformation"
    version: str = "2010-05-15"


def table(*rows: Action) -> Mapping[str, Action]:
    """The actions by their names."""
    return {row.name: row for row in rows}
