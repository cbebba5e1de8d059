"""Runs configs, section by section, in the order in which AWS does: users own what sources and files make."""

import logging
from typing import Any, Dict, List

from stackd_cfntools.errors import ToolError
from stackd_cfntools.init import accounts, commands, config_sets, files, packages, services, sources
from stackd_cfntools.init.authentication import Authentication
from stackd_cfntools.init.context import Changes, Context
from stackd_cfntools.metadata import AUTHENTICATION, INIT
from stackd_cfntools.system import System
from stackd_cfntools.values import mapping
from stackd_cfntools.web import Web

log = logging.getLogger(__name__)

_SECTIONS = (
    ("packages", packages.install),
    ("groups", accounts.add_groups),
    ("users", accounts.add_users),
    ("sources", sources.unpack),
    ("files", files.write),
    ("commands", commands.execute),
    ("services", services.manage),
)


def configure(system: System, web: Web, metadata: Dict[str, Any], requested: List[str], region: str) -> None:
    """Bring the machine to what the metadata asks for; raises ToolError at the first thing that fails."""
    if INIT not in metadata:
        log.warning("the metadata has no %s, so there is nothing to do", INIT)
        return
    authentication = Authentication(mapping(metadata.get(AUTHENTICATION), AUTHENTICATION), region, system.now)
    context = Context(system, web, authentication, Changes())
    for name, config in config_sets.chosen(mapping(metadata[INIT], INIT), requested):
        log.info("config %s", name)
        _run(context, name, config)


def _run(context: Context, name: str, config: Dict[str, Any]) -> None:
    known = {section for section, _ in _SECTIONS}
    for section in sorted(set(config) - known):
        log.warning("%s.%s is not known and is left out", name, section)
    for section, act in _SECTIONS:
        where = "{}.{}".format(name, section)
        try:
            act(context, mapping(config.get(section), where))
        except ToolError as error:
            raise ToolError("{}: {}".format(where, error)) from error
