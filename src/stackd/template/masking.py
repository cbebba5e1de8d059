"""Masks the secrets of a stack in values and texts (pure).

Secret are the values of hidden parameters and the keys of maps in them, their usual encodings, and what
functions of the template make of them. What leaves the template, such as an attribute that a service
computes, cannot be known. So are the queries of URLs that were fetched.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote

from stackd.errors import RequestLimitExceeded, TemplateError
from stackd.recent import remembered
from stackd.records import Hidden
from stackd.template.evaluation import Evaluation, ParameterScope
from stackd.template.functions.base import OMITTED, Call, Lazy
from stackd.template.functions.conditions import Choice
from stackd.template.guard import depth_guarded
from stackd.template.parameters import Parameters
from stackd.template.shown_values import MASK
from stackd.template.template import Template, read_template
from stackd.template.unknown import Unknown
from stackd.urls import query_of, shown_name
from stackd.wording import HERE, Word

Secrets = frozenset[str]
NOTHING: Final[Secrets] = frozenset()
_TELLING = 4
"""A shorter secret is only found where it stands alone: as a part of other texts it is everywhere."""

_ORDINARY: Final = re.compile(r"[A-Za-z]+")
"""A key that may be any word, such as `name`: in a text it is secret only in quotes, as it is in JSON."""

_DIGESTS: Final = ("md5", "sha1", "sha224", "sha256", "sha384", "sha512")
_MEMO: Final = "secrets"
_PARAMETER: Final = frozenset({"get_param", "Ref"})
_UNBOUNDED: Final = frozenset({"yaql"})
"""Functions that are too slow to be called only to know what to mask."""

_MOST_CALLS: Final = 500


def secrets_of(template: Template, parameters: Mapping[str, Any]) -> Secrets:
    """All texts that must be masked for a template with these parameters."""
    if not isinstance(parameters, Parameters) or not parameters.hidden:
        return NOTHING
    known: Secrets | None = parameters.memo.get(_MEMO)
    if known is None:
        values = with_encodings(secrets_in(template, parameters))
        known = values | _derived(template, parameters, values)
        parameters.memo[_MEMO] = known
    return known


def secrets_in(template: Template, parameters: Mapping[str, Any], *, given: bool = False) -> Secrets:
    """The texts that the values of hidden parameters are made of; without those of defaults if ``given``.

    Keys of maps are among them, unless they stand in the template.
    """
    if not isinstance(parameters, Parameters):
        return NOTHING
    names = parameters.hidden
    if given:
        names = frozenset(name for name in names if parameters.get(name) != parameters.schemas[name].default)
    return values_of(template, names, parameters)


def queries_in(files: Iterable[str]) -> Secrets:
    """The queries of URLs among names of files, which are templates that were fetched: often signatures."""
    return frozenset(filter(None, map(query_of, files)))


def with_encodings(values: Secrets) -> Secrets:
    """Texts, and how they look when they are encoded."""
    return values.union(*map(_encodings, values))


def may_hide(text: str) -> bool:
    """Whether the text of a template may declare hidden parameters, maybe with escapes: parsing shows it."""
    return "hidden" in text or "NoEcho" in text or "\\" in text


def hidden_names(files: Mapping[str, str]) -> frozenset[str]:
    """Names of the hidden parameters of the templates among files."""
    found: frozenset[str] = frozenset()
    for text in files.values():
        if may_hide(text):
            with contextlib.suppress(TemplateError, RequestLimitExceeded):
                schemas = read_template(text).parameter_schemas
                found |= {name for name, schema in schemas.items() if schema.hidden}
    return found


def values_of(template: Template, names: frozenset[str], *layers: Mapping[str, Any]) -> Secrets:
    """The texts that the values of some names are made of in all layers; keys as in ``secrets_in``."""
    found = [layer.get(name) for layer in layers for name in names]
    keys = frozenset(_keys(found))
    if keys:
        keys -= {*_texts(template.data), *_keys(template.data)}
    return frozenset(_texts(found)).union(*map(_forms_of_key, keys))


def _forms_of_key(key: str) -> tuple[str, ...]:
    """A key as a secret: in quotes, and as it is if it is no ordinary word."""
    quoted = (json.dumps(key, ensure_ascii=False), f"'{key}'")
    return quoted if _ORDINARY.fullmatch(key) else (key, *quoted)


@remembered(2048, longest=256)
def _encodings(text: str) -> tuple[str, ...]:
    """A text as it looks in base64, in a URL, inside JSON, and as a digest."""
    if len(text) < _TELLING:
        return ()
    raw = text.encode("utf-8", "replace")
    digests = (hashlib.new(name, raw, usedforsecurity=False).hexdigest() for name in _DIGESTS)
    escaped = (json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1])
    return (base64.b64encode(raw).decode(), quote(text, safe=""), quote(text), *escaped, *digests)


@depth_guarded
def _derived(template: Template, parameters: Parameters, known: Secrets) -> Secrets:
    """What functions make of hidden values such that these cannot be found in it, like half of one."""
    calls: list[Call] = []
    for resource in template.resources.values():
        for part in (resource.properties, resource.metadata, resource.external_id):
            _collect(part, parameters.hidden, calls)
    if not calls:
        return NOTHING
    written = set(_texts(template.data))
    scope = ParameterScope(parameters)
    found: set[str] = set()
    for call in calls[:_MOST_CALLS]:
        try:
            made = set(_texts(Evaluation(scope, template).call(call)))
        except TemplateError:
            continue
        found |= {text for text in made - written if concealed_text(text, known) == text}
    return frozenset(found)


def _collect(node: Any, hidden: frozenset[str], calls: list[Call]) -> bool:
    """Add the functions in a node that depend on a hidden parameter; returns whether the node does."""
    if isinstance(node, Mapping):
        node = list(node.values())
    elif isinstance(node, Choice):
        node = node.branches  # which of them is taken shows little of what decides it
    if isinstance(node, list | tuple):
        found = [_collect(each, hidden, calls) for each in node]
        return any(found)
    if isinstance(node, Lazy):
        return _collect(node.readable, hidden, calls)
    if not isinstance(node, Call) or node.name in _UNBOUNDED:
        return False
    if node.name in _PARAMETER:
        return _parameter(node.args) in hidden
    has_any = _collect(node.args, hidden, calls)
    if has_any:
        calls.append(node)
    return has_any


def _parameter(args: Any) -> str:
    name = args[0] if isinstance(args, list) and args else args
    return name if isinstance(name, str) else ""


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _texts(each)
    elif value not in (None, OMITTED) and not isinstance(value, bool | Unknown) and str(value):
        yield str(value)


def _keys(value: Any) -> Iterator[str]:
    """The keys of all maps in a value."""
    if isinstance(value, Mapping):
        yield from (str(key) for key in value if str(key))
        value = list(value.values())
    if isinstance(value, list | tuple):
        for each in value:
            yield from _keys(each)


def concealed(value: Any, secrets: Secrets) -> Any:
    """The same value with every secret in it masked, in keys of maps too."""
    if not secrets:
        return value
    if isinstance(value, str):
        return concealed_text(value, secrets)
    if isinstance(value, Mapping):
        return concealed_fields(concealed_keys(value, secrets), secrets)
    if isinstance(value, list | tuple):
        return [concealed(each, secrets) for each in value]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return MASK if is_number and len(str(value)) >= _TELLING and str(value) in secrets else value


def concealed_fields(fields: Mapping[str, Any], secrets: Secrets) -> dict[str, Any]:
    """The same fields with every secret in them masked; their own names come from nobody's values."""
    return {name: concealed(each, secrets) for name, each in fields.items()}


