"""Magnum driver of clusters without machines: what is asked for is there when the service next looks."""

import uuid

from magnum.drivers.common import driver

NETWORKS = {"master": "198.51.100", "worker": "203.0.113"}
"""Where the addresses of nodes are: networks that documentation may use, in which nothing is."""


class FakeClusterDriver(driver.Driver):
    provides = ({"server_type": "vm", "os": "fedora-coreos", "coe": "kubernetes"},)

    def create_cluster(self, context, cluster, cluster_create_timeout):
        cluster.stack_id = str(uuid.uuid4())

    def update_cluster(self, context, cluster, scale_manager=None, rollback=False):
        pass

    def delete_cluster(self, context, cluster):
        pass

    def update_cluster_status(self, context, cluster, use_admin_ctx=False):
        """Complete what is under way; the service calls this every ten seconds."""
        action = cluster.status.removesuffix("_IN_PROGRESS")
        cluster.status = f"{action}_COMPLETE"
        cluster.status_reason = None
        if action != "DELETE":
            self._build(cluster)
        cluster.save()

    def _build(self, cluster):
        for group in cluster.nodegroups:
            network = NETWORKS[group.role]
            group.node_addresses = [f"{network}.{number}" for number in range(1, group.node_count + 1)]
            group.status = cluster.status
            group.save()
        cluster.api_address = f"https://{NETWORKS['master']}.1:6443"
        cluster.coe_version = "v1.33.0"
        cluster.container_version = "2.1.0"

    def _unsupported(self, *args, **kwargs):
        """Orchestration asks for none of these; the service's base class has no answer to them either."""
        raise NotImplementedError

    upgrade_cluster = resize_cluster = _unsupported
    create_federation = update_federation = delete_federation = _unsupported
    create_nodegroup = update_nodegroup = delete_nodegroup = _unsupported
