"""Signing in to Keystone and calling the orchestration API, as any other client would.

Credentials are taken from the OS_* variables that OpenStack's own clients use.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from stackd.cli.failures import BAD_INPUT, DENIED, UNREACHABLE, Failure, from_answer, why

Environ = Mapping[str, str]

_ENDPOINTS = ("OS_ORCHESTRATION_ENDPOINT", "STACKD_ENDPOINT", "OS_HEAT_URL", "OS_ENDPOINT")
_WHICH_API = (
    "Name the orchestration API with --endpoint or OS_ORCHESTRATION_ENDPOINT, or correct the catalog."
)
_WHICH_KEYSTONE = "OS_AUTH_URL is the address of Keystone, such as https://keystone.example.org/v3."
_NO_AUTH = frozenset({"none", "noauth", "admin_token"})


def auth_body(environ: Environ) -> dict[str, Any]:
    """The body of a Keystone token request that the variables describe.

    Raises Failure naming the variables that are missing.
    """
    if environ.get("OS_APPLICATION_CREDENTIAL_SECRET"):
        return {"auth": {"identity": _application_credential(environ)}}
    if token := environ.get("OS_TOKEN") or environ.get("OS_AUTH_TOKEN"):
        identity: dict[str, Any] = {"methods": ["token"], "token": {"id": token}}
    elif environ.get("OS_PASSWORD") and (environ.get("OS_USERNAME") or environ.get("OS_USER_ID")):
        user = _named(environ, "USER", environ.get("OS_USERNAME"))
        identity = {
            "methods": ["password"],
            "password": {"user": user | {"password": environ["OS_PASSWORD"]}},
        }
    else:
        raise Failure(
            "There are no credentials.",
            DENIED,
            "Set OS_USERNAME and OS_PASSWORD, or OS_TOKEN, or OS_APPLICATION_CREDENTIAL_ID and _SECRET.",
        )
    return {"auth": {"identity": identity} | _scope(environ)}


def _application_credential(environ: Environ) -> dict[str, Any]:
    credential: dict[str, Any] = {"secret": environ["OS_APPLICATION_CREDENTIAL_SECRET"]}
    if given := environ.get("OS_APPLICATION_CREDENTIAL_ID"):
        credential["id"] = given
    else:
        credential["name"] = environ.get("OS_APPLICATION_CREDENTIAL_NAME", "")
        credential["user"] = _named(environ, "USER", environ.get("OS_USERNAME"))
    return {"methods": ["application_credential"], "application_credential": credential}


def _scope(environ: Environ) -> dict[str, Any]:
    name = environ.get("OS_PROJECT_NAME") or environ.get("OS_TENANT_NAME")
    project = _named(environ, "PROJECT", name)
    return {"scope": {"project": project}} if project else {}


def _named(environ: Environ, kind: str, name: str | None) -> dict[str, Any]:
    """A user or project by id, or by name within its domain."""
    if given := environ.get(f"OS_{kind}_ID"):
        return {"id": given}
    if not name:
        return {}
    if domain := environ.get(f"OS_{kind}_DOMAIN_ID") or environ.get("OS_DEFAULT_DOMAIN_ID"):
        return {"name": name, "domain": {"id": domain}}
    domain_name = environ.get(f"OS_{kind}_DOMAIN_NAME") or environ.get("OS_DEFAULT_DOMAIN_NAME") or "Default"
    return {"name": name, "domain": {"name": domain_name}}


def endpoint_in(catalog: list[dict[str, Any]], environ: Environ) -> str:
    """The orchestration service's address in a token's catalog, for the region and interface asked for."""
    interface = environ.get("OS_INTERFACE") or environ.get("OS_ENDPOINT_TYPE") or "public"
    region = environ.get("OS_REGION_NAME")
    for service in catalog:
        if service.get("type") != "orchestration":
            continue
        for endpoint in service.get("endpoints", ()):
            right_region = not region or region in (endpoint.get("region_id"), endpoint.get("region"))
            if right_region and endpoint.get("interface") == interface.removesuffix("URL"):
                return str(endpoint["url"])
    where = f" in region {region}" if region else ""
    raise Failure(
        f"The catalog lists no {interface} endpoint of type `orchestration`{where}.",
        UNREACHABLE,
        "Register the endpoint, or name it with --endpoint or OS_ORCHESTRATION_ENDPOINT.",
    )


def with_project(endpoint: str, project: str) -> str:
    """The endpoint with its version and project segments, whichever of them it lacked."""
    base = endpoint.rstrip("/")
    path = urlsplit(base).path.rstrip("/")
    segments = path.rsplit("/", 2)
    if len(segments) > 2 and segments[-2].startswith("v1"):
        return base
    if not segments[-1].startswith("v1"):
        base += "/v1"
    return f"{base}/{project}"


@dataclass(frozen=True, slots=True)
class Login:
    """What signing in gave: the headers that prove it, and the API's base URL with version and project."""

    headers: Mapping[str, str]
    base: str


