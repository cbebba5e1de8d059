from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

from stackd.devcloud.keystone.ec2 import signature

V3 = "/identity/v3"


def password(name: str, scope: Any = None, domain: str = "default") -> dict[str, Any]:
    user = {"name": name, "password": "secret", "domain": {"id": domain}}
    auth: dict[str, Any] = {"identity": {"methods": ["password"], "password": {"user": user}}}
    return {"auth": auth | ({"scope": scope} if scope else {})}


async def named(admin: Any, plural: str, name: str) -> str:
    return next(
        str(item["id"]) for item in (await admin.get(f"{V3}/{plural}"))[plural] if item["name"] == name
    )


async def test_token_has_implied_roles_and_a_catalog_of_its_project(cloud: Any) -> None:
    reply = await cloud.http.post(
        f"{V3}/auth/tokens",
        json=password("admin", {"project": {"name": "admin", "domain": {"id": "default"}}}),
    )
    token = reply.json()["token"]
    assert {"admin", "manager", "member", "reader"} <= {role["name"] for role in token["roles"]}
    urls = {entry["type"]: entry["endpoints"][0]["url"] for entry in token["catalog"]}
    assert urls["volumev3"] == f"http://dev.test/volume/v3/{token['project']['id']}"
    assert urls["compute"] == "http://dev.test/compute/v2.1"


async def test_wrong_password_and_bad_token_are_401(cloud: Any) -> None:
    body = password("demo")
    body["auth"]["identity"]["password"]["user"]["password"] = "wrong"
    reply = await cloud.http.post(f"{V3}/auth/tokens", json=body)
    message = "The request you have made requires authentication."
    assert reply.json() == {"error": {"code": 401, "message": message, "title": "Unauthorized"}}
    reply = await cloud.http.get("/compute/v2.1/servers", headers={"X-Auth-Token": "bad"})
    assert (reply.status_code, reply.json()["error"]["title"]) == (401, "Unauthorized")
    assert reply.headers["WWW-Authenticate"] == 'Keystone uri="http://dev.test/identity/v3"'
    assert reply.headers["x-openstack-request-id"].startswith("req-")


async def test_tokens_are_validated_revoked_and_expire(cloud: Any, admin: Any, demo: Any) -> None:
    subject = {"X-Subject-Token": demo.token}
    token = (await admin.get(f"{V3}/auth/tokens?nocatalog", headers=subject))["token"]
    assert (token["user"]["name"], "catalog" in token) == ("demo", False)
    assert await demo.status("GET", f"{V3}/auth/tokens", headers={"X-Subject-Token": admin.token}) == 403
    assert await admin.status("DELETE", f"{V3}/auth/tokens", headers=subject) == 204
    assert await admin.status("GET", f"{V3}/auth/tokens", headers=subject) == 404
    assert await demo.status("GET", "/compute/v2.1/servers") == 401
    cloud.time.now += 90_000
    assert await admin.status("GET", f"{V3}/users") == 401


async def test_names_of_users_and_projects_are_unique(admin: Any, demo: Any) -> None:
    reply = await admin.call("POST", f"{V3}/users", {"user": {"name": "demo"}})
    assert reply.json()["error"]["message"] == (
        "Conflict occurred attempting to store user - Duplicate entry found with name demo."
    )
    assert await admin.status("POST", f"{V3}/projects", {"project": {"name": "demo"}}) == 409
    reply = await demo.call("GET", f"{V3}/users")
    assert reply.json()["error"]["message"] == (
        "You are not authorized to perform the requested action: identity:list_users."
    )
    assert (await admin.call("GET", f"{V3}/users/nope")).json()["error"][
        "message"
    ] == "Could not find user: nope."


async def test_roles_come_directly_or_by_group_and_go_with_their_tokens(cloud: Any, admin: Any) -> None:
    user = (await admin.post(f"{V3}/users", {"user": {"name": "u", "password": "secret"}}))["user"]["id"]
    group = (await admin.post(f"{V3}/groups", {"group": {"name": "g"}}))["group"]["id"]
    project, role = await named(admin, "projects", "demo"), await named(admin, "roles", "member")
    scope = {"project": {"id": project}}
    assert (await cloud.http.post(f"{V3}/auth/tokens", json=password("u", scope))).status_code == 401
    assert await admin.status("PUT", f"{V3}/groups/{group}/users/{user}") == 204
    assert await admin.status("PUT", f"{V3}/projects/{project}/groups/{group}/roles/{role}") == 204
    reply = await cloud.http.post(f"{V3}/auth/tokens", json=password("u", scope))
    assert {item["name"] for item in reply.json()["token"]["roles"]} == {"member", "reader"}
    path = f"{V3}/projects/{project}/users/{user}/roles/{role}"
    assert await admin.status("HEAD", path) == 404
    assert await admin.status("PUT", path) == 204
    assert await admin.status("HEAD", path) == 204
    listed = await admin.get(f"{V3}/role_assignments?user.id={user}&include_names")
    assert [item["role"]["name"] for item in listed["role_assignments"]] == ["member"]
    assert await admin.status("DELETE", path) == 204
    late = {"X-Auth-Token": reply.headers["X-Subject-Token"]}
    assert (await cloud.http.get("/compute/v2.1/servers", headers=late)).status_code == 401


