"""EC2 credentials, and tokens for requests signed with them."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Mapping
from urllib.parse import quote

from stackd.devcloud.keystone.assignments import roles_of
from stackd.devcloud.keystone.style import STYLE, missing
from stackd.devcloud.keystone.tokens import Grant, issue, token_reply, trust_grant, unauthorized
from stackd.devcloud.store import JSON, Entity
from stackd.devcloud.wire import Call, Reply, Route, bad_request, not_found

CREDENTIALS = "identity.credentials"


def _user_id(call: Call, action: str) -> str:
    user_id = call.params["user"]
    if user_id != call.actor.user_id and not call.actor.is_admin:
        raise STYLE.denied(action)
    if call.store.get("identity.users", user_id) is None:
        raise missing("user", user_id)
    return user_id


def _create(call: Call) -> Reply:
    user_id = _user_id(call, "ec2_create_credential")
    project_id = call.json().get("tenant_id")
    if not project_id or call.store.get("identity.projects", str(project_id)) is None:
        raise missing("project", str(project_id))
    blob: JSON = {"access": call.world.hex_id(), "secret": call.world.hex_id()}
    if call.actor.trust_id:
        blob["trust_id"] = call.actor.trust_id
    credential_id = hashlib.sha256(blob["access"].encode()).hexdigest()
    data = {
        "id": credential_id, "user_id": user_id, "project_id": project_id, "type": "ec2",
        "blob": json.dumps(blob),
    }  # fmt: skip
    entity = call.store.add(CREDENTIALS, credential_id, "", data)
    return Reply(201, {"credential": _shown(call, entity)})


def _shown(call: Call, entity: Entity) -> JSON:
    blob = json.loads(entity.data["blob"])
    user_id = entity.data["user_id"]
    return {
        "access": blob["access"], "secret": blob["secret"], "user_id": user_id,
        "tenant_id": entity.data["project_id"], "trust_id": blob.get("trust_id"),
        "links": {"self": f"{call.base}/users/{user_id}/credentials/OS-EC2/{blob['access']}"},
    }  # fmt: skip


def _list(call: Call) -> Reply:
    user_id = _user_id(call, "ec2_list_credentials")
    found = [_shown(call, entity) for entity in call.store.find(CREDENTIALS, user_id=user_id, type="ec2")]
    links = {"next": None, "previous": None, "self": f"{call.base}{call.path}"}
    return Reply(200, {"credentials": found, "links": links})


def _by_access(call: Call, access: str) -> Entity | None:
    entity = call.store.get(CREDENTIALS, hashlib.sha256(access.encode()).hexdigest())
    if entity is not None and entity.data["type"] == "ec2":
        return entity
    for candidate in call.store.find(CREDENTIALS, type="ec2"):
        if _blob(candidate).get("access") == access:
            return candidate
    return None


def _blob(entity: Entity) -> JSON:
    try:
        blob = json.loads(entity.data["blob"])
    except ValueError:
        return {}
    return blob if isinstance(blob, dict) else {}


def _one(call: Call) -> Entity:
    user_id = _user_id(call, "ec2_get_credential")
    entity = _by_access(call, call.params["access"])
    if entity is None or entity.data["user_id"] != user_id:
        raise missing("credential", call.params["access"])
    return entity


def _get(call: Call) -> Reply:
    return Reply(200, {"credential": _shown(call, _one(call))})


def _delete(call: Call) -> Reply:
    call.store.remove(_one(call))
    return Reply(204)


def _service_only(call: Call) -> None:
    if call.actor.roles.isdisjoint(("admin", "service")):
        raise STYLE.denied("ec2tokens_auth")


def _ec2_tokens(call: Call) -> Reply:
    _service_only(call)
    body = call.json()
    request = body.get("credentials") or body.get("ec2Credentials")
    if not isinstance(request, dict) or not request.get("signature"):
        raise bad_request("EC2 signature not supplied.")
    entity = _by_access(call, str(request.get("access")))
    if entity is None:
        raise not_found("EC2 access key not found.")
    if not _signed(request, _blob(entity)["secret"]):
        raise unauthorized()
    return _token_for(call, entity, "ec2credential")


def _s3_tokens(call: Call) -> Reply:
    _service_only(call)
    request = call.unwrap("credentials")
    entity = _by_access(call, str(request.get("access")))
    if entity is None:
        raise not_found("EC2 access key not found.")
    text = base64.urlsafe_b64decode(str(request.get("token", "")))
    secret = _blob(entity)["secret"]
    if text.startswith(b"AWS4-HMAC-SHA256"):
        scope = text.decode().split("\n")[2].split("/")
        expected = hmac.new(v4_key(secret, *scope[:3]), text, hashlib.sha256).hexdigest()
    else:
        expected = base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha1).digest()).decode()
    if not hmac.compare_digest(expected, str(request.get("signature"))):
        raise unauthorized()
    return _token_for(call, entity, "s3")


def _token_for(call: Call, entity: Entity, method: str) -> Reply:
    user = call.store.get("identity.users", entity.data["user_id"])
    if user is None or not user.data.get("enabled", True):
        raise unauthorized()
    if trust_id := _blob(entity).get("trust_id"):
        grant = trust_grant(call.world, trust_id, None)
    else:
        project = call.store.get("identity.projects", entity.data["project_id"] or "")
        role_ids = roles_of(call.world, user.id, ("project", project.id)) if project else []
        if not role_ids:
            raise unauthorized()
        grant = Grant(user, [method], project, role_ids=role_ids)
    grant.methods = [method]
    return token_reply(call.world, issue(call.world, grant), 200)


def _signed(request: Mapping[str, object], secret: str) -> bool:
    """Whether a request's signature is right; the port may be missing from the host that was signed."""
    host = str(request.get("host", ""))
    hosts = [host, host.rpartition(":")[0]] if ":" in host else [host]
    given = str(request["signature"])
    return any(
        expected and hmac.compare_digest(expected, given)
        for name in hosts
        for expected in (signature(dict(request) | {"host": name}, secret),)
    )


