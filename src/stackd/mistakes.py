"""What an error is, and what a mistake in a template is: data, of which a message is made when it is shown.

All errors that derive from these two stand in `stackd.errors`, which is where to import them from.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self, TypeVar

from stackd.wording import HERE, Complaint, Reason, Where, Word, message, with_remedy


class StackdError(Exception):
    """Something went wrong that stackd can name."""

    code: int = 500
    wire_type: str = ""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "wire_type" not in vars(cls):
            cls.wire_type = cls.__name__

    def __init__(self, message: str = "") -> None:
        super().__init__(message)
        self._message: Final = message or (type(self).__doc__ or "").strip().split("\n")[0]

    @property
    def message(self) -> str:
        """The message."""
        return self._message

    def __str__(self) -> str:
        return self.message

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.message!r})"


_ROOT: Final = "template"


@dataclass(frozen=True, slots=True)
class Place:
    """Where in a user's text something stands; line and column count from 1, 0 when not known."""

    file: str = ""
    line: int = 0
    column: int = 0

    def to_data(self) -> dict[str, str | int]:
        """The place as answers name it; the template itself, which came without a name, is ``template``."""
        file = self.file or (_ROOT if self.line else "")
        return {"file": file, "line": self.line, "column": self.column}

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> Place:
        """The place that an answer names."""
        file = data.get("file") or ""
        return cls("" if file == _ROOT else file, data.get("line") or 0, data.get("column") or 0)

    def __str__(self) -> str:
        where = self.file or _ROOT
        return f"{where}:{self.line}:{self.column}" if self.line else where


E = TypeVar("E", bound="TemplateError")


class TemplateError(StackdError):
    """The template, environment or a parameter is invalid.

    ``complaint`` is what is wrong, a text where the sentence is made at one place only. ``lead`` stands
    before the sentence, separated by colons; `HERE` in it is the path. ``path`` is dotted
    (``resources.web.properties.image``), ``at`` the path that the message shows when that is another.
    ``place`` is its place in a text, ``remedy`` one sentence with the correction, ``value`` what
    stands there, None when there is nothing to show.

    The data never change: `but` makes another error of them.
    """

    code = 400
    wire_type = "StackValidationFailed"
    wire_separator: ClassVar = ": : "

    def __init__(
        self,
        complaint: str | Complaint = "",
        *,
        lead: tuple[Word, ...] = (),
        path: str | Where = "",
        at: str | Where | None = None,
        place: Place | None = None,
        remedy: str = "",
        value: object = None,
    ) -> None:
        super().__init__()
        text = complaint or self._message
        self.complaint: Final = Reason.OTHER(text=text) if isinstance(text, str) else text
        self.lead: Final = lead
        self.where: Final = Where((), path) if isinstance(path, str) else path
        self.at: Final = Where((), at) if isinstance(at, str) else at
        self.place: Final = place or Place()
        self.remedy: Final = remedy
        self.value: Final = value

    @property
    def reason(self) -> Reason:
        """What is wrong, for code that has to decide."""
        return self.complaint.reason

    @property
    def path(self) -> str:
        """Where the mistake is, dotted, seen from the outermost stack."""
        return str(self.where)

    @property
    def message(self) -> str:
        """What is wrong, and where."""
        return message(self.complaint, self.lead, self._here)

    @property
    def wire_message(self) -> str:
        """The message as Heat's clients know it, with doubled colons around places."""
        return message(self.complaint, self.lead, self._here, self.wire_separator)

    @property
    def advice(self) -> str:
        """The message and the remedy, as sentences, where both are one text."""
        return with_remedy(self.message, self.remedy)

    @property
    def gist(self) -> str:
        """What is wrong, whatever the value and whatever leads to it."""
        return self.complaint.gist(self._here)

    @property
    def _here(self) -> str:
        """The path that the message shows."""
        return str(self.where if self.at is None else self.at)

    def but(self, **changes: Any) -> Self:
        """The same error with other data."""
        return type(self)(**{**_data(self), **changes})

    def converted(self, kind: type[E]) -> E:
        """The same as an error of another class."""
        return kind(**_data(self))

    def inside(self, label: str) -> Self:
        """An error of the stack inside the resource ``label``, seen from the stack around it.

        A message without the place of the mistake then names the resource.
        """
        where = self.where.inside(label)
        if HERE in self.lead or HERE in self.complaint.words.values():
            return self.but(path=where, at=None if self.at is None else self.at.inside(label))
        return self.but(path=where, at=Where((label,)), lead=(HERE, *self.lead))

    def as_member(self) -> Self:
        """The same error with the number of a group's member as an index in its paths."""
        at = None if self.at is None else self.at.as_member()
        return self.but(path=self.where.as_member(), at=at)

    def quoted(self, *before: Word) -> dict[str, Any]:
        """The lead and complaint with which another error repeats the message, after ``before``."""
        lead = [self._here if part is HERE else part for part in self.lead]
        words = {key: self._here if word is HERE else word for key, word in self.complaint.words.items()}
        return {"complaint": Complaint(self.reason, words), "lead": (*before, *lead)}


def _data(error: TemplateError) -> dict[str, Any]:
    """The data of an error, as its class takes them."""
    return {
        "complaint": error.complaint,
        "lead": error.lead,
        "path": error.where,
        "at": error.at,
        "place": error.place,
        "remedy": error.remedy,
        "value": error.value,
    }


class TemplateErrors(TemplateError):
    """Several mistakes that were found together: it answers as one of them, ``errors`` are all."""

    def __init__(self, headline: TemplateError, errors: Sequence[StackdError]) -> None:
        super().__init__(**_data(headline))
        self.code = headline.code
        self.wire_type = headline.wire_type
        self.headline: Final = headline
        self.errors: Final = tuple(errors)

    def but(self, **changes: Any) -> Any:
        """The one it answers as, with other data."""
        return self.headline.but(**changes)


def all_errors(error: StackdError) -> tuple[StackdError, ...]:
    """The errors of a group; any other error is the only one."""
    return error.errors if isinstance(error, TemplateErrors) else (error,)


def headline(error: StackdError) -> StackdError:
    """The error as which a group answers; any other error answers as itself."""
    return error.headline if isinstance(error, TemplateErrors) else error