async def make_trust(cloud: Any, demo: Any, **more: Any) -> tuple[str, dict[str, Any]]:
    service = await cloud.login("heat", "service")
    trust = {
        "trustor_user_id": demo.user_id, "trustee_user_id": service.user_id, "project_id": demo.project_id,
        "impersonation": True, "roles": [{"name": "member"}],
    } | more  # fmt: skip
    made = (await demo.post(f"{V3}/OS-TRUST/trusts", {"trust": trust}))["trust"]
    return made["id"], password("heat", {"OS-TRUST:trust": {"id": made["id"]}})


async def test_trust_impersonates_and_its_tokens_end_with_it(cloud: Any, demo: Any) -> None:
    trust_id, login = await make_trust(cloud, demo)
    reply = await cloud.http.post(f"{V3}/auth/tokens", json=login)
    token = reply.json()["token"]
    assert (token["user"]["id"], token["project"]["id"]) == (demo.user_id, demo.project_id)
    assert {role["name"] for role in token["roles"]} == {"member", "reader"}
    assert token["OS-TRUST:trust"]["trustor_user"]["id"] == demo.user_id
    by_trust = {"X-Auth-Token": reply.headers["X-Subject-Token"]}
    assert (await cloud.http.get("/network/v2.0/networks", headers=by_trust)).status_code == 200
    assert await demo.status("DELETE", f"{V3}/OS-TRUST/trusts/{trust_id}") == 204
    assert (await cloud.http.get("/network/v2.0/networks", headers=by_trust)).status_code == 401
    assert (await cloud.http.post(f"{V3}/auth/tokens", json=login)).status_code == 401


async def test_trust_needs_roles_that_the_trustor_has(demo: Any) -> None:
    trust = {
        "trustor_user_id": demo.user_id, "trustee_user_id": demo.user_id, "project_id": demo.project_id,
        "impersonation": True, "roles": [{"name": "admin"}],
    }  # fmt: skip
    reply = await demo.call("POST", f"{V3}/OS-TRUST/trusts", {"trust": trust})
    assert reply.status_code == 404


async def test_application_credential_logs_in_to_its_project(cloud: Any, demo: Any) -> None:
    path = f"{V3}/users/{demo.user_id}/application_credentials"
    made = (await demo.post(path, {"application_credential": {"name": "a"}}))["application_credential"]
    method = {"id": made["id"], "secret": made["secret"]}
    identity = {"methods": ["application_credential"], "application_credential": method}
    reply = await cloud.http.post(f"{V3}/auth/tokens", json={"auth": {"identity": identity}})
    assert reply.json()["token"]["project"]["id"] == demo.project_id
    assert await demo.status("DELETE", f"{path}/{made['id']}") == 204
    assert (
        await cloud.http.post(f"{V3}/auth/tokens", json={"auth": {"identity": identity}})
    ).status_code == 401


def signed_v2(access: str, secret: str) -> dict[str, Any]:
    params = {
        "AWSAccessKeyId": access, "Action": "ListStacks", "SignatureVersion": "2",
        "SignatureMethod": "HmacSHA256", "Timestamp": "2026-01-01T00:00:00Z",
    }  # fmt: skip
    query = "&".join(f"{key}={params[key].replace(':', '%3A')}" for key in sorted(params))
    text = f"GET\ncfn.test\n/v1/\n{query}".encode()
    sign = base64.b64encode(hmac.new(secret.encode(), text, hashlib.sha256).digest()).decode()
    return {
        "access": access, "signature": sign, "host": "cfn.test:8000", "verb": "GET", "path": "/v1/",
        "params": params | {"Signature": sign}, "headers": {}, "body_hash": "",
    }  # fmt: skip


async def test_ec2_signature_buys_a_token_if_a_service_asks(cloud: Any, admin: Any, demo: Any) -> None:
    path = f"{V3}/users/{demo.user_id}/credentials/OS-EC2"
    made = (await demo.post(path, {"tenant_id": demo.project_id}))["credential"]
    request = signed_v2(made["access"], made["secret"])
    reply = await admin.call("POST", f"{V3}/ec2tokens", {"credentials": request})
    assert reply.json()["token"]["user"]["id"] == demo.user_id
    assert "X-Subject-Token" in reply.headers
    assert await admin.status("POST", f"{V3}/ec2tokens", {"credentials": request | {"path": "/x"}}) == 401
    assert await demo.status("POST", f"{V3}/ec2tokens", {"credentials": request}) == 403
    assert await cloud.http.post(f"{V3}/ec2tokens", json={"credentials": request})
    listed = (await demo.get(f"{V3}/credentials?type=ec2"))["credentials"]
    assert [item["id"] for item in listed] == [hashlib.sha256(made["access"].encode()).hexdigest()]