def concealed_keys(value: Mapping[Any, Any], secrets: Secrets) -> dict[Any, Any]:
    """The same map with secrets in its keys masked; those that then are the same are numbered."""
    shown: dict[Any, Any] = {}
    for key, each in value.items():
        masked = concealed_text(key, secrets) if isinstance(key, str) else key
        name, number = masked, 1
        while name in shown:
            number += 1
            name = f"{masked} ({number})"
        shown[name] = each
    return shown


def concealed_text(text: str, secrets: Secrets) -> str:
    """A text with every secret in it masked, the longest first."""
    if text in secrets or f"'{text}'" in secrets:
        return MASK
    for secret in _ordered(secrets):
        if secret in text:
            text = text.replace(secret, MASK)
    return text


def concealed_error(error: TemplateError, secrets: Secrets) -> TemplateError:
    """The same mistake with every secret in what is said of it masked."""
    if not secrets:
        return error

    def masked(word: Word) -> Word:
        return word if word is HERE else concealed_text(str(word), secrets)

    complaint = error.complaint
    return error.but(
        complaint=replace(complaint, words={key: masked(word) for key, word in complaint.words.items()}),
        lead=tuple(map(masked, error.lead)),
        remedy=concealed_text(error.remedy, secrets),
        value=concealed(error.value, secrets),
        place=replace(error.place, file=shown_name(error.place.file)),
    )


@lru_cache(8)
def _ordered(secrets: Secrets) -> tuple[str, ...]:
    """The secrets that are looked for inside of texts, the longest first.

    Remembered while the texts of an answer are masked one after the other; there can be megabytes of them.
    """
    return tuple(sorted((each for each in secrets if len(each) >= _TELLING), key=len, reverse=True))


_SCALARS: Final = frozenset({type(None), bool, int, float})
_SIGNATURE: Final = re.compile(r"((?:Signature|temp_url_sig)=)[^&\s'\"]+")
"""The part of a signed URL without which it is none."""


def without_signatures(value: Any) -> Any:
    """The same value with the signatures of URLs masked: whoever has such a URL may use it."""
    if type(value) in _SCALARS:
        return value
    if isinstance(value, str):
        is_signed = "Signature=" in value or "temp_url_sig=" in value
        return _SIGNATURE.sub(rf"\1{MASK}", value) if is_signed else value
    if isinstance(value, Mapping):
        return {key: without_signatures(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_signatures(each) for each in value]
    return value


# --- ids ------------------------------------------------------------------------------------------------

_DRAWN_ID: Final = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""An id that a service has drawn at random, rather than a name that somebody gave."""


def hidden_if_secret(identity: str, secrets: Secrets) -> str:
    """An id of the cloud, marked as hidden if it is a hidden value or made from one."""
    is_drawn = _DRAWN_ID.fullmatch(identity) is not None  # a short secret may be in it by chance
    if identity not in secrets and (is_drawn or concealed_text(identity, secrets) == identity):
        return identity
    return Hidden(identity)


def shown_id(physical_id: str | None) -> str | None:
    """A physical id as it is shown: masked if it is made from hidden values."""
    return MASK if isinstance(physical_id, Hidden) else physical_id
