"""Fetches what a request only names: templates by URL, files in a Swift container.

All of it is fetched before anything is evaluated and becomes part of the stack's stored files, so that
nothing that happens to the stack later depends on where it came from.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final, TypeVar
from urllib.parse import quote

from stackd.clients.catalog import urls_of
from stackd.clients.egress import Egress, Origin, origin_of
from stackd.clients.service import Service
from stackd.engine.definition.desired import Source
from stackd.engine.usecases.engine import Engine
from stackd.engine.usecases.requests import StackRequest
from stackd.engine.validation.inspection import inspect
from stackd.errors import (
    BadRequest,
    CloudError,
    DownloadLimitExceeded,
    FetchFailed,
    MissingTemplate,
    NotFound,
    StackdError,
    Transient,
)
from stackd.offload import in_thread
from stackd.records import Caller
from stackd.resources.registry import Registry
from stackd.settings import Limits
from stackd.template.files import NOT_SENT, Files
from stackd.template.parameters import StackIdentity
from stackd.urls import is_url

_AT_ONCE: Final = 8
"""Number of objects of a container read at the same time."""


@dataclass(slots=True)
class Fetched:
    """The contents fetched for one request: each URL once, within the limits for all together.

    ``stored`` are the files of a stack that is updated. Templates that have no URL stay among its files
    although the request does not repeat them. ``origins`` returns where the cloud's own object store is,
    which may have private addresses; it is asked once.
    """

    egress: Egress
    max_size: int
    project_id: str
    texts: dict[str, str] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)
    stored: Mapping[str, str] = field(default_factory=dict)
    origins: Callable[[], Awaitable[Collection[Origin]]] | None = None
    _own: Collection[Origin] | None = None

    async def templates(self, names: Iterable[str]) -> None:
        """Fetch the URLs not fetched yet; the reason of a failure is stored in ``absent``."""
        new = sorted(set(names) - self.texts.keys() - self.absent.keys())
        files = [name for name in new if not is_url(name)]
        self.texts |= {name: self.stored[name] for name in files if name in self.stored}
        self.absent |= {name: NOT_SENT for name in files if name not in self.stored}
        urls = [name for name in new if is_url(name)]
        most = self.egress.settings.max_files
        if len(self.texts) + len(urls) > most:
            raise DownloadLimitExceeded(f"More than {most} templates would have to be fetched.")
        results = await asyncio.gather(*(self._fetch(url) for url in urls), return_exceptions=True)
        for url, result in zip(urls, results, strict=True):
            if isinstance(result, FetchFailed):
                self.absent[url] = result.message
            elif isinstance(result, BaseException):
                raise result

    async def template(self, url: str) -> str:
        """The text at a URL."""
        return self.texts.get(url) or await self._fetch(url)

    async def _fetch(self, url: str) -> str:
        if self._own is None:
            self._own = await self.origins() if self.origins is not None else ()
        text = await self.egress.fetch_text(
            url, most=self.max_size, project_id=self.project_id, own=self._own
        )
        self.texts[url] = text
        most = self.egress.settings.max_bytes
        if sum(map(len, self.texts.values())) > most:
            raise DownloadLimitExceeded(f"More than {most} bytes would have to be fetched.")
        return text


async def resolved_request(
    engine: Engine, caller: Caller, request: StackRequest
) -> tuple[StackRequest, Fetched]:
    """The request completed with its template and the files of its container, and the fetched contents."""
    fetched = _nothing_yet(engine, caller)
    if request.template is None and request.template_url is not None:
        template = await _retrieved(fetched, request.template_url, "template")
        request = request.model_copy(update={"template": template})
    if request.files_container is not None:
        service = engine.trusts.of_caller(caller).service("object-store")
        limit = engine.limits.max_json_body_size
        most = engine.services.egress.settings.max_files
        container = Container(service, request.files_container, limit, most)
        files = {**await container.files(request.files), **request.files}
        request = request.model_copy(update={"files": files})
    return request, fetched


async def fetched_text(engine: Engine, caller: Caller, url: str, what: str) -> str:
    """The text at a URL that a request names, which is ``what``; within the limits for templates."""
    return await _retrieved(_nothing_yet(engine, caller), url, what)


def _nothing_yet(engine: Engine, caller: Caller) -> Fetched:
    egress, limit = engine.services.egress, engine.limits.max_template_size
    return Fetched(egress, limit, caller.project_id, origins=partial(_object_store, engine, caller))


async def _retrieved(fetched: Fetched, url: str, what: str) -> str:
    try:
        return await fetched.template(url)
    except FetchFailed as error:
        raise BadRequest(f"Could not retrieve {what}: {error}") from None


async def _object_store(engine: Engine, caller: Caller) -> frozenset[Origin]:
    """Where the object store of the caller's cloud is, by its catalog: each host and port."""
    try:
        token = await engine.trusts.of_caller(caller).token()
    except CloudError:
        return frozenset()
    return frozenset(filter(None, map(origin_of, urls_of(token.catalog, "object-store"))))


