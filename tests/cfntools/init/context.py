"""A context for single sections of a config."""

from __future__ import annotations

from typing import Any

from stackd_cfntools.init.authentication import Authentication
from stackd_cfntools.init.context import Changes, Context
from stackd_cfntools.web import Web
from tests.cfntools.machine import Machine


def context_of(machine: Machine, authentication: dict[str, Any] | None = None) -> Context:
    """The context of a run on that machine, which has changed nothing yet."""
    return Context(machine, Web(), Authentication(authentication or {}, "nova", machine.now), Changes())