async def test_credential_made_by_hand_signs_too(admin: Any, demo: Any) -> None:
    blob = {"access": "a" * 32, "secret": "s" * 32}
    body = {"type": "ec2", "blob": json.dumps(blob), "project_id": demo.project_id}
    made = (await demo.post(f"{V3}/credentials", {"credential": body}))["credential"]
    assert made["id"] == hashlib.sha256(blob["access"].encode()).hexdigest()
    request = signed_v2(blob["access"], blob["secret"])
    reply = await admin.call("POST", f"{V3}/ec2tokens", {"credentials": request})
    assert reply.json()["token"]["project"]["id"] == demo.project_id
    assert await demo.status("POST", f"{V3}/credentials", {"credential": body}) == 409
    assert await demo.status("DELETE", f"{V3}/credentials/{made['id']}") == 204
    assert await admin.status("POST", f"{V3}/ec2tokens", {"credentials": request}) == 404


def test_signature_version_4_agrees_with_the_published_example() -> None:
    request = {
        "verb": "GET", "host": "iam.amazonaws.com", "path": "/",
        "params": {"Action": "ListUsers", "Version": "2010-05-08"},
        "body_hash": hashlib.sha256(b"").hexdigest(),
        "headers": {
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            "X-Amz-Date": "20150830T123600Z",
            "Authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/iam/aws4_request, "
            "SignedHeaders=content-type;host;x-amz-date, Signature=x",
        },
    }  # fmt: skip
    expected = "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"
    assert signature(request, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY") == expected


async def test_stack_domain_admin_makes_users_there(cloud: Any, admin: Any) -> None:
    domain = await named(admin, "domains", "heat")
    body = password("heat_domain_admin", {"domain": {"id": domain}}, domain)
    reply = await cloud.http.post(f"{V3}/auth/tokens", json=body)
    headers = {"X-Auth-Token": reply.headers["X-Subject-Token"]}
    reply = await cloud.http.post(f"{V3}/users", json={"user": {"name": "guest"}}, headers=headers)
    assert (reply.status_code, reply.json()["user"]["domain_id"]) == (201, domain)


async def test_catalog_grows_with_registered_services(cloud: Any, admin: Any, demo: Any) -> None:
    body = {"service": {"name": "stackd", "type": "orchestration"}}
    service = (await admin.post(f"{V3}/services", body))["service"]["id"]
    endpoint = {"service_id": service, "interface": "public", "url": "http://x/v1/%(tenant_id)s"}
    await admin.post(f"{V3}/endpoints", {"endpoint": endpoint | {"region_id": "RegionOne"}})
    catalog = (await demo.get(f"{V3}/auth/catalog"))["catalog"]
    found = next(entry for entry in catalog if entry["type"] == "orchestration")
    assert found["endpoints"][0]["url"] == f"http://x/v1/{demo.project_id}"
    cloud.dev.register("cloudformation", "stackd-cfn", "http://x:8000/v1")
    catalog = (await demo.get(f"{V3}/auth/catalog"))["catalog"]
    found = next(entry for entry in catalog if entry["type"] == "cloudformation")
    assert {endpoint["interface"] for endpoint in found["endpoints"]} == {"public", "internal", "admin"}


async def test_version_documents_need_no_token(cloud: Any) -> None:
    assert (await cloud.http.get("/identity")).status_code == 300
    paths = ("/identity/v3", "/compute", "/compute/v2.1", "/network", "/image", "/volume/v3")
    statuses = {path: (await cloud.http.get(path)).status_code for path in paths}
    assert statuses == dict.fromkeys(paths, 200) | {"/image": 300}


async def test_regions_are_a_tree_that_endpoints_hold(admin: Any) -> None:
    path, base = "/identity/v3/regions", "/identity/v3"
    assert await admin.status("POST", path, {"region": {"id": "a", "parent_region_id": "none"}}) == 404
    await admin.post(path, {"region": {"id": "a"}})
    assert await admin.status("POST", path, {"region": {"id": "a"}}) == 409
    await admin.post(path, {"region": {"id": "b", "parent_region_id": "a"}})
    service = (await admin.post(f"{base}/services", {"service": {"type": "x"}}))["service"]["id"]
    endpoint = {"service_id": service, "interface": "public", "url": "http://a.test", "region_id": "b"}
    for wrong in ({"region_id": "none"}, {"service_id": "none"}):
        assert await admin.status("POST", f"{base}/endpoints", {"endpoint": endpoint | wrong}) == 400
    made = (await admin.post(f"{base}/endpoints", {"endpoint": endpoint}))["endpoint"]["id"]
    assert await admin.status("DELETE", f"{path}/a") == 403
    assert await admin.status("PATCH", f"{base}/endpoints/{made}", {"endpoint": {"region_id": None}}) == 200
    assert await admin.status("PATCH", f"{path}/b", {"region": {"id": "c"}}) == 400
    assert await admin.status("DELETE", f"{path}/a") == 204
    assert await admin.status("GET", f"{path}/b") == 404
