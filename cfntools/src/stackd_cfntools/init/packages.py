"""Installs packages."""

import logging
from typing import Any, Dict, List, Tuple

from stackd_cfntools.errors import ToolError
from stackd_cfntools.init import managers, versions
from stackd_cfntools.init.context import Context
from stackd_cfntools.init.managers import Manager, Package
from stackd_cfntools.values import mapping

log = logging.getLogger(__name__)

_FIRST = ("dpkg", "rpm", "apt", "yum", "dnf")
_ON_WINDOWS = frozenset(["msi"])


def install(context: Context, wanted: Dict[str, Any]) -> None:
    """Install what is missing, and other versions of what is there in the wrong one."""
    for name in sorted(wanted, key=_place):
        found = managers.MANAGERS.get(name)
        if found is None:
            log.warning("packages.%s is %s", name, "for Windows only" if name in _ON_WINDOWS else "not known")
            continue
        packages = [chosen(*each) for each in sorted(mapping(wanted[name], name).items())]
        _install(context, name, found, packages)


def _place(name: str) -> Tuple[int, str]:
    return (_FIRST.index(name) if name in _FIRST else len(_FIRST)), name


def chosen(name: str, value: Any) -> Package:
    """A package in the highest version that is asked for; from a URL, or in any version."""
    given = [str(each) for each in (value if isinstance(value, list) else [value]) if each not in (None, "")]
    if len(given) == 1 and managers.is_url(given[0]):
        return Package(name, "", given[0])
    return Package(name, max(given, key=versions.key_of) if given else "", "")


def _install(context: Context, name: str, manager: Manager, packages: List[Package]) -> None:
    tool = managers.tool_of(context, name, manager)
    needed = [each for each in packages if not _is_there(context, manager, tool, each)]
    if not needed:
        return
    log.info("packages.%s: %s", name, ", ".join(each.name for each in needed))
    try:
        manager.install(context, tool, needed)
    except ToolError as error:
        raise ToolError("{}: {}".format(name, error)) from error
    context.changes.packages.update((name, each.name) for each in needed)


def _is_there(context: Context, manager: Manager, tool: List[str], package: Package) -> bool:
    installed = manager.installed(context, tool, package)
    if not installed:
        return False
    return not package.version or versions.matches(installed, package.version)
