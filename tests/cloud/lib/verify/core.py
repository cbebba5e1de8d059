"""Checks of Keystone, Glance, Placement, Neutron, Cinder, Nova and Swift."""

import base64
import hashlib
import hmac
import time

import requests

from verify.client import TAG, Cloud

PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl x"


def keystone(c, st):
    demo = Cloud("demo")
    cred = c.post("identity", f"/users/{c.user}/credentials/OS-EC2", json={"tenant_id": c.project})[
        "credential"
    ]
    params = {"SignatureVersion": "2", "SignatureMethod": "HmacSHA256", "AWSAccessKeyId": cred["access"]}
    text = "GET\nexample:1\n/\n" + "&".join(f"{k}={v}" for k, v in sorted(params.items()))
    sig = base64.b64encode(hmac.new(cred["secret"].encode(), text.encode(), hashlib.sha256).digest()).decode()
    got = c.post(
        "identity",
        "/ec2tokens",
        json={
            "credentials": {
                "access": cred["access"],
                "host": "example:1",
                "verb": "GET",
                "path": "/",
                "params": params,
                "signature": sig,
            }
        },
    )
    assert got["token"]["user"]["id"] == c.user
    trust = demo.post(
        "identity",
        "/OS-TRUST/trusts",
        json={
            "trust": {
                "trustor_user_id": demo.user,
                "trustee_user_id": c.user,
                "project_id": demo.project,
                "impersonation": True,
                "roles": [{"name": "member"}],
            }
        },
    )["trust"]
    demo.delete("identity", f"/OS-TRUST/trusts/{trust['id']}")
    c.delete("identity", f"/users/{c.user}/credentials/OS-EC2/{cred['access']}")
    return "password token, ec2tokens, trust"


def glance(c, st):
    st.image = c.get("image", "/v2/images?name=cirros")["images"][0]
    made = c.post("image", "/v2/images", json={"name": TAG, "disk_format": "raw", "container_format": "bare"})
    c.put(
        "image",
        f"/v2/images/{made['id']}/file",
        data=b"x" * 2048,
        headers={"Content-Type": "application/octet-stream"},
    )
    c.wait("image", f"/v2/images/{made['id']}", None, "active")
    c.delete("image", f"/v2/images/{made['id']}")
    return "cirros there, upload active"


def placement(c, st):
    found = c.get("placement", "/resource_providers")["resource_providers"]
    assert found, "no resource provider"
    return f"{len(found)} resource provider(s)"


def neutron(c, st):
    net = c.post("network", "/v2.0/networks", json={"network": {"name": TAG}})["network"]
    sub = c.post(
        "network",
        "/v2.0/subnets",
        json={"subnet": {"network_id": net["id"], "ip_version": 4, "cidr": "10.77.0.0/24", "name": TAG}},
    )["subnet"]
    ext = c.get("network", "/v2.0/networks?name=public")["networks"][0]
    router = c.post(
        "network",
        "/v2.0/routers",
        json={"router": {"name": TAG, "external_gateway_info": {"network_id": ext["id"]}}},
    )["router"]
    c.put("network", f"/v2.0/routers/{router['id']}/add_router_interface", json={"subnet_id": sub["id"]})
    sg = c.post("network", "/v2.0/security-groups", json={"security_group": {"name": TAG}})["security_group"]
    c.post(
        "network",
        "/v2.0/security-group-rules",
        json={
            "security_group_rule": {
                "security_group_id": sg["id"],
                "direction": "ingress",
                "protocol": "tcp",
                "port_range_min": 22,
                "port_range_max": 22,
            }
        },
    )
    qos = c.post("network", "/v2.0/qos/policies", json={"policy": {"name": TAG}})["policy"]
    c.post(
        "network",
        f"/v2.0/qos/policies/{qos['id']}/bandwidth_limit_rules",
        json={"bandwidth_limit_rule": {"max_kbps": 1000}},
    )
    port = c.post(
        "network",
        "/v2.0/ports",
        json={
            "port": {
                "network_id": net["id"],
                "name": TAG,
                "security_groups": [sg["id"]],
                "qos_policy_id": qos["id"],
                "allowed_address_pairs": [{"ip_address": "10.77.0.200"}],
            }
        },
    )["port"]
    parent = c.post("network", "/v2.0/ports", json={"port": {"network_id": net["id"], "name": TAG}})["port"]
    trunk = c.post("network", "/v2.0/trunks", json={"trunk": {"port_id": parent["id"], "name": TAG}})["trunk"]
    c.delete("network", f"/v2.0/trunks/{trunk['id']}")
    c.delete("network", f"/v2.0/ports/{parent['id']}")
    st.net, st.sub, st.router, st.sg, st.port, st.qos, st.ext = net, sub, router, sg, port, qos, ext
    names = {e["alias"] for e in c.get("network", "/v2.0/extensions")["extensions"]}
    extra = [n for n in ("vpnaas", "fwaas_v2", "bgpvpn", "sfc", "taas", "bgp") if n in names]
    return "net, subnet, router, sg, qos, trunk, port; also " + " ".join(extra)


