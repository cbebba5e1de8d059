"""Every error that stackd raises on purpose.

    StackdError                      code  wire type
    ├── BadRequest                   400   HTTPBadRequest
    │   ├── NothingToUpdate          400
    │   ├── RequestLimitExceeded     400
    │   ├── DownloadLimitExceeded    400
    │   ├── FetchFailed              400   HTTPBadRequest
    │   └── QueryFault               400   about metrics and alarms; ``fault`` is the code of the Query API
    ├── TemplateError                400   StackValidationFailed (complaint, path, place, value, remedy)
    │   ├── TemplateErrors           several of them, found together; answers as the first
    │   ├── InvalidFormat            400   HTTPBadRequest
    │   ├── InvalidTemplateVersion   400
    │   ├── InvalidTemplateSection   400
    │   ├── InvalidTemplateReference 400
    │   ├── InvalidTemplateAttribute 400
    │   ├── OutputError              400   StackValidationFailed
    │   ├── InvalidSchemaError       400
    │   ├── CircularDependency       400   CircularDependencyException
    │   ├── InvalidExternalResourceDependency 400
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
    │   └── UnknownAccessKey, SignatureMismatch, SignatureExpired, UndatedSignature
    ├── Forbidden                    403
    │   ├── NotEnrolled              403
    │   └── WrongProject             403   HTTPForbidden
    ├── EntityNotFound               404
    │   ├── ResourceNotFound, SnapshotNotFound, NotFound, ResourceNotAvailable, ChangeSetNotFound
    ├── StackExists, ActionInProgress 409
    ├── PlanOutdated, PlanRefused    409
    ├── ExportExists, ExportInUse    409
    ├── StackProtected               409  the stack is not to be deleted
    ├── TokenReused                  409  another request had the same token
    ├── ChangeSetExists, ChangeSetUnavailable 409
    ├── ServiceUnavailable           503   HTTPServiceUnavailable
    ├── CloudError                   an answer of an OpenStack service, or none
    │   ├── CloudNotFound, CloudConflict, OverQuota, CloudForbidden
    │   ├── CloudUnauthorized
    │   │   └── CredentialsLost      400   MissingCredentialError
    │   └── Transient                the only kind that is retried
    ├── ResourceFailure              an action on a resource failed
    │   ├── ResourceInError          the service itself reports the object as broken
    │   ├── ResourceActionRestricted the environment forbids the change
    │   ├── UpdateDenied             403  the stack policy forbids the change
    │   ├── StateInvalid             Error: an action on what is not in the state for it
    │   └── ActionTimedOut
    └── Fenced                       another process owns the stack now: stop without a word

``code`` is the HTTP status, ``wire_type`` what the native API shows as ``error.type``. The message of a
template error is rendered from its data when it is shown (`stackd.wording`); no code decides by its text.
"""

from __future__ import annotations

from collections.abc import Sequence

from stackd.mistakes import Place as Place
from stackd.mistakes import StackdError as StackdError
from stackd.mistakes import TemplateError as TemplateError
from stackd.mistakes import TemplateErrors as TemplateErrors
from stackd.mistakes import all_errors as all_errors
from stackd.mistakes import headline as headline


class BadRequest(StackdError):
    """The request is malformed."""

    code = 400
    wire_type = "HTTPBadRequest"


class NothingToUpdate(BadRequest):
    """No updates are to be performed."""


class RequestLimitExceeded(BadRequest):
    """Request limit exceeded."""


class DownloadLimitExceeded(BadRequest):
    """What is to be downloaded for the request is too large."""


class FetchFailed(BadRequest):
    """A URL could not be fetched."""

    wire_type = "HTTPBadRequest"


class QueryFault(BadRequest):
    """What is asked about metrics or alarms is refused; ``fault`` is the code that its clients know."""

    def __init__(self, fault: str, message: str) -> None:
        super().__init__(message)
        self.fault = fault


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


class OutputError(TemplateError):
    """An output of a nested stack, which something refers to, cannot be evaluated."""

    wire_type = "StackValidationFailed"


class InvalidSchemaError(TemplateError):
    """A parameter or property schema is invalid."""


class CircularDependency(TemplateError):
    """Circular Dependency Found."""

    wire_type = "CircularDependencyException"


class InvalidExternalResourceDependency(TemplateError):
    """A resource depends on an object that is not the stack's."""


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


class UnknownAccessKey(Unauthorized):
    """The access key of the request is not known."""


class SignatureMismatch(Unauthorized):
    """The signature of the request does not match the one that its secret key makes."""


class SignatureExpired(Unauthorized):
    """The time for which the signature of the request is valid is over, or has not begun."""


class UndatedSignature(Unauthorized):
    """The signed parameters must include Timestamp or Expires."""


class Forbidden(StackdError):
    """You are not authorized to use this."""

    code = 403


class NotEnrolled(Forbidden):
    """Nothing stands by which stackd could act for the caller after the request."""


class WrongProject(Forbidden):
    """Access was denied to this resource."""

    wire_type = "HTTPForbidden"


class EntityNotFound(StackdError):
    """The entity could not be found."""

    code = 404

    def __init__(self, entity: str = "Entity", name: str = "") -> None:
        super().__init__(f"The {entity} ({name}) could not be found.")
        self.entity = entity
        self.name = name


