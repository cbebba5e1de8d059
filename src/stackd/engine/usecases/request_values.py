"""Field types of requests: each accepts what Heat accepts, with Heat's messages.

They check and convert themselves, so that pydantic neither copies a large template nor writes the error text.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import PlainValidator, ValidationInfo

from stackd.errors import BadRequest

TAG_LENGTH = 80
_TOO_LONG = 2**31
"""Minutes that no column has room for."""


def typed(value: Any, key: str, *kinds: type) -> Any:
    """The value if it is null or has one of the types."""
    if value is not None and not isinstance(value, kinds):
        raise BadRequest(f"The value of '{key}' has the wrong type: {type(value).__name__}.")
    return value


def truth(value: Any, key: str) -> bool:
    """A boolean, or its text form."""
    if isinstance(value, bool):
        return value
    known = {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None
    if known is None:
        raise BadRequest(f'Unrecognized value "{value}" for "{key}", acceptable values are: true, false.')
    return known


def _text(value: Any, info: ValidationInfo) -> Any:
    return typed(value, str(info.field_name), str)


def _template(value: Any) -> Any:
    if value is not None and not isinstance(value, dict | str | Mapping):
        raise BadRequest("Template not in valid format: The template is not a JSON object or YAML mapping.")
    return value


def _environment(value: Any, info: ValidationInfo) -> Any:
    return typed(value, str(info.field_name), Mapping, str)


def _names(value: Any, info: ValidationInfo) -> tuple[str, ...]:
    names: Sequence[Any] = typed(value, str(info.field_name), list, tuple) or ()
    if not all(isinstance(name, str) for name in names):
        raise BadRequest(f"The value of '{info.field_name}' must be a list of names.")
    return tuple(names)


def _files(value: Any, info: ValidationInfo) -> Mapping[str, str]:
    files: Mapping[str, Any] = typed(value, str(info.field_name), Mapping) or {}
    for name, text in files.items():
        if not isinstance(text, str):
            raise BadRequest(f"The content of the file '{name}' is not text.")
    return files


def _parameters(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise BadRequest("The value of 'parameters' must be a map of names to values.")
    return value


def _minutes(value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, str) and re.fullmatch(r"\s*[+-]?\d{1,18}\s*", value):
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise BadRequest("Only integer is acceptable by 'timeout_mins'.")
    if value >= _TOO_LONG:
        raise BadRequest(f"Value '{value}' is invalid for 'timeout_mins': at most {_TOO_LONG - 1} can be.")
    if value < 0:
        raise BadRequest(
            f"Value '{value}' is invalid for 'timeout_mins' which only accepts non-negative integer."
        )
    return value


def _tags(value: Any) -> tuple[str, ...] | None:
    if value is None:
        return None
    tags = value.split(",") if isinstance(value, str) else value
    if not isinstance(tags, list | tuple) or not all(isinstance(tag, str) for tag in tags):
        raise BadRequest("The value of 'tags' must be words parted by commas.")
    for tag in tags:
        if "\0" in tag:
            raise BadRequest("Invalid tag, it has a null character")
        if len(tag) > TAG_LENGTH:
            raise BadRequest(f'Invalid tag, "{tag}" is longer than {TAG_LENGTH} characters')
    return tuple(tags)


def _flag(value: Any, info: ValidationInfo) -> bool:
    return truth(value, str(info.field_name))


def _yes(value: Any, info: ValidationInfo) -> bool:
    return value is not None and truth(value, str(info.field_name))


_TextOrData = dict[str, Any] | str | None

Text = Annotated[str | None, PlainValidator(_text, json_schema_input_type=str | None)]
TemplateData = Annotated[Any, PlainValidator(_template, json_schema_input_type=_TextOrData)]
EnvironmentData = Annotated[Any, PlainValidator(_environment, json_schema_input_type=_TextOrData)]
Names = Annotated[Sequence[str], PlainValidator(_names, json_schema_input_type=list[str] | None)]
FileTexts = Annotated[Mapping[str, str], PlainValidator(_files, json_schema_input_type=dict[str, str] | None)]
Parameters = Annotated[Mapping[str, Any], PlainValidator(_parameters, json_schema_input_type=dict[str, Any])]
Minutes = Annotated[int | None, PlainValidator(_minutes, json_schema_input_type=int | str | None)]
Tags = Annotated[tuple[str, ...] | None, PlainValidator(_tags, json_schema_input_type=str | list[str] | None)]
Flag = Annotated[bool, PlainValidator(_flag, json_schema_input_type=bool | str)]
OptionalFlag = Annotated[bool | None, PlainValidator(_flag, json_schema_input_type=bool | str)]
"""A boolean, or its text form; null is None."""

Yes = Annotated[bool, PlainValidator(_yes, json_schema_input_type=bool | None)]
"""True, or else false; null is false."""
