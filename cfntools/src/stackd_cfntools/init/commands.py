"""Runs commands."""

import logging
from typing import Any, Dict, List, Optional, Union

from stackd_cfntools.errors import ToolError
from stackd_cfntools.init.context import Context
from stackd_cfntools.values import is_true, mapping

log = logging.getLogger(__name__)

Words = Union[str, List[str]]


def execute(context: Context, commands: Dict[str, Any]) -> None:
    """Run commands in the order of their labels, until one fails whose errors are not to be ignored."""
    for label in sorted(commands):
        entry = mapping(commands[label], label)
        words = _words(label, entry)
        cwd, env = entry.get("cwd"), _environment(label, entry)
        if cwd and not context.system.exists(str(cwd)):
            log.warning("the command %s is left out: %s does not exist", label, cwd)
        elif _is_wanted(context, label, entry, cwd, env):
            _execute(context, label, entry, words, cwd, env)


def _words(label: str, entry: Dict[str, Any]) -> Words:
    command = entry.get("command")
    if isinstance(command, list) and command:
        return [str(word) for word in command]
    if isinstance(command, str) and command:
        return command
    raise ToolError("{}.command must be a text or a list of words".format(label))


def _environment(label: str, entry: Dict[str, Any]) -> Optional[Dict[str, str]]:
    if "env" not in entry:
        return None
    return {name: str(value) for name, value in mapping(entry["env"], label + ".env").items()}


def _is_wanted(
    context: Context, label: str, entry: Dict[str, Any], cwd: Optional[str], env: Optional[Dict[str, str]]
) -> bool:
    test = entry.get("test")
    if not test:
        return True
    words = [str(word) for word in test] if isinstance(test, list) else str(test)
    if context.system.run(words, cwd, env).status == 0:
        return True
    log.info("the command %s is left out: its test failed", label)
    return False


def _execute(
    context: Context,
    label: str,
    entry: Dict[str, Any],
    words: Words,
    cwd: Optional[str],
    env: Optional[Dict[str, str]],
) -> None:
    outcome = context.system.run(words, cwd, env)
    if outcome.status and not is_true(entry.get("ignoreErrors")):
        raise ToolError(
            "the command {} ended with status {}: {}".format(
                label, outcome.status, outcome.output.strip()[-2000:]
            )
        )
    log.info("the command %s ended with status %d", label, outcome.status)
    context.changes.commands.add(label)
    context.system.sleep(_pause(label, entry))


def _pause(label: str, entry: Dict[str, Any]) -> float:
    """The seconds to wait after a command; `forever` is for Windows, where a restart ends it."""
    given = entry.get("waitAfterCompletion", 0)
    if str(given).lower() == "forever":
        log.warning("%s.waitAfterCompletion: there is no waiting for ever here", label)
        return 0.0
    try:
        return max(0.0, float(given))
    except (TypeError, ValueError):
        raise ToolError("{}.waitAfterCompletion must be a number of seconds".format(label)) from None
