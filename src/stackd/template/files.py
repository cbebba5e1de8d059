"""The files that come with a definition, and which templates are missing among them."""

from __future__ import annotations

from collections.abc import Mapping

from stackd.errors import MissingTemplate
from stackd.urls import shown_name
from stackd.wording import Reason

NOT_SENT = "it is not among the files of the request"


class Files(dict[str, str]):
    """Texts by name. ``absent`` is the reason why a template could not be fetched.

    With ``wanted``, a missing template is added there instead of being an error: so the caller learns
    which ones must be fetched before the definition can be evaluated.
    """

    __slots__ = ("absent", "wanted")

    def __init__(
        self,
        texts: Mapping[str, str],
        absent: Mapping[str, str] | None = None,
        wanted: set[str] | None = None,
    ) -> None:
        super().__init__(texts)
        self.absent = absent or {}
        self.wanted = wanted


def nested_template(
    files: Mapping[str, str], name: str, path: str = "", others: Mapping[str, str] | None = None
) -> str | None:
    """The text of a template that another one names; None if it was added to ``wanted``.

    ``others`` are searched if it is not among the files. Raises ``MissingTemplate``; ``path`` is where
    it is named.
    """
    known = files.get(name) if others is None else files.get(name, others.get(name))
    if known is not None:
        return known
    why = NOT_SENT
    if isinstance(files, Files):
        if files.wanted is not None and name not in files.absent:
            files.wanted.add(name)
            return None
        why = files.absent.get(name, NOT_SENT)
    raise MissingTemplate(
        Reason.MISSING_TEMPLATE(name=shown_name(name), why=why),
        path=path,
        remedy="Send the nested template in `files` under exactly this name, or name it by a URL that works.",
    )
