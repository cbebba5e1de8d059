"""Policy checks: the operator's policy files over the built-in rules.

The files are oslo.policy's. Decisions are cached by everything that they can depend on: the rule, who
calls in which scope with which roles, and whose the target is. A file that changes is noticed within a
second; a broken one is reported and the rules stay as they were.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from stackd.auth.policy_files import PolicyFileError, PolicyFiles
from stackd.errors import Forbidden
from stackd.recent import Recent
from stackd.records import Caller

if TYPE_CHECKING:
    from oslo_policy.policy import Enforcer

_LOG = logging.getLogger(__name__)
_MOST_DECISIONS = 20_000
_TYPES = "resource_types:"
EVERY_PROJECT: Final = "*"
"""The target of what concerns all projects: no rule that names the target's project is satisfied by it."""


class Policy:
    """The rules in force.

    ``path`` is a policy file, ``folder`` one of several that are laid over it in alphabetical order.
    ``old_defaults`` also grants what was granted before policy distinguished readers from members.
    """

    def __init__(
        self,
        path: Path | str | None = None,
        *,
        folder: Path | str | None = None,
        old_defaults: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._files = PolicyFiles.of(path, folder)
        self._old_defaults = old_defaults
        self._clock = clock
        self._stamp = self._files.stamp()
        self._loaded = self._load() if self._files else None
        self._looked_at = clock()
        self._decisions: Recent[tuple[object, ...], bool] = Recent(_MOST_DECISIONS)

    def load(self) -> None:
        """Load the rules, if nothing was decided yet; safe to call from a thread.

        An operator's files are loaded, and checked, from the beginning.
        """
        if self._loaded is None:
            self._loaded = self._load()

    @property
    def _enforcer(self) -> Enforcer:
        self.load()
        assert self._loaded is not None
        return self._loaded

    def _load(self) -> Enforcer:
        from stackd.auth.policy_rules import load_rules  # late: the server answers sooner

        return load_rules(self._files, old_defaults=self._old_defaults)

    def allows(self, caller: Caller, rule: str, target_project_id: str | None = None) -> bool:
        """Whether ``caller`` satisfies ``rule`` on a target in a project, by default the caller's own.

        The project may be ``EVERY_PROJECT``.
        """
        if self._clock() - self._looked_at >= 1.0:
            self._refresh()
        target = caller.project_id if target_project_id is None else target_project_id
        key = (
            rule,
            caller.roles,
            caller.user_id,
            caller.project_id,
            caller.project_name,
            target,
            caller.is_admin_project,
            caller.system_scope,
            caller.domain_id,
            caller.user_domain_id,
            caller.project_domain_id,
            caller.user_name,
        )
        known = self._decisions.get(key)
        if known is None:
            known = self._decisions.put(key, self._decide(caller, rule, target))
        return known

    def enforce(self, caller: Caller, rule: str, target_project_id: str | None = None) -> None:
        """Raises ``Forbidden``, naming the rule, unless it is allowed."""
        if not self.allows(caller, rule, target_project_id):
            raise Forbidden(f"You are not authorized to use {rule}.")

    def allows_type(self, caller: Caller, resource_type: str) -> bool:
        """Whether ``caller`` may use a resource type.

        The rules ``resource_types:OS::Nova::Flavor`` and ``resource_types:OS::Nova::*`` must both agree,
        where they exist.
        """
        rules = self._enforcer.rules
        own = f"{_TYPES}{resource_type}"
        family = f"{_TYPES}{resource_type.rpartition('::')[0]}::*"
        return (own not in rules or self.allows(caller, own)) and (
            family not in rules or self.allows(caller, family)
        )

    def enforce_type(self, caller: Caller, resource_type: str) -> None:
        """Raises ``Forbidden``, naming the type, unless it is allowed."""
        if not self.allows_type(caller, resource_type):
            raise Forbidden(f"You are not authorized to use {resource_type}.")

    def is_admin(self, caller: Caller) -> bool:
        """Whether ``caller`` administers the cloud and sees the stacks of every project."""
        return self.allows(caller, "context_is_admin", EVERY_PROJECT)

    def _decide(self, caller: Caller, rule: str, target_project_id: str) -> bool:
        creds = {
            "user_id": caller.user_id,
            "user_name": caller.user_name,
            "project_id": caller.project_id,
            "tenant_id": caller.project_id,
            "project_name": caller.project_name,
            "user_domain_id": caller.user_domain_id,
            "project_domain_id": caller.project_domain_id,
            "domain_id": caller.domain_id,
            "system_scope": caller.system_scope,
        }
        # What a token does not have is left out: no rule may be satisfied by two empty values.
        facts: dict[str, object] = {name: value for name, value in creds.items() if value}
        facts |= {"roles": list(caller.roles), "is_admin_project": caller.is_admin_project}
        target = {"user_id": caller.user_id}
        if target_project_id not in ("", EVERY_PROJECT):
            target |= {"project_id": target_project_id, "tenant_id": target_project_id}
        return bool(self._enforcer.enforce(rule, target, facts))

    def _refresh(self) -> None:
        self._looked_at = self._clock()
        stamp = self._files.stamp()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._loaded = self._load()
        except PolicyFileError as error:
            _LOG.error("The policy stays as it was: %s", error)
            return
        self._decisions.clear()