def signature(request: JSON, secret: str) -> str:
    """The signature (AWS version 2 or 4) that a request should have; empty if it names no known version."""
    params = {str(key): str(value) for key, value in (request.get("params") or {}).items()}
    headers = {str(key).lower(): str(value) for key, value in (request.get("headers") or {}).items()}
    authorization = headers.get("authorization", "")
    if authorization.startswith("AWS4-HMAC-SHA256") or params.get("X-Amz-Algorithm") == "AWS4-HMAC-SHA256":
        return _version_4(request, params, headers, secret)
    if params.get("SignatureVersion") == "2":
        return _version_2(request, params, secret)
    return ""


def _query(params: Mapping[str, str]) -> str:
    return "&".join(f"{quote(key, safe='-_~')}={quote(params[key], safe='-_~')}" for key in sorted(params))


def _version_2(request: JSON, params: Mapping[str, str], secret: str) -> str:
    rest = {key: value for key, value in params.items() if key != "Signature"}
    text = f"{request.get('verb')}\n{request.get('host')}\n{request.get('path')}\n{_query(rest)}"
    algorithm = hashlib.sha1 if params.get("SignatureMethod") == "HmacSHA1" else hashlib.sha256
    return base64.b64encode(hmac.new(secret.encode(), text.encode(), algorithm).digest()).decode()


def v4_key(secret: str, date: str, region: str, service: str) -> bytes:
    """The signing key of AWS signature version 4."""
    key = b"AWS4" + secret.encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key


def _version_4(request: JSON, params: Mapping[str, str], headers: Mapping[str, str], secret: str) -> str:
    parts: dict[str, str] = {}
    for item in headers.get("authorization", "").removeprefix("AWS4-HMAC-SHA256").split(","):
        name, _, value = item.strip().partition("=")
        parts[name] = value
    credential = parts.get("Credential") or params.get("X-Amz-Credential", "")
    names = (parts.get("SignedHeaders") or params.get("X-Amz-SignedHeaders", "")).lower().split(";")
    scope = credential.split("/")[1:]
    date = headers.get("x-amz-date") or params.get("X-Amz-Date") or headers.get("date", "")
    if len(scope) != 4 or not date.startswith(scope[0]):
        return ""
    lines = "".join(f"{name}:{_header(request, headers, name)}\n" for name in names)
    query = "" if request.get("verb") == "POST" else _query(_unsigned(params))
    canonical = "\n".join((
        str(request.get("verb")), str(request.get("path")), query, lines, ";".join(names),
        str(request.get("body_hash", "")),
    ))  # fmt: skip
    digest = hashlib.sha256(canonical.encode()).hexdigest()
    text = "\n".join(("AWS4-HMAC-SHA256", date, "/".join(scope), digest))
    return hmac.new(v4_key(secret, *scope[:3]), text.encode(), hashlib.sha256).hexdigest()


def _unsigned(params: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in params.items() if key not in ("Signature", "X-Amz-Signature")}


def _header(request: JSON, headers: Mapping[str, str], name: str) -> str:
    return str(request.get("host", "")) if name == "host" else " ".join(headers.get(name, "").split())


_PATH = "/users/{user}/credentials/OS-EC2"
ROUTES = (
    Route("POST", _PATH, _create),
    Route("GET", _PATH, _list),
    Route("GET", _PATH + "/{access}", _get),
    Route("DELETE", _PATH + "/{access}", _delete),
    Route("POST", "/ec2tokens", _ec2_tokens),
    Route("POST", "/s3tokens", _s3_tokens),
)
