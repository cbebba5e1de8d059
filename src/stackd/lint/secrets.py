"""Rules about secrets: where they stand in the text, and where they would be shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any, Final

from stackd.lint.subject import PARAMETER_USES, RESOURCE_USES, Problem, Subject
from stackd.template.functions.base import TemplatePath
from stackd.template.schemas import ParameterSchema

_WORDS: Final = re.compile(r"[A-Z]?[a-z0-9]+|[A-Z]+(?![a-z])")
_SECRET_WORDS: Final = frozenset(
    {"pass", "password", "passwd", "passphrase", "secret", "secrets", "token", "credential", "credentials"}
)
_KEYS_OF: Final = frozenset({"private", "secret", "api", "access", "auth", "encryption", "signing"})
_NOT_THE_SECRET: Final = frozenset(
    ("length", "name", "id", "ids", "url", "uri", "file", "path", "type", "ttl", "timeout", "policy")
)
_PRIVATE_KEY: Final = re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----")
_SECRET_ATTRIBUTES: Final = frozenset(
    {("OS::Heat::RandomString", "['value']"), ("OS::Nova::KeyPair", "['private_key']")}
)


def is_secret_name(name: str) -> bool:
    """Whether a name is that of a secret: `db_password`, `ApiKey`, but not `password_length`."""
    words = [word.lower() for word in _WORDS.findall(name)]
    if not words or words[-1] in _NOT_THE_SECRET:
        return False
    is_key = any(first in _KEYS_OF and second in ("key", "keys") for first, second in pairwise(words))
    return is_key or not _SECRET_WORDS.isdisjoint(words)


def default_of_secret(subject: Subject) -> Iterator[Problem]:
    """A secret parameter has a default, which is known to whoever can read the template."""
    keys = subject.template.version.parameter_keys
    for name, schema in _secrets(subject):
        if schema.default not in (None, "", {}):
            path = (subject.names["parameters"], name, keys["default"])
            yield Problem(path, f"The secret {name} has a default, which all who see the template know.")


def not_hidden(subject: Subject) -> Iterator[Problem]:
    """A secret parameter is not hidden, so its value is shown with the stack."""
    keys = subject.template.version.parameter_keys
    for name, schema in _secrets(subject):
        if not schema.hidden:
            path = (subject.names["parameters"], name)
            remedy = f"Add {keys['hidden']}: true."
            yield Problem(path, f"The value of {name} will be shown with the stack.", remedy)


def _secrets(subject: Subject) -> Iterator[tuple[str, ParameterSchema]]:
    for name, schema in subject.template.parameter_schemas.items():
        if schema.type in ("string", "json") and is_secret_name(name):
            yield name, schema


def private_key(subject: Subject) -> Iterator[Problem]:
    """A private key stands in the template."""
    for path, text in _texts(subject.data):
        if _PRIVATE_KEY.search(text):
            yield Problem(path, "A private key stands in the template.")


def literal_secret(subject: Subject) -> Iterator[Problem]:
    """A property that takes a secret is given it in the text."""
    for name in subject.kinds:
        for path, text in _texts(subject.properties(name), subject.resource_path(name, "properties")):
            key = path[-1]
            if isinstance(key, str) and text and is_secret_name(key) and not _PRIVATE_KEY.search(text):
                yield Problem(path, f"The secret {key} stands in the template.")


def _texts(raw: Any, path: TemplatePath = ()) -> Iterator[tuple[TemplatePath, str]]:
    if isinstance(raw, str):
        yield path, raw
    elif isinstance(raw, dict | list):
        for key, value in raw.items() if isinstance(raw, dict) else enumerate(raw):
            yield from _texts(value, (*path, key))


def secret_in_output(subject: Subject) -> Iterator[Problem]:
    """An output shows a hidden parameter, or a generated secret."""
    schemas = subject.template.parameter_schemas
    for use in subject.inside(subject.names["outputs"]):
        schema = schemas.get(use.target or "")
        if use.name in PARAMETER_USES and schema is not None and schema.hidden:
            yield Problem(use.path, f"The output shows the hidden parameter {schema.name}.")
        kind = subject.kinds.get(use.target or "")
        if kind is None or use.name not in RESOURCE_USES or not isinstance(use.args, list):
            continue
        if (kind.type_name, str(use.args[1:2])) in _SECRET_ATTRIBUTES:
            yield Problem(use.path, f"The output shows the secret that {use.target} generates.")