class NotFound(EntityNotFound):
    """The thing could not be found."""

    entity = name = ""

    def __init__(self, message: str) -> None:
        StackdError.__init__(self, message)


class ResourceNotFound(EntityNotFound):
    """The resource could not be found in the stack."""

    def __init__(self, resource: str, stack: str) -> None:
        StackdError.__init__(self, f"The Resource ({resource}) could not be found in Stack {stack}.")
        self.entity, self.name, self.stack = "Resource", resource, stack


class SnapshotNotFound(EntityNotFound):
    """The snapshot is one of another stack."""

    def __init__(self, snapshot: str, stack: str) -> None:
        StackdError.__init__(self, f"The Snapshot ({snapshot}) for Stack ({stack}) could not be found.")
        self.entity, self.name = "Snapshot", snapshot


class ResourceNotAvailable(EntityNotFound):
    """The resource is not available yet."""

    def __init__(self, resource: str) -> None:
        StackdError.__init__(self, f"The Resource ({resource}) is not available.")
        self.entity, self.name = "Resource", resource


class ChangeSetNotFound(EntityNotFound):
    """There is no such change set."""

    def __init__(self, name: str) -> None:
        StackdError.__init__(self, f"ChangeSet [{name}] does not exist")


class StackExists(StackdError):
    """The stack already exists."""

    code = 409

    def __init__(self, name: str) -> None:
        super().__init__(f"The Stack ({name}) already exists.")
        self.name = name


class ActionInProgress(StackdError):
    """The stack already has an action in progress."""

    code = 409

    def __init__(self, stack: str, action: str) -> None:
        super().__init__(f"Stack {stack} already has an action ({action}) in progress.")
        self.stack, self.action = stack, action


class PlanOutdated(StackdError):
    """The plan cannot be executed any more: what it was made from has changed."""

    code = 409

    def __init__(self, plan_id: str, moved: str) -> None:
        super().__init__(f"The plan {plan_id} cannot be executed any more: {moved}. Make a new plan.")
        self.moved = moved


class PlanRefused(StackdError):
    """The plan cannot be executed: some of its steps are certain to fail."""

    code = 409

    def __init__(self, plan_id: str, refused: Sequence[str]) -> None:
        more = len(refused) - self._MOST
        shown = " ".join(refused[: self._MOST]) + (f" And {more} more." if more > 0 else "")
        super().__init__(
            f"The plan {plan_id} cannot be executed, as changes in it are refused. {shown} "
            "Permit these changes or leave them out, and make a new plan."
        )

    _MOST = 10


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


class StackProtected(StackdError):
    """The stack, or the one around it, is protected from being deleted."""

    code = 409

    def __init__(self, name: str) -> None:
        super().__init__(f"Stack [{name}] cannot be deleted while TerminationProtection is enabled")


class TokenReused(StackdError):
    """A request with other arguments was accepted under the same token."""

    code = 409

    def __init__(self, token: str) -> None:
        super().__init__(
            f"The ClientRequestToken {token} was used for a request with other arguments; use a new one."
        )


class ChangeSetExists(StackdError):
    """The stack has a change set of this name already."""

    code = 409

    def __init__(self, name: str) -> None:
        super().__init__(f"ChangeSet [{name}] already exists; delete it or choose another name.")


class ChangeSetUnavailable(StackdError):
    """The change set cannot be executed, or not be deleted, in its present status."""

    code = 409

    def __init__(self, name: str, what: str, status: str, why: str = "") -> None:
        more = f": {why}" if why else ""
        super().__init__(
            f"ChangeSet [{name}] cannot be {what} in its current execution status of [{status}]{more}"
        )


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
        answered = (self.service, f"HTTP {self.status}") if self.status else ()  # else the message names it
        known = [*answered, self.request_id]
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


class CredentialsLost(CloudUnauthorized):
    """The Identity service no longer accepts the credentials that a stack acts with.

    Any change of the stack by a user of its project replaces them.
    """

    code = 400
    wire_type = "MissingCredentialError"


class Transient(CloudError):
    """The service did not answer, or asked for patience."""

    wire_type = "ServiceUnavailable"


class ResourceFailure(StackdError):
    """An action on a resource failed."""


class ResourceInError(ResourceFailure):
    """The service reports the object as broken."""


class StateInvalid(ResourceFailure):
    """The resource, or its object, is not in the state that it should be in."""

    wire_type = "Error"


class ResourceActionRestricted(ResourceFailure):
    """The environment forbids this change of the resource."""

    def __init__(self, action: str) -> None:
        super().__init__(f"{action} is restricted for resource.")


class UpdateDenied(ResourceFailure):
    """The stack policy does not allow this change of the resource."""

    code = 403

    def __init__(self, name: str, change: str, why: str) -> None:
        super().__init__(
            f"Action denied by stack policy: {why} [Update:{change}] for resource [LogicalResourceId/{name}]"
        )


class PlanExceeded(ResourceFailure):
    """The execution of a saved plan would have to do more than the plan says."""

    def __init__(self, path: str, done: str, planned: str) -> None:
        super().__init__(f"{path} would need {done} where the executed plan says {planned}. Make a new plan.")


class ActionTimedOut(ResourceFailure):
    """Timed out"""


class Fenced(StackdError):
    """Another process owns this stack now."""
