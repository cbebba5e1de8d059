"""A resource type of your own: put this file into a directory of `plugins.directories`.

Installed packages offer types through the entry-point group `stackd.resources` instead.
"""

from stackd.resources.attributes import attr
from stackd.resources.constraints import length
from stackd.resources.entity import Entity
from stackd.resources.registry import resource_type
from stackd.resources.rest import RestResource, same
from stackd.resources.schema import IN_PLACE, Properties, prop


class NoteProps(Properties):
    """Properties of `ACME::Desk::Note`."""

    text: str = prop("What the note says.", required=True, update=IN_PLACE, constraints=[length(1, 200)])


@resource_type("ACME::Desk::Note", since="1.0")
class Note(RestResource[NoteProps]):
    """A note on somebody's desk."""

    # The note gets a name as well, by which stackd finds it again after a crash.
    entity = Entity("desk", "/notes", "note", "notes", update="PUT")
    fields = same("text")
    attributes = {"author": attr("Who wrote the note.")}  # noqa: RUF012