class Session:
    """Calls to the orchestration API; signs in at the first and again when the token has expired."""

    def __init__(self, environ: Environ, endpoint: str = "", http: httpx.Client | None = None) -> None:
        self._environ = environ
        self._endpoint = endpoint or next((environ[name] for name in _ENDPOINTS if environ.get(name)), "")
        self._http = http or _http_client(environ)
        self._login: Login | None = None

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, **params: Any) -> Any:
        """The decoded answer to GET, a mapping; the path is below the project."""
        return self.call("GET", path, params=params)

    def call(
        self, method: str, path: str, body: object = None, params: Mapping[str, Any] | None = None
    ) -> Any:
        """The decoded answer, None when it has no body; an error, or what no API answers, raises Failure."""
        _require_names(path)
        login = self._login or self._sign_in()
        answer = self._send(method, login.base + path, login.headers, body, params)
        if answer.status_code == 401:
            login = self._sign_in()
            answer = self._send(method, login.base + path, login.headers, body, params)
        content = _decoded(answer)
        if answer.status_code >= 300:
            # What serves something else has no such paths, which is not a stack that does not exist.
            if answer.status_code < 400 or (answer.status_code == 404 and not isinstance(content, dict)):
                raise _stranger(login.base, answer, _WHICH_API)
            raise from_answer(answer.status_code, content)
        if method == "GET" and not isinstance(content, dict):
            raise _stranger(login.base, answer, _WHICH_API)
        return content

    def find(self, stack: str) -> dict[str, Any]:
        """The stack with this name or id, as the API shows it, without its outputs.

        The API redirects to the full path. Only the part of it that names the stack is used, never its host.
        """
        if not stack:
            raise Failure("The name of the stack is empty.", BAD_INPUT, "Give its name or its id.")
        login = self._login or self._sign_in()
        address = f"/stacks/{quote(stack, safe='')}"
        _require_names(address)
        answer = self._send("GET", login.base + address, login.headers, None, {"resolve_outputs": "false"})
        if answer.status_code == 302:
            tail = urlsplit(answer.headers.get("location", "")).path.partition("/stacks/")[2]
            address = f"/stacks/{tail}"
        found: dict[str, Any] = self.get(address, resolve_outputs="false")["stack"]
        return found

    def _sign_in(self) -> Login:
        if self._environ.get("OS_AUTH_TYPE") in _NO_AUTH:
            self._login = self._unchecked()
        else:
            self._login = self._with_keystone()
        return self._login

    def _unchecked(self) -> Login:
        if not self._endpoint:
            raise Failure("Without authentication the endpoint must be named.", BAD_INPUT, "Use --endpoint.")
        project = self._environ.get("OS_PROJECT_ID") or self._environ.get("OS_PROJECT_NAME") or "admin"
        headers = {"X-Auth-Project": project, "X-Auth-User": self._environ.get("OS_USERNAME", "admin")}
        return Login(headers, with_project(self._endpoint, project))

    def _with_keystone(self) -> Login:
        url = self._environ.get("OS_AUTH_URL", "").rstrip("/")
        if not url:
            raise Failure(
                "OS_AUTH_URL is not set.",
                DENIED,
                "Source your cloud's openrc file. `stackd dev` prints one for the machine it runs on.",
            )
        if not url.endswith("/v3"):
            url = url.removesuffix("/v2.0") + "/v3"
        answer = self._send("POST", f"{url}/auth/tokens", {}, auth_body(self._environ), None)
        content = _decoded(answer)
        token = content.get("token") if isinstance(content, dict) else None
        if answer.status_code != 201 or not isinstance(token, dict):
            if answer.status_code < 400 or (answer.status_code == 404 and not isinstance(content, dict)):
                raise _stranger(url, answer, _WHICH_KEYSTONE)
            raise from_answer(answer.status_code, content)
        if "project" not in token:
            raise Failure("The token has no project.", DENIED, "Set OS_PROJECT_NAME or OS_PROJECT_ID.")
        endpoint = self._endpoint or endpoint_in(token.get("catalog", []), self._environ)
        headers = {"X-Auth-Token": answer.headers["X-Subject-Token"]}
        return Login(headers, with_project(endpoint, token["project"]["id"]))

    def _send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        body: object,
        params: Mapping[str, Any] | None,
    ) -> httpx.Response:
        try:
            if body is None:
                return self._http.request(method, url, headers=headers, params=params or None)
            return self._http.request(method, url, headers=headers, params=params or None, json=body)
        except (httpx.TransportError, httpx.InvalidURL) as error:
            raise Failure(f"{urlsplit(url).netloc or url} cannot be reached: {error}", UNREACHABLE) from error


def _http_client(environ: Environ) -> httpx.Client:
    insecure = environ.get("OS_INSECURE", "").lower() in ("1", "true", "yes")
    if environ.get("OS_CACERT") and not insecure:
        import ssl

        file = environ["OS_CACERT"]
        try:
            trusted = ssl.create_default_context(cafile=file)
        except OSError as error:  # of which what is no certificate is one
            raise Failure(
                f"The certificates of OS_CACERT, {file}, cannot be read: {why(error)}.", BAD_INPUT
            ) from error
        return httpx.Client(verify=trusted, timeout=60)
    return httpx.Client(verify=not insecure, timeout=60)


def _require_names(path: str) -> None:
    """Raise Failure for a path with a part that is no name: the request would be about something else."""
    for part in path.split("/")[1:]:
        if part in ("", ".", ".."):
            shown = f"`{part}` is no name" if part else "A name is empty"
            raise Failure(f"{shown}.", BAD_INPUT, "Give the name or the id of what is meant.")


def _stranger(base: str, answer: httpx.Response, remedy: str) -> Failure:
    """The failure for an answer that the service which ought to be at an address would not give."""
    return Failure(f"{base} is something else: it answered HTTP {answer.status_code}.", UNREACHABLE, remedy)


def _decoded(answer: httpx.Response) -> Any:
    if not answer.content:
        return None
    try:
        return answer.json()
    except ValueError:
        return None
