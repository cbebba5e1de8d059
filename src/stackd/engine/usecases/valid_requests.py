"""The answers to validations that found nothing wrong, kept for when the same is asked again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final, NamedTuple

from stackd.engine.definition.types import ResolvedType
from stackd.engine.usecases.requests import StackRequest
from stackd.recent import Recent, exact


class Valid(NamedTuple):
    """A request in which nothing is wrong: the registered types in it, and the answer as it goes out."""

    types: tuple[ResolvedType, ...]
    answer: bytes


class ValidRequests:
    """Requests that were valid, for the event loop alone; who works on a stack sends the same ones often.

    One is found again by everything in it and by the project, so that no project can find out by the time of
    an answer what others have. What is kept follows from the request alone: policy, and the services of the
    caller's cloud, are asked each time. ``most`` are bytes of memory; ``largest`` are those of a request, for
    it takes a while to find a large one, and of an answer.
    """

    def __init__(self, most: int = 2_000_000, largest: int = 64_000) -> None:
        self._kept: Recent[bytes, Valid] = Recent(most)
        self._largest = largest

    def key(self, project_id: str, request: StackRequest, size: int | None) -> bytes | None:
        """What a request is found by, whose body has ``size`` bytes; None if it is not to be kept."""
        if size is None or size > self._largest:
            return None
        text = exact((project_id, *vars(request).values()))
        return None if text is None else hashlib.sha256(text).digest()

    def find(self, key: bytes) -> Valid | None:
        """What is known of the request with this key."""
        return self._kept.get(key)

    def keep(self, key: bytes, types: Sequence[ResolvedType], answer: bytes) -> None:
        """Keep an answer, unless it is large.

        Of the types only registered ones need a service; templates that are used as types would take more
        memory than is counted.
        """
        if len(answer) <= self._largest:
            registered = tuple(each for each in types if not each.is_template)
            weight = _ALONE + _TYPE * len(registered) + len(answer)
            self._kept.put(key, Valid(registered, answer), weight)


_ALONE: Final = 550
"""Bytes in memory of an empty answer with its key."""

_TYPE: Final = 150
"""Bytes in memory of one of the types."""
