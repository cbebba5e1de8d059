"""A web server on loopback that tells what it was asked, for what is fetched by URL."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from aiohttp import web

Answer = str | web.StreamResponse | Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@dataclass(slots=True)
class Site:
    """What is served by path, which may be changed at any time, and the requests that came."""

    pages: dict[str, Answer] = field(default_factory=dict)
    requests: list[web.BaseRequest] = field(default_factory=list)
    port: int = 0

    @property
    def paths(self) -> list[str]:
        """The paths asked for, in order."""
        return [request.path for request in self.requests]

    def url(self, path: str, host: str = "127.0.0.1", scheme: str = "http") -> str:
        """Where a page is."""
        return f"{scheme}://{host}:{self.port}{path}"


def moved(location: str, headers: Mapping[str, str] | None = None) -> web.Response:
    """A redirect."""
    return web.Response(status=302, headers={"Location": location, **(headers or {})})


@contextlib.asynccontextmanager
async def website(
    pages: Mapping[str, Answer] | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Site]:
    """Serve pages on a free port of loopback."""
    site = Site(dict(pages or {}))

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        site.requests.append(request)
        page = site.pages.get(request.path)
        if page is None:
            return web.Response(status=404, text="secret of the inside")
        if isinstance(page, str):
            return web.Response(text=page)
        if isinstance(page, web.StreamResponse):
            return web.Response(status=page.status, headers=page.headers, body=getattr(page, "body", None))
        return await page(request)

    runner = web.ServerRunner(web.Server(handle), shutdown_timeout=0.1)
    await runner.setup()
    listener = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls)
    await listener.start()
    site.port = runner.addresses[0][1]
    try:
        yield site
    finally:
        await runner.cleanup()
