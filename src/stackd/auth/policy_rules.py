"""Rules of oslo.policy: the built-in ones under the operator's.

Importing the library takes a tenth of a second, most of it for expressions that nothing here uses.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import structlog
from oslo_config import cfg
from oslo_policy import _checks, _parser
from oslo_policy import policy as oslo

from stackd.auth.policy_defaults import DEFAULT_RULES, Rule
from stackd.auth.policy_files import PolicyFileError, PolicyFiles

log = structlog.get_logger(__name__)

_TYPES = "resource_types:"
_NEAR = 0.75
"""Likeness from which an unknown name may be a known one mistyped; those of other services are less alike."""
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
    written = list(files.rules())
    for file, name, value in written:
        if mistake := _mistake(value):
            raise PolicyFileError(f'{file}: "{name}": {value!r}: {mistake}')
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
            raise PolicyFileError(
                f"The rule {name} asks another server; http checks are not run. "
                f"Write it with roles and projects in {files.path or files.folder}."
            )
    _warn_of_unknown(written, enforcer)
    enforcer.use_conf = False  # it is never loaded again: a changed file makes a new one
    return enforcer


def _mistake(value: object) -> str:
    """Why the library would not understand the value of a rule, with the remedy; empty if it does.

    It logs such a rule, and takes it for one that nobody satisfies.
    """
    if value is None:
        return ""  # as the library: whoever calls satisfies it
    if isinstance(value, str):
        return _mistake_in_text(value)
    if not isinstance(value, list):
        return 'a rule is a text. Write one such as "role:admin".'
    inner = [part for each in value for part in (each if isinstance(each, list) else [each])]
    return next((mistake for each in inner if (mistake := _mistake_in_check(each))), "")


def _mistake_in_text(rule: str) -> str:
    for word in rule.split():
        check = word.lstrip("(").rstrip(")")
        is_quoted = len(word) > 1 and check[:1] == check[-1:] and check[:1] in ("'", '"')
        if check.lower() in ("", "and", "or", "not") or is_quoted:
            continue
        if mistake := _mistake_in_check(check):
            return mistake
    state = _parser.ParseState()
    try:
        for token in _parser._parse_tokenize(rule):
            state.shift(token)
        if rule:
            _ = state.result
    except ValueError:
        return "it is not an expression. Correct its parentheses, and its words `and`, `or` and `not`."
    return ""


def _mistake_in_check(check: object) -> str:
    if isinstance(check, str) and (check in ("!", "@", "") or ":" in check):
        return ""
    return f'{check!r} is not a check. Write a kind and a value, such as "role:admin" or "rule:NAME".'


def _warn_of_unknown(written: Sequence[tuple[Path, str, Any]], enforcer: oslo.Enforcer) -> None:
    """Log the rules that decide nothing: those that are not built in, and to which no other one refers.

    They may be of another service, or mistyped.
    """
    known = enforcer.registered_rules
    aliases = {each for check in enforcer.rules.values() for each in _references(check)}
    for file, name, _ in written:
        if name not in known and name not in aliases and not name.startswith(_TYPES):
            nearest = difflib.get_close_matches(name, known, n=1, cutoff=_NEAR)
            log.warning(
                "policy_rule_unknown", rule=name, file=str(file), nearest=nearest[0] if nearest else ""
            )


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
    return (each.kind for each in _leaves(check))


def _references(check: Any) -> Iterator[str]:
    """The names of the rules to which a tree refers."""
    return (each.match for each in _leaves(check) if each.kind == "rule")


def _leaves(check: Any) -> Iterator[Any]:
    """The checks in a tree that have a kind and a value."""
    if isinstance(getattr(check, "kind", None), str):
        yield check
    inner = getattr(check, "rule", None)
    for part in (*getattr(check, "rules", ()), *([inner] if inner is not None else [])):
        yield from _leaves(part)
