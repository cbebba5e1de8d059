"""Every error that stackd raises on purpose.

    StackdError                      code  wire type
    ├── BadRequest                   400   HTTPBadRequest
    │   ├── RequestLimitExceeded     400
    │   ├── DownloadLimitExceeded    400
    │   └── FetchFailed              400   HTTPBadRequest
    ├── TemplateError                400   StackValidationFailed (complaint, path, place, value, remedy)
    │   ├── TemplateErrors           several of them, found together; answers as the first
    │   ├── InvalidFormat            400   HTTPBadRequest
    │   ├── InvalidTemplateVersion   400
    │   ├── InvalidTemplateSection   400
    │   ├── InvalidTemplateReference 400
    │   ├── InvalidTemplateAttribute 400
    │   ├── InvalidSchemaError       400
    │   ├── CircularDependency       400   CircularDependencyException
    │   ├── UserParameterMissing     400
    │   ├── UnknownUserParameter     400
    │   ├── InvalidParameterValue    400   StackValidationFailed
    │   ├── ImmutableParameterModified 400
    │   ├── MissingTemplate          400   StackValidationFailed
    │   ├── InvalidHook              400   InvalidBreakPointHook
    │   └── PropertyError            400   StackValidationFailed
    ├── NotSupported                 400
    ├── ResourceActionNotSupported   400
    ├── ResourceTypeUnavailable      400
    ├── MissingCredential            400   MissingCredentialError
    ├── Unauthorized                 401
    ├── Forbidden                    403
    │   └── WrongProject             403   HTTPForbidden
    ├── EntityNotFound               404
    │   ├── ResourceNotFound, SnapshotNotFound, NotFound, ResourceNotAvailable
    ├── StackExists, ActionInProgress 409
    ├── ExportExists, ExportInUse    409
    ├── ServiceUnavailable           503   HTTPServiceUnavailable
    ├── CloudError                   an answer of an OpenStack service, or none
    │   ├── CloudNotFound, CloudConflict, OverQuota, CloudForbidden, CloudUnauthorized
    │   └── Transient                the only kind that is retried
    ├── ResourceFailure              an action on a resource failed
    │   ├── ResourceInError          the service itself reports the object as broken
    │   ├── ResourceActionRestricted the environment forbids the change
    │   └── ActionTimedOut
    └── Fenced                       another process owns the stack now: stop without a word

``code`` is the HTTP status, ``wire_type`` what the native API shows as ``error.type``. The message of a
template error is rendered from its data when it is shown (`stackd.wording`); no code decides by its text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self, TypeVar

from stackd.wording import HERE, Complaint, Reason, Where, Word, message


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
        """What is said of it."""
        return self._message

    def __str__(self) -> str:
        return self.message

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.message!r})"


class BadRequest(StackdError):
    """The request is malformed."""

    code = 400
    wire_type = "HTTPBadRequest"


class RequestLimitExceeded(BadRequest):
    """Request limit exceeded."""


class DownloadLimitExceeded(BadRequest):
    """What is to be downloaded for the request is too large."""


class FetchFailed(BadRequest):
    """A URL could not be fetched."""

    wire_type = "HTTPBadRequest"


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
    before the sentence, parted by colons; `HERE` in it is the path. ``path`` is dotted
    (``resources.web.properties.image``), ``at`` the path that the message shows when that is another.
    ``place`` is where it stands in a text, ``remedy`` one sentence that says what to do, ``value`` what
    stands there, None when there is nothing to show.

    The data never change: `but` makes another error of them.
    """

    code = 400
    wire_type = "StackValidationFailed"

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

        A message that does not say where the mistake is says then in which resource.
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
        """What another error takes to say the same in the same words, after what is ``before``."""
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


class InvalidFormat(TemplateError):
    """A text in the request is not what it should be, such as no YAML."""

    wire_type = "HTTPBadRequest"


class InvalidTemplateVersion(TemplateError):
    """The template version is invalid."""


class InvalidTemplateSection(TemplateError):
    """The template section is invalid."""


class InvalidTemplateReference(TemplateError):
    """The specified reference is incorrect."""


class InvalidTemplateAttribute(TemplateError):
    """The referenced attribute is incorrect."""


class InvalidSchemaError(TemplateError):
    """A parameter or property schema is invalid."""


class CircularDependency(TemplateError):
    """Circular Dependency Found."""

    wire_type = "CircularDependencyException"


class UserParameterMissing(TemplateError):
    """A parameter was not provided."""


class UnknownUserParameter(TemplateError):
    """A parameter was not defined in the template."""


class InvalidParameterValue(TemplateError):
    """The value of a parameter is invalid."""

    wire_type = "StackValidationFailed"


class ImmutableParameterModified(TemplateError):
    """An immutable parameter may not be modified."""


class MissingTemplate(TemplateError):
    """A template that another one names is not there."""

    wire_type = "StackValidationFailed"


class PropertyError(TemplateError):
    """A property's value is invalid."""

    wire_type = "StackValidationFailed"


