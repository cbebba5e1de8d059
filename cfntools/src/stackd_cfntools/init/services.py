"""Enables, starts, stops and restarts services."""

import logging
from typing import Any, Dict, List, Optional

from stackd_cfntools.init.context import Changes, Context
from stackd_cfntools.system import System
from stackd_cfntools.values import is_true, listing, mapping

log = logging.getLogger(__name__)

_KINDS = ("sysvinit", "systemd")
_UNITS = ("/etc/systemd/system/", "/usr/lib/systemd/system/", "/lib/systemd/system/")


def _systemctl(verb: str, name: str) -> List[str]:
    return ["systemctl", {"status": "is-active"}.get(verb, verb), name]


def _service(verb: str, name: str) -> List[str]:
    return ["service", name, verb]


def has_systemd(system: System) -> bool:
    """Whether services are systemd's."""
    return system.exists("/bin/systemctl") or system.exists("/usr/bin/systemctl")


def act(system: System, verb: str, name: str) -> List[str]:
    """The command that does something to a service."""
    return _systemctl(verb, name) if has_systemd(system) else _service(verb, name)


def is_running(system: System, name: str) -> bool:
    """Whether a service runs."""
    return system.run(act(system, "status", name)).status == 0


def manage(context: Context, services: Dict[str, Any]) -> None:
    """Bring each service to the state that is asked for."""
    _reload_units(context)
    for kind in sorted(services):
        if kind not in _KINDS:
            log.warning("services.%s is not for this machine and is left out", kind)
            continue
        for name, settings in sorted(mapping(services[kind], kind).items()):
            _manage(context, name, mapping(settings, name))


def _reload_units(context: Context) -> None:
    changed = any(path.startswith(_UNITS) for path in context.changes.files)
    if changed and has_systemd(context.system):
        context.system.must(["systemctl", "daemon-reload"])


def _manage(context: Context, name: str, settings: Dict[str, Any]) -> None:
    if "enabled" in settings:
        context.system.must(_at_boot(context.system, name, is_true(settings["enabled"])))
    if "ensureRunning" not in settings:
        return
    verb = _needed(
        is_true(settings["ensureRunning"]),
        is_running(context.system, name),
        depends_on_changes(settings, context.changes),
    )
    if verb:
        log.info("%s: %s", name, verb)
        context.system.must(act(context.system, verb, name))


def _needed(wanted: bool, running: bool, changed: bool) -> Optional[str]:
    if not wanted:
        return "stop" if running else None
    if not running:
        return "start"
    return "restart" if changed else None


def _at_boot(system: System, name: str, enabled: bool) -> List[str]:
    if has_systemd(system):
        return ["systemctl", "enable" if enabled else "disable", name]
    if system.has("chkconfig"):
        return ["chkconfig", name, "on" if enabled else "off"]
    return ["update-rc.d", name, "enable" if enabled else "disable"]


def depends_on_changes(settings: Dict[str, Any], changes: Changes) -> bool:
    """Whether something that a service depends on was changed."""
    packages = mapping(settings.get("packages"), "packages")
    named = {(manager, str(name)) for manager, names in packages.items() for name in listing(names, manager)}
    return bool(
        changes.files.intersection(listing(settings.get("files"), "files"))
        or changes.sources.intersection(listing(settings.get("sources"), "sources"))
        or changes.commands.intersection(listing(settings.get("commands"), "commands"))
        or changes.packages & named
    )


def wanted(metadata: Dict[str, Any]) -> List[str]:
    """The names of all services that metadata wants to run, in whichever config."""
    services = [_maps_in(config).get("services", {}) for config in _maps_in(metadata).values()]
    entries = [_maps_in(each).get(kind, {}) for each in services for kind in _KINDS]
    running = [name for each in entries for name, settings in _maps_in(each).items() if _is_wanted(settings)]
    return sorted(set(running))


def _is_wanted(settings: Dict[str, Any]) -> bool:
    return is_true(settings.get("ensureRunning"))


def _maps_in(value: Dict[str, Any]) -> Dict[str, Dict[str, Any]]:
    """What is a map in a map; metadata may have anything."""
    return {name: each for name, each in value.items() if isinstance(each, dict)}
