"""URLs of users: what is fetched, what is refused, and how little a refusal tells."""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import gzip
import re
import socket
import ssl
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from stackd.clients.addresses import AddressPolicy
from stackd.clients.egress import Egress, EgressSettings, check_url, origin_of
from stackd.errors import FetchFailed
from tests.support.web import Site, moved, website

LOOPBACK = AddressPolicy.of(["127.0.0.1/32"])
MOST = 1000


@pytest_asyncio.fixture
async def site() -> AsyncIterator[Site]:
    async with website({"/t.yaml": "heat_template_version: 2021-04-16\n"}) as made:
        yield made


@pytest_asyncio.fixture
async def egress() -> AsyncIterator[Egress]:
    """Loopback is allowed, as the tests need it."""
    made = Egress(EgressSettings(LOOPBACK, timeout=2.0))
    yield made
    await made.close()


@pytest_asyncio.fixture
async def strict() -> AsyncIterator[Egress]:
    """Only the Internet."""
    made = Egress(EgressSettings(timeout=2.0))
    yield made
    await made.close()


@contextlib.asynccontextmanager
async def closing(made: Egress) -> AsyncIterator[Egress]:
    """Close a client at the end of a block."""
    yield made
    await made.close()


def names(monkeypatch: pytest.MonkeyPatch, **hosts: list[str]) -> list[str]:
    """Let hosts (``_`` for a dot) resolve to these addresses; the list that is returned tells who asked."""
    known = {name.replace("_", "."): addresses for name, addresses in hosts.items()}
    asked: list[str] = []
    real = socket.getaddrinfo

    def look_up(host: Any, port: Any, *args: Any, **kwargs: Any) -> Any:
        if host not in known:
            return real(host, port, *args, **kwargs)
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in known[host]]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


async def refusal(egress: Egress, url: str, most: int = MOST) -> str:
    with pytest.raises(FetchFailed) as caught:
        await egress.fetch(url, most=most)
    assert caught.value.__cause__ is None
    return caught.value.message


async def test_text_is_fetched(egress: Egress, site: Site) -> None:
    assert await egress.fetch_text(site.url("/t.yaml"), most=MOST) == "heat_template_version: 2021-04-16\n"


async def test_request_carries_nothing_but_what_is_needed(egress: Egress, site: Site) -> None:
    await egress.fetch(site.url("/t.yaml"), most=MOST)
    headers = {name: value for name, value in site.requests[0].headers.items() if name != "Host"}
    assert headers == {
        "User-Agent": "stackd",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "Connection": "close",
    }


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("file:///etc/passwd", "Invalid URL scheme file"),
        ("ftp://example.test/t.yaml", "Invalid URL scheme ftp"),
        ("gopher://example.test/", "Invalid URL scheme gopher"),
        ("t.yaml", "Invalid URL scheme "),
        ("", "Invalid URL scheme "),
        ("http://user:hush@example.test/t", "Credentials are not allowed in the URL http://example.test/t"),
        ("http://8.8.8.8@127.0.0.1/t", "Credentials are not allowed in the URL http://127.0.0.1/t"),
        ("http://@127.0.0.1/t", "Credentials are not allowed in the URL http://127.0.0.1/t"),
        ("http:///t", "Invalid URL 'http:///t'"),
        ("http://a b/", "Invalid URL 'http://a b/'"),
        ("http://8.8.8.8\\@127.0.0.1/", "Credentials are not allowed in the URL http://127.0.0.1/"),
        ("http://a/\r\nX: y", "Invalid URL 'http://a/\\r\\nX: y'"),
        ("http://[::1/", "Invalid URL 'http://[::1/'"),
        ("http://a:99999/", "Invalid URL 'http://a:99999/'"),
    ],
)
def test_urls_that_a_user_may_not_name(url: str, said: str) -> None:
    with pytest.raises(FetchFailed) as caught:
        check_url(url)
    assert caught.value.message == said