class InvalidHook(TemplateError):
    """The environment sets a hook that there is not."""

    wire_type = "InvalidBreakPointHook"


class NotSupported(StackdError):
    """This is not supported."""

    code = 400


class ResourceActionNotSupported(StackdError):
    """The action is not supported for the resource."""

    code = 400


class ResourceTypeUnavailable(StackdError):
    """HEAT-E99001 The service of the resource type is not available."""

    code = 400


class InvalidBreakPointHook(StackdError):
    """The hook is not pending or not known."""

    code = 400


class MissingCredential(StackdError):
    """A credential that the operation needs is missing."""

    code = 400
    wire_type = "MissingCredentialError"


class Unauthorized(StackdError):
    """The request requires authentication."""

    code = 401


class Forbidden(StackdError):
    """You are not authorized to use this."""

    code = 403


class WrongProject(Forbidden):
    """Access was denied to this resource."""

    wire_type = "HTTPForbidden"


class EntityNotFound(StackdError):
    """The entity could not be found."""

    code = 404

    def __init__(self, entity: str = "Entity", name: str = "") -> None:
        super().__init__(f"The {entity} ({name}) could not be found.")


class NotFound(EntityNotFound):
    """The thing could not be found."""

    def __init__(self, message: str) -> None:
        StackdError.__init__(self, message)


class ResourceNotFound(EntityNotFound):
    """The resource could not be found in the stack."""

    def __init__(self, resource: str, stack: str) -> None:
        StackdError.__init__(self, f"The Resource ({resource}) could not be found in Stack {stack}.")


class ResourceNotAvailable(EntityNotFound):
    """The resource is not available yet."""

    def __init__(self, resource: str) -> None:
        StackdError.__init__(self, f"The Resource ({resource}) is not available.")


class StackExists(StackdError):
    """The stack already exists."""

    code = 409

    def __init__(self, name: str) -> None:
        super().__init__(f"The Stack ({name}) already exists.")


class ActionInProgress(StackdError):
    """The stack already has an action in progress."""

    code = 409

    def __init__(self, stack: str, action: str) -> None:
        super().__init__(f"Stack {stack} already has an action ({action}) in progress.")


class PlanOutdated(StackdError):
    """The plan cannot be executed any more: what it was made from has changed."""

    code = 409

    def __init__(self, plan_id: str, moved: str) -> None:
        super().__init__(f"The plan {plan_id} cannot be executed any more: {moved}.")


class ExportExists(StackdError):
    """Another stack exports this name."""

    code = 409

    def __init__(self, name: str, stack: str) -> None:
        super().__init__(f"Export with name {name} is already exported by stack {stack}.")


class ExportInUse(StackdError):
    """Other stacks import this."""

    code = 409

    def __init__(self, name: str, change: str, stacks: str) -> None:
        super().__init__(f"Export {name} cannot be {change} as it is in use by {stacks}.")


class ServiceUnavailable(StackdError):
    """A service that is needed is not available."""

    code = 503
    wire_type = "HTTPServiceUnavailable"


class CloudError(StackdError):
    """An OpenStack service refused a request.

    ``service`` is the catalog type, ``status`` the HTTP status (0 when there was no answer),
    ``request_id`` the service's own id of the request, empty when it sent none.
    """

    code = 500

    def __init__(
        self, message: str = "", *, service: str = "", status: int = 0, request_id: str = ""
    ) -> None:
        super().__init__(message)
        self.service = service
        self.status = status
        self.request_id = request_id

    def __str__(self) -> str:
        known = [self.service, f"HTTP {self.status}" if self.status else "", self.request_id]
        origin = ", ".join(part for part in known if part)
        return f"{self.message} ({origin})" if origin else self.message


class CloudNotFound(CloudError):
    """The object does not exist in the cloud."""


class CloudConflict(CloudError):
    """The object is in use or exists already."""


class OverQuota(CloudError):
    """A quota of the project is used up."""


class CloudForbidden(CloudError):
    """The credentials do not permit this in the cloud."""


class CloudUnauthorized(CloudError):
    """The credentials were not accepted by the cloud."""


class Transient(CloudError):
    """The service did not answer, or asked for patience."""


class ResourceFailure(StackdError):
    """An action on a resource failed."""


class ResourceInError(ResourceFailure):
    """The service reports the object as broken."""


class ResourceActionRestricted(ResourceFailure):
    """The environment forbids this change of the resource."""

    def __init__(self, action: str) -> None:
        super().__init__(f"{action} is restricted for resource.")


class PlanExceeded(ResourceFailure):
    """The execution of a saved plan would have to do more than the plan says."""

    def __init__(self, path: str, done: str, planned: str) -> None:
        super().__init__(f"{path} would need {done} where the executed plan says {planned}. Make a new plan.")


class ActionTimedOut(ResourceFailure):
    """Timed out"""


class Fenced(StackdError):
    """Another process owns this stack now."""
