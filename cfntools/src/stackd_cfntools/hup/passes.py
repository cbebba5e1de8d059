"""One pass: fetch metadata, start services that are down, run the hooks that are due."""

import logging
from typing import Callable, List, NamedTuple, Optional, Set

from stackd_cfntools.cloudformation import Detail
from stackd_cfntools.errors import RequestRefused
from stackd_cfntools.hup import state as states
from stackd_cfntools.hup.hooks import ADDED, REMOVED, RESTARTED, UPDATED, Hook
from stackd_cfntools.init import services
from stackd_cfntools.metadata import INIT
from stackd_cfntools.system import System

log = logging.getLogger(__name__)

Describe = Callable[[str], Detail]


class Due(NamedTuple):
    """A hook that is to run, why, and what it has seen then."""

    hook: Hook
    trigger: str
    digest: Optional[str]


def once(system: System, hooks: List[Hook], describe: Describe) -> bool:
    """One pass; whether all went well. What a hook has seen counts only after its action has ended well."""
    names = sorted({hook.target.resource for hook in hooks})
    details = {
        name: detail for name, detail in ((name, _described(describe, name)) for name in names) if detail
    }
    restarted = {name for name, detail in details.items() if _restart_services(system, detail)}
    state = states.read(system)
    well = len(details) == len(names)
    for hook in hooks:
        if hook.target.resource not in details:
            continue
        due = _due(system, hook, details[hook.target.resource], state, restarted)
        if due.trigger and not _run(system, due):
            well = False
            continue
        if state.get(hook.name, "") != due.digest:
            state[hook.name] = due.digest
            states.write(system, state)
    return well


def _described(describe: Describe, name: str) -> Optional[Detail]:
    """What the server says of a resource; what it refuses for one keeps no hook of another from running."""
    try:
        return describe(name)
    except RequestRefused as error:
        log.error("%s", error)
        return None


def _due(system: System, hook: Hook, detail: Detail, state: states.State, restarted: Set[str]) -> Due:
    now = states.digest(detail, hook.target)
    first = hook.name not in state
    before = states.seen_by_others(system, hook.target) if first else state[hook.name]
    triggers = changes(before, now, first)
    if hook.target.resource in restarted:
        triggers.append(RESTARTED)
    return Due(hook, next((each for each in triggers if each in hook.triggers), ""), now)


def changes(before: Optional[str], now: Optional[str], first: bool) -> List[str]:
    """The triggers that the difference of two digests is.

    What a hook sees first, and nobody before it, is both new and changed: guests were always told so.
    """
    if before == now:
        return []
    if before is None:
        return [ADDED, UPDATED] if first else [ADDED]
    return [REMOVED] if now is None else [UPDATED]


def _run(system: System, due: Due) -> bool:
    hook = due.hook
    log.info("%s: the hook %s runs", due.trigger, hook.name)
    outcome = system.run(hook.action, user=hook.runas)
    if outcome.status:
        log.error(
            "the action of the hook %s ended with status %d and will be repeated: %s",
            *(hook.name, outcome.status, outcome.output.strip()[-2000:]),
        )
    return outcome.status == 0


def _restart_services(system: System, detail: Detail) -> bool:
    """Start the services that should run and do not; whether any was started."""
    init = detail.metadata.get(INIT)
    names = services.wanted(init) if isinstance(init, dict) else []
    started = [_start(system, name) for name in names if not services.is_running(system, name)]
    return any(started)


def _start(system: System, name: str) -> bool:
    outcome = system.run(services.act(system, "start", name))
    if outcome.status:
        log.error("the service %s is down and cannot be started: %s", name, outcome.output.strip()[-2000:])
    else:
        log.warning("the service %s was down and is started", name)
    return outcome.status == 0