def test_url_too_long_is_refused() -> None:
    with pytest.raises(FetchFailed):
        check_url("http://example.test/" + "x" * 9000)


@given(st.text(max_size=30))
def test_any_text_is_a_url_or_is_refused(text: str) -> None:
    for url in (text, f"http://{text}", f"https://h/{text}"):
        with contextlib.suppress(FetchFailed):
            check_url(url)
            assert "@" not in re.split("[/?#]", url.split("://")[1])[0]


LITERALS = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "017700000001",
    "0177.0.0.1",
    "0",
    "[::1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[::]",
    "[fe80::1%25lo]",
    "localhost",
    "LOCALHOST",
    "localhost.",
    "①②⑦.⓪.⓪.①",
    "127。0。0。1",
]


@pytest.mark.parametrize("host", LITERALS)
async def test_loopback_is_refused_in_every_form(strict: Egress, site: Site, host: str) -> None:
    url = site.url("/t.yaml", host)
    assert await refusal(strict, url) == f"Failed to retrieve template from {url}"
    assert site.requests == []


@pytest.mark.parametrize("host", LITERALS)
async def test_redirect_to_loopback_is_refused_in_every_form(site: Site, host: str, monkeypatch: Any) -> None:
    """The first address is allowed, the second is not."""
    names(monkeypatch, first_test=["127.0.0.9"])
    async with closing(Egress(EgressSettings(AddressPolicy.of(["127.0.0.9/32"])))) as egress:
        other = await asyncio.start_server(answer_with_redirect(site.url("/t.yaml", host)), "127.0.0.9", 0)
        port = other.sockets[0].getsockname()[1]
        url = f"http://first.test:{port}/start"
        assert await refusal(egress, url) == f"Failed to retrieve template from {url}"
        other.close()
        await other.wait_closed()
    assert site.requests == []


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**24 - 1), st.sampled_from(["{}", "{:#x}", "0{:o}"]))
def test_no_number_reaches_loopback(low: int, form: str) -> None:
    number = (127 << 24) + low

    async def attempt() -> str:
        async with closing(Egress(EgressSettings(timeout=2.0))) as egress:
            return await refusal(egress, f"http://{form.format(number)}:9/t.yaml")

    assert asyncio.run(attempt()).startswith("Failed to retrieve template from http://")


async def test_name_of_a_private_address_is_refused(strict: Egress, site: Site, monkeypatch: Any) -> None:
    names(monkeypatch, inside_test=["127.0.0.1"])
    url = site.url("/t.yaml", "inside.test")
    assert await refusal(strict, url) == f"Failed to retrieve template from {url}"
    assert site.requests == []


async def test_name_is_resolved_once_and_only_its_permitted_addresses_are_used(
    egress: Egress, site: Site, monkeypatch: Any
) -> None:
    asked = names(monkeypatch, mixed_test=["169.254.169.254", "10.0.0.1", "127.0.0.1"])
    assert await egress.fetch(site.url("/t.yaml", "mixed.test"), most=MOST)
    assert asked == ["mixed.test"]
    assert site.requests[0].headers["Host"] == f"mixed.test:{site.port}"


async def test_name_that_changes_its_address_gains_nothing(
    egress: Egress, site: Site, monkeypatch: Any
) -> None:
    turns = ["127.0.0.1", "127.0.0.2"]

    def rebind(host: str, port: int, *args: Any, **kwargs: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (turns.pop(0), port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebind)
    url = site.url("/t.yaml", "rebind.test")
    assert await egress.fetch(url, most=MOST)
    assert await refusal(egress, url) == f"Failed to retrieve template from {url}"
    assert turns == []


async def test_redirects_are_followed(egress: Egress, site: Site) -> None:
    site.pages["/a"] = moved("/b")
    site.pages["/b"] = moved(site.url("/t.yaml"))
    assert await egress.fetch(site.url("/a"), most=MOST)
    assert site.paths == ["/a", "/b", "/t.yaml"]


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://[::1]/",
        "file:///etc/passwd",
        "//169.254.169.254/",
        "http://user:hush@127.0.0.1/",
        "gopher://127.0.0.1/",
        "",
    ],
)
async def test_redirects_lead_nowhere_else(egress: Egress, site: Site, location: str) -> None:
    site.pages["/a"] = moved(location)
    assert await refusal(egress, site.url("/a")) == f"Failed to retrieve template from {site.url('/a')}"
    assert site.paths == ["/a"]