T = TypeVar("T")


async def checked_whole(
    check: Callable[[Source], T], source: Source, registry: Registry, limits: Limits, fetched: Fetched
) -> T:
    """The result of ``check(source)``, run in a thread; missing templates are fetched first.

    Only a definition that cannot be checked as it is costs more than the check.
    """
    try:
        result: T = await in_thread(check, source)
    except MissingTemplate:
        whole = await completed(source, registry, limits, fetched)
        result = await in_thread(check, whole)
    return result


async def completed(source: Source, registry: Registry, limits: Limits, fetched: Fetched) -> Source:
    """The definition, with every template that it names by URL added to its files, at any depth.

    Each round fetches all templates named by those already present; one that cannot be fetched is left out
    with the reason, and validation reports it.
    """
    known: Mapping[str, str] = source.files
    while True:
        files = Files(known, fetched.absent, set())
        wanted: set[str] = await in_thread(wanted_templates, replace(source, files=files), registry, limits)
        if not wanted:
            return replace(source, files=Files(known, fetched.absent))
        await fetched.templates(wanted)
        known = {**known, **{name: fetched.texts[name] for name in wanted & fetched.texts.keys()}}


def wanted_templates(source: Source, registry: Registry, limits: Limits) -> set[str]:
    """The templates that a definition and its nested stacks name but do not contain (pure).

    Mistakes in the definition are ignored: the validation that follows reports them.
    """
    with contextlib.suppress(StackdError):
        inspect(source, StackIdentity(), registry, limits, name="", strict=False)
    files = source.files
    return set(files.wanted or ()) if isinstance(files, Files) else set()


@dataclass(frozen=True, slots=True)
class Container:
    """A Swift container whose objects are a request's files, with limits on their number and total bytes."""

    service: Service
    name: str
    max_bytes: int
    max_files: int

    async def files(self, known: Mapping[str, str]) -> dict[str, str]:
        """The contents of all objects except the ``known`` ones; binary ones are encoded in base64."""
        try:
            self._check_name()
            sizes = {name: size for name, size in await self._listed() if name not in known}
            if sum(sizes.values()) > self.max_bytes:
                raise self._too_large()
            contents = await self._contents(list(sizes))
        except Transient:
            raise
        except CloudError as error:
            raise NotFound(
                f"Could not fetch files from container {self.name}, reason: {error.message}"
            ) from error
        return {name: _text(content) for name, content in zip(sizes, contents, strict=True)}

    def _check_name(self) -> None:
        if self.name in ("", ".", "..") or "/" in self.name:
            raise BadRequest(f"{self.name!r} is not the name of a container of Swift.")

    async def _listed(self) -> list[tuple[str, int]]:
        """Names and sizes of the objects, without markers of folders."""
        params = {"format": "json", "limit": self.max_files + 1}
        found = await self.service.get(f"/{quote(self.name, safe='')}", params) or []
        if len(found) > self.max_files:
            raise DownloadLimitExceeded(f"The container {self.name} has more than {self.max_files} objects.")
        return [(item["name"], item["bytes"]) for item in found if _is_file(item["name"])]

    async def _contents(self, names: Sequence[str]) -> list[bytes]:
        """The objects, read a few at a time, which bounds the memory used beyond the limit."""
        contents: list[bytes] = []
        for start in range(0, len(names), _AT_ONCE):
            some = names[start : start + _AT_ONCE]
            contents += await asyncio.gather(*(self._content(name) for name in some))
            if sum(map(len, contents)) > self.max_bytes:
                raise self._too_large()
        return contents

    async def _content(self, name: str) -> bytes:
        """One object, read up to the total limit: segmented objects are listed with size zero."""
        path = f"/{quote(self.name, safe='')}/{quote(name, safe='')}"
        headers = {"Range": f"bytes=0-{self.max_bytes}", "Accept": "*/*"}
        try:
            return (await self.service.request("GET", path, headers=headers)).content
        except CloudError as error:
            if error.status == 416:  # the object is empty
                return b""
            raise

    def _too_large(self) -> DownloadLimitExceeded:
        return DownloadLimitExceeded(
            f"The files in the container {self.name} are larger than the maximum of {self.max_bytes} bytes."
        )


def _is_file(name: str) -> bool:
    """Whether an object is a file rather than the marker of a folder, and its name is valid in a path."""
    return not name.endswith("/") and name not in (".", "..")


def _text(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return base64.b64encode(content).decode()