def cinder(c, st):
    vol = c.post("block-storage", "/volumes", json={"volume": {"size": 1, "name": TAG}})["volume"]
    c.wait("block-storage", f"/volumes/{vol['id']}", "volume", "available")
    snap = c.post("block-storage", "/snapshots", json={"snapshot": {"volume_id": vol["id"], "name": TAG}})[
        "snapshot"
    ]
    c.wait("block-storage", f"/snapshots/{snap['id']}", "snapshot", "available")
    c.delete("block-storage", f"/snapshots/{snap['id']}")
    c.gone("block-storage", f"/snapshots/{snap['id']}")
    st.volume = vol
    return "volume available, snapshot made and deleted"


def nova(c, st):
    flavor = {f["name"]: f["id"] for f in c.get("compute", "/flavors")["flavors"]}
    mv = {"X-OpenStack-Nova-API-Version": "2.72", "OpenStack-API-Version": "compute 2.72"}
    c.post("compute", "/os-keypairs", json={"keypair": {"name": TAG, "public_key": PUBLIC_KEY}})
    group = c.post(
        "compute",
        "/os-server-groups",
        headers=mv,
        json={"server_group": {"name": TAG, "policy": "soft-anti-affinity"}},
    )["server_group"]
    server = c.post(
        "compute",
        "/servers",
        headers=mv,
        json={
            "server": {
                "name": TAG,
                "imageRef": st.image["id"],
                "flavorRef": flavor["m1.tiny"],
                "key_name": TAG,
                "networks": [{"port": st.port["id"]}],
            },
            "os:scheduler_hints": {"group": group["id"]},
        },
    )["server"]
    path = f"/servers/{server['id']}"
    st.server = server
    try:
        server = c.wait("compute", path, "server", headers=mv)
        port = c.get("network", f"/v2.0/ports/{st.port['id']}")["port"]
        assert port["status"] == "ACTIVE", f"port is {port['status']}"
        addresses = [a["addr"] for group_ in server["addresses"].values() for a in group_]
        assert addresses, "no address"
        fip = c.post(
            "network",
            "/v2.0/floatingips",
            json={"floatingip": {"floating_network_id": st.ext["id"], "port_id": st.port["id"]}},
        )["floatingip"]
        assert fip["fixed_ip_address"] == addresses[0]
        c.delete("network", f"/v2.0/floatingips/{fip['id']}")
        did = ["ACTIVE", addresses[0], "port ACTIVE", "floating ip"]
        if hasattr(st, "volume"):
            c.post(
                "compute",
                path + "/os-volume_attachments",
                json={"volumeAttachment": {"volumeId": st.volume["id"]}},
            )
            c.wait("block-storage", f"/volumes/{st.volume['id']}", "volume", "in-use")
            c.delete("compute", path + f"/os-volume_attachments/{st.volume['id']}")
            c.wait("block-storage", f"/volumes/{st.volume['id']}", "volume", "available")
            did.append("volume attach/detach")
        att = c.post(
            "compute", path + "/os-interface", json={"interfaceAttachment": {"net_id": st.net["id"]}}
        )
        c.delete("compute", path + f"/os-interface/{att['interfaceAttachment']['port_id']}")
        did.append("interface attach")
        c.post("compute", path + "/action", json={"reboot": {"type": "SOFT"}})
        c.wait("compute", path, "server", headers=mv)
        did.append("reboot")
        c.post(
            "compute",
            path + "/remote-consoles",
            headers=mv,
            json={"remote_console": {"protocol": "vnc", "type": "novnc"}},
        )
        did.append("console")
        c.post("compute", path + "/action", json={"resize": {"flavorRef": flavor["m1.small"]}})
        c.wait("compute", path, "server", "VERIFY_RESIZE", headers=mv)
        c.post("compute", path + "/action", json={"confirmResize": None})
        c.wait("compute", path, "server", headers=mv)
        did.append("resize")
    finally:
        c.delete("compute", path)
        c.gone("compute", path)
        c.delete("compute", f"/os-server-groups/{group['id']}")
        c.delete("compute", f"/os-keypairs/{TAG}")
    return ", ".join(did)


def swift(c, st):
    box, body = TAG, b"hello swift"
    c.put("object-store", f"/{box}")
    c.put("object-store", f"/{box}/thing", data=body)
    c.post(
        "object-store", f"/{box}", headers={"X-Container-Meta-Temp-URL-Key": "k1", "X-Container-Read": ".r:*"}
    )
    url = c.urls["object-store"]
    path = "/v1/" + url.split("/v1/", 1)[1] + f"/{box}/thing2"
    expires = int(time.time()) + 600
    for digest in ("sha1", "sha256"):
        for verb in ("PUT", "GET"):
            sig = hmac.new(b"k1", f"{verb}\n{expires}\n{path}".encode(), getattr(hashlib, digest)).hexdigest()
            reply = requests.request(
                verb,
                f"http://127.0.0.1:8080{path}?temp_url_sig={sig}&temp_url_expires={expires}",
                data=body if verb == "PUT" else None,
                timeout=30,
            )
            assert reply.ok, f"tempurl {verb} {digest}: {reply.status_code} {reply.text[:100]}"
    assert requests.get(f"{url}/{box}/thing", timeout=30).content == body, "public read ACL"
    for name in ("thing", "thing2"):
        c.delete("object-store", f"/{box}/{name}")
    c.delete("object-store", f"/{box}")
    return "container, object, ACL, tempurl PUT/GET sha1+sha256"
