"""Example::Dns::Record: say in one line what it is."""

from typing import ClassVar

from stackd.resources.attributes import LIVE, attr
from stackd.resources.entity import Entity
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource, same
from stackd.resources.schema import IN_PLACE, Properties, prop


class RecordProps(Properties):
    """Properties of `Example::Dns::Record`."""

    name: str | None = prop("Name of the object; one is made up when it is left out.", update=IN_PLACE)
    description: str = prop("What the object is for.", default="", update=IN_PLACE)
    size: int = prop("How large the object is; another size makes another object.", default=1)


@resource_type("Example::Dns::Record", since="1.0")
class Record(RestResource[RecordProps]):
    """Says in the list of types what users get."""

    entity = Entity("dns", "/records", "record", "records", update="PUT")
    fields: ClassVar = same("name", "description", "size")
    attributes: ClassVar = {"status": attr("What the object is doing.", how=LIVE)}
