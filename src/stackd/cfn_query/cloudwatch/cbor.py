"""CBOR of requests and answers: plain values and times. Of what strangers send nothing else is decoded."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final, NoReturn

from stackd.cfn_query.codes import Code, Refused

MALFORMED: Final = Code("SerializationException", 400, "The body of the request is not valid CBOR.")
_DEEPEST = 32
_TIME = 1
_KNOWN_TAGS: Final = (
    *(0, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100, 256, 258, 260, 261, 1004, 43000, 55799),
)
"""Tags that the library makes numbers, patterns, sets and the like of, some of them at any cost."""


def _refused(*_: Any) -> NoReturn:
    raise ValueError("a tag that is no time")


_DECODERS: Final[dict[int, Callable[..., Any]]] = dict.fromkeys(_KNOWN_TAGS, _refused)


def loads(raw: bytes) -> dict[str, Any]:
    """The map in a body; an empty body is an empty map."""
    import cbor2  # only clients of this protocol need it

    try:
        found = cbor2.loads(
            raw or b"\xa0",
            tag_hook=_refused,
            semantic_decoders=_DECODERS,
            max_depth=_DEEPEST,
            allow_duplicate_keys=False,
            strict_hashable_types=True,
        )
    except (cbor2.CBORError, ValueError, OverflowError, RecursionError, MemoryError):
        found = None
    if not isinstance(found, dict) or not all(isinstance(key, str) for key in found):
        raise Refused(MALFORMED)
    return found


def dumps(content: Any) -> bytes:
    """A value as CBOR, with times as numbers of seconds."""
    import cbor2

    made: bytes = cbor2.dumps(content, datetime_as_timestamp=True)
    return made


OPERATION: Final = re.compile(r"/service/[^/]+/operation/([A-Za-z]+)/?")
"""The end of the path of a request in this protocol."""
