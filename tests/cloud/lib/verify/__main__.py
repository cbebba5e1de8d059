"""One PASS or FAIL line per service: python -m verify [service...].

Everything made here is named verify-<random> and deleted again at the end.
"""

import sys
import time
from types import SimpleNamespace

from verify import core, more
from verify.client import Cloud

# In this order: a check may use what an earlier one left in the shared state.
CHECKS = {
    core.keystone: "identity",
    core.glance: "image",
    core.placement: "placement",
    core.neutron: "network",
    core.cinder: "block-storage",
    core.nova: "compute",
    core.swift: "object-store",
    more.barbican: "key-manager",
    more.designate: "dns",
    more.octavia: "load-balancer",
    more.gnocchi: "metric",
    more.aodh: "alarming",
    more.zaqar: "messaging",
    more.manila: "shared-file-system",
    more.mistral: "workflowv2",
    more.magnum: "container-infra",
    more.ironic: "baremetal",
    more.blazar: "reservation",
    more.zun: "container",
    more.trove: "database",
}
NEEDS = {
    "zun": {"neutron"},
    "nova": {"glance", "neutron", "cinder"},
    "octavia": {"neutron"},
    "aodh": {"gnocchi"},
}


def clean(cloud, made):
    """Delete what several checks shared."""
    steps = []
    if hasattr(made, "volume"):
        steps.append(("block-storage", f"/volumes/{made.volume['id']}"))
    if hasattr(made, "port"):
        cloud.put(
            "network",
            f"/v2.0/routers/{made.router['id']}/remove_router_interface",
            json={"subnet_id": made.sub["id"]},
        )
        steps += [
            ("network", f"/v2.0/routers/{made.router['id']}"),
            ("network", f"/v2.0/ports/{made.port['id']}"),
            ("network", f"/v2.0/networks/{made.net['id']}"),
            ("network", f"/v2.0/security-groups/{made.sg['id']}"),
            ("network", f"/v2.0/qos/policies/{made.qos['id']}"),
        ]
    for kind, path in steps:
        try:
            cloud.delete(kind, path)
        except AssertionError as exc:
            print("  clean:", exc)


def run(check, kind, cloud, made):
    """Whether the check did not fail; its line is printed."""
    name, began = check.__name__, time.monotonic()
    if kind not in cloud.urls:
        print(f"SKIP {name:10} not in the catalog", flush=True)
        return True
    try:
        verdict, text = "PASS", check(cloud, made)
    except Exception as exc:  # a check must never hide the next one
        verdict, text = "FAIL", f"{type(exc).__name__}: {exc}"[:500]
    print(f"{verdict} {name:10} {time.monotonic() - began:5.1f} s  {text}", flush=True)
    return verdict == "PASS"


def main(names):
    wanted = set(names) or {check.__name__ for check in CHECKS}
    for name in tuple(wanted):
        wanted |= NEEDS.get(name, set())
    cloud, made = Cloud(), SimpleNamespace()
    good = [run(check, kind, cloud, made) for check, kind in CHECKS.items() if check.__name__ in wanted]
    clean(cloud, made)
    return 0 if all(good) else 1


sys.exit(main(sys.argv[1:]))