async def test_redirects_in_a_circle_end(egress: Egress, site: Site) -> None:
    site.pages["/a"] = moved("/a")
    await refusal(egress, site.url("/a"))
    assert site.paths == ["/a"] * 6


async def test_cookies_are_not_kept(egress: Egress, site: Site) -> None:
    site.pages["/a"] = moved("/t.yaml", {"Set-Cookie": "session=1"})
    await egress.fetch(site.url("/a"), most=MOST)
    await egress.fetch(site.url("/t.yaml"), most=MOST)
    assert [request.headers.get("Cookie") for request in site.requests] == [None] * 3


async def test_proxies_of_the_machine_are_not_used(
    egress: Egress, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert await egress.fetch(site.url("/t.yaml"), most=MOST)


async def test_all_failures_in_the_network_read_the_same(egress: Egress, site: Site) -> None:
    site.pages["/500"] = web.Response(status=500, text="secret of the inside")
    urls = [site.url("/missing"), site.url("/500"), "http://127.0.0.1:9/x", "http://no-such-host.invalid/"]
    urls += ["http://169.254.169.254/", "http://127.0.0.2:9/x"]
    said = [await refusal(egress, url) for url in urls]
    assert said == [f"Failed to retrieve template from {url}" for url in urls]


async def test_operator_is_told_what_users_are_not(strict: Egress, site: Site) -> None:
    with capture_logs() as told:
        await refusal(strict, site.url("/t.yaml"))
    assert told[0]["event"] == "url_not_fetched"
    assert told[0]["url"] == site.url("/t.yaml")
    assert "the address is not permitted" in told[0]["reason"]


async def test_content_of_exactly_the_size_is_taken(egress: Egress, site: Site) -> None:
    site.pages["/x"] = "x" * MOST
    site.pages["/y"] = "x" * (MOST + 1)
    assert len(await egress.fetch(site.url("/x"), most=MOST)) == MOST
    assert await refusal(egress, site.url("/y")) == f"Template exceeds maximum allowed size ({MOST} bytes)"


async def test_endless_content_is_cut_off(egress: Egress, site: Site) -> None:
    sent = 0

    async def endless(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x" * 4096)
            sent += 4096

    site.pages["/x"] = endless
    assert await refusal(egress, site.url("/x")) == f"Template exceeds maximum allowed size ({MOST} bytes)"
    assert sent < 50_000_000


async def test_slow_content_ends_with_the_time(site: Site) -> None:
    async def drip(request: web.BaseRequest) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        while True:
            await response.write(b"x")
            await asyncio.sleep(0.01)

    site.pages["/x"] = drip
    async with closing(Egress(EgressSettings(LOOPBACK, timeout=0.2))) as egress:
        started = asyncio.get_running_loop().time()
        said = await refusal(egress, site.url("/x"))
        assert asyncio.get_running_loop().time() - started < 2
    assert said == f"Failed to retrieve template from {site.url('/x')}"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "X-GZIP"])
async def test_compressed_content_is_taken(egress: Egress, site: Site, encoding: str) -> None:
    pack = zlib.compress if encoding == "deflate" else gzip.compress
    site.pages["/x"] = web.Response(body=pack(b"x" * MOST), headers={"Content-Encoding": encoding})
    assert await egress.fetch(site.url("/x"), most=MOST) == b"x" * MOST


