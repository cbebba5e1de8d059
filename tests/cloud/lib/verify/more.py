"""Checks of the services beyond the core ones."""

import http.server
import json
import threading
import time
import uuid

from verify.client import TAG

WORKFLOW = """version: '2.0'
{name}:
  type: direct
  tasks:
    t:
      action: std.echo output='hi'
"""


def barbican(c, st):
    made = c.post(
        "key-manager",
        "/v1/secrets",
        json={"name": TAG, "payload": "s3cret", "payload_content_type": "text/plain"},
    )["secret_ref"]
    path = "/v1/secrets/" + made.rsplit("/", 1)[1]
    got = c.get("key-manager", path + "/payload", headers={"Accept": "text/plain"})
    assert got.text == "s3cret"
    box = c.post(
        "key-manager",
        "/v1/containers",
        json={"name": TAG, "type": "generic", "secret_refs": [{"name": "a", "secret_ref": made}]},
    )["container_ref"]
    c.delete("key-manager", "/v1/containers/" + box.rsplit("/", 1)[1])
    order = c.post(
        "key-manager",
        "/v1/orders",
        json={
            "type": "key",
            "meta": {
                "name": TAG,
                "algorithm": "aes",
                "bit_length": 256,
                "mode": "cbc",
                "payload_content_type": "application/octet-stream",
            },
        },
    )["order_ref"]
    path2 = "/v1/orders/" + order.rsplit("/", 1)[1]
    c.wait("key-manager", path2, None)
    c.delete("key-manager", path2)
    c.delete("key-manager", path)
    return "secret, container, order ACTIVE"


def designate(c, st):
    zone = c.post("dns", "/v2/zones", json={"name": TAG + ".test.", "email": "a@b.test"})
    path = f"/v2/zones/{zone['id']}"
    c.wait("dns", path, None)
    rs = c.post(
        "dns",
        path + "/recordsets",
        json={"name": "www." + TAG + ".test.", "type": "A", "records": ["192.0.2.1"]},
    )
    c.wait("dns", f"{path}/recordsets/{rs['id']}", None)
    c.delete("dns", path)
    c.gone("dns", path)
    return "zone and recordset ACTIVE, zone deleted"


def octavia(c, st):
    lb = c.post(
        "load-balancer",
        "/v2/lbaas/loadbalancers",
        json={"loadbalancer": {"name": TAG, "vip_subnet_id": st.sub["id"]}},
    )["loadbalancer"]
    path = f"/v2/lbaas/loadbalancers/{lb['id']}"

    def ready():
        c.wait("load-balancer", path, "loadbalancer", field="provisioning_status")

    ready()
    base = "/v2/lbaas"
    listener = c.post(
        "load-balancer",
        base + "/listeners",
        json={"listener": {"loadbalancer_id": lb["id"], "protocol": "HTTP", "protocol_port": 80}},
    )["listener"]
    ready()
    pool = c.post(
        "load-balancer",
        base + "/pools",
        json={"pool": {"listener_id": listener["id"], "protocol": "HTTP", "lb_algorithm": "ROUND_ROBIN"}},
    )["pool"]
    ready()
    member = c.post(
        "load-balancer",
        f"{base}/pools/{pool['id']}/members",
        json={"member": {"address": "10.77.0.9", "protocol_port": 80}},
    )["member"]
    ready()
    hm = c.post(
        "load-balancer",
        base + "/healthmonitors",
        json={
            "healthmonitor": {
                "pool_id": pool["id"],
                "type": "HTTP",
                "delay": 5,
                "timeout": 3,
                "max_retries": 2,
            }
        },
    )["healthmonitor"]
    ready()
    policy = c.post(
        "load-balancer",
        base + "/l7policies",
        json={"l7policy": {"listener_id": listener["id"], "action": "REJECT"}},
    )["l7policy"]
    ready()
    c.post(
        "load-balancer",
        f"{base}/l7policies/{policy['id']}/rules",
        json={"rule": {"type": "PATH", "compare_type": "STARTS_WITH", "value": "/x"}},
    )
    ready()
    c.wait(
        "load-balancer",
        f"{base}/pools/{pool['id']}/members/{member['id']}",
        "member",
        field="provisioning_status",
    )
    c.delete("load-balancer", f"{base}/healthmonitors/{hm['id']}")
    ready()
    c.delete("load-balancer", path + "?cascade=true")
    c.gone("load-balancer", path)
    return "load balancer, listener, pool, member, monitor, l7 policy ACTIVE; cascade delete"


def gnocchi(c, st):
    policies = {p["name"] for p in c.get("metric", "/v1/archive_policy")}
    metric = c.post("metric", "/v1/metric", json={"archive_policy_name": "high", "name": TAG})
    now = time.time()
    c.post(
        "metric",
        f"/v1/metric/{metric['id']}/measures",
        json=[{"timestamp": now - i, "value": 42.0} for i in range(5)],
    )
    end = time.monotonic() + 40
    while not c.get("metric", f"/v1/metric/{metric['id']}/measures?granularity=1"):
        assert time.monotonic() < end, "no measures processed"
        time.sleep(1)
    st.metric = metric
    return "measures processed; archive policies " + " ".join(sorted(policies))


