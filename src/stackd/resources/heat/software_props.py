"""Properties that the types of software configurations share."""

from __future__ import annotations

from typing import Any

from stackd.resources.constraints import one_of
from stackd.resources.heat.software import KINDS
from stackd.resources.schema import Properties, prop


class Input(Properties):
    """A value that a configuration takes."""

    name: str = prop("Name of the input.", required=True)
    description: str | None = prop("What it is for.")
    type: str = prop("Type of its value.", default="String", constraints=[one_of(*KINDS)])
    default: Any = prop("Its value where a deployment gives none.")
    replace_on_change: bool = prop("Whether another value makes a new deployment.", default=False)


class Output(Properties):
    """A value that a configuration gives."""

    name: str = prop("Name of the output.", required=True)
    description: str | None = prop("What it is.")
    type: str = prop("Type of its value.", default="String", constraints=[one_of(*KINDS)])
    error_output: bool = prop("Whether a deployment that gives it has failed.", default=False)


class ConfigProps(Properties):
    """Properties of every configuration with inputs and outputs."""

    inputs: list[Input] | None = prop("Values that the configuration takes.")
    outputs: list[Output] | None = prop("Values that the configuration gives.")
    options: dict[str, Any] | None = prop("Settings of the tool that applies the configuration.")
