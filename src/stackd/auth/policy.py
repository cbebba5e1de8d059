"""Policy checks: the operator's policy files over the built-in rules.

The files are oslo.policy's. Decisions are cached by everything that they can depend on: the rule, who
calls in which scope with which roles, and whose the target is. A file that changes is noticed within a
second; a broken one is reported and the rules stay as they were.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from oslo_config import cfg
from oslo_policy import _checks
from oslo_policy import policy as oslo

from stackd.auth.policy_defaults import DEFAULT_RULES, Rule
from stackd.errors import Forbidden
from stackd.records import Caller

_LOG = logging.getLogger(__name__)
_MOST_DECISIONS = 50_000
_REMOTE_CHECKS = frozenset({"http", "https"})
_TYPES = "resource_types:"
EVERY_PROJECT: Final = "*"
"""The target of what concerns all projects: no rule that names the target's project is satisfied by it."""


# Its plug-ins are the checks that ask another server. To find them it imports an HTTP client, 4 MB.
_checks.extension_checks = {}


class _RemoteCheck(oslo.Check):
    """Placeholder for a check that calls another server; a file with one is refused."""

    def __call__(self, *_: object) -> bool:
        return False


for _kind in _REMOTE_CHECKS:
    oslo.register(_kind, _RemoteCheck)


class PolicyFileError(ValueError):
    """A policy file cannot be read, or has a check that stackd does not run."""


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
        self._path = Path(path).absolute() if path else None
        self._folder = Path(folder).absolute() if folder else None
        self._old_defaults = old_defaults
        self._clock = clock
        self._stamp = self._current_stamp()
        self._enforcer = self._load()
        self._looked_at = clock()
        self._decisions: dict[tuple[object, ...], bool] = {}

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
            known = self._decide(caller, rule, target)
            if len(self._decisions) >= _MOST_DECISIONS:
                self._decisions.clear()
            self._decisions[key] = known
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
        family = resource_type.rpartition("::")[0]
        names = (f"{_TYPES}{resource_type}", f"{_TYPES}{family}::*")
        return all(self.allows(caller, name) for name in names if name in self._enforcer.rules)

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
        stamp = self._current_stamp()
        if stamp == self._stamp:
            return
        self._stamp = stamp
        try:
            self._enforcer = self._load()
        except PolicyFileError as error:
            _LOG.error("The policy stays as it was: %s", error)
            return
        self._decisions.clear()

    def _current_stamp(self) -> tuple[object, ...]:
        return tuple(
            (str(file), found.st_mtime_ns, found.st_size)
            for file in self._files()
            if (found := _stat(file)) is not None
        )

    def _files(self) -> Iterator[Path]:
        if self._path:
            yield self._path
        if self._folder and self._folder.is_dir():
            yield from sorted(file for file in self._folder.iterdir() if not file.name.startswith("."))

    def _load(self) -> oslo.Enforcer:
        if self._path and not self._path.is_file():
            raise PolicyFileError(f"There is no policy file {self._path}")
        conf = cfg.ConfigOpts()
        conf([], project="stackd", default_config_files=[], default_config_dirs=[])
        enforcer = oslo.Enforcer(conf, policy_file=str(self._path or "none"))
        conf.set_override("enforce_new_defaults", not self._old_defaults, group="oslo_policy")
        folders = [str(self._folder)] if self._folder else []
        conf.set_override("policy_dirs", folders, group="oslo_policy")
        enforcer.suppress_deprecation_warnings = True
        enforcer.suppress_default_change_warnings = True
        enforcer.register_defaults([_declared(rule) for rule in DEFAULT_RULES])
        try:
            enforcer.load_rules()
        except (ValueError, TypeError, AttributeError, OSError) as error:
            raise PolicyFileError(
                f"The policy file {self._path or self._folder} is broken: {error}"
            ) from error
        for name, check in enforcer.rules.items():
            if any(kind in _REMOTE_CHECKS for kind in _kinds(check)):
                raise PolicyFileError(f"The rule {name} asks another server; http checks are not run")
        enforcer.use_conf = False  # it is never loaded again: a changed file makes a new one
        return enforcer


def _declared(rule: Rule) -> oslo.RuleDefault:
    older = None
    if rule.legacy:
        older = oslo.DeprecatedRule(
            rule.name, rule.legacy, deprecated_reason="Roles are told apart now.", deprecated_since="1"
        )
    return oslo.RuleDefault(
        rule.name,
        rule.check,
        description=rule.about,
        scope_types=list(rule.scopes) or None,
        deprecated_rule=older,
    )


def _kinds(check: Any) -> Iterator[str]:
    """The kinds of all checks in a tree: ``role``, ``rule``, ``http`` …"""
    kind = getattr(check, "kind", None)
    if isinstance(kind, str):
        yield kind
    inner = getattr(check, "rule", None)
    for part in (*getattr(check, "rules", ()), *([inner] if inner is not None else [])):
        yield from _kinds(part)


def _stat(file: Path) -> Any:
    try:
        return file.stat()
    except OSError:
        return None
