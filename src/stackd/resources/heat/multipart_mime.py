"""OS::Heat::MultipartMime, several texts in one, to be a server's user data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from email import message_from_string
from email.message import Message
from email.mime.multipart import MIMEMultipart
from email.mime.text import MIMEText
from pathlib import PurePosixPath
from typing import Any

from stackd.resources.constraints import one_of
from stackd.resources.context import Context
from stackd.resources.heat.software_config import UNGROUPED, StoredConfig
from stackd.resources.registry import resource_type
from stackd.resources.schema import Properties, Support, prop


class Part(Properties):
    """One of the texts."""

    config: str = prop("The text, or the id of a software configuration that has it.", required=True)
    filename: str | None = prop("Name of the file that it becomes.")
    type: str = prop(
        "Whether it is a text, or has parts itself.",
        default="text",
        constraints=[one_of("text", "multipart")],
    )
    subtype: str | None = prop("Subtype of the text, such as x-shellscript.")


class MultipartMimeProps(Properties):
    """Properties of ``OS::Heat::MultipartMime``."""

    parts: list[Part] = prop("The texts in their order.", default=[])
    group: str = prop(
        "Name of the tool in the server that applies it.",
        default=UNGROUPED,
        support=Support(version="14.0.0"),
    )


@resource_type("OS::Heat::MultipartMime", since="2014.1")
class MultipartMime(StoredConfig[MultipartMimeProps]):
    """Several texts as the parts of one message, in the form that cloud-init reads."""

    async def content(self, ctx: Context, props: MultipartMimeProps) -> Mapping[str, Any]:
        """The message."""
        whole = MIMEMultipart(boundary=f"==={ctx.physical_name}===")
        for part in props.parts:
            found = await ctx.software.config(part.config)
            text = str(found.content.get("config") or "") if found else part.config
            for each in _messages(part, text):
                whole.attach(each)
        return {"config": whole.as_string()}


def _messages(part: Part, text: str) -> Iterator[Message]:
    if part.type == "multipart":
        yield from (each for each in message_from_string(text).walk() if not each.is_multipart())
        return
    subtype = part.subtype or PurePosixPath(part.filename or "plain").stem
    message = MIMEText(text, subtype, "us-ascii" if text.isascii() else "utf-8")
    if part.filename:
        message.add_header("Content-Disposition", "attachment", filename=part.filename)
    yield message