async def test_bomb_is_cut_off(egress: Egress, site: Site) -> None:
    bomb = gzip.compress(b"\0" * 20_000_000)
    site.pages["/x"] = web.Response(body=bomb, headers={"Content-Encoding": "gzip"})
    assert await refusal(egress, site.url("/x")) == f"Template exceeds maximum allowed size ({MOST} bytes)"


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (b"x", "br"),
        (b"not gzip", "gzip"),
        (gzip.compress(b"x" * 500, mtime=0)[:-9], "gzip"),
        (b"x", "gzip, gzip"),
    ],
)
async def test_content_that_cannot_be_decoded_is_refused(
    egress: Egress, site: Site, body: bytes, encoding: str
) -> None:
    site.pages["/x"] = web.Response(body=body, headers={"Content-Encoding": encoding})
    assert await refusal(egress, site.url("/x")) == f"Failed to retrieve template from {site.url('/x')}"


async def test_content_that_is_no_text_is_refused(egress: Egress, site: Site) -> None:
    site.pages["/x"] = web.Response(body=b"\xff\xfe")
    with pytest.raises(FetchFailed, match="is not text in UTF-8"):
        await egress.fetch_text(site.url("/x"), most=MOST)


@pytest.mark.parametrize(("projects", "at_once"), [(["a"], 2), (["a", "b"], 4), (list("abcdefgh"), 6)])
async def test_only_so_many_are_fetched_at_once(site: Site, projects: list[str], at_once: int) -> None:
    busy = most = 0

    async def page(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal busy, most
        busy += 1
        most = max(most, busy)
        await asyncio.sleep(0.02)
        busy -= 1
        return web.Response(text="x")

    site.pages["/x"] = page
    async with closing(Egress(EgressSettings(LOOPBACK, concurrency=6))) as egress:
        waiting = [egress.fetch(site.url("/x"), most=MOST, project_id=each) for each in projects * 4]
        await asyncio.gather(*waiting)
        assert len(egress._shares) == 0
    assert most == at_once


async def test_certificates_are_checked_against_the_name_in_the_url(tmp_path: Path, monkeypatch: Any) -> None:
    names(monkeypatch, templates_test=["127.0.0.1"], other_test=["127.0.0.1"])
    tls, trusts = certificate(tmp_path, "templates.test")
    seen: list[str | None] = []
    tls.sni_callback = lambda _, name, __: seen.append(name)
    async with (
        website({"/t": "x"}, tls) as site,
        closing(Egress(EgressSettings(LOOPBACK, ca_file=str(trusts)))) as trusting,
        closing(Egress(EgressSettings(LOOPBACK))) as usual,
    ):
        good = site.url("/t", "templates.test", "https")
        assert await trusting.fetch(good, most=MOST) == b"x"
        wrong = site.url("/t", "other.test", "https")
        assert await refusal(trusting, wrong) == f"Failed to retrieve template from {wrong}"
        assert await refusal(usual, good) == f"Failed to retrieve template from {good}"
        site.pages["/back"] = moved(site.url("/t", "templates.test", "http"))
        await refusal(trusting, site.url("/back", "templates.test", "https"))
        assert site.paths == ["/t", "/back"]
    assert seen == ["templates.test", "other.test", "templates.test", "templates.test"]


def certificate(directory: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS context for the name, and the file of the trusts that vouches for it: itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = directory / "cert.pem", directory / "key.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return context, public


def answer_with_redirect(location: str) -> Any:
    """A connection handler that answers everything with a redirect."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 302 Found\r\nLocation: {location}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        writer.write(head.encode())
        await writer.drain()
        writer.close()

    return handle


@pytest.mark.parametrize(
    "page", ["/missing?signature=hush", "/away?signature=hush", "/bad?signature=hush#hush"]
)
async def test_query_of_a_url_is_neither_logged_nor_shown(egress: Egress, site: Site, page: str) -> None:
    site.pages["/away"] = moved("http://u:hush@elsewhere.test/?signature=hush")
    site.pages["/bad"] = moved("ftp://elsewhere.test/?signature=hush")
    with capture_logs() as logs:
        said = await refusal(egress, site.url(page))
    path = page.partition("?")[0]
    assert said == f"Failed to retrieve template from {site.url(path)}?******"
    assert [line["url"] for line in logs] == [f"{site.url(path)}?******"]
    assert "hush" not in str(logs)


@pytest.mark.parametrize(
    "url", ["http://u:pa/hush@h/n", "http://u:p?hush@h/n", "http:// hush@h/x?hush", "http://h/ ?hush"]
)
async def test_what_is_no_url_is_shown_without_what_may_be_secret(url: str) -> None:
    with pytest.raises(FetchFailed) as caught:
        check_url(url)
    assert "hush" not in caught.value.message


# --- the cloud's own object store -----------------------------------------------------------------


async def test_own_origin_may_have_a_private_address(strict: Egress, site: Site) -> None:
    url = site.url("/t.yaml")
    own = [origin_of(url)]
    assert b"heat_template_version" in await strict.fetch(url, most=MOST, own=own)
    assert await refusal(strict, url)  # for other requests it stays what it was


async def test_other_port_of_an_own_host_stays_private(strict: Egress, site: Site) -> None:
    host, port = origin_of(site.url("/t.yaml")) or ("", 0)
    with pytest.raises(FetchFailed):
        await strict.fetch(site.url("/t.yaml"), most=MOST, own=[(host, port + 1)])


async def test_redirect_away_from_an_own_origin_leads_to_no_private_address(
    strict: Egress, site: Site
) -> None:
    async with website({"/t.yaml": "text"}) as other:
        site.pages["/away"] = moved(other.url("/t.yaml"))
        with pytest.raises(FetchFailed):
            await strict.fetch(site.url("/away"), most=MOST, own=[origin_of(site.url("/"))])
        assert other.paths == []


async def test_denied_network_is_denied_to_an_own_origin_too(site: Site) -> None:
    denied = AddressPolicy.of(denied=["127.0.0.0/8"])
    async with closing(Egress(EgressSettings(denied, timeout=2.0))) as made:
        with pytest.raises(FetchFailed):
            await made.fetch(site.url("/t.yaml"), most=MOST, own=[origin_of(site.url("/"))])


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("http://h/x", ("h", 80)),
        ("https://H:8080/x", ("h", 8080)),
        ("https://[fd00::1]/x", ("fd00::1", 443)),
        ("http://h:port/", None),
        ("swift", None),
    ],
)
def test_origin_is_host_and_port(url: str, origin: Any) -> None:
    assert origin_of(url) == origin


async def test_json_is_posted_and_what_is_not_taken_is_an_error(site: Site, egress: Egress) -> None:
    bodies: list[bytes] = []

    async def hook(request: web.BaseRequest) -> web.StreamResponse:
        assert (request.method, request.content_type) == ("POST", "application/json")
        bodies.append(await request.read())
        return web.Response(status=204)

    site.pages |= {"/hook": hook, "/moved": moved("/hook"), "/broken": web.Response(status=500)}
    await egress.post(site.url("/hook"), b"{}")
    assert bodies == [b"{}"]
    for path in ("/moved?secret", "/broken?secret", "/nowhere?secret"):
        with pytest.raises(FetchFailed, match="Failed to call") as refused:
            await egress.post(site.url(path), b"{}")
        assert "secret" not in str(refused.value)
    assert bodies == [b"{}"]


async def test_nothing_is_posted_to_private_addresses(site: Site, strict: Egress) -> None:
    with pytest.raises(FetchFailed):
        await strict.post(site.url("/hook"), b"{}")
    with pytest.raises(FetchFailed):
        await strict.post("file:///etc/passwd", b"{}")
    assert site.paths == []
