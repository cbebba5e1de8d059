"""A resource type of your own: put this file into a directory of `plugins.directories`.

Installed packages offer types through the entry-point group `stackd.resources` instead.
"""

from stackd.resources.base import Entity, ResourceType, attr
from stackd.resources.constraints import length
from stackd.resources.context import Context
from stackd.resources.registry import resource_type
from stackd.resources.schema import IN_PLACE, Properties, prop


class NoteProps(Properties):
    """Properties of `ACME::Desk::Note`."""

    text: str = prop("What the note says.", required=True, update=IN_PLACE, constraints=[length(1, 200)])


@resource_type("ACME::Desk::Note", since="1.0")
class Note(ResourceType[NoteProps]):
    """A note on somebody's desk."""

    properties = NoteProps
    entity = Entity("desk", "/notes", "note", "notes", name_filter="name")
    attributes = {"author": attr("Who wrote the note.")}  # noqa: RUF012

    async def create(self, ctx: Context, props: NoteProps) -> None:
        """Write the note; its name is how stackd finds it again after a crash."""
        body = {"name": ctx.physical_name, "text": props.text}
        note = (await ctx.cloud.service("desk").post("/notes", {"note": body}))["note"]
        await ctx.created(note["id"], note)

    async def update(self, ctx: Context, old: NoteProps, new: NoteProps) -> None:
        """Write other words on the same note."""
        body = {"note": {"text": new.text}}
        await ctx.cloud.service("desk").put(f"/notes/{ctx.physical_id}", body)
