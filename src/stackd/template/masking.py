"""Masks the secrets of a stack in values and texts (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from stackd.template.parameters import Parameters
from stackd.template.parse import MASK
from stackd.template.unknown import Unknown

Secrets = frozenset[str]
NOTHING: Final[Secrets] = frozenset()
_TELLING = 4
"""A shorter secret is only found where it stands alone: as a part of other texts it is everywhere."""


def secrets_in(parameters: Mapping[str, Any]) -> Secrets:
    """The texts that the values of hidden parameters are made of."""
    if not isinstance(parameters, Parameters):
        return NOTHING
    return frozenset(text for name in parameters.hidden for text in _texts(parameters.get(name)))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
    elif value is not None and not isinstance(value, bool | Unknown) and str(value):
        yield str(value)


def concealed(value: Any, secrets: Secrets) -> Any:
    """The same value with every secret in it masked."""
    if not secrets:
        return value
    if isinstance(value, str):
        return concealed_text(value, secrets)
    if isinstance(value, Mapping):
        return {key: concealed(each, secrets) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [concealed(each, secrets) for each in value]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return MASK if is_number and len(str(value)) >= _TELLING and str(value) in secrets else value


def concealed_text(text: str, secrets: Secrets) -> str:
    """A text with every secret in it masked, the longest first."""
    if text in secrets:
        return MASK
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) >= _TELLING and secret in text:
            text = text.replace(secret, MASK)
    return text