def aodh(c, st):
    hit = threading.Event()
    seen = []

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            seen.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
            self.send_response(200)
            self.end_headers()
            hit.set()

        def log_message(self, *args):
            pass

    web = http.server.HTTPServer(("127.0.0.1", 0), Hook)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    metric = st.metric["id"]
    alarm = c.post(
        "alarming",
        "/v2/alarms",
        json={
            "name": TAG,
            "type": "gnocchi_aggregation_by_metrics_threshold",
            "alarm_actions": [f"http://127.0.0.1:{web.server_port}/hook"],
            "repeat_actions": False,
            "gnocchi_aggregation_by_metrics_threshold_rule": {
                "metrics": [metric],
                "comparison_operator": "gt",
                "threshold": 10,
                "granularity": 1,
                "evaluation_periods": 1,
                "aggregation_method": "mean",
            },
        },
    )
    try:
        end = time.monotonic() + 90
        while not hit.wait(1):
            c.post(
                "metric", f"/v1/metric/{metric}/measures", json=[{"timestamp": time.time() - 1, "value": 99}]
            )
            assert time.monotonic() < end, "the webhook was not called; state " + json.dumps(
                c.get("alarming", f"/v2/alarms/{alarm['alarm_id']}")["state"]
            )
        body = json.loads(seen[0])
        assert body["current"] == "alarm", body
    finally:
        c.delete("alarming", f"/v2/alarms/{alarm['alarm_id']}")
        c.delete("metric", f"/v1/metric/{metric}")
        web.shutdown()
    return "threshold alarm called its webhook"


def zaqar(c, st):
    head = {"Client-ID": str(uuid.uuid4()), "X-Project-ID": c.project}
    c.put("messaging", f"/v2/queues/{TAG}", headers=head)
    c.post(
        "messaging",
        f"/v2/queues/{TAG}/messages",
        headers=head,
        json={"messages": [{"ttl": 300, "body": {"a": 1}}]},
    )
    got = c.get("messaging", f"/v2/queues/{TAG}/messages?echo=true", headers=head)["messages"]
    assert got[0]["body"] == {"a": 1}
    signed = c.post(
        "messaging",
        f"/v2/queues/{TAG}/share",
        headers=head,
        json={"paths": ["messages"], "methods": ["GET", "POST"]},
    )
    sub = c.post(
        "messaging",
        f"/v2/queues/{TAG}/subscriptions",
        headers=head,
        json={"subscriber": "http://127.0.0.1:9/none", "ttl": 300, "options": {}},
    )
    assert signed["signature"]
    assert sub["subscription_id"]
    c.delete("messaging", f"/v2/queues/{TAG}", headers=head)
    return "queue, message, signed url, subscription"


def manila(c, st):
    head = {"X-OpenStack-Manila-API-Version": "2.65"}
    share = c.post(
        "shared-file-system",
        "/shares",
        headers=head,
        json={"share": {"share_proto": "NFS", "size": 1, "name": TAG, "share_type": "default"}},
    )["share"]
    path = f"/shares/{share['id']}"
    c.wait("shared-file-system", path, "share", "available", headers=head)
    rule = c.post(
        "shared-file-system",
        path + "/action",
        headers=head,
        json={"allow_access": {"access_type": "ip", "access_to": "10.0.0.1", "access_level": "rw"}},
    )["access"]
    c.wait(
        "shared-file-system",
        f"/share-access-rules/{rule['id']}",
        "access",
        "active",
        field="state",
        headers=head,
    )
    c.delete("shared-file-system", path, headers=head)
    c.gone("shared-file-system", path, headers=head)
    return "share available, access rule active, deleted"


def mistral(c, st):
    text = WORKFLOW.format(name=TAG.replace("-", "_"))
    name = TAG.replace("-", "_")
    c.post("workflowv2", "/workflows", data=text, headers={"Content-Type": "text/plain"})
    run = c.post("workflowv2", "/executions", json={"workflow_name": name})
    c.wait("workflowv2", f"/executions/{run['id']}", None, "SUCCESS", field="state")
    c.delete("workflowv2", f"/executions/{run['id']}")
    c.delete("workflowv2", f"/workflows/{name}")
    return "workflow executed to SUCCESS"


def magnum(c, st):
    made = c.get("container-infra", "/clustertemplates")
    drivers = c.get("container-infra", "/mservices")["mservices"]
    assert any(s["state"] == "up" for s in drivers), drivers
    return f"conductor up, {len(made['clustertemplates'])} cluster templates"


def ironic(c, st):
    head = {"X-OpenStack-Ironic-API-Version": "1.72"}
    node = c.post("baremetal", "/v1/nodes", headers=head, json={"driver": "fake-hardware", "name": TAG})
    path = f"/v1/nodes/{node['uuid']}"
    c.post(
        "baremetal",
        "/v1/ports",
        headers=head,
        json={"node_uuid": node["uuid"], "address": "52:54:00:12:34:56"},
    )
    c.put("baremetal", path + "/states/provision", headers=head, json={"target": "manage"})
    c.wait("baremetal", path, None, "manageable", field="provision_state", headers=head)
    c.delete("baremetal", path, headers=head)
    return "fake-hardware node manageable"


def blazar(c, st):
    c.get("reservation", "/leases")
    c.get("reservation", "/os-hosts")
    return "leases and hosts listed"


def zun(c, st):
    head = {"OpenStack-API-Version": "container 1.40"}
    made = c.post(
        "container",
        "/containers?run=true",
        headers=head,
        json={"name": TAG, "image": "cirros", "nets": [{"network": st.net["id"]}]},
    )
    path = f"/containers/{made['uuid']}"
    c.wait("container", path, None, "Running", headers=head)
    c.delete("container", path + "?force=true", headers=head)
    c.gone("container", path, headers=head)
    return "container Running (no runtime behind it), deleted"


def trove(c, st):
    found = {each["name"]: len(each["versions"]) for each in c.get("database", "/datastores")["datastores"]}
    assert found == {"mysql": 2, "mariadb": 2}, found
    return f"{len(c.get('database', '/instances')['instances'])} instances, versions of {', '.join(found)}"
