"""The package managers: how each shows what is installed, and how it installs."""

import logging
import os
import tempfile
from typing import Callable, Dict, List, NamedTuple

from stackd_cfntools.errors import ToolError
from stackd_cfntools.init import versions
from stackd_cfntools.init.context import Context
from stackd_cfntools.init.downloads import download

log = logging.getLogger(__name__)


class Package(NamedTuple):
    """A package in some version, or in any if that is empty; from a URL if there is one."""

    name: str
    version: str
    url: str


Installed = Callable[[Context, List[str], Package], str]
Install = Callable[[Context, List[str], List[Package]], None]


class Manager(NamedTuple):
    """The commands of which one has to be there; the version that is installed, or nothing; what installs."""

    tools: List[List[str]]
    installed: Installed
    install: Install


_QUIETLY = {"DEBIAN_FRONTEND": "noninteractive"}


def is_url(text: str) -> bool:
    """Whether a version is the address of the package itself."""
    return text.startswith(("http://", "https://", "ftp://", "file://"))


def tool_of(context: Context, name: str, manager: Manager) -> List[str]:
    """The first of the manager's commands that the machine has."""
    found = next((tool for tool in manager.tools if context.system.has(tool[0])), None)
    if found is None:
        names = " nor ".join(tool[0] for tool in manager.tools)
        raise ToolError("{}: this machine has no {}".format(name, names))
    return found


# --- RPM: rpm, yum, dnf, zypper --------------------------------------------------------------------


def _of_rpm(context: Context, tool: List[str], package: Package) -> str:
    name = _name_in(context, package) if package.url else package.name
    query = ["rpm", "-q", "--qf", "%{EPOCH}:%{VERSION}-%{RELEASE}\n", name]
    outcome = context.system.run(query)
    last = (outcome.output.strip().splitlines() or [""])[-1]
    return last.replace("(none):", "") if outcome.status == 0 else ""


def _name_in(context: Context, package: Package) -> str:
    """The name in the package that is at a URL; what it is called in the template need not be it."""
    outcome = context.system.run(["rpm", "-q", "--qf", "%{NAME}\n", "-p", package.url])
    last = (outcome.output.strip().splitlines() or [""])[-1]
    return last if outcome.status == 0 else package.name


def _install_rpm(context: Context, tool: List[str], packages: List[Package]) -> None:
    for each in packages:
        if not each.url:
            raise ToolError("{} must be the URL of a package".format(each.name))
    context.system.must([*tool, "-U", *(each.url for each in packages)])


def _install_yum(context: Context, tool: List[str], packages: List[Package]) -> None:
    """Install all at once, but for those that are there in a newer version."""
    older = [each for each in packages if _is_older(context, tool, each)]
    newer = [each for each in packages if each not in older]
    for verb, chosen in (("install", newer), ("downgrade", older)):
        if chosen:
            context.system.must([*tool, "-y", verb, *(_named(each, "-") for each in chosen)])


def _is_older(context: Context, tool: List[str], package: Package) -> bool:
    there = _of_rpm(context, tool, package) if package.version else ""
    return bool(there) and versions.key_of(package.version) < versions.key_of(there)


def _install_zypper(context: Context, tool: List[str], packages: List[Package]) -> None:
    names = [_named(each, "=") for each in packages]
    context.system.must([*tool, "--non-interactive", "install", "--oldpackage", *names])


# --- Debian: apt, dpkg -----------------------------------------------------------------------------


def _of_dpkg(context: Context, tool: List[str], package: Package) -> str:
    query = ["dpkg-query", "-W", "-f", "${Status}|${Version}", package.name]
    state, _, version = context.system.run(query).output.strip().partition("|")
    return version if state == "install ok installed" else ""


def _install_apt(context: Context, tool: List[str], packages: List[Package]) -> None:
    environ = dict(context.system.environ, **_QUIETLY)
    if context.system.run([*tool, "-q", "update"], env=environ).status:
        log.warning("the lists of packages could not be renewed; the machine's own are used")
    names = [_named(each, "=") for each in packages]
    context.system.must([*tool, "-q", "-y", "--allow-downgrades", "install", *names], env=_QUIETLY)


def _install_dpkg(context: Context, tool: List[str], packages: List[Package]) -> None:
    for each in packages:
        if not each.url:
            raise ToolError("{} must be the URL of a package".format(each.name))
        with tempfile.TemporaryDirectory(prefix="cfn-init-") as folder:
            path = os.path.join(folder, "package.deb")
            with open(path, "wb") as target:
                download(context, each.url, target)
            context.system.must([*tool, "--install", path], env=_QUIETLY)


# --- languages: rubygems, python -------------------------------------------------------------------


def _of_gem(context: Context, tool: List[str], package: Package) -> str:
    of_version = ["--version", package.version] if package.version else []
    query = [*tool, "list", "--local", "--installed", "^{}$".format(package.name), *of_version]
    return (package.version or "any") if context.system.run(query).status == 0 else ""


def _install_gem(context: Context, tool: List[str], packages: List[Package]) -> None:
    for each in packages:
        of_version = ["--version", each.version] if each.version else []
        context.system.must([*tool, "install", "--no-document", *of_version, each.url or each.name])


def _of_python(context: Context, tool: List[str], package: Package) -> str:
    outcome = context.system.run([*tool, "show", package.name])
    lines = (line.partition(":") for line in outcome.output.splitlines())
    return next((value.strip() for name, _, value in lines if name == "Version"), "")


def _install_python(context: Context, tool: List[str], packages: List[Package]) -> None:
    context.system.must([*tool, "install", *(_named(each, "==") for each in packages)])


def _named(package: Package, between: str) -> str:
    """A package as its manager takes it."""
    if package.url:
        return package.url
    return package.name + between + package.version if package.version else package.name


MANAGERS: Dict[str, Manager] = {
    "dpkg": Manager([["dpkg"]], _of_dpkg, _install_dpkg),
    "rpm": Manager([["rpm"]], _of_rpm, _install_rpm),
    "apt": Manager([["apt-get"]], _of_dpkg, _install_apt),
    "yum": Manager([["yum"], ["dnf"]], _of_rpm, _install_yum),
    "dnf": Manager([["dnf"], ["yum"]], _of_rpm, _install_yum),
    "zypper": Manager([["zypper"]], _of_rpm, _install_zypper),
    "rubygems": Manager([["gem"]], _of_gem, _install_gem),
    "python": Manager([["pip3"], ["pip"], ["python3", "-m", "pip"]], _of_python, _install_python),
}
