"""Makes groups and users. Those that are there stay as they are."""

import logging
from typing import Any, Dict, List

from stackd_cfntools.init.context import Context
from stackd_cfntools.values import listing, mapping

log = logging.getLogger(__name__)

_SHELL = "/sbin/nologin"


def add_groups(context: Context, groups: Dict[str, Any]) -> None:
    """Make the groups that are missing."""
    for name in sorted(groups):
        settings = mapping(groups[name], name)
        if context.system.group(name) is not None:
            log.info("the group %s is there already", name)
            continue
        context.system.must(["groupadd", *_option("--gid", settings.get("gid")), name])


def add_users(context: Context, users: Dict[str, Any]) -> None:
    """Make the users that are missing; nobody can log in as one of them."""
    for name in sorted(users):
        settings = mapping(users[name], name)
        if context.system.user(name) is not None:
            log.info("the user %s is there already", name)
            continue
        groups = [str(each) for each in listing(settings.get("groups"), name + ".groups")]
        context.system.must([
            "useradd",
            *("--shell", _SHELL),
            *_option("--uid", settings.get("uid")),
            *_option("--groups", ",".join(groups)),
            *_option("--home-dir", settings.get("homeDir")),
            name,
        ])  # fmt: skip


def _option(name: str, value: Any) -> List[str]:
    return [name, str(value)] if value not in (None, "") else []
