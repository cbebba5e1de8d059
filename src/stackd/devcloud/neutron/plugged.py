"""What plug-ins add to Neutron: firewalls, VPNs, service function chains, taps and gateways."""

from __future__ import annotations

from stackd.devcloud.neutron import chains, edges, firewalls, taps, vpn

ALIASES = (
    "flow_classifier", "fwaas", "l2-gateway", "l2-gateway-connection", "network-gateway", "sfc", "taas",
    "taas-vlan-filter", "vpnaas",
)  # fmt: skip
COLLECTIONS = (
    *firewalls.COLLECTIONS,
    *vpn.COLLECTIONS,
    *chains.COLLECTIONS,
    *taps.COLLECTIONS,
    *edges.COLLECTIONS,
)
ROUTES = edges.ROUTES
