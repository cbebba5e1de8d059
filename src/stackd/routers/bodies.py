"""Request bodies, each a pydantic model that documents and reads it; lenient, never answered with 422."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Self, TypeVar

from pydantic import (
    BaseModel,
    Field,
    ModelWrapValidatorHandler,
    PlainValidator,
    PrivateAttr,
    model_validator,
)

from stackd.engine.usecases.request_values import Flag, Text, truth, typed
from stackd.engine.usecases.requests import StackRequest
from stackd.errors import BadRequest, NotSupported, TemplateError

B = TypeVar("B", bound=BaseModel)


_NOT_ASKED = {"existing": False, "default_version": False}
"""What the API decides, and no body."""


def parse_body(model: type[B], body: Mapping[str, Any]) -> B:
    """The body as its model; fields are read by their JSON names only."""
    return model.model_validate(body, by_alias=True, by_name=False)


def _read_first(body: Mapping[str, Any], *, template_required: bool, **fixed: Any) -> dict[str, Any]:
    """The body with its template or its URL, which counts only if there is not even an empty template."""
    url = typed(body.get("template_url"), "template_url", str)
    if "template" in body:
        url = None
    if template_required and url is None and body.get("template") is None:
        raise BadRequest("No template specified")
    return {**body, "template_url": url, "stack_name": "", **_NOT_ASKED, **fixed}


class TemplateBody(StackRequest):
    """A template with what belongs to it."""

    @model_validator(mode="before")
    @classmethod
    def _first(cls, body: Mapping[str, Any]) -> dict[str, Any]:
        return _read_first(body, template_required=True)


class NewStackBody(StackRequest):
    """What a new stack should be."""

    name: str = Field(
        validation_alias="stack_name", description="A name that no other stack of the project has."
    )
    adopt_stack_data: Text = Field(
        default=None, description="An exported stack, whose objects become those of the new one."
    )

    @model_validator(mode="before")
    @classmethod
    def _first(cls, body: Mapping[str, Any]) -> dict[str, Any]:
        if body.get("converge") is not None:
            raise BadRequest("Converge is not supported when a stack is created.")
        name = body.get("stack_name")
        if name is None:
            raise BadRequest("No stack name specified")
        if not isinstance(name, str):
            raise TemplateError(f"Invalid stack name {name}, must be a string", path="stack_name")
        adopts = body.get("adopt_stack_data") is not None
        return _read_first(body, template_required=not adopts, stack_name=name)

    @property
    def unadopted(self) -> Self:
        """The body where nothing can be adopted; a refusal if it asks for that."""
        if self.adopt_stack_data is not None:
            raise NotSupported("Stack Adopt is not supported.")
        return self


class ChangedStackBody(StackRequest):
    """What a stack should become."""

    @model_validator(mode="before")
    @classmethod
    def _first(cls, body: Mapping[str, Any]) -> dict[str, Any]:
        existing = body.get("existing") is not None and truth(body["existing"], "existing")
        return _read_first(body, template_required=cls.needs_template(body), existing=existing)

    @classmethod
    def needs_template(cls, body: Mapping[str, Any]) -> bool:
        """Whether a body without a template is refused."""
        return True


class PatchedStackBody(StackRequest):
    """What should change of a stack; all else stays as it is."""

    _says: bool = PrivateAttr(True)

    @property
    def says_nothing(self) -> bool:
        """Whether no member of the body has a value."""
        return not self._says

    @model_validator(mode="wrap")
    @classmethod
    def _first(cls, body: Mapping[str, Any], read: ModelWrapValidatorHandler[Self]) -> Self:
        made = read(_read_first(body, template_required=False, existing=True))
        made._says = any(body.values())
        return made


def _application_credential(value: Any) -> Any:
    return typed(value, "application_credential", Mapping)


class ActionBody(BaseModel):
    """One action; its value is not looked at."""

    suspend: Any = None
    resume: Any = None
    check: Any = None
    cancel_update: Any = None
    cancel_without_rollback: Any = None

    @property
    def action(self) -> str:
        """The name of the action."""
        return next(iter(self.model_fields_set))

    @model_validator(mode="before")
    @classmethod
    def _one(cls, body: Mapping[str, Any]) -> Mapping[str, Any]:
        if not body:
            raise BadRequest("No action specified")
        if len(body) > 1:
            raise BadRequest("Multiple actions specified")
        for action in body.keys() - cls.model_fields.keys():
            raise BadRequest(f"Invalid action {action} specified")
        return body


class EnrollmentBody(BaseModel):
    """By what the server may act for the caller: a trust, which it makes, or an application credential."""

    application_credential: Annotated[
        Mapping[str, Any] | None,
        PlainValidator(_application_credential, json_schema_input_type=dict[str, str] | None),
    ] = Field(default=None, description="Its `id` and its `secret`.")


def _reason(value: Any) -> str:
    """A reason; what is no text is refused, as Python would write it and not JSON."""
    if value is not None and not isinstance(value, str):
        raise BadRequest(
            f"The value of 'resource_status_reason' has the wrong type: {type(value).__name__}. Use a text."
        )
    return value or ""


class UnhealthyBody(BaseModel):
    """Whether a resource is broken, and why."""

    mark_unhealthy: Flag
    resource_status_reason: Annotated[
        str,
        PlainValidator(_reason, json_schema_input_type=str | None),
    ] = ""

    @model_validator(mode="before")
    @classmethod
    def _known(cls, body: Mapping[str, Any]) -> Mapping[str, Any]:
        unknown = sorted(body.keys() - cls.model_fields.keys())
        if unknown:
            raise BadRequest(f"Invalid keys in resource mark unhealthy {', '.join(unknown)}")
        if body.get("mark_unhealthy") is None:
            raise BadRequest("Missing mandatory (mark_unhealthy) key from mark unhealthy request")
        return body
