"""OS::Neutron::MeteringLabel, under which traffic is counted."""

from __future__ import annotations

from typing import ClassVar

from stackd.resources.attributes import attr
from stackd.resources.neutron.network import network
from stackd.resources.registry import resource_type
from stackd.resources.rest import same
from stackd.resources.schema import Properties, prop
from stackd.resources.undated import UndatedResource


class MeteringLabelProps(Properties):
    """Properties of a label."""

    name: str | None = prop("Name of the label.")
    description: str | None = prop("What the label is for.")
    shared: bool = prop("Whether traffic of all projects is counted.", default=False, since="2015.1")


@resource_type("OS::Neutron::MeteringLabel", since="2014.1")
class MeteringLabel(UndatedResource[MeteringLabelProps]):
    """Traffic that the rules of the label choose is counted under it."""

    entity = network("metering_label", path="/metering/metering-labels")
    survives = True
    fields: ClassVar = same("name", "description", "shared")
    attributes: ClassVar = {
        "name": attr("Name of the label."),
        "description": attr("What the label is for."),
        "shared": attr("Whether traffic of all projects is counted."),
    }
