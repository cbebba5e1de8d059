"""Rules of oslo.policy: the built-in ones under the operator's.

Importing the library takes a tenth of a second, most of it for expressions that nothing here uses.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from oslo_config import cfg
from oslo_policy import _checks
from oslo_policy import policy as oslo

from stackd.auth.policy_defaults import DEFAULT_RULES, Rule
from stackd.auth.policy_files import PolicyFileError, PolicyFiles

_REMOTE_CHECKS = frozenset({"http", "https"})

# Its plug-ins are the checks that ask another server. To find them it imports an HTTP client, 4 MB.
_checks.extension_checks = {}


class _RemoteCheck(oslo.Check):
    """Placeholder for a check that calls another server; a file with one is refused."""

    def __call__(self, *_: object) -> bool:
        return False


for _kind in _REMOTE_CHECKS:
    oslo.register(_kind, _RemoteCheck)


def load_rules(files: PolicyFiles, *, old_defaults: bool) -> oslo.Enforcer:
    """What decides by the rules, not to be changed; ``PolicyFileError`` if a file is not good."""
    return _read(files, old_defaults=old_defaults) if files else _built_in(old_defaults)


@lru_cache(2)
def _built_in(old_defaults: bool) -> oslo.Enforcer:
    return _read(PolicyFiles(), old_defaults=old_defaults)


def _read(files: PolicyFiles, *, old_defaults: bool) -> oslo.Enforcer:
    if files.path and not files.path.is_file():
        raise PolicyFileError(f"There is no policy file {files.path}")
    conf = cfg.ConfigOpts()
    conf([], project="stackd", default_config_files=[], default_config_dirs=[])
    enforcer = oslo.Enforcer(conf, policy_file=str(files.path or "none"))
    conf.set_override("enforce_new_defaults", not old_defaults, group="oslo_policy")
    conf.set_override("policy_dirs", [str(files.folder)] if files.folder else [], group="oslo_policy")
    enforcer.suppress_deprecation_warnings = True
    enforcer.suppress_default_change_warnings = True
    enforcer.register_defaults([_declared(rule) for rule in DEFAULT_RULES])
    try:
        enforcer.load_rules()
    except (ValueError, TypeError, AttributeError, OSError) as error:
        raise PolicyFileError(f"The policy file {files.path or files.folder} is broken: {error}") from error
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
